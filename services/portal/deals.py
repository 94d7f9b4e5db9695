"""Contracts, deliveries and payments as a page shows them: who signed, what is owed and paid in sums and over time. Pure.

Nothing is reckoned anew that the service has said: sums of its amounts, per currency, and the order of its days.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from services.portal.figures import day, number, percent, short
from services.portal.naming import Say
from services.portal.offer_answer import GRAVEST, money, spoken_offer
from shared.web.language import Language

Json = Mapping[str, Any]
# What the service names by ids and in the form of programs.
_DAY = re.compile(r"(?<![\w-])\d{4}-\d{2}-\d{2}(?![\w-])")
_PARTIES = re.compile(r"(?<![\w-])([a-z0-9-]+) → ([a-z0-9-]+)(?![\w-])")
_SETTLEMENT = re.compile(r"(?<![\w-])[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![\w-])")
# How far a contract has come; the mark is a shape of the style.
MARKS = {"none": "part", "draft": "part", "one_signature": "look", "signed": "yes", "amending": "look"}
SETTLEMENT_MARKS = {"open": "look", "closed": "yes", "replaced": "part", "set_aside": "part"}


def state_of(versions: Sequence[Json]) -> str:
    """How far its newest version has come: none, draft, with one signature, signed; ``amending`` while a draft follows
    a signed one."""
    if not versions:
        return "none"
    last = versions[-1]
    if last["state"] == "signed":
        return "signed"
    if any(one["state"] == "signed" for one in versions):
        return "amending"
    return "one_signature" if last["signatures"] else "draft"


def in_force(versions: Sequence[Json]) -> Json | None:
    """The version that counts: the signed one, or before there is one the last that was written."""
    signed = [one for one in versions if one["state"] == "signed"]
    counting = signed or versions
    return counting[-1] if counting else None


def to_sign(versions: Sequence[Json], org: str) -> int | None:
    """The number of the version that this organisation has still to sign; None when there is none."""
    if not versions or versions[-1]["state"] != "draft" or org in {one["org"] for one in versions[-1]["signatures"]}:
        return None
    return int(versions[-1]["number"])


def said(text: Any, name: str = "") -> Any:
    """A text without what it leaves open: everything that is signed, to be read field by field. ``name`` is that of a part; in
    the facts an empty list stays, because it says that there is nothing."""
    if isinstance(text, Mapping):
        facts = name == "terms"
        told = {key: said(value, name if facts else key) for key, value in text.items()}
        return {key: one for key, one in told.items() if one not in (None, {}, "") and (facts or one != [])}
    if isinstance(text, (list, tuple)):
        return [said(one, name) for one in text]
    return text


def changed(versions: Sequence[Json], version: Json) -> list[tuple[str, Any, Any]]:
    """What an amendment changes: the part, as it was in the version it amends, as it is to be."""
    amended = next((one for one in versions if one["number"] == version["text"].get("amends")), None)
    if amended is None:
        return []
    return [
        (name, said(amended["text"][name], name), said(version["text"][name], name))
        for name in version["text"]["changes"]
    ]


@dataclass
class Sums:
    """What deliveries came to in one currency, by amounts of the service."""

    currency: str
    owed: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    claimed: Decimal = Decimal(0)
    interest: Decimal = Decimal(0)
    balance: Decimal = Decimal(0)

    def shown(self, name: str) -> str:
        """One of them with its currency."""
        return money({"amount": str(getattr(self, name)), "currency": self.currency})


@dataclass(frozen=True)
class Delivery:
    """A settlement that stands, beside how it stands today; ``None`` while the service does not say."""

    settlement: Json
    today: Json | None

    def shown(self, name: str) -> str:
        """Interest or balance as a text; a dash while it is not known."""
        if self.today is None:
            return "–"
        if name == "balance":
            return money({"amount": self.today["balance"], "currency": self.today["owed"]["currency"]})
        return money(self.today[name])

    @property
    def measured(self) -> str:
        """How much the sheet measured, with its unit."""
        sheet = self.settlement["stated"]["sheet"]
        whole = sum((Decimal(log["volume"]) for log in sheet["logs"]), Decimal(0))
        return f"{number(whole, 3)} {'m³' if sheet['unit'] == 'm3' else sheet['unit']}"


def sums_of(deliveries: Iterable[Delivery]) -> list[Sums]:
    """The sums of the settlements that count, one of each lot, by currency. Interest and balance only of those the service
    answered for."""
    found: dict[str, Sums] = {}
    for one in deliveries:
        said = one.settlement
        if not said["counts"]:
            continue
        sums = found.setdefault(said["owed"]["currency"], Sums(said["owed"]["currency"]))
        sums.owed += Decimal(said["owed"]["amount"])
        sums.paid += Decimal(said["paid"]["amount"])
        sums.claimed += Decimal(said["claimed"]["amount"])
        if one.today is not None:
            sums.interest += Decimal(one.today["interest"]["amount"])
            sums.balance += Decimal(one.today["balance"])
    return list(found.values())


@dataclass(frozen=True)
class Course:
    """What had fallen due and what had been paid at the end of each day on which either changed, in one currency."""

    currency: str
    days: list[tuple[str, Decimal, Decimal]] = field(default_factory=list)

    def rows(self) -> list[tuple[str, str, str]]:
        """Each day with both amounts as texts."""
        return [(at, self._shown(due), self._shown(paid)) for at, due, paid in self.days]

    def _shown(self, amount: Decimal) -> str:
        return money({"amount": str(amount), "currency": self.currency})


def course_of(deliveries: Iterable[Delivery]) -> list[Course]:
    """Due and paid over time, summed up day by day; payments as the community has stated them."""
    changes: dict[str, dict[str, list[Decimal]]] = {}
    for one in deliveries:
        said = one.settlement
        if not said["counts"]:
            continue
        days = changes.setdefault(said["owed"]["currency"], {})
        for due in said["due"]:
            days.setdefault(due["due_on"], [Decimal(0), Decimal(0)])[0] += Decimal(due["amount"]["amount"])
        for paid in said["payments"]:
            if paid["counted"]:
                told = paid["payment"]
                days.setdefault(told["paid_on"], [Decimal(0), Decimal(0)])[1] += Decimal(told["amount"]["amount"])
    return [_summed(currency, days) for currency, days in changes.items() if days]


def _summed(currency: str, days: Mapping[str, Sequence[Decimal]]) -> Course:
    due = paid = Decimal(0)
    course = Course(currency)
    for at in sorted(days):
        due, paid = due + days[at][0], paid + days[at][1]
        course.days.append((at, due, paid))
    return course


def lines_in_words(lines: Iterable[Json], say: Say) -> list[str]:
    """What is paid for which wood, a sentence each."""
    return [_line(line, say) for line in lines]


def _line(line: Json, say: Say) -> str:
    species = say("offer.any_species") if line["species"] == "any" else ", ".join(line["species"])
    if "share_milli" in line:
        told = say(f"deal.{line['kind']}", share=percent(line["share_milli"]))
    elif line["kind"] == "in_kind":
        told = say("deal.in_kind", worth=money(line["price"]))
    else:
        [told] = spoken_offer([line], say, "deal.line")
    return f"{species}: {told}"


def named_in(texts: Iterable[str]) -> tuple[list[str], list[str]]:
    """The parties and the settlements that sentences of the service name by their ids."""
    whole = "\n".join(texts)
    orgs = dict.fromkeys(org for pair in _PARTIES.findall(whole) for org in pair if not _DAY.fullmatch(org))
    return list(orgs), list(dict.fromkeys(_SETTLEMENT.findall(whole)))


def in_words(text: str, language: Language, called: Callable[[str], str], others: Mapping[str, str]) -> str:
    """A sentence of the service as a page says it. ``others`` are other settlements, by id; one that is not there keeps the
    beginning of its id."""
    text = _SETTLEMENT.sub(lambda found: others.get(found[0], short(found[0])), text)
    parties = _PARTIES.sub(
        lambda found: " → ".join(one if _DAY.fullmatch(one) else called(one) for one in found.groups()), text
    )
    said = _DAY.sub(lambda found: day(found[0], language), parties)
    return said[:1].upper() + said[1:]


def raised_flags(found: Json, language: Language) -> list[Json]:
    """What a reconciliation raises and does not already say as a difference, the gravest first."""
    said = {one[language] for one in found["differences"]}
    new = (one for one in found["flags"] if one["state"] == "raised" and one[f"text_{language}"] not in said)
    return sorted(new, key=lambda one: (GRAVEST[one["severity"]], one["code"]))
