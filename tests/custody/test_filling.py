"""What the bench fills a log with is what the door would have taken, down to the last derived row."""

from typing import Any

import pytest

from deploy.bench.filling import NoRoom, append, check_room, portion, room_needed
from deploy.bench.forest import Registrar
from services.custody import operate
from services.custody.main import CustodySettings
from shared.refusal import Refusal
from shared.timber import norms
from tests.custody.conftest import Custody, genesis
from tests.custody.set_back import until


async def test_a_filled_log_is_sound_and_follows_from_its_entries(custody: Custody) -> None:
    await custody.log(*genesis(custody))
    registrar = Registrar(custody.keys.registrar, "registro")
    entries = portion("g1", 700, registrar) + portion("g2", 100, registrar)
    store = custody.app.state.custody.store

    for at in range(0, len(entries), 300):
        size = await append(store, entries[at : at + 300], norms.load())

    async def signed() -> Any:
        return (await custody.get("/healthz"))["signed_size"] == size

    await until(signed)
    await custody.stop()
    owner = CustodySettings(database_url=custody.database.owner_url).database_url
    sound, _ = await operate.check(custody.settings.model_copy(update={"database_url": owner}), deep=True)
    assert (sound.size, sound.signed_size) == (size, size)


async def test_what_the_rules_refuse_is_not_filled_in(custody: Custody) -> None:
    await custody.log(*genesis(custody))
    entries = portion("g1", 30, Registrar(custody.keys.registrar, "registro"))
    store = custody.app.state.custody.store

    with pytest.raises(Refusal):
        await append(store, entries[1:], norms.load())  # without the organisation
    size = await append(store, entries, norms.load())

    assert size == len(genesis(custody)) + len(entries)


def test_a_disk_that_is_too_small_is_known_before_anything_is_made(tmp_path: Any) -> None:
    assert "5,000 entries take about" in check_room(tmp_path, 5_000)
    assert room_needed(5_000_000) > 15e9
    with pytest.raises(NoRoom):
        check_room(tmp_path, 10**13)
