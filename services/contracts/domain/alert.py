"""What an organisation asks to be told of, and when there is something to tell: facts in, news out, no clock.

A look answers ``raised``, ``clear`` or ``unknown`` and never takes silence for good news. Each piece of news has a key that
names what happened, so it is told once however often somebody looks.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field, StringConstraints

from services.contracts.domain.book import PriceEntry
from services.contracts.domain.border import Form, Slug
from services.contracts.domain.flags.answer import State, percent
from services.contracts.domain.known import PermitStanding
from services.contracts.domain.money import Price
from services.contracts.domain.offer import Number
from services.contracts.domain.price import PaidRule, PointOfSale, Product, SpeciesName
from services.contracts.domain.standing import Ruc, Standing
from shared.timber.measure import Unit


class PriceMoved(Form):
    """The reference price of a species in a region has moved since it was last told."""

    kind: Literal["price_moved"]
    region: Slug
    species: SpeciesName
    product: Product


class PaymentOverdue(Form):
    """A payment of a signed contract is past its day."""

    kind: Literal["payment_overdue"]
    contract: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]


class PermitExpiring(Form):
    """A permit is near the last day on which its wood may be moved, or counts no longer."""

    kind: Literal["permit_expiring"]
    permit: Number


class BuyerSanctioned(Form):
    """A party has come into a list of sanctions."""

    kind: Literal["buyer_sanctioned"]
    ruc: Ruc


AnyAbout = PriceMoved | PaymentOverdue | PermitExpiring | BuyerSanctioned
About = Annotated[AnyAbout, Field(discriminator="kind")]


@dataclass(frozen=True, slots=True)
class Limits:
    """From when there is something to tell; the figures are data with their source (``data/alerts.json``)."""

    price_share: Decimal
    permit_days: int
    payment_days: int


@dataclass(frozen=True, slots=True)
class News:
    """One thing to tell, in both languages, with its facts for machines."""

    key: str
    facts: dict[str, Any]
    es: str
    en: str

    def as_bytes(self) -> bytes:
        return orjson.dumps(self.facts, option=orjson.OPT_SORT_KEYS)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look found; ``seen`` is what the next look is held against, ``None`` leaves it as it was."""

    state: State
    news: tuple[News, ...] = ()
    seen: bytes | None = None


NOTHING_KNOWN = Finding("unknown")


class SeenPrice(Form):
    """A reference price as it was when it was last told of, with the book it stood in."""

    book: Slug
    version: int
    sha256: str
    unit: Unit
    rule: PaidRule
    point_of_sale: PointOfSale
    mid: Price

    def as_bytes(self) -> bytes:
        return orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)

    def measured_like(self, other: "SeenPrice") -> bool:
        """Whether two prices are of one unit, rule, point and currency: others are never set beside each other."""

        def basis(one: SeenPrice) -> tuple[object, ...]:
            return one.unit, one.rule, one.point_of_sale, one.mid.currency

        return basis(self) == basis(other)


def seen_price(book: str, version: int, sha256: str, entry: PriceEntry) -> SeenPrice:
    """The figure of a book that a price alert compares."""
    return SeenPrice(
        book=book, version=version, sha256=sha256, unit=entry.unit, rule=entry.rule,
        point_of_sale=entry.point_of_sale, mid=entry.mid,
    )  # fmt: skip


def price_moved(about: PriceMoved, before: SeenPrice | None, now: SeenPrice | None, limits: Limits) -> Finding:
    """News when the price is further than the limit from the one last told of; slow changes add up.

    The first price that is seen, and one measured in another way, are what later ones are held against.
    """
    if now is None:
        return NOTHING_KNOWN
    if before is None or not before.measured_like(now):
        return Finding("clear", seen=now.as_bytes())
    share = now.mid.amount / before.mid.amount - 1
    if abs(share) <= limits.price_share:
        return Finding("clear")
    facts = {
        "region": about.region, "species": about.species, "product": about.product.value,
        "before": before.model_dump(mode="json"), "now": now.model_dump(mode="json"), "change": f"{share:+.4f}",
    }  # fmt: skip
    part = percent(abs(share))
    es = f"{about.species}: el precio de referencia {'subió' if share > 0 else 'bajó'} {part} % ({before.mid} a {now.mid})."
    en = f"{about.species}: the reference price {'rose' if share > 0 else 'fell'} by {part} % ({before.mid} to {now.mid})."
    return Finding("raised", (News(f"{now.book}/{now.version}/{now.sha256}", facts, es, en),), now.as_bytes())


COUNTS = b""
"""What the last look saw of a permit that counts; of one that does not, its status and since when it was seen so."""


def permit_expiring(
    permit: PermitStanding | Literal["not_found"] | None, today: date, limits: Limits, before: bytes | None = None
) -> Finding:
    """News when a permit counts no longer, or its last day to move wood is near: wood that was felled in time is moved after
    the felling is over. One that counts again and then no longer is told of again; ``before`` is what the last look saw."""
    if not isinstance(permit, PermitStanding):
        return NOTHING_KNOWN
    facts: dict[str, Any] = {"permit": permit.number, "on": today.isoformat(), "status": permit.status}
    if not permit.movement_valid:
        es, en = f"El permiso {permit.number} no rige hoy.", f"The permit {permit.number} does not count today."
        same = (before or COUNTS).startswith(f"status/{permit.status}/".encode())
        since = before if before and same else f"status/{permit.status}/{today.isoformat()}".encode()
        return Finding("raised", (News(since.decode(), facts, es, en),), since)
    if permit.move_to is None:
        return NOTHING_KNOWN
    left = (permit.move_to - today).days
    if left > limits.permit_days:
        return Finding("clear", seen=COUNTS)
    news = News(
        f"move_to/{permit.move_to.isoformat()}", facts | {"move_to": permit.move_to.isoformat(), "days_left": left},
        f"El permiso {permit.number} permite mover madera hasta el {permit.move_to}: quedan {left} días.",
        f"The permit {permit.number} lets wood be moved until {permit.move_to}: {left} days are left.",
    )  # fmt: skip
    return Finding("raised", (news,), COUNTS)


def buyer_sanctioned(standing: Standing) -> Finding:
    """News for each sanction in force by the lists of the day."""
    if standing.state != "listed":
        return NOTHING_KNOWN if standing.state == "unknown" else Finding("clear")
    news = tuple(
        News(
            f"{name}/{one.resolution}/{one.since.isoformat()}",
            {"ruc": standing.ruc, "on": standing.on.isoformat(), "list": name, **one.model_dump(mode="json")},
            f"El RUC {standing.ruc} aparece en la lista {name}: {one.reason} ({one.resolution}).",
            f"The RUC {standing.ruc} is in the list {name}: {one.reason} ({one.resolution}).",
        )
        for name, one in standing.sanctions
    )
    return Finding("raised", news)


def posted(public_url: str, alert: str, place: int, kind: str, key: str, at: datetime) -> bytes:
    """What is posted of an event: that something was told, and where its owner reads it. No figure leaves the house."""
    read = f"{public_url}/v1/alerts/{alert}/events?cursor={place - 1}"
    when = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    data = {"alert": alert, "place": place, "key": key, "url": read}
    return orjson.dumps({"type": f"alert.{kind}", "timestamp": when, "data": data})
