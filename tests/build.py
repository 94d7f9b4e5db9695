"""Builders: each gives a valid, signed thing; a test states only what matters to it.

The default world is a community with one plan, a census of a few trees and a permit; ``founded()`` has logged all
that, and then fells, cuts and moves wood through the same door as custody.
"""

import hashlib
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.refusal import Refusal
from shared.timber import chain, norms
from shared.timber.bodies import possession
from shared.timber.event import Record, key_id, make_statement, parse_entry, sign, tree_item
from shared.timber.facts import Facts, Item, Line, dump, guide_key, line_key, past_of
from shared.timber.measure import mean_of_ends_dm3
from shared.timber.norms import Norms
from shared.timber.rules.outcome import Outcome, Outcomes
from shared.tlog.encoding import to_base64url

REGISTRY, HOST, COMMUNITY, OTHER, MILL, BUYER = (
    "registro", "trozalog", "comunidad-a", "comunidad-b", "aserradero-1", "comprador-1",
)  # fmt: skip
AUTHORITY, SUPERVISOR, CERTIFIER = "gerfor-md", "osinfor-md", "certifica-1"
KINDS = {
    REGISTRY: "authority", HOST: "operator", COMMUNITY: "community", OTHER: "community", MILL: "mill",
    BUYER: "company", AUTHORITY: "authority", SUPERVISOR: "supervisor",
}  # fmt: skip
CERTIFICATE = "CB-FM-COC-000001"
TITLE, PLAN, PERMIT, PARCEL = "CN-A-P-MAD-000", "CN-A.PO-19", "RGR-0000-2025", "PC 01"
SPECIES, OTHER_SPECIES, CITES_SPECIES = "Brosimum guianense", "Hymenaea oblongifolia", "Dipteryx micrantha"
HARVEST_FROM, HARVEST_TO, MOVE_TO = "2025-07-22", "2026-07-21", "2026-12-31"
FELLED_AT, CUT_AT, ISSUED_ON, EXPIRES_ON = "2025-08-04T15:00:00Z", "2025-09-04T15:00:00Z", "2025-09-13", "2025-09-28"
TODAY = "2025-09-13T15:00:00Z"


def a_key(name: str) -> Ed25519PrivateKey:
    """The key of this name: the same in every run."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"test key {name}".encode()).digest())


def kid_of(key: Ed25519PrivateKey) -> str:
    return key_id(key.public_key().public_bytes_raw())


def an_item(name: str) -> str:
    """The item id of this name (version 4 in form, the same in every run)."""
    return str(uuid.UUID(bytes=hashlib.sha256(f"test item {name}".encode()).digest()[:16], version=4))


def an_entry(kind: str, body: dict[str, Any], *, actor: str = COMMUNITY, by: Ed25519PrivateKey | None = None,
             time: str = FELLED_AT, **more: Any) -> bytes:  # fmt: skip
    """The signed entry of a statement; by default signed with the actor's phone."""
    return sign(make_statement(kind, actor, time, body, **more), by or a_key(actor))


def a_record(kind: str, body: dict[str, Any], **more: Any) -> Record:
    return parse_entry(an_entry(kind, body, **more))


TREE, LOG = tree_item(PLAN, PARCEL, "501"), an_item("501/A")


# ---- what registrars say


def an_act(kind: str, body: dict[str, Any], **more: Any) -> Record:
    """An act of authority, signed by the registrar."""
    return a_record(kind, body, **{"actor": REGISTRY, "by": a_key(REGISTRY), "time": "2025-07-22T12:00:00Z"} | more)


def an_organisation(org: str = COMMUNITY, kind: str | None = None) -> Record:
    return an_act("organisation.registered", {"id": org, "name": f"Nombre de {org}", "kind": kind or KINDS[org]})


def a_key_added(
    name: str, org: str | None = None, role: str = "device", *, replaces: str | None = None, proof: str | None = None,
    persons: tuple[str, str] | None = ("a1", "b2"), **more: Any,
) -> Record:  # fmt: skip
    """The key of this name, proposed and approved by two persons where the registrar adds it; signed by the registrar
    unless ``by`` says otherwise. ``replaces``: the name of the key it comes after, which then signs."""
    key = a_key(name)
    public = to_base64url(key.public_key().public_bytes_raw())
    body = {"kid": kid_of(key), "org": org or name, "public_key": public, "alg": "ed25519", "role": role}
    if replaces is not None:
        body["replaces"] = kid_of(a_key(replaces))
        more = {"by": a_key(replaces), "actor": org or name} | more
    body["proof"] = proof if proof is not None else to_base64url(key.sign(possession(body)))
    if persons is not None and role in ("root", "device") and "by" not in more:
        body |= {"proposed_by": persons[0], "approved_by": persons[1]}
    return an_act("key.added", body, **more)


def a_title(**body: Any) -> Record:
    title = {
        "number": TITLE,
        "org": COMMUNITY,
        "region": "Madre de Dios",
        "area_m2": 67_906_000,
        "polygon_sha256": "0" * 64,
    }
    return an_act("title.registered", title | body)


def a_tree(code: str = "501", species: str = SPECIES, **fields: Any) -> dict[str, Any]:
    """A tree as the census lists it; 80 cm and 18 m unless said otherwise: 5.881 m³."""
    tree = {"code": code, "species": species, "dbh_mm": 800, "height_mm": 18_000, "volume_dm3": 5_881}
    return tree | {"condition": "harvestable"} | fields


def a_census(trees: Iterable[dict[str, Any]], part: int = 1, parcel: str = PARCEL, plan: str = PLAN) -> Record:
    return an_act("census.listed", {"plan": plan, "part": part, "parcel": parcel, "trees": list(trees)})


def a_commitment(**body: Any) -> Record:
    said = {"plan": PLAN, "root": "0" * 64, "listing_root": "1" * 64, "trees": 3, "harvestable_dm3": 17_643}
    return an_act("census.committed", said | body)


def a_plan(**body: Any) -> Record:
    plan = {
        "id": PLAN, "title": TITLE, "number": "PO 19", "season": "2025", "resolution": "RGR-0000-2025",
        "parcels": [{"code": PARCEL, "area_m2": 14_000_000}], "form_factor_milli": 650, "harvest_from": HARVEST_FROM,
        "harvest_to": HARVEST_TO, "census": {"trees": 3, "parts": 1, "root": "0" * 64}, "submitted_by": "a1",
        "approved_by": "b2",
    }  # fmt: skip
    return an_act("plan.approved", plan | body)


def a_line(
    species: str = SPECIES, volume_dm3: int = 100_000, product: str = "roundwood", parcel: str = PARCEL
) -> dict[str, Any]:
    """A line of a permit or of a guide."""
    return {"parcel": parcel, "species": species, "product": product, "volume_dm3": volume_dm3}


def a_permit(lines: Iterable[dict[str, Any]] | None = None, **body: Any) -> Record:
    permit = {
        "number": PERMIT, "title": TITLE, "plan": PLAN, "holder": COMMUNITY, "harvest_from": HARVEST_FROM,
        "harvest_to": HARVEST_TO, "move_to": MOVE_TO, "proposed_by": "a1", "approved_by": "b2",
        "lines": list(lines) if lines is not None else [a_line(), a_line(OTHER_SPECIES)],
    }  # fmt: skip
    return an_act("permit.issued", permit | body)


def a_status_list(time: str = "2025-09-13T06:00:00Z", **body: Any) -> Record:
    return an_act("status.listed", {"as_of": time[:10], "permits": 1, "suspended": [], "revoked": []} | body, time=time)


def a_status_change(kind: str, time: str = "2025-08-20T12:00:00Z", number: str = PERMIT) -> Record:
    return an_act(kind, {"number": number, "reason": "Medida de prueba", "by": "b2"}, time=time)


def an_inspection(volume_dm3: int = 5_881, number: str = "INF-1", **body: Any) -> Record:
    inspection = {
        "number": number, "plan": PLAN, "parcel": PARCEL, "inspector": SUPERVISOR, "trees_sampled": 1,
        "trees_absent": 0, "volume_dm3": volume_dm3,
    }  # fmt: skip
    return an_act("inspection.reported", inspection | body)


def a_book(actor: str = AUTHORITY, *, signed_by: Ed25519PrivateKey | None = None, **body: Any) -> Record:
    """A version of a price book, published; through the registrar unless ``signed_by`` says otherwise."""
    book = {
        "book": "reports-madre-de-dios", "version": 1, "region": "madre-de-dios", "as_of": "2025-09-01",
        "sha256": "0a" * 32, "publisher": actor, "by": "u1",
    }  # fmt: skip
    return a_record("price_book.published", book | body, actor=actor, by=signed_by or a_key(REGISTRY))


def a_finding(subject: str, severity: str = "S3", *, actor: str = SUPERVISOR, **body: Any) -> Record:
    """What a supervisor saw, through the registrar unless ``by`` says otherwise."""
    by = body.pop("signed_by", a_key(REGISTRY))
    finding = {"subject": subject, "org": COMMUNITY, "severity": severity, "text": "No hay tocón", "by": "c3"}
    return a_record("finding.raised", finding | body, actor=actor, by=by, time="2025-10-01T12:00:00Z")


def a_certificate(*members: str, actor: str = CERTIFIER, **body: Any) -> Record:
    """COMMUNITY's group, valid in 2025 and 2026. Its certification body is not among the parties of the default world."""
    return an_act("certificate.registered", {
        "number": CERTIFICATE, "code": "CB-FM/COC-000001", "scheme": "fsc", "scope": "fm_coc", "holder": COMMUNITY,
        "valid_from": "2025-01-01", "valid_to": "2026-12-31",
        "members": [{"org": member, "from": "2025-01-01"} for member in members], "by": "c4",
    } | body, actor=actor)  # fmt: skip


def a_certificate_act(kind: str, actor: str = CERTIFIER, **body: Any) -> Record:
    """What the certification body says of that certificate, or with ``member`` of one member."""
    said = {"number": CERTIFICATE, "reason": "Auditoría", "by": "c4"}
    return an_act(f"certificate.{kind}", said | body, actor=actor)


def a_resolution(record: Record, rule: str, /, *, actor: str = SUPERVISOR, **body: Any) -> Record:
    """A supervisor's answer to a finding, through the registrar unless ``signed_by`` says otherwise."""
    by = body.pop("signed_by", a_key(REGISTRY))
    resolution = {
        "record": record.sid, "rule": rule, "reason": "Verificado en campo", "evidence_sha256": "e" * 64, "by": "c3",
    }  # fmt: skip
    return a_record("finding.resolved", resolution | body, actor=actor, by=by, time="2025-10-02T12:00:00Z")


# ---- what happens in the forest


def measures(
    large_mm: int = 750, small_mm: int = 720, length_mm: int = 13_300, species: str = SPECIES
) -> dict[str, Any]:
    """Species, ends, length and the official volume they give: 5.643 m³ unless said otherwise."""
    return {
        "species": species, "diameter_large_mm": large_mm, "diameter_small_mm": small_mm, "length_mm": length_mm,
        "volume_dm3": mean_of_ends_dm3(large_mm, small_mm, length_mm),
    }  # fmt: skip


def a_felling(code: str = "501", *, time: str = FELLED_AT, actor: str = COMMUNITY, **body: Any) -> Record:
    plan, parcel = body.get("plan", PLAN), body.get("parcel", PARCEL)
    felling = {"item": tree_item(plan, parcel, code), "permit": PERMIT, "plan": plan, "parcel": parcel, "tree": code}
    return a_record("tree.felled", felling | measures() | body, time=time, actor=actor)


def a_section(code: str = "501/A", **body: Any) -> dict[str, Any]:
    """A log cut from a tree: 0.70/0.71/13.3, 5.192 m³ unless said otherwise."""
    return {"item": an_item(code), "code": code, "branch": False} | measures(700, 710, 13_300) | body


def a_cut(
    *sections: dict[str, Any], tree: str = "501", time: str = CUT_AT, actor: str = COMMUNITY, **body: Any
) -> Record:
    cut = {"source": tree_item(PLAN, PARCEL, tree), "permit": PERMIT, "parcel": PARCEL}
    return a_record(
        "log.cut", cut | {"sections": list(sections) or [a_section(f"{tree}/A")]} | body, time=time, actor=actor
    )


def a_move(*items: str, actor: str = COMMUNITY) -> Record:
    return a_record("log.moved", {"items": list(items), "place": "Patio 1"}, time=CUT_AT, actor=actor)


# ---- what travels


def a_guide(number: str = "017-0001426", logs: Iterable[dict[str, Any]] | None = None, *, form: str = "official",
            actor: str = COMMUNITY, time: str = "2025-09-13T12:00:00Z", **body: Any) -> Record:  # fmt: skip
    """A guide of these sections (501/A unless said otherwise), with the lines they add up to. ``None`` drops a field."""
    logs = [a_section()] if logs is None else list(logs)
    guide = {
        "guide": number, "form": form, "permit": PERMIT, "addressee": MILL, "issued_on": ISSUED_ON,
        "expires_on": EXPIRES_ON, "lines": lines_of(logs),
        "items": [{"item": log["item"], "volume_dm3": log["volume_dm3"]} for log in logs],
    }  # fmt: skip
    whole = {name: value for name, value in (guide | body).items() if value is not None}
    return a_record("guide.issued", whole, actor=actor, time=time)


def lines_of(logs: Iterable[dict[str, Any]], parcel: str = PARCEL) -> list[dict[str, Any]]:
    """The lines of a guide that carries these sections."""
    totals: dict[tuple[str, str], int] = {}
    for log in logs:
        group = log["species"], log.get("product", "branch_firewood" if log.get("branch") else "roundwood")
        totals[group] = totals.get(group, 0) + log["volume_dm3"]
    return [a_line(species, volume, product, parcel) for (species, product), volume in totals.items()]


def a_departure(
    number: str = "017-0001426", at: str = "2025-09-14T08:00:00Z", *, form: str = "official", actor: str = COMMUNITY
) -> Record:
    return a_record("guide.departed", {"guide": number, "form": form, "at": at}, time=at, actor=actor)


def a_check(
    number: str = "017-0001426", at: str = "2025-09-15T08:00:00Z", *, form: str = "official", actor: str = AUTHORITY
) -> Record:
    body = {"guide": number, "form": form, "at": at, "control_post": "Puesto Iñapari"}
    return a_record("guide.checked", body, time=at, actor=actor)


def a_reception(number: str = "017-0001426", volume_dm3: int = 5_192, at: str = "2025-09-16T08:00:00Z", *,
                form: str = "official", actor: str = MILL, **body: Any) -> Record:  # fmt: skip
    whole = {"guide": number, "form": form, "at": at, "volume_dm3": volume_dm3} | body
    return a_record("guide.received", whole, time=at, actor=actor)


def a_voiding(number: str = "017-0001426", *, form: str = "official", actor: str = COMMUNITY) -> Record:
    body = {"guide": number, "form": form, "reason": "Error de escritura"}
    return a_record("guide.voided", body, time="2025-09-13T13:00:00Z", actor=actor)


# ---- what mills and sellers do


def an_output(
    name: str = "tablas", species: str = SPECIES, volume_dm3: int = 2_500, product: str = "sawn", **body: Any
) -> dict[str, Any]:
    return {"item": an_item(name), "product": product, "species": species, "volume_dm3": volume_dm3} | body


def a_sawing(
    inputs: Iterable[str], *outputs: dict[str, Any], actor: str = MILL, time: str = "2025-09-20T08:00:00Z", **body: Any
) -> Record:
    whole = {"inputs": list(inputs), "outputs": list(outputs) or [an_output()]} | body
    return a_record("mill.processed", whole, actor=actor, time=time)


def a_lot(items: Iterable[str], lot: str = "L-1", *, actor: str = MILL, time: str = "2025-09-21T08:00:00Z") -> Record:
    return a_record("lot.composed", {"lot": lot, "items": list(items)}, actor=actor, time=time)


def a_sale(
    lot: str = "L-1", buyer: str = BUYER, *, actor: str = MILL, time: str = "2025-09-22T08:00:00Z", **body: Any
) -> Record:
    return a_record("lot.sold", {"lot": lot, "buyer": buyer} | body, actor=actor, time=time)


# ---- a log in memory


@dataclass
class Log:
    """A log in memory with the facts of all that was admitted."""

    norms: Norms = field(default_factory=norms.load)
    facts: Facts = field(default_factory=Facts)
    records: list[Record] = field(default_factory=list)
    outcomes: list[tuple[int, Outcome]] = field(default_factory=list)

    def admit(self, *records: Record, today: str | None = TODAY) -> Outcomes:
        """Log these records; the outcomes of the last one."""
        outcomes = Outcomes()
        for record in records:
            index = len(self.records)
            outcomes = chain.admit(record, index, self.facts, self.norms, today)
            self.outcomes += [(index, outcome) for outcome in (*outcomes, *outcomes.passed)]
            self.facts.preload([past_of(record, index)])
            self.records.append(record)
        return outcomes

    def line(
        self, species: str = SPECIES, product: str = "roundwood", parcel: str = PARCEL, permit: str = PERMIT
    ) -> Line:
        line = self.facts.find(Line, line_key(permit, parcel, species, product))
        assert line is not None
        return line

    def item(self, id_: str) -> Item:
        item = self.facts.find(Item, f"item:{id_}")
        assert item is not None
        return item

    def guide_state(self, number: str = "017-0001426", form: str = "official") -> str:
        state: str = self.facts.get(guide_key(form, number)).state
        return state


def foundation(
    trees: Iterable[dict[str, Any]] | None = None, lines: Iterable[dict[str, Any]] | None = None,
    **elsewhere: list[dict[str, Any]],
) -> list[Record]:  # fmt: skip
    """Registrar, organisations and their phones, title, plan, census, permit: in the order they are logged.
    ``elsewhere``: trees of other parcels, as ``PC_02=[...]``."""
    listed = list(trees) if trees is not None else [a_tree("501"), a_tree("502"), a_tree("503")]
    parts = [(PARCEL, listed[n : n + 100]) for n in range(0, len(listed), 100)]
    parts += [(parcel.replace("_", " "), more) for parcel, more in elsewhere.items()]
    census = {"trees": sum(len(part) for _, part in parts), "parts": len(parts), "root": "0" * 64}
    return [
        a_key_added(REGISTRY, role="registrar"),
        *(an_organisation(org) for org in KINDS),
        a_key_added(HOST, role="host"),
        *(a_key_added(org) for org in KINDS if org not in (REGISTRY, HOST)),
        a_title(), a_plan(census=census),
        *(a_census(part, number, parcel) for number, (parcel, part) in enumerate(parts, 1)),
        a_permit(lines), a_status_list(),
    ]  # fmt: skip


def founded(
    trees: Iterable[dict[str, Any]] | None = None, lines: Iterable[dict[str, Any]] | None = None,
    **elsewhere: list[dict[str, Any]],
) -> Log:  # fmt: skip
    """A log in which the permit stands and nothing is felled yet."""
    log = Log()
    log.admit(*foundation(trees, lines, **elsewhere))
    return log


def with_log(trees: Iterable[dict[str, Any]] | None = None, lines: Iterable[dict[str, Any]] | None = None) -> Log:
    """The same with tree 501 felled and its log 501/A cut."""
    log = founded(trees, lines)
    log.admit(a_felling(), a_cut())
    return log


def delivered(*logs: dict[str, Any]) -> Log:
    """The same with the logs of tree 501 received by the mill, with an official guide."""
    logs = logs or (a_section(),)
    log = founded(lines=[a_line(), a_line(OTHER_SPECIES), a_line(CITES_SPECIES)])
    log.admit(a_felling(species=logs[0]["species"]), a_cut(*logs), a_guide(logs=logs), a_departure(), a_reception())
    return log


def snapshot(log: Log) -> dict[str, bytes]:
    """Every fact of a log as it would be stored."""
    return {key: dump(doc) for key, doc in log.facts.items()}


def refused(log: Log, record: Record, today: str | None = TODAY) -> Refusal:
    """The refusal of a record, having made sure that it left no trace and speaks both languages."""
    before = snapshot(log)
    log.facts.settle()
    with pytest.raises(Refusal) as caught:
        log.admit(record, today=today)
    assert (snapshot(log), log.facts.dirty) == (before, set())
    assert caught.value.text("es") != caught.value.text("en")
    return caught.value


def the(rule: str, outcomes: Outcomes) -> Outcome:
    """The one outcome of a rule that did not pass."""
    [found] = [outcome for outcome in outcomes if outcome.rule == rule]
    return found


def failures(outcomes: Iterable[Outcome]) -> list[tuple[str, str]]:
    """Rule and severity of what failed."""
    return [(outcome.rule, outcome.severity) for outcome in outcomes if outcome.status == "FAIL"]


def unevaluated(outcomes: Iterable[Outcome]) -> list[str]:
    return [outcome.rule for outcome in outcomes if outcome.status == "NOT_EVALUATED"]


def passes(outcomes: Outcomes) -> list[str]:
    return [outcome.rule for outcome in outcomes.passed]
