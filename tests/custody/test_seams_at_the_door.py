"""Where a log ends and what it continues is said by its keeper alone, who does it in one step: no upload says it."""

import base64

import pytest

from shared.lot.verify import verify
from shared.timber.event import parse_entry
from shared.tlog.note import Signer
from tests.custody.conftest import ORIGIN, Custody, felling
from tests.custody.test_hand_over import NEXT, Open, into_2027, policy_of
from tests.custody.test_lots import sold


@pytest.mark.parametrize("who", ["registrar", "host"])
async def test_an_upload_neither_ends_a_log_nor_says_what_it_continues(
    ready: Custody, open_custody: Open, who: str
) -> None:
    await sold(ready)
    by = {"by": getattr(ready.keys, who), "actor": "registro" if who == "registrar" else "trozalog"}
    size = (await ready.get("/healthz"))["size"]
    closing = ready.entry("log.closed", {"next": NEXT, "vkey": Signer.generate(NEXT).verifier.vkey}, **by)
    seam = {"before": "elsewhere.test/x/2020", "size": size + 1, "root": "0" * 64, "checkpoint_sha256": "0" * 64}
    continuing = ready.entry("log.continued", seam, **by, prev=[parse_entry(closing).sid])

    told = await ready.send(closing, continuing, felling(ready, "509"))
    await ready.stop()
    again = await open_custody(ready)
    bundle = await again.bundle("LOT-1")

    assert [one["status"] for one in told] == ["refused", "refused", "logged"]
    assert {one["problem"]["slug"] for one in told[:2]} == {"keepers-word"}
    assert (await again.get("/v1/logs"))["logs"][0]["before"] == []
    assert verify(bundle, policy_of(again.keys.log)).outcome == "valid"


async def test_the_seam_that_the_keeper_wrote_is_answered_with_its_place_when_it_is_sent_again(
    ready: Custody, capsys: pytest.CaptureFixture[str], open_custody: Open
) -> None:
    new = await into_2027(ready, capsys, open_custody)
    feed = await new.get("/v1/records", type=["log.closed", "log.continued"])
    entries = [base64.b64decode(entry) for entry in feed["entries"]]

    assert await new.log(*entries) == feed["indices"]
    assert (await new.get("/v1/logs"))["logs"][0]["before"][0]["origin"] == ORIGIN
