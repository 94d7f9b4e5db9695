"""What a log promised while things were being killed, and whether it kept it."""

from dataclasses import dataclass, field
from typing import Any

from services.custody.operate import check
from shared.timber.event import parse_entry
from shared.tlog.checkpoint import Checkpoint, parse
from shared.tlog.merkle import leaf_hash, root_of
from shared.tlog.note import open_note
from tests.custody.conftest import Custody
from tests.custody.set_back import rows


@dataclass
class Promises:
    """Every record acknowledged with its index, every checkpoint that anybody was shown."""

    acknowledged: dict[str, int] = field(default_factory=dict)
    shown: dict[int, Checkpoint] = field(default_factory=dict)

    def answered(self, results: list[dict[str, Any]]) -> None:
        """An upload was acknowledged. A repetition must name the same indices."""
        for result in results:
            assert result["status"] == "logged", result
            assert self.acknowledged.setdefault(result["sid"], result["index"]) == result["index"]

    def saw(self, custody: Custody, note: bytes) -> Checkpoint:
        """A checkpoint was shown. Its signature must be the log's, and one size has one root."""
        signed = parse(open_note(note, [custody.keys.log.verifier]).text)
        assert self.shown.setdefault(signed.size, signed) == signed
        return signed

    async def kept(self, custody: Custody) -> None:
        """Every acknowledged record at its index, no gap, each once; every checkpoint shown is of this one history; the
        database, what is derived in it and what lies outside it fit each other."""
        entries = [body for (body,) in await rows(custody, "SELECT body FROM entry ORDER BY idx")]
        index = {parse_entry(body).sid: place for place, body in enumerate(entries)}
        assert len(index) == len(entries)
        assert {sid: index.get(sid) for sid in self.acknowledged} == self.acknowledged
        for signed in self.shown.values():
            assert root_of(map(leaf_hash, entries[: signed.size])) == signed.root
        owner = type(custody.settings)(database_url=custody.database.owner_url).database_url
        sound, outside = await check(custody.settings.model_copy(update={"database_url": owner}), deep=True)
        assert sound.size == len(entries)
        assert {one.checkpoint.size for one in outside.published} == {max(self.shown)}
