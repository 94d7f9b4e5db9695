"""Contracts as versions: written, signed by both, frozen, committed to in the log, amended by name."""

import asyncio
import hashlib
from base64 import urlsafe_b64decode
from typing import Any

import asyncpg
import orjson
import pytest

from services.contracts.domain.contract import ContractText, changed_parts
from shared.timber.commitment import opens
from tests.contracts.builders import LUPUNA, TORNILLO, Json, an_offer, pen, per_volume
from tests.contracts.conftest import BUYER, PATIENCE_S, Contracts

AS_BUYER: dict[str, Any] = {"role": "company", "org": BUYER}
SHA = "ab" * 32


def a_text(**more: Any) -> Json:
    """A year's sale at S/ 330 a cubic metre, half at the start and half in the middle."""
    return {
        "title": "Compraventa de madera, PC 01",
        "dated": "2026-07-01",
        "starts_on": "2026-07-01",
        "ends_on": "2027-06-30",
        "lines": [per_volume("330.00", "m3", "mean_of_ends", [TORNILLO])],
        "schedule": {"instalments": [
            {"due_on": "2026-08-01", "share_milli": 500}, {"due_on": "2027-01-01", "share_milli": 500},
        ]},
    } | more  # fmt: skip


def an_amendment(number: int, *changes: str, **more: Any) -> Json:
    return a_text(amends=number, changes=list(changes), reason="Acuerdo de las partes", **more)


async def a_contract(contracts: Contracts, **more: Any) -> str:
    return str((await contracts.post("/v1/contracts", an_offer(**more)))["id"])


async def written(contracts: Contracts, contract: str, text: Json | None = None, **who: Any) -> Json:
    made: Json = await contracts.post(f"/v1/contracts/{contract}/versions", text or a_text(), **who)
    return made


async def sign(contracts: Contracts, version: Json, expect: int = 201, **who: Any) -> Json:
    path = f"/v1/contracts/{version['contract']}/versions/{version['number']}/signatures"
    done: Json = await contracts.post(path, {"text_sha256": version["text_sha256"]}, expect, **who)
    return done


async def signed(contracts: Contracts, contract: str, text: Json | None = None, org: str = "comunidad-a") -> Json:
    """A version that both parties have signed."""
    version = await written(contracts, contract, text, org=org)
    await sign(contracts, version, org=org)
    return await sign(contracts, version, **AS_BUYER)


# --- the text -----------------------------------------------------------------------------------------------------


SHARES = {"instalments": [{"due_on": "2026-08-01", "share_milli": 500}, {"due_on": "2027-01-01", "share_milli": 499}]}
AMOUNTS = [{"due_on": "2026-08-01", "amount": pen("100.00")}, {"due_on": "2027-01-01", "amount": pen("200.01")}]
ANNEX = {"name": "Mapa", "sha256": SHA, "media_type": "application/pdf"}


@pytest.mark.parametrize(
    ("wrong", "right", "slug"),
    [
        ({"ends_on": "2026-06-30"}, {"ends_on": "2027-06-29"}, "dates-out-of-order"),
        ({"dated": "2027-07-01"}, {"dated": "2026-06-30"}, "dates-out-of-order"),
        ({"dated": "2026-08-02"}, {"dated": "2026-08-01"}, "dates-out-of-order"),
        (
            {"obligations": [{"of": "buyer", "what": "Camino", "due_on": "2027-07-01"}]},
            {"obligations": [{"of": "buyer", "what": "Camino", "due_on": "2027-06-30"}]},
            "dates-out-of-order",
        ),
        (
            {"schedule": {"instalments": SHARES["instalments"][::-1]}},
            {"schedule": {"instalments": [{"due_on": "2026-08-01", "share_milli": 1_000}]}},
            "schedule-does-not-sum",
        ),
        (
            {"schedule": {"instalments": [AMOUNTS[1] | {"due_on": "2027-02-01"}, AMOUNTS[0]], "total": pen("300.01")}},
            {"schedule": {"instalments": AMOUNTS, "total": pen("300.01")}},
            "dates-out-of-order",
        ),
        ({"schedule": SHARES}, {}, "schedule-does-not-sum"),
        (
            {"schedule": {"total": pen("300.00"), "instalments": AMOUNTS}},
            {"schedule": {"total": pen("300.01"), "instalments": AMOUNTS}},
            "schedule-does-not-sum",
        ),
        (
            {"schedule": {"total": {"amount": "300.01", "currency": "USD"}, "instalments": AMOUNTS}},
            {"schedule": {"total": pen("300.01"), "instalments": AMOUNTS}},
            "schedule-does-not-sum",
        ),
        (
            {"schedule": {"instalments": AMOUNTS}}, {"schedule": {"total": pen("300.01"), "instalments": AMOUNTS}},
            "malformed",
        ),
        (
            {"deductions": [{"kind": "hollow", "amount": pen("10.00")}]},
            {"deductions": [{"kind": "hollow", "amount": pen("10.00"), "formula": "pi/4 x d2 x L"}]},
            "hollow-without-formula",
        ),
        (
            {"annexes": [ANNEX, ANNEX | {"name": "Acta"}]},
            {"annexes": [ANNEX, ANNEX | {"name": "Acta", "sha256": "cd" * 32}]},
            "annex-twice",
        ),
        (
            {"annexes": [ANNEX, ANNEX | {"sha256": "cd" * 32}]}, {"annexes": [ANNEX]}, "annex-twice",
        ),
        (
            {"lines": [per_volume("330", "m3", "mean_of_ends", [TORNILLO]), per_volume("300", "m3", "mean_of_ends", [TORNILLO])]},
            {"lines": [per_volume("330", "m3", "mean_of_ends", [TORNILLO]), per_volume("300", "m3", "mean_of_ends", [LUPUNA])]},
            "malformed",
        ),
        (
            {"lines": [{k: v for k, v in per_volume("330", "m3", "mean_of_ends").items() if k != "rule"}]},
            {"lines": [per_volume("330", "m3", "mean_of_ends")]},
            "malformed",
        ),
        ({"changes": ["title"]}, {}, "malformed"),
    ],
)  # fmt: skip
async def test_a_text_that_contradicts_itself_is_refused_and_its_twin_is_kept(
    contracts: Contracts, wrong: Json, right: Json, slug: str
) -> None:
    contract = await a_contract(contracts)

    problem = await contracts.post(f"/v1/contracts/{contract}/versions", a_text(**wrong), 422)
    await contracts.post(f"/v1/contracts/{contract}/versions", a_text(**right), 201)

    assert problem["slug"] == slug
    assert problem["detail_es"] != problem["detail_en"]


# --- writing and signing ------------------------------------------------------------------------------------------


async def test_the_last_text_sent_again_is_the_version_that_is_there(contracts: Contracts) -> None:
    contract = await a_contract(contracts)
    first = await written(contracts, contract)

    again = await contracts.post(f"/v1/contracts/{contract}/versions", a_text(), 200, **AS_BUYER)
    other = await written(contracts, contract, a_text(title="Otra"), **AS_BUYER)

    assert again == first
    assert (first["number"], first["state"], other["number"]) == (1, "draft", 2)
    listed = await contracts.get(f"/v1/contracts/{contract}/versions")
    assert [(one["number"], one["state"]) for one in listed["items"]] == [(1, "superseded"), (2, "draft")]
    assert await contracts.get(f"/v1/contracts/{contract}/versions/2") == listed["items"][1]
    assert (await contracts.get(f"/v1/contracts/{contract}/versions/3", 404))["slug"] == "not-found"


async def test_a_version_is_frozen_and_enters_the_log_when_both_have_signed(contracts: Contracts) -> None:
    contract = await a_contract(contracts)
    version = await written(contracts, contract)

    half = await sign(contracts, version)
    again = await sign(contracts, version, 200)
    assert half == again
    assert (half["state"], half["sid"], len(half["signatures"])) == ("draft", None, 1)
    assert (await contracts.get(f"/v1/contracts/{contract}/versions/1/commitment", 404))["slug"] == "not-found"

    whole = await sign(contracts, version, **AS_BUYER)
    await contracts.published()

    assert [one["org"] for one in whole["signatures"]] == ["comunidad-a", BUYER]
    [statement] = contracts.log.log
    assert (statement["type"], statement["actor"]) == ("contract.committed", "trozalog")
    stands = await contracts.get(f"/v1/contracts/{contract}/versions/1")
    assert (stands["state"], stands["sid"]) == ("signed", contracts.log.sids[0])
    assert stands["log"] == {
        "state": "in_log",
        "origin": "trozalog.test/madre-de-dios/2026",
        "index": 0,
        "problem": None,
    }


async def test_the_commitment_opens_for_a_party_with_nothing_but_a_hash_function(contracts: Contracts) -> None:
    contract = await a_contract(contracts)
    await signed(contracts, contract)
    await contracts.published()

    opened = await contracts.get(f"/v1/contracts/{contract}/versions/1/commitment", **AS_BUYER)

    salt, document = urlsafe_b64decode(opened["salt"] + "="), opened["document"].encode()
    by_hand = hashlib.sha256(b"trozalog/v1/commitment\n" + salt + document).hexdigest()
    [statement] = contracts.log.log
    assert statement["body"] == {"commitment": by_hand}
    assert opens(opened["commitment"], salt, document)
    told = orjson.loads(document)
    assert told["text"]["lines"][0]["price"] == pen("330.00")
    assert (told["community"], told["buyer"], len(told["signatures"])) == ("comunidad-a", BUYER, 2)
    stranger = await contracts.get(f"/v1/contracts/{contract}/versions/1/commitment", 404, org="comunidad-b")
    assert stranger["slug"] == "not-found"


async def test_the_log_learns_neither_price_nor_parties_nor_which_contract(contracts: Contracts) -> None:
    contract = await a_contract(contracts)
    await signed(contracts, contract)
    await contracts.published()

    [statement] = contracts.log.log

    assert statement.keys() == {"type", "actor", "time", "nonce", "prev", "body"}
    assert (statement["actor"], statement["body"].keys()) == ("trozalog", {"commitment"})
    said = orjson.dumps(statement)
    assert not any(word in said for word in (b"330.00", b"comunidad", BUYER.encode(), contract.encode()))


async def test_one_text_signed_twice_has_two_commitments(contracts: Contracts) -> None:
    """Else whoever guesses the price can check the guess."""
    for title in ("Uno", "Dos"):
        await signed(contracts, await a_contract(contracts, title=title))
    await contracts.published()

    assert len({one["body"]["commitment"] for one in contracts.log.log}) == 2


async def test_who_signs_states_the_text_that_was_read(contracts: Contracts) -> None:
    version = await written(contracts, await a_contract(contracts))

    problem = await sign(contracts, version | {"text_sha256": SHA}, 409)

    assert problem["slug"] == "signs-another-text"
    await sign(contracts, version)


async def test_only_the_last_version_is_signed(contracts: Contracts) -> None:
    contract = await a_contract(contracts)
    first = await written(contracts, contract)
    await sign(contracts, first)
    second = await written(contracts, contract, a_text(title="Con otro título"), **AS_BUYER)

    problem = await sign(contracts, first, 409, **AS_BUYER)

    assert problem["slug"] == "version-superseded"
    assert (await sign(contracts, second, **AS_BUYER))["signatures"][0]["org"] == BUYER


async def test_two_who_sign_at_once_both_count_and_seal_once(contracts: Contracts) -> None:
    contract = await a_contract(contracts)
    version = await written(contracts, contract)

    await asyncio.gather(sign(contracts, version), sign(contracts, version, **AS_BUYER))
    await contracts.published()

    assert (await contracts.get(f"/v1/contracts/{contract}/versions/1"))["state"] == "signed"
    assert len(contracts.log.log) == 1


async def test_an_offer_without_a_buyer_becomes_no_contract(contracts: Contracts) -> None:
    alone = await a_contract(contracts, buyer=None)

    problem = await contracts.post(f"/v1/contracts/{alone}/versions", a_text(), 409)

    assert problem["slug"] == "no-counterpart"


async def test_a_machine_writes_and_does_not_sign(contracts: Contracts) -> None:
    version = await written(contracts, await a_contract(contracts), role="machine")

    assert (await sign(contracts, version, 403, role="machine"))["slug"] == "role-not-allowed"


# --- amending -----------------------------------------------------------------------------------------------------


async def test_an_amendment_names_the_signed_version_and_exactly_what_it_changes(contracts: Contracts) -> None:
    contract = await a_contract(contracts)
    await signed(contracts, contract)
    path = f"/v1/contracts/{contract}/versions"

    silent = await contracts.post(path, a_text(title="Otro"), 409)
    misnamed = await contracts.post(path, an_amendment(1, "title", volume_m3="100.000"), 409)
    half_named = await contracts.post(path, an_amendment(1, "title", title="Otro", volume_m3="100.000"), 409)
    right = await signed(contracts, contract, an_amendment(1, "volume_m3", "title", title="Otro", volume_m3="100.000"))
    await contracts.published()

    assert silent["slug"] == "amends-another-version"
    assert misnamed["slug"] == half_named["slug"] == "amendment-misnamed"
    assert misnamed["facts"] == {"named": "title", "changed": "volume_m3"}
    assert (right["number"], right["text"]["amends"]) == (2, 1)
    first, second = contracts.log.log
    assert (first["prev"], second["prev"]) == ([], [contracts.log.sids[0]])
    late = await contracts.post(path, an_amendment(1, "title", title="Tres"), 409)
    assert (late["slug"], late["facts"]["last"]) == ("amends-another-version", 2)


def test_what_changed_is_seen_in_every_part() -> None:
    before = ContractText.model_validate(a_text())
    after = ContractText.model_validate(a_text(late_interest={"annual_milli": 100}, annexes=[ANNEX]))

    assert changed_parts(before, after) == ["annexes", "late_interest"]
    assert changed_parts(before, ContractText.model_validate(an_amendment(1, "title"))) == []


# --- the way to the log -------------------------------------------------------------------------------------------


async def test_signing_does_not_wait_for_custody_and_what_is_lost_is_asked_again(contracts: Contracts) -> None:
    contracts.log.silent = True
    contract = await a_contract(contracts)
    waiting = await signed(contracts, contract)
    assert waiting["log"]["state"] == "pending"

    contracts.log.silent, contracts.log.loses_answers = False, 1
    await contracts.published()

    assert len(contracts.log.log) == 1
    assert (await contracts.get(f"/v1/contracts/{contract}/versions/1"))["log"]["index"] == 0


async def test_a_statement_that_the_log_refuses_is_shown_and_tried_again(contracts: Contracts) -> None:
    contracts.log.refuses = lambda _: True
    contract = await a_contract(contracts)
    await signed(contracts, contract)
    await contracts.published()
    refused = (await contracts.get(f"/v1/contracts/{contract}/versions/1"))["log"]
    assert (refused["state"], refused["problem"]["slug"]) == ("refused", "test-refusal")

    contracts.log.refuses = lambda _: False
    admin = await asyncpg.connect(contracts.database.admin_dsn)
    await admin.execute("UPDATE outbox SET next_attempt_at = now() - interval '1 day'")
    await admin.close()
    async with asyncio.timeout(PATIENCE_S):
        while not contracts.log.log:
            contracts.app.state.publisher.wake.set()
            await asyncio.sleep(0.02)
