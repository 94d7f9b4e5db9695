"""A contract in the shape of an Open Contracting Data Standard release (OCDS 1.1.5), for portals that read no other.

In OCDS the buyer acquires and the supplier sells: here the company acquires the wood of the community. Prices are in it
only for those who may read them; what OCDS has no place for (log rules, points of sale) stands in the texts of items.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from services.contracts.domain.border import LIMA
from services.contracts.domain.contract import ContractText, Version, last_signed
from services.contracts.domain.money import Money
from services.contracts.domain.price import PerTree, PerVolume
from services.contracts.domain.settlement import SettlementText, Stated, counted

# A prefix is registered with the Open Contracting Partnership by whoever publishes; until then this one says so.
PREFIX = "ocds-unregistered"
SCHEME = "x_trozalog"


@dataclass(frozen=True, slots=True)
class Settled:
    """A settlement as the export tells it: by its place in the contract, for its id is a hash of what it states."""

    number: int
    stated: SettlementText
    payments: tuple[Stated, ...]
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Parties:
    """Who sells and who acquires. ``contract`` is the random id that the contract has for the world: its own is a hash of
    the offer, by which a price could be guessed."""

    contract: str
    community: str
    buyer: str
    buyer_name: str | None


def release(
    parties: Parties, versions: Sequence[Version], settled: Sequence[Settled], *, prices: bool
) -> dict[str, Any]:
    """The release of a contract: the version in force, the last draft where none is, and what happened since."""
    force = last_signed(versions)
    shown = force or versions[-1]
    moments = [one.signed_at for version in versions for one in version.signatures]
    moments += [one.at for each in settled for one in each.payments] + [
        each.closed_at for each in settled if each.closed_at
    ]
    latest = max([version.written_at for version in versions] + moments)
    signed = [version for version in versions if version.sealed is not None]
    ocid = f"{PREFIX}-{parties.contract}"
    return {
        "ocid": ocid,
        "id": f"{ocid}-{latest.astimezone(LIMA):%Y%m%dT%H%M%S}",
        "date": _moment(latest),
        "tag": _tag(signed, settled),
        "initiationType": "tender",
        "language": "es",
        "parties": _parties(parties),
        "buyer": {"id": _org(parties.buyer), "name": parties.buyer_name or parties.buyer},
        "awards": [_award(parties, shown, prices)],
        "contracts": [_contract(parties, shown, signed, settled, prices)],
    }


def _tag(signed: Sequence[Version], settled: Sequence[Settled]) -> list[str]:
    tag = ["award" if not signed else "contract"]
    if len(signed) > 1:
        tag.append("contractAmendment")
    return [*tag, "implementation"] if settled else tag


def _parties(parties: Parties) -> list[dict[str, Any]]:
    return [
        {"id": _org(org), "name": name, "identifier": {"scheme": SCHEME, "id": org}, "roles": roles}
        for org, name, roles in (
            (parties.community, parties.community, ["supplier", "payee"]),
            (parties.buyer, parties.buyer_name or parties.buyer, ["buyer", "payer"]),
        )
    ]


def _award(parties: Parties, shown: Version, prices: bool) -> dict[str, Any]:
    return {
        "id": f"{parties.contract}-award",
        "title": shown.text.title,
        "status": "active" if shown.sealed is not None else "pending",
        "date": _day(shown.text.dated),
        "suppliers": [{"id": _org(parties.community), "name": parties.community}],
        **_value(shown.text, prices),
    }


def _contract(
    parties: Parties, shown: Version, signed: Sequence[Version], settled: Sequence[Settled], prices: bool
) -> dict[str, Any]:
    text = shown.text
    last = max((one.signed_at for one in shown.signatures), default=None) if shown.sealed is not None else None
    return {
        "id": parties.contract,
        "awardID": f"{parties.contract}-award",
        "title": text.title,
        "status": "pending" if shown.sealed is None else "active",
        "period": {"startDate": _day(text.starts_on), "endDate": _day(text.ends_on)},
        **({} if last is None else {"dateSigned": _moment(last)}),
        **_value(text, prices),
        "items": [_item(number, text, prices) for number in range(len(text.lines))],
        "documents": _documents(parties, text, shown),
        "amendments": [_amendment(parties, version, prices) for version in signed if version.text.amends is not None],
        "milestones": _milestones(text, prices),
        "implementation": {
            "transactions": [row for one in settled for row in _transactions(parties, one)] if prices else [],
            "milestones": [_delivery(parties, one) for one in settled],
        },
    }


def _value(text: ContractText, prices: bool) -> dict[str, Any]:
    total = text.schedule.total
    return {"value": _money(total)} if prices and total is not None else {}


def _item(number: int, text: ContractText, prices: bool) -> dict[str, Any]:
    line = text.lines[number]
    species = "cualquier especie" if line.species == "any" else ", ".join(line.species)
    item: dict[str, Any] = {"id": str(number + 1), "description": f"{species}; {line.kind}; {line.point_of_sale.value}"}
    if line.species != "any":
        item["classification"] = {"scheme": "x_scientific_name", "id": line.species[0], "description": species}
        item["additionalClassifications"] = [
            {"scheme": "x_scientific_name", "id": name, "description": name} for name in line.species[1:]
        ]
    if isinstance(line, PerVolume):
        item["description"] += f"; regla {line.rule.value}"
        item["unit"] = {"name": line.unit.value, **({"value": _money(line.price)} if prices else {})}
    if isinstance(line, PerTree):
        item["unit"] = {"name": "tree", **({"value": _money(line.price)} if prices else {})}
    if len(text.lines) == 1 and text.volume_m3 is not None:
        item["quantity"] = _number(text.volume_m3)
    return item


def _documents(parties: Parties, text: ContractText, shown: Version) -> list[dict[str, Any]]:
    contract = {
        # Not its hash: whoever has that can check a guess of the price.
        "id": f"{parties.contract}-{shown.number}", "documentType": "contractSigned" if shown.sealed is not None else "contractDraft",
        "title": text.title, "datePublished": _moment(shown.written_at), "format": "application/json", "language": "es",
    }  # fmt: skip
    annexes = [
        {"id": annex.sha256, "documentType": "contractAnnexe", "title": annex.name, "format": annex.media_type}
        for annex in text.annexes
    ]
    return [contract, *annexes]


def _amendment(parties: Parties, version: Version, prices: bool) -> dict[str, Any]:
    """The reason is in the parties' own words, which may name a price."""
    return {
        "id": f"{parties.contract}-{version.number}",
        "date": _moment(max(one.signed_at for one in version.signatures)),
        **({"rationale": version.text.reason} if prices else {}),
        "description": ", ".join(version.text.changes),
        "amendsReleaseID": f"{parties.contract}-{version.text.amends}",
        "releaseID": f"{parties.contract}-{version.number}",
    }


def _milestones(text: ContractText, prices: bool) -> list[dict[str, Any]]:
    payments = [
        {
            "id": f"payment-{number}", "title": f"Cuota {number}", "type": "financing", "dueDate": _day(one.due_on),
            "status": "scheduled",
            **({} if one.share_milli is None or not prices else {"description": f"{one.share_milli} por mil del precio"}),
        }
        for number, one in enumerate(text.schedule.instalments, 1)
    ]  # fmt: skip
    duties = [
        {
            "id": f"obligation-{number}", "title": one.what, "type": "delivery", "status": "scheduled",
            **({} if one.due_on is None else {"dueDate": _day(one.due_on)}),
        }
        for number, one in enumerate(text.obligations, 1)
    ]  # fmt: skip
    return [*payments, *duties]


def _delivery(parties: Parties, one: Settled) -> dict[str, Any]:
    return {
        "id": f"{parties.contract}-lot-{one.number}", "title": f"Lote {one.stated.lot}", "type": "delivery", "status": "met",
        "dateMet": _day(one.stated.delivered_on),
    }  # fmt: skip


def _transactions(parties: Parties, settled: Settled) -> list[dict[str, Any]]:
    """What the community has stated that it was paid; ``source`` is the hash of the receipt. A claim is no transaction."""
    own, _ = counted(settled.payments, parties.community)
    return [
        {
            "id": f"{parties.contract}-lot-{settled.number}-{one.seq}", "source": f"sha256:{one.payment.receipt.sha256}", "date": _day(one.payment.paid_on),
            "value": _money(one.payment.amount), "payer": {"id": _org(parties.buyer), "name": parties.buyer},
            "payee": {"id": _org(parties.community), "name": parties.community},
        }
        for one in own
    ]  # fmt: skip


def _org(org: str) -> str:
    return f"{SCHEME}-{org}"


def _moment(at: datetime) -> str:
    return at.astimezone(LIMA).isoformat(timespec="seconds")


def _day(day: date) -> str:
    """A day of Peru, from its first moment there."""
    return _moment(datetime.combine(day, time(), LIMA))


def _number(amount: Decimal) -> float | int:
    """OCDS writes numbers as JSON numbers; four decimals of twelve digits survive a double exactly enough to read back."""
    return int(amount) if amount == int(amount) else float(amount)


def _money(money: Money) -> dict[str, Any]:
    return {"amount": _number(money.amount), "currency": money.currency}
