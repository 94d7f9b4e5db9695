"""Writing: signed records, and statements signed here for members without a device."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import Query, Request, Response
from starlette.types import Scope

from services.custody import tiles
from services.custody.api.custody import Custody, CustodyDep, base64_text, json_answer, proven
from services.custody.committer import Receipt
from services.custody.intake import Checked, check
from services.custody.private import disclosures
from services.custody.private.hidden import Hidden, hide, is_pseudonym
from services.custody.private.vault import DataKey
from services.custody.schemas import BatchAnswer, StatementIn, StatementsIn
from services.custody.store import SignedHead
from shared.refusal import Malformed, Missing, Refusal
from shared.timber import refusals
from shared.timber.event import Record, key_id, make_statement, parse_entry, sign
from shared.timber.facts import Facts, Key, Organisation
from shared.timber.upload import HEADER_START
from shared.web.access import GrantDep
from shared.web.app import Router
from shared.web.problems import answer, describe

router = Router(tags=["records"])

MOST = 500
NDJSON = "application/x-ndjson"
FIRST_USE_S = 1.0
SecondUse = refusals.AlreadySpent | refusals.AlreadyDone
Wait = Annotated[
    Literal["inclusion"] | None, Query(description="`inclusion`: answer when a signed checkpoint covers the records")
]
BODY = {
    "requestBody": {
        "required": True,
        "description": (
            "One signed entry as JSON, or 1 to 500 as lines of NDJSON; canonical bytes either way. Or an upload signed "
            'once: a first line `{"kid":..,"sig":..,"size":N}`, and N (2 to 500) statements, a line each.'
        ),
        "content": {"application/json": {"schema": {"type": "object"}}, NDJSON: {"schema": {"type": "string"}}},
    }
}


@router.post("/v1/records", responses={200: {"model": BatchAnswer}, 201: {"model": BatchAnswer}}, openapi_extra=BODY)
async def add_records(request: Request, custody: CustodyDep, wait: Wait = None) -> Response:
    """Appends signed records. Who may say what follows from the signature, so anyone with the right to upload may
    carry the records of others. May be repeated: a record that stands is answered with its first index."""
    body = await request.body()
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != NDJSON:
        return await _add_one(request.scope, custody, body, wait)
    lines = body.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    records = len(lines) - lines[0].startswith(HEADER_START) if lines else 0
    if not 1 <= records <= MOST:
        raise Malformed("body", f"{records} records; 1 to {MOST} may come at once")
    checked = await check(lines, custody.ring)
    return json_answer(await _answer(custody, await _append(custody, checked), wait))


async def _add_one(scope: Scope, custody: Custody, body: bytes, wait: str | None) -> Response:
    [checked] = await check([body], custody.ring)
    if isinstance(checked, Refusal):
        raise checked
    [receipt] = await custody.committer.append([checked])
    if receipt.refusal is not None:
        signed = await _covering(custody, [receipt])
        return answer(scope, receipt.refusal, **await _first_use(custody, receipt.refusal, signed))
    return json_answer(await _answer(custody, [receipt], wait), 201 if receipt.new else 200)


@router.post("/v1/statements", responses={200: {"model": BatchAnswer}})
async def add_statements(body: StatementsIn, custody: CustodyDep, grant: GrantDep, wait: Wait = None) -> Response:
    """Signs statements of the caller's organisation with the key custody holds for it, and appends them. Their private
    fields are kept here, encrypted; the log holds their digests. Without a `nonce` the same statement is the same record,
    so an upload may be repeated."""
    org = grant.known.org
    private, enrolment = await _hosted_key(custody, org)
    keys = await _data_keys(custody, org, body.statements)
    checked, hidden = await asyncio.to_thread(_signed, body.statements, org, private, keys)
    if enrolment is not None:
        [receipt] = await custody.committer.append([enrolment])
        if receipt.refusal is not None and not isinstance(receipt.refusal, refusals.IdTaken):
            raise receipt.refusal
    told = await _append(custody, checked)
    if keys:
        await _keep(custody, org, told, hidden)
    return json_answer(await _answer(custody, told, wait))


def _signed(
    statements: Sequence[StatementIn], org: str, private: Ed25519PrivateKey, keys: Mapping[str, DataKey]
) -> tuple[list[Checked], list[Hidden]]:
    """The records of these statements, and the private fields of each."""
    signed: list[Checked] = []
    hidden = [Hidden()] * len(statements)
    for at, one in enumerate(statements):
        try:
            hidden[at] = hide(one, org, keys)
            statement = make_statement(one.type, org, one.time, one.body, one.prev, one.nonce, sd=hidden[at].sd)
            record = parse_entry(sign(statement, private))
            record.checked.update(kid for kid, _ in record.signatures)
            signed.append(record)
        except Refusal as refusal:
            signed.append(refusal)
    return signed, hidden


async def _data_keys(custody: Custody, org: str, statements: Sequence[StatementIn]) -> dict[str, DataKey]:
    """The keys for the private fields of these statements; none when they have none."""
    if not any(one.private for one in statements):
        return {}
    persons = {person for one in statements for person in one.persons.values() if is_pseudonym(person)}
    async with custody.store.transaction() as tx:
        return await disclosures.keys_of(tx, custody.wrapping, org, persons)


async def _keep(custody: Custody, org: str, told: Sequence[Receipt | Refusal], hidden: Sequence[Hidden]) -> None:
    """Keeps the private fields of what was logged. Before the answer: whoever hears of a record finds its fields, and
    whoever does not hear sends the statement again."""
    fields = [
        field
        for receipt, fields in zip(told, hidden, strict=True)
        if isinstance(receipt, Receipt) and receipt.refusal is None
        for field in fields.of_record(receipt.sid)
    ]
    async with custody.store.transaction() as tx:
        await disclosures.keep(tx, custody.wrapping, custody.first_origin, org, fields)


async def _hosted_key(custody: Custody, org: str) -> tuple[Ed25519PrivateKey, Record | None]:
    """The key held for the organisation, made at first use; with its enrolment while the log has none."""
    facts = Facts()
    async with custody.store.transaction() as tx:
        await tx.load_facts([f"org:{org}"], facts)
        if facts.find(Organisation, f"org:{org}") is None:
            raise Missing("organisation", org)
        held = await tx.hosted_key(org)
        if held is None:
            fresh = Ed25519PrivateKey.generate()
            kid = key_id(fresh.public_key().public_bytes_raw())
            await tx.add_hosted_key(org, kid, custody.host.seal(org, fresh, os.urandom(12)))
            held = await tx.hosted_key(org)
        assert held is not None
        await tx.load_facts([f"key:{held[0]}"], facts)
    private = custody.host.unseal(org, held[1])
    if facts.find(Key, f"key:{held[0]}") is not None:
        return private, None
    return private, custody.host.enrolment(org, private, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))


async def _append(custody: Custody, checked: list[Checked]) -> list[Receipt | Refusal]:
    records = [one for one in checked if isinstance(one, Record)]
    receipts = iter(await custody.committer.append(records) if records else [])
    return [next(receipts) if isinstance(one, Record) else one for one in checked]


async def _answer(custody: Custody, told: list[Receipt | Refusal], wait: str | None) -> dict[str, Any]:
    covering = await _covering(custody, told)
    results = [await _result(custody, one, covering) for one in told]
    whole: dict[str, Any] = {"origin": custody.origin, "results": results}
    indices = [result["index"] for result in results if "index" in result]
    if wait == "inclusion" and indices:
        signed = await custody.signed(max(indices) + 1)
        async with custody.store.snapshot() as tx:
            for result in results:
                if "index" in result:
                    proof = await tiles.inclusion(tx, result["index"], signed.size)
                    result["proof"] = [base64_text(part) for part in proof]
        whole["checkpoint"] = signed.note.decode()
    return whole


async def _result(custody: Custody, one: Receipt | Refusal, signed: SignedHead | None) -> dict[str, Any]:
    refusal = one if isinstance(one, Refusal) else one.refusal
    if refusal is None:
        assert isinstance(one, Receipt)
        return {
            "sid": one.sid,
            "status": "logged",
            "index": one.index,
            "findings": [orjson.Fragment(doc) for doc in one.findings],
        }
    problem = describe(refusal) | await _first_use(custody, refusal, signed)
    result = {"status": "refused", "problem": problem}
    return result if isinstance(one, Refusal) else {"sid": one.sid, **result}


async def _covering(custody: Custody, told: Sequence[Receipt | Refusal]) -> SignedHead | None:
    """The checkpoint over the first uses that these answers tell of, waited for once; else the newest over some of them."""
    refused = [one if isinstance(one, Refusal) else one.refusal for one in told]
    firsts = [one.first_index for one in refused if isinstance(one, SecondUse)]
    if not firsts:
        return None
    return await custody.within(max(firsts) + 1, FIRST_USE_S) or custody.published.covering(min(firsts) + 1)


async def _first_use(custody: Custody, refusal: Refusal, signed: SignedHead | None) -> dict[str, Any]:
    """A refused second use carries the first one with its proof, so that both sides hold the same evidence. Where no
    checkpoint covers the first one yet, its index and sid in the problem must do."""
    if not isinstance(refusal, SecondUse) or signed is None or signed.size <= refusal.first_index:
        return {}
    async with custody.store.snapshot() as tx:
        return {"first": await proven(custody, tx, refusal.first_index, signed)}
