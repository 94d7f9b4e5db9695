"""From the forms of a community to statements for its hosted key. Pure: the same form gives the same statement, so a form
that is sent twice is recorded once. What does not fit, the log says; what cannot be read as a number or a day, this says.
"""

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from services.portal.figures import LIMA
from services.portal.offer_form import in_parts
from shared.timber.measure import mean_of_ends_dm3

Json = dict[str, Any]
SECTIONS = 8
MOST_CODES = 100
CM, M = 10, 1000  # millimetres
MOST_MM = 10_000_000  # longer than any tree, short enough for a volume that JSON holds exactly
# Which field of a form a fault of a statement's body stands beside.
FIELDS = {
    "tree": "code", "species": "species", "diameter_large_mm": "large", "diameter_small_mm": "small", "length_mm": "length",
    "observations": "observations", "guide": "number", "addressee": "addressee", "issued_on": "issued_on",
    "expires_on": "expires_on", "items": "codes", "lines": "codes", "volume_dm3": "volume", "lot": "number", "buyer": "buyer",
    "claim": "claim", "certificate": "certificate", "time": "day", "at": "day", "permit": "permit", "source": "code",
}  # fmt: skip
# Refusals that speak of one thing of the form.
BY_SLUG = {
    "balance-exceeded": "codes", "line-not-authorised": "codes", "not-of-permit": "codes", "not-cross-cut": "codes",
    "on-open-guide": "codes", "open-finding": "codes", "never-drawn": "codes", "already-spent": "code",
    "guide-lines-differ": "codes", "guide-dates": "expires_on", "guide-too-long": "expires_on",
    "guide-from-future": "issued_on", "outside-movement-window": "issued_on", "movement-ended": "permit",
    "permit-not-in-force": "permit", "unknown-organisation": "addressee", "id-taken": "number", "already-done": "number",
}  # fmt: skip
# What may be done about a refusal.
REMEDIES = {
    "balance-exceeded": "act.do_balance", "line-not-authorised": "act.do_line", "not-of-permit": "act.do_permit",
    "not-cross-cut": "act.do_cut", "on-open-guide": "act.do_open_guide", "open-finding": "act.do_finding",
    "already-spent": "act.do_spent", "guide-dates": "act.do_dates", "guide-too-long": "act.do_dates",
    "guide-from-future": "act.do_dates", "outside-movement-window": "act.do_window", "movement-ended": "act.do_window",
    "permit-not-in-force": "act.do_not_in_force", "unknown-organisation": "act.do_party", "id-taken": "act.do_number",
    "already-done": "act.do_done", "not-yours": "act.do_not_yours", "status-stale": "act.do_stale",
    "too-busy": "act.do_again", "not-recorded": "act.do_again", "log-frozen": "act.do_frozen",
}  # fmt: skip
SECTION = re.compile(r"sections\[(\d+)\]\.(\w+)")


@dataclass
class Filled:
    """A form as it came, and what is wrong with it: the key of a text by field. ``began`` is what its fields held before anybody
    wrote, where that matters."""

    fields: Mapping[str, str]
    faults: dict[str, str] = field(default_factory=dict)
    began: Mapping[str, str] = field(default_factory=dict)

    def get(self, name: str) -> str:
        """What a field holds, without spaces at its ends."""
        return self.fields.get(name, "").strip()

    def line(self, name: str) -> str:
        """What a field holds, with single blanks; as it began, when nobody touched it."""
        value = self.get(name)
        return value if value == self.began.get(name) else " ".join(value.split())

    def needed(self, name: str) -> str:
        """What a field holds; a fault when it is empty."""
        value = self.get(name)
        if not value:
            self.faults[name] = "act.needed"
        return value

    def mm(self, name: str, unit_mm: int) -> int:
        """A length given in centimetres or metres, in whole millimetres; a fault when it is none."""
        found = in_parts(self.needed(name), unit_mm)
        if found is None or not 0 < found <= MOST_MM:
            self.faults.setdefault(name, "act.not_a_length")
            return 0
        return found

    def thousandths(self, name: str, fault: str) -> int:
        """A number as thousandths: cubic metres as litres. `fault` says what is wrong when it is none."""
        found = in_parts(self.needed(name), 1000)
        if found is None or found < 0:
            self.faults.setdefault(name, fault)
            return 0
        return found

    def count(self, name: str) -> int:
        """A whole number that counts things; a fault when it is none."""
        text = self.needed(name)
        if text.isascii() and text.isdecimal() and len(text) < 8:
            return int(text)
        self.faults.setdefault(name, "act.not_a_count")
        return 0

    def cents(self, name: str) -> int | None:
        """An amount of money in hundredths; None when the field is empty."""
        if not self.get(name):
            return None
        found = in_parts(self.get(name), 100)
        if found is None or found < 0:
            self.faults[name] = "act.not_an_amount"
            return None
        return found

    def instant(self) -> str:
        """Day and hour of Peru as the instant of a statement; a fault when they are none."""
        try:
            at = datetime.fromisoformat(f"{self.needed('day')}T{self.get('hour') or '12:00'}")
            at = at.replace(tzinfo=at.tzinfo or LIMA).astimezone(UTC)
        except (ValueError, OverflowError):  # the last evening of the year 9999 is no instant
            self.faults.setdefault("day", "act.not_a_day")
            return ""
        return at.strftime("%Y-%m-%dT%H:%M:%SZ")

    def codes(self) -> list[str]:
        """The codes of pieces, as painted on them, each once and in the order given."""
        found = list(dict.fromkeys(re.split(r"[\s,;]+", self.get("codes").upper().replace("\\", "/"))))
        found = [code for code in found if code]
        if not found:
            self.faults["codes"] = "act.needed"
        elif len(found) > MOST_CODES:
            self.faults["codes"] = "act.too_many_codes"
        return found[:MOST_CODES]

    def private(self, *names: str) -> Json:
        """The private fields that were filled in."""
        return {name: self.get(name) for name in names if self.get(name)}


def _statement(kind: str, time: str, body: Json, private: Json | None = None) -> Json:
    made: Json = {"type": kind, "time": time, "body": body}
    return made | ({"private": private} if private else {})


def felling(form: Filled, tree: Mapping[str, Any], permit: str) -> Json:
    """A tree of the census, felled and measured: the statement ``tree.felled``."""
    large, small, length = form.mm("large", CM), form.mm("small", CM), form.mm("length", M)
    body: Json = {
        "item": tree["item"], "permit": permit, "plan": tree["plan"], "parcel": tree["parcel"], "tree": tree["code"],
        "species": form.get("species") or tree["species"], "diameter_large_mm": large, "diameter_small_mm": small,
        "length_mm": length, "volume_dm3": _volume(large, small, length),
    }  # fmt: skip
    if observations := form.get("observations"):
        body["observations"] = observations
    return _statement("tree.felled", form.instant(), body, form.private("feller"))


def cross_cut(form: Filled, source: Mapping[str, Any]) -> Json:
    """A stem or a log cut into sections: the statement ``log.cut``. Sections without measures are left out."""
    sections = []
    for n in filled_sections(form):
        large, small, length = form.mm(f"large{n}", CM), form.mm(f"small{n}", CM), form.mm(f"length{n}", M)
        code = form.needed(f"code{n}").upper()
        sections.append(
            {
                "item": piece_id(form.get("form_id"), code), "code": code, "species": source["species"],
                "diameter_large_mm": large, "diameter_small_mm": small, "length_mm": length,
                "volume_dm3": _volume(large, small, length), "branch": form.get(f"branch{n}") == "yes",
            }
        )  # fmt: skip
    body = {"source": source["id"], "permit": source["permit"], "parcel": source["parcel"], "sections": sections}
    return _statement("log.cut", form.instant(), body, form.private("feller"))


def filled_sections(form: Filled) -> list[int]:
    """The rows of sections that hold a measure; the first always counts."""
    return [
        n for n in range(SECTIONS) if n == 0 or any(form.get(f"{name}{n}") for name in ("large", "small", "length"))
    ]


def piece_id(form_id: str, code: str) -> str:
    """The id of a piece: of this form and code, so that the form sent again names the same piece."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"urn:trozalog:form:{form_id}:{code}"))


def _volume(large_mm: int, small_mm: int, length_mm: int) -> int:
    return mean_of_ends_dm3(large_mm, small_mm, length_mm) if large_mm and small_mm and length_mm else 0


def load_lines(pieces: Iterable[Mapping[str, Any]]) -> list[Json]:
    """What a load of pieces draws: a line for each parcel, species and product."""
    sums: dict[tuple[str, str, str], int] = {}
    for one in pieces:
        key = one["parcel"] or "", one["species"], one["product"]
        sums[key] = sums.get(key, 0) + one["volume_dm3"]
    return [
        {"parcel": parcel, "species": species, "product": product, "volume_dm3": volume}
        for (parcel, species, product), volume in sorted(sums.items())
    ]


def guide(form: Filled, permit: str, pieces: Sequence[Mapping[str, Any]]) -> Json:
    """Our own transport guide of a permit over these pieces: the statement ``guide.issued``."""
    body = {
        "guide": form.needed("number").upper(), "form": "own", "permit": permit, "addressee": form.needed("addressee"),
        "issued_on": form.needed("issued_on"), "expires_on": form.needed("expires_on"), "lines": load_lines(pieces),
        "items": [{"item": one["id"], "volume_dm3": one["volume_dm3"]} for one in pieces],
    }  # fmt: skip
    named = ("driver", "driver_document", "driver_licence", "carrier", "plate", "trailer_plate")
    return _statement("guide.issued", form.instant(), body, form.private(*named))


def departure(form: Filled, number: str) -> Json:
    """That the load of a guide left: the statement ``guide.departed``."""
    at = form.instant()
    return _statement("guide.departed", at, {"guide": number, "form": "own", "at": at})


def reception(form: Filled, content: Mapping[str, Any]) -> Json:
    """That a load arrived, with what was measured of each piece: the statement ``guide.received``."""
    of, at = content["guide"], form.instant()
    items = [
        {"item": one["id"], "volume_dm3": form.thousandths(f"volume_{one['id']}", "act.not_a_volume")}
        for one in content["pieces"]
    ]
    body: Json = {"guide": of["number"], "form": of["form"], "at": at}
    body["volume_dm3"] = (
        sum(one["volume_dm3"] for one in items) if items else form.thousandths("volume", "act.not_a_volume")
    )
    if items:
        body["items"] = items
    return _statement("guide.received", at, body, form.private("receiver", "receiver_document"))


def sale(form: Filled, pieces: Sequence[Mapping[str, Any]]) -> list[Json]:
    """Pieces made into a lot and sold: the statements ``lot.composed`` and ``lot.sold``. The price stays private."""
    lot, at = form.needed("number").upper(), form.instant()
    sold: Json = {"lot": lot, "buyer": form.needed("buyer")}
    sold |= {name: form.get(name) for name in ("claim", "certificate") if form.get(name)}
    price = form.cents("price")
    private: Json = {} if price is None else {"price_cents": price, "currency": form.get("currency") or "PEN"}
    if private:
        private["price_unit"] = form.needed("price_unit")
    return [
        _statement("lot.composed", at, {"lot": lot, "items": [one["id"] for one in pieces]}),
        _statement("lot.sold", at, sold, private),
    ]


def field_of(problem: Mapping[str, Any], form: Filled) -> str:
    """Beside which field a refusal of the log stands; none when it speaks of the whole."""
    where = str(problem.get("facts", {}).get("where", ""))
    if match := SECTION.search(where):
        rows = filled_sections(form)
        name = FIELDS.get(match[2], "code")
        return f"{name}{rows[int(match[1])]}" if int(match[1]) < len(rows) else ""
    last = re.split(r"[.\[]", where.removeprefix("stmt.body.").removeprefix("stmt."))[0]
    return FIELDS.get(last) or BY_SLUG.get(str(problem.get("slug")), "")
