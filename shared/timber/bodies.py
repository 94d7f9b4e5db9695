"""The table of record types: which fields each body has. Unknown types and unknown fields are refused."""

import hashlib
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from shared.timber import fields as f
from shared.timber.fields import Check, Fault, fields, listing
from shared.tlog import canon
from shared.tlog.ed25519 import checked_key

ORG_KINDS = (
    "community", "community_enterprise", "consortium", "regent_firm", "authority", "supervisor", "certifier", "company",
    "mill", "operator", "federation", "third_party", "carrier", "community_monitor", "programme",
)  # fmt: skip
PLAN_KINDS = ("PGMF", "PMFI", "DEMA", "PO")
KEY_ROLES = ("registrar", "host", "root", "device", "hosted")
CONDITIONS = ("harvestable", "seed", "future", "protected")
FORMS = ("own", "official")
SEVERITIES = ("S1", "S2", "S3", "S4")
SCHEMES = ("fsc",)
SCOPES = ("fm", "coc", "fm_coc")

_TREES = uuid.uuid5(uuid.NAMESPACE_URL, "trozalog:tree").bytes


def tree_item(plan: str, parcel: str, code: str) -> str:
    """The item id of a standing tree: UUIDv5 of plan, parcel and code, so that anyone can compute it."""
    value = bytearray(hashlib.sha1(_TREES + f"{plan}\n{parcel}\n{code}".encode(), usedforsecurity=False).digest()[:16])
    value[6] = value[6] & 0x0F | 0x50
    value[8] = value[8] & 0x3F | 0x80
    h = value.hex()
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


def key_id(public_key: bytes) -> str:
    """The 22 characters that name an Ed25519 key."""
    return urlsafe_b64encode(hashlib.sha256(b"\x01" + public_key).digest()[:16]).decode()[:22]


POSSESSION = b"trozalog/v1/possession\n"


def possession(body: dict[str, Any]) -> bytes:
    """What an added key signs to show that whoever brings it holds it (docs/format.md, section 5): for whom it will
    speak, and in place of which key. It can be signed beforehand, offline."""
    claimed: dict[str, Any] = {name: body[name] for name in ("org", "public_key", "replaces", "role") if name in body}
    return POSSESSION + canon.encode(claimed)


def line_of(line: dict[str, Any]) -> tuple[str, str, str]:
    """What makes a permit or guide line one line: parcel, species, product."""
    return line["parcel"], line["species"], line["product"]


def _window(body: dict[str, Any], *days: str) -> Fault | None:
    dates = [body[name] for name in days]
    return (
        None
        if dates == sorted(dates)
        else Fault(
            f".{days[-1]}",
            f"{', '.join(days)} must follow each other",
            f"{', '.join(days)} deben seguirse en el tiempo",
        )
    )


def _key_added(body: dict[str, Any]) -> Fault | None:
    public_key = urlsafe_b64decode(body["public_key"] + "=")
    checked_key(public_key)  # BadKey for a point no signature can be trusted under
    if key_id(public_key) != body["kid"]:
        return Fault(".kid", "is not the id of this public key", "no es el id de esta clave pública")
    if ("proposed_by" in body) != ("approved_by" in body):
        return Fault(".approved_by", "goes with proposed_by: both or neither", "va con proposed_by: los dos o ninguno")
    if "approved_by" in body and body["approved_by"] == body["proposed_by"]:
        return Fault(".approved_by", "must be another person than proposed_by", "debe ser otra persona que proposed_by")
    return None


def _plan_approved(body: dict[str, Any]) -> Fault | None:
    if body["approved_by"] == body["submitted_by"]:
        return Fault(
            ".approved_by", "must be another person than submitted_by", "debe ser otra persona que submitted_by"
        )
    return _window(body, "harvest_from", "harvest_to")


def _permit_issued(body: dict[str, Any]) -> Fault | None:
    if body["approved_by"] == body["proposed_by"]:
        return Fault(".approved_by", "must be another person than proposed_by", "debe ser otra persona que proposed_by")
    return _window(body, "harvest_from", "harvest_to", "move_to")


def _permit_amended(body: dict[str, Any]) -> Fault | None:
    if ("harvest_from" in body) != ("harvest_to" in body):
        return Fault(".harvest_to", "goes with harvest_from: both or neither", "va con harvest_from: los dos o ninguno")
    if "lines" not in body and "move_to" not in body:
        return Fault(".lines", "lines, move_to or both are changed", "se cambian lines, move_to o ambos")
    if "harvest_from" not in body:
        return None
    if "move_to" not in body:
        return Fault(".move_to", "goes with harvest_from", "va con harvest_from")
    return _window(body, "harvest_from", "harvest_to", "move_to")


def _inspection(body: dict[str, Any]) -> Fault | None:
    for name in ("trees_absent", "trees_mismatched"):
        if body.get(name, 0) > body["trees_sampled"]:
            return Fault(f".{name}", "cannot exceed trees_sampled", "no puede pasar de trees_sampled")
    return None


def _member(member: dict[str, Any]) -> Fault | None:
    return _window(member, "from", "to") if "to" in member else None


def _log_recovered(body: dict[str, Any]) -> Fault | None:
    if body["from_size"] >= body["to_size"]:
        return Fault(".to_size", "must be greater than from_size", "debe ser mayor que from_size")
    return None


def _log_closed(body: dict[str, Any]) -> Fault | None:
    if body["vkey"].partition("+")[0] != body["next"]:
        return Fault(".vkey", "must be a key of the log in next", "debe ser una clave de la bitácora de next")
    return None


def _tree_felled(body: dict[str, Any]) -> Fault | None:
    if body["item"] != tree_item(body["plan"], body["parcel"], body["tree"]):
        return Fault(
            ".item", "is not the item id of this plan, parcel and tree", "no es el id de este plan, parcela y árbol"
        )
    return None


def _log_cut(body: dict[str, Any]) -> Fault | None:
    source = body["source"]
    codes = set()
    for index, section in enumerate(body["sections"]):
        if section["item"] == source:
            return Fault(f".sections[{index}].item", "a log cannot be its own parent", "una troza no sale de sí misma")
        codes.add(section["code"])
    return (
        None
        if len(codes) == len(body["sections"])
        else Fault(".sections", "must not repeat a code", "no debe repetir un código")
    )


def _guide_issued(body: dict[str, Any]) -> Fault | None:
    lines = body["lines"]
    if "permit" in body:
        for index, line in enumerate(lines):
            if line["parcel"] == "":
                return Fault(
                    f".lines[{index}].parcel",
                    "a guide of a permit names the parcel of each line",
                    "la guía de un permiso nombra la parcela de cada línea",
                )
        return None
    if not body.get("origin_guides") and not body.get("items"):
        return Fault(
            ".items",
            "a guide without permit names the pieces it carries or the guides they came in with",
            "una guía sin permiso nombra las piezas que lleva o las guías con que llegaron",
        )
    for index, line in enumerate(lines):
        if line["parcel"] != "":
            return Fault(
                f".lines[{index}].parcel",
                "a guide without permit has no parcels",
                "una guía sin permiso no lleva parcelas",
            )
        if line["product"] in f.FOREST_PRODUCTS and not body.get("origin_guides"):
            return Fault(
                ".permit",
                f"a guide of {line['product']} needs its permit or the guides it came in with",
                f"una guía de {line['product']} necesita su permiso o las guías con que llegó",
            )
    return None


def _mill_processed(body: dict[str, Any]) -> Fault | None:
    inputs = set(body["inputs"])
    for index, made in enumerate(body["outputs"]):
        if made["item"] in inputs:
            return Fault(
                f".outputs[{index}].item", "a product cannot be its own parent", "un producto no sale de sí mismo"
            )
    return None


def _item_of(value: dict[str, Any]) -> Any:
    return value["item"]


_measures = {
    "species": f.species, "diameter_large_mm": f.diameter_mm, "diameter_small_mm": f.diameter_mm,
    "length_mm": f.length_mm, "volume_dm3": f.log_dm3,
}  # fmt: skip
_permit_line = fields(
    {"parcel": f.parcel, "species": f.species, "product": f.product, "volume_dm3": f.line_dm3},
    {"trees": f.whole(0, 1_000_000)},
)
_guide_line = fields(
    {
        "parcel": lambda value: None if value == "" and type(value) is str else f.parcel(value),
        "species": f.species, "product": f.product, "volume_dm3": f.line_dm3,
    }
)  # fmt: skip
_census_tree = fields(
    {
        "code": f.tree_code, "species": f.species, "dbh_mm": f.diameter_mm, "height_mm": f.height_mm,
        "volume_dm3": f.log_dm3, "condition": f.one_of(*CONDITIONS),
    }
)  # fmt: skip
_section = fields({"item": f.item_id, "code": f.log_code, **_measures, "branch": f.flag})
_loaded = listing(fields({"item": f.item_id, "volume_dm3": f.line_dm3}), 1, f.MAX_ITEMS, key=_item_of)
_items = listing(f.item_id, 1, f.MAX_ITEMS)
_permit_lines = listing(_permit_line, 1, 200, key=line_of)
_guide_key = {"guide": f.number, "form": f.one_of(*FORMS)}
_numbers = listing(f.number, 0, 400)
_sid = f.digest
_status = {"number": f.number, "reason": f.text(), "by": f.user_id}
_cited = {"documents": listing(f.digest, 1, 20)}
_member_days = fields({"org": f.org_id, "from": f.day}, {"to": f.day}, whole_body=_member)
_standing = fields(_status, {"member": f.org_id})
_output = fields(
    {"item": f.item_id, "product": f.product, "species": f.species, "volume_dm3": f.line_dm3},
    {
        "pieces": f.whole(1, 10_000_000),
        "thickness_mm": f.diameter_mm,
        "width_mm": f.diameter_mm,
        "length_mm": f.length_mm,
    },
)
_stock = fields(
    {
        "species": f.species, "opening_dm3": f.total_dm3, "in_dm3": f.total_dm3, "consumed_dm3": f.total_dm3,
        "closing_dm3": f.total_dm3,
    }
)  # fmt: skip

AUTHORITY: dict[str, Check] = {
    "organisation.registered": fields(
        {"id": f.org_id, "name": f.text(160), "kind": f.one_of(*ORG_KINDS)}, {"region": f.text(60)}
    ),
    "key.added": fields(
        {
            "kid": f.kid, "org": f.org_id, "public_key": f.bytes32, "alg": f.one_of("ed25519"),
            "role": f.one_of(*KEY_ROLES), "proof": f.bytes64,
        },
        {"replaces": f.kid, "proposed_by": f.user_id, "approved_by": f.user_id},
        whole_body=_key_added,
    ),
    "key.revoked": fields({"kid": f.kid, "reason": f.text()}, {"org": f.org_id, "distrust_from": f.whole(0, 2**53 - 1)}),
    "title.registered": fields(
        {"number": f.number, "org": f.org_id, "region": f.text(60), "area_m2": f.area_m2, "polygon_sha256": f.digest},
        {"official_number": f.text(80)},
    ),
    "census.committed": fields(
        {
            "plan": f.plan_id, "root": f.digest, "listing_root": f.digest, "trees": f.whole(1, 1_000_000),
            "harvestable_dm3": f.total_dm3,
        }
    ),
    "census.listed": fields(
        {
            "plan": f.plan_id, "part": f.whole(0, 100_000), "parcel": f.parcel,
            "trees": listing(_census_tree, 1, 100, key=lambda tree: tree["code"]),
        }
    ),
    "plan.approved": fields(
        {
            "id": f.plan_id, "title": f.number, "number": f.text(80), "season": f.text(40), "resolution": f.text(80),
            "parcels": listing(fields({"code": f.parcel, "area_m2": f.area_m2}), 1, 100, key=lambda p: p["code"]),
            "form_factor_milli": f.whole(300, 1_000), "harvest_from": f.day, "harvest_to": f.day,
            "census": fields({"trees": f.whole(0, 1_000_000), "parts": f.whole(0, 100_000), "root": f.digest}),
            "submitted_by": f.user_id, "approved_by": f.user_id,
        },
        {"kind": f.one_of(*PLAN_KINDS), "parent": f.plan_id, "supersedes": f.plan_id, **_cited},
        whole_body=_plan_approved,
    ),
    "permit.issued": fields(
        {
            "number": f.number, "title": f.number, "plan": f.plan_id, "holder": f.org_id, "harvest_from": f.day,
            "harvest_to": f.day, "move_to": f.day, "lines": _permit_lines, "proposed_by": f.user_id,
            "approved_by": f.user_id,
        },
        {"official_number": f.text(80), **_cited},
        whole_body=_permit_issued,
    ),
    "permit.amended": fields(
        {"number": f.number, "reason": f.text(), "approved_by": f.user_id},
        {
            "lines": _permit_lines, "part": f.whole(0, 100_000), "harvest_from": f.day, "harvest_to": f.day,
            "move_to": f.day, **_cited,
        },
        whole_body=_permit_amended,
    ),
    "permit.suspended": fields(_status, _cited),
    "permit.reinstated": fields(_status, _cited),
    "permit.revoked": fields(_status, _cited),
    "status.listed": fields(
        {"as_of": f.day, "permits": f.count, "suspended": _numbers, "revoked": _numbers},
    ),
    "inspection.reported": fields(
        {
            "number": f.number, "plan": f.plan_id, "parcel": f.parcel, "inspector": f.org_id,
            "trees_sampled": f.whole(0, 1_000_000), "trees_absent": f.whole(0, 1_000_000), "volume_dm3": f.total_dm3,
        },
        {"trees_mismatched": f.whole(0, 1_000_000), "trees": listing(f.tree_code, 0, 200)},
        whole_body=_inspection,
    ),
    "certificate.registered": fields(
        {
            "number": f.number, "code": f.text(80), "scheme": f.one_of(*SCHEMES), "scope": f.one_of(*SCOPES),
            "holder": f.org_id, "valid_from": f.day, "valid_to": f.day,
            "members": listing(_member_days, 0, 100, key=lambda member: member["org"]), "by": f.user_id,
        },
        {"licence": f.text(80), "area_m2": f.area_m2},
        whole_body=lambda body: _window(body, "valid_from", "valid_to"),
    ),
    "certificate.amended": fields(
        {
            "number": f.number, "members": listing(_member_days, 1, 100, key=lambda member: member["org"]),
            "reason": f.text(), "by": f.user_id,
        }
    ),
    "certificate.suspended": _standing,
    "certificate.reinstated": _standing,
    "certificate.ended": fields(_status),
    "conflict.noted": fields({"refused": _sid, "first": _sid, "subject": f.text(160)}),
    "log.recovered": fields(
        {"from_size": f.whole(0, 2**53 - 1), "to_size": f.whole(0, 2**53 - 1), "root": f.digest, "reason": f.text()},
        whole_body=_log_recovered,
    ),
    "log.closed": fields({"next": f.origin, "vkey": f.log_key}, whole_body=_log_closed),
    "log.continued": fields(
        {"before": f.origin, "size": f.whole(1, 2**53 - 1), "root": f.digest, "checkpoint_sha256": f.digest}
    ),
}  # fmt: skip

CUSTODY: dict[str, Check] = {
    "tree.felled": fields(
        {
            "item": f.item_id, "permit": f.number, "plan": f.plan_id, "parcel": f.parcel, "tree": f.tree_code,
            **_measures,
        },
        {"observations": f.text()},
        whole_body=_tree_felled,
    ),
    "log.cut": fields(
        {
            "source": f.item_id, "permit": f.number, "parcel": f.parcel,
            "sections": listing(_section, 1, 40, key=_item_of),
        },
        whole_body=_log_cut,
    ),
    "log.moved": fields({"items": _items, "place": f.text(80)}),
    "guide.issued": fields(
        {
            **_guide_key, "addressee": f.org_id, "issued_on": f.day, "expires_on": f.day,
            "lines": listing(_guide_line, 1, 100, key=line_of),
        },
        {"permit": f.number, "origin_guides": listing(f.number, 1, 100), "items": _loaded},
        whole_body=_guide_issued,
    ),
    "guide.departed": fields({**_guide_key, "at": f.instant}),
    "guide.checked": fields({**_guide_key, "control_post": f.text(80), "at": f.instant}),
    "guide.received": fields({**_guide_key, "at": f.instant, "volume_dm3": f.total_dm3}, {"items": _loaded}),
    "guide.voided": fields({**_guide_key, "reason": f.text()}),
    "mill.processed": fields(
        {"inputs": _items, "outputs": listing(_output, 1, 100, key=_item_of)},
        {"stock": listing(_stock, 1, 100, key=lambda stock: stock["species"]), "study": f.text(80)},
        whole_body=_mill_processed,
    ),
    "lot.composed": fields({"lot": f.number, "items": _items}),
    "lot.sold": fields({"lot": f.number, "buyer": f.org_id}, {"claim": f.text(80), "certificate": f.number}),
}  # fmt: skip

_CORRECTION = fields(
    {"amends": _sid, "field": f.matching(r"[a-z][a-z0-9_.\[\]]{0,79}", "the path of a field", "la ruta de un campo"),
     "was": f.text(), "now": f.text(), "reason": f.text()}
)  # fmt: skip

_COMMITTED = fields({"commitment": f.digest})

BOTH: dict[str, Check] = {
    "record.corrected": _CORRECTION,
    "contract.committed": _COMMITTED,
    "settlement.sealed": _COMMITTED,
    "finding.raised": fields(
        {
            "subject": f.finding_subject, "org": f.org_id, "severity": f.one_of(*SEVERITIES), "text": f.text(),
            "by": f.user_id,
        }
    ),
    "price_book.published": fields(
        {
            "book": f.matching(r"[a-z][a-z0-9-]{1,59}", "the id of a book", "el id de un libro"),
            "version": f.whole(1, 1_000_000), "region": f.text(60), "as_of": f.day, "sha256": f.digest,
            "publisher": f.org_id, "by": f.user_id,
        }
    ),
    "finding.resolved": fields(
        {"record": _sid, "rule": f.rule_id, "reason": f.text(), "evidence_sha256": f.digest, "by": f.user_id}
    ),
}  # fmt: skip

BODIES: dict[str, Check] = {**AUTHORITY, **CUSTODY, **BOTH}
