"""A lot and its proof file, from custody's door to the offline verifier."""

import uuid

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.custody.lineage.gathering import bundle_of, records_of_lot
from shared.lot.verify import verify
from shared.timber.event import key_id
from shared.tlog.policy import Policy
from tests.custody.conftest import (
    PERMIT,
    SPECIES,
    Custody,
    cut,
    felling,
    genesis,
    key_added,
    log_id,
    permit_acts,
    status_list,
)
from tests.custody.test_guides import LOG_DM3, guide, now

SAWN = str(uuid.uuid5(uuid.NAMESPACE_URL, "test:sawn"))
LATER = "2026-11-06T12:00:00Z"


def policy(custody: Custody) -> Policy:
    return Policy.parse(f"log {custody.keys.log.verifier.vkey}\nquorum none\n".encode())


async def sold(custody: Custody, lot: str = "LOT-1", code: str = "501", species: str = SPECIES) -> bytes:
    """From the stump to a sold lot of sawn wood; the bundle."""
    mill = {"by": custody.keys.mill, "actor": "aserradero-1", "time": LATER}
    received = {"guide": f"G-{code}", "form": "own", "at": LATER, "volume_dm3": LOG_DM3}
    milled = {
        "inputs": [log_id(f"{code}/A")],
        "outputs": [{"item": SAWN, "product": "sawn", "species": species, "volume_dm3": 2700}],
        "stock": [{"species": species, "opening_dm3": 0, "in_dm3": LOG_DM3, "consumed_dm3": LOG_DM3, "closing_dm3": 0}],
    }
    await custody.log(
        felling(custody, code), cut(custody, code), status_list(custody, now()), guide(custody, f"G-{code}", [f"{code}/A"]),
        custody.entry("guide.departed", {"guide": f"G-{code}", "form": "own", "at": "2026-11-04T12:00:00Z"},
                      time="2026-11-04T12:00:00Z"),
        custody.entry("guide.received", received, **mill), custody.entry("mill.processed", milled, **mill),
        custody.entry("lot.composed", {"lot": lot, "items": [SAWN]}, **mill),
        custody.entry("lot.sold", {"lot": lot, "buyer": "comprador-1"}, **mill),
    )  # fmt: skip
    bundle: bytes = await custody.bundle(lot)
    return bundle


async def test_a_lot_sold_by_the_rules_verifies_offline(ready: Custody) -> None:
    report = verify(await sold(ready), policy(ready))

    assert report.exit_code == 0
    assert report.verdict is not None
    assert report.verdict.word == "CONSISTENT"


async def test_the_same_lot_and_checkpoint_give_the_same_bytes(ready: Custody) -> None:
    first = await sold(ready)

    assert await ready.bundle("LOT-1") == first


async def test_a_file_stands_under_no_checkpoint_beyond_the_records_it_holds(ready: Custody) -> None:
    """Witnesses answer another process while the records are gathered here: their checkpoint covers the sale, too."""
    await sold(ready)
    running = ready.app.state.custody
    async with running.store.snapshot() as tx:
        size = (await tx.head()).size
        signed = await running.signed(size)
        records = await records_of_lot(tx, "LOT-1", size)
    told = ready.act(
        "key.revoked", {"kid": key_id(ready.keys.mill.public_key().public_bytes_raw()), "reason": "Robada"}
    )
    await ready.send(told, wait="inclusion")
    later = await running.signed(size + 1)

    async with running.store.snapshot() as tx:
        under = [verify(await bundle_of(tx, "LOT-1", records, signed, witnessed), policy(ready)).checkpoint
                 for witnessed in (None, signed, later)]  # fmt: skip

    assert [one and one.size for one in under] == [size] * 3


async def test_a_lot_names_the_guides_that_its_wood_travelled_on_when_asked(ready: Custody) -> None:
    await sold(ready)

    plain = (await ready.http.get("/v1/lots/LOT-1")).json()
    asked = (await ready.http.get("/v1/lots/LOT-1", params={"travelled": "true"})).json()

    assert "guides" not in plain
    assert asked["guides"] == [
        {
            "number": "G-501", "form": "own", "state": "received", "issuer": "comunidad-a", "addressee": "aserradero-1",
            "issued_on": asked["guides"][0]["issued_on"], "departed_at": "2026-11-04T12:00:00Z", "received_at": LATER,
        }
    ]  # fmt: skip
    assert {name: asked[name] for name in ("lot", "items", "logs")} == {
        name: plain[name] for name in ("lot", "items", "logs")
    }


async def test_a_lot_of_another_species_than_the_census_is_to_review(custody: Custody) -> None:
    await custody.log(*genesis(custody), *permit_acts(custody, ["501"]))
    other = felling(custody, "501", species="Hymenaea oblongifolia")

    [result] = await custody.send(other)

    assert "C05" in {finding["rule"] for finding in result["findings"]}


async def test_a_line_overdrawn_by_others_before_shows_in_the_lot(custody: Custody) -> None:
    await custody.log(*genesis(custody), *permit_acts(custody, ["501", "502"], volume_dm3=LOG_DM3))
    await custody.log(felling(custody, "502"), cut(custody, "502"), guide(custody, "017-1", ["502/A"], form="official"))
    await custody.log(felling(custody, "501"), cut(custody, "501"), guide(custody, "017-2", ["501/A"], form="official"))
    await custody.log(custody.entry("lot.composed", {"lot": "LOT-2", "items": [log_id("501/A")]}, time=LATER))

    report = verify(await custody.bundle("LOT-2"), policy(custody))

    assert report.exit_code == 3
    assert report.verdict is not None
    assert "B01" in {finding.rule for finding in report.verdict.findings}


@pytest.mark.parametrize("path", ["/v1/lots/LOT-1", "/v1/lots/LOT-1/bundle"])
async def test_anybody_may_read_a_lot(ready: Custody, path: str) -> None:
    await sold(ready)

    assert (await ready.http.get(path)).status_code == 200


async def test_a_lot_names_the_logs_and_trees_it_was_made_of(ready: Custody) -> None:
    await sold(ready)

    lot = await ready.get("/v1/lots/LOT-1")

    assert [item["id"] for item in lot["items"]] == [SAWN]
    assert [log["code"] for log in lot["logs"]] == ["501/A"]
    assert [tree["code"] for tree in lot["trees"]] == ["501"]
    assert lot["lot"]["buyer"] == "comprador-1"
    assert lot["lot"]["id"] == "LOT-1"
    assert PERMIT in {tree["permit"] for tree in lot["trees"]}


async def test_a_buyer_may_use_what_was_bought(ready: Custody) -> None:
    await sold(ready, code="501")
    buyer = Ed25519PrivateKey.generate()
    await ready.log(ready.act("key.added", key_added(buyer, "comprador-1", "device")))
    by = {"by": buyer, "actor": "comprador-1", "time": LATER}

    await ready.log(ready.entry("lot.composed", {"lot": "LOT-9", "items": [SAWN]}, **by))
    await ready.log(ready.entry("lot.sold", {"lot": "LOT-9", "buyer": "comunidad-b"}, **by))

    assert (await ready.get("/v1/lots/LOT-9"))["lot"]["buyer"] == "comunidad-b"
