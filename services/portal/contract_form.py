"""From the fields of a contract's form to the text of a version, and back. What the form does not ask for is taken over as it stands in
the offer, or in the version that is amended. What does not fit, the service says. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from services.portal import offer_form
from services.portal.acts import Filled
from services.portal.offer_form import in_parts, milli, written

Json = Mapping[str, Any]
MORE_LINES = 2
# Rows shown at least; at most what the service takes.
ROWS = {"instalment": 6, "obligation": 4}
MORE_ROWS, MOST_ROWS = 2, 60
# What makes that a row says something.
SAID_BY = {"instalment": ("percent", "amount"), "obligation": ("what",)}
PARTIES = ("buyer", "community")
# Prices that the form asks for; those of other kinds are taken over.
PER = {"per_volume": "", "per_tree": "tree", "lump_sum": "lot"}
TAKEN_OVER = ("deductions", "advances", "terms")
# What an amendment may change, but for the words that say that it is one.
PARTS = (
    "title", "dated", "starts_on", "ends_on", "lines", "schedule", "volume_m3", "permit", "deductions", "advances", "obligations",
    "terms", "annexes", "late_interest",
)  # fmt: skip
_PLACES = {
    "title": "title", "dated": "dated", "starts_on": "starts_on", "ends_on": "ends_on", "volume_m3": "volume",
    "permit": "permit", "late_interest": "late", "annexes": "annexes", "reason": "reason", "lines": "line0_price",
    "schedule": "instalment0_on", "obligations": "obligation0_what",
}  # fmt: skip
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True)
class Base:
    """What the form begins with: the version that is amended or written anew, else the offer."""

    text: Json
    amends: int | None = None

    @property
    def lines(self) -> Sequence[Json]:
        """Its prices."""
        found: Sequence[Json] = self.text["lines"]
        return found


def base_of(offer: Json, versions: Sequence[Json]) -> Base:
    """The last version that both signed is amended; before there is one, a draft is written anew."""
    signed = [one for one in versions if one["state"] == "signed"]
    if signed:
        return Base(signed[-1]["text"], signed[-1]["number"])
    return Base(versions[-1]["text"]) if versions else Base(offer)


def begun(base: Base, day: date) -> dict[str, str]:
    """What the fields hold before anybody writes."""
    text = base.text
    held = {
        "title": text["title"], "dated": text.get("dated") or day.isoformat(), "starts_on": text.get("starts_on") or day.isoformat(),
        "ends_on": text.get("ends_on") or "", "volume": text.get("volume_m3") or "", "permit": text.get("permit") or "",
    }  # fmt: skip
    if base.amends is not None:
        held["dated"] = text["dated"]
    if late := text.get("late_interest"):
        held["late"] = _percent(late["annual_milli"])
    for n, line in enumerate(base.lines):
        held |= _line_fields(f"line{n}_", line)
    for n, one in enumerate((text.get("schedule") or {}).get("instalments", ())):
        amount = one.get("amount")
        held |= {
            f"instalment{n}_on": one["due_on"], f"instalment{n}_percent": "" if amount else _percent(one["share_milli"]),
            f"instalment{n}_amount": amount["amount"] if amount else "",
        }  # fmt: skip
        if amount:
            held["currency"] = amount["currency"]
    for n, one in enumerate(text.get("obligations") or ()):
        worth = one.get("worth")
        held |= {
            f"obligation{n}_of": one["of"], f"obligation{n}_what": one["what"], f"obligation{n}_on": one.get("due_on") or "",
            f"obligation{n}_worth": worth["amount"] if worth else "", f"obligation{n}_currency": worth["currency"] if worth else "",
        }  # fmt: skip
    return held | {"annexes": " ".join(one["sha256"] for one in text.get("annexes") or ())}


def _line_fields(name: str, line: Json) -> dict[str, str]:
    if line["kind"] not in PER:
        return {f"{name}kept": "yes"}
    return {
        f"{name}price": line["price"]["amount"], f"{name}currency": line["price"]["currency"],
        f"{name}per": PER[line["kind"]] or line["unit"], f"{name}rule": line.get("rule") or "",
        f"{name}product": line["product"], f"{name}point": line["point_of_sale"],
        f"{name}species": "any" if line["species"] == "any" else ",".join(line["species"]),
    }  # fmt: skip


def rows_of(fields: Mapping[str, str], part: str) -> list[int]:
    """The rows of a part (``instalment``, ``obligation``) that say something, by their number in the form."""
    return [n for n in range(MOST_ROWS) if any(fields.get(f"{part}{n}_{name}", "").strip() for name in SAID_BY[part])]


def rows_shown(fields: Mapping[str, str], part: str) -> int:
    """As many as say something, and some more to fill in."""
    used = rows_of(fields, part)
    return min(MOST_ROWS, max(ROWS[part], used[-1] + 1 + MORE_ROWS if used else 0))


def _percent(permille: int) -> str:
    return f"{permille // 10}.{permille % 10}".removesuffix(".0")


def text_of(form: Filled, base: Base, papers: Iterable[Json]) -> dict[str, Any]:
    """The version as it is sent; what cannot be read stands in the faults of the form. ``papers`` are those of the vault, with
    their names."""
    body: dict[str, Any] = {
        name: " ".join(form.needed(name).split()) for name in ("title", "dated", "starts_on", "ends_on")
    }
    body |= {"lines": _lines(form, base), "schedule": _schedule(form)}
    for name, value in (("volume_m3", written(form.get("volume"))), ("permit", form.get("permit").upper())):
        if value:
            body[name] = value
    if form.get("late"):
        body["late_interest"] = {"annual_milli": milli(form.get("late"))}
    if owed := _obligations(form):
        body["obligations"] = owed
    if annexes := _annexes(form, base, papers):
        body["annexes"] = annexes
    body |= {name: base.text[name] for name in TAKEN_OVER if base.text.get(name)}
    if base.amends is not None:
        changes = [part for part in PARTS if _plain(body.get(part) or None) != _plain(base.text.get(part) or None)]
        body |= {"amends": base.amends, "changes": changes, "reason": " ".join(form.needed("reason").split())}
    return body


def _kept(form: Filled, base: Base, n: int) -> bool:
    return form.get(f"line{n}_kept") == "yes" and n < len(base.lines)


def _line_rows(form: Filled, base: Base) -> list[int]:
    """The rows of prices that say something or are taken over, by their number in the form."""
    every = range(len(base.lines) + MORE_LINES)
    return [n for n in every if _kept(form, base, n) or form.get(f"line{n}_price")]


def _lines(form: Filled, base: Base) -> list[Json]:
    asked = offer_form.Asked(form.fields, "", date.min)
    lines = [base.lines[n] if _kept(form, base, n) else asked.line(f"line{n}_") for n in _line_rows(form, base)]
    if not lines:
        form.faults["line0_price"] = "act.needed"
    return lines


def _schedule(form: Filled) -> dict[str, Any]:
    """Shares of the price, or amounts, which then are its total."""
    currency, instalments = form.get("currency") or "PEN", list[dict[str, Any]]()
    total = Decimal(0)
    for n in rows_of(form.fields, "instalment"):
        percent, amount = form.get(f"instalment{n}_percent"), form.get(f"instalment{n}_amount")
        one: dict[str, Any] = {"due_on": form.needed(f"instalment{n}_on")}
        if percent:
            one["share_milli"] = milli(percent)
        if amount:
            cents = in_parts(amount, 100)
            if cents is None:
                form.faults[f"instalment{n}_amount"] = "act.not_an_amount"
            total += Decimal(cents or 0) / 100
            one["amount"] = {"amount": written(amount), "currency": currency}
        instalments.append(one)
    if not instalments:
        form.faults["instalment0_on"] = "act.needed"
    return {"instalments": instalments} | ({"total": {"amount": f"{total:.2f}", "currency": currency}} if total else {})


def _obligations(form: Filled) -> list[dict[str, Any]]:
    found = list[dict[str, Any]]()
    for n in rows_of(form.fields, "obligation"):
        name = f"obligation{n}_"
        one = {"of": form.get(f"{name}of") or PARTIES[0], "what": " ".join(form.get(f"{name}what").split())}
        if form.get(f"{name}on"):
            one["due_on"] = form.get(f"{name}on")
        worth = {"amount": written(form.get(f"{name}worth")), "currency": form.get(f"{name}currency") or "PEN"}
        found.append(one | ({"worth": worth} if form.get(f"{name}worth") else {}))
    return found


def _annexes(form: Filled, base: Base, papers: Iterable[Json]) -> list[dict[str, str]]:
    """The papers that were ticked. One that an earlier version has keeps its name there; another is called by what it is. None
    is left out: of one that is not there, the form says so."""
    known = {one["sha256"]: dict(one) for one in base.text.get("annexes") or ()}
    ticked, names = form.get("annexes").split(), {one["name"] for one in known.values()}
    for one in papers:
        if one["sha256"] not in known and one["sha256"] in ticked:
            name = f"{one['name']}, {one['stored_on']}"
            name = name if name not in names else f"{name} ({one['sha256'][:8]})"
            known[one["sha256"]] = {"name": name, "sha256": one["sha256"], "media_type": one["media_type"]}
            names.add(name)
    if not known.keys() >= set(ticked):
        form.faults["annexes"] = "act.unknown_paper"
    return [known[sha256] for sha256 in dict.fromkeys(ticked) if sha256 in known]


def _plain(value: Any) -> Any:
    """A part without what it leaves open, its amounts without zeros behind the point: so that 140 and 140.00 are the same."""
    if isinstance(value, Mapping):
        return {name: plain for name, one in value.items() if (plain := _plain(one)) not in (None, [], {}, "")}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return Decimal(value).normalize()
    return value


# Where a row stands in the body, its part of the form, and the names of its fields where they are others.
_ROW_PLACES = (
    (r"lines\.(\d+)\.(price|unit|kind|rule|product|point_of_sale|species)", "line", {"unit": "per", "kind": "per", "point_of_sale": "point"}),
    (r"schedule\.instalments\.(\d+)\.(due_on|share_milli|amount)", "instalment", {"due_on": "on", "share_milli": "percent"}),
    (r"obligations\.(\d+)\.(of|what|due_on|worth)", "obligation", {"due_on": "on"}),
)  # fmt: skip


def field_of(where: str, rows: Mapping[str, Sequence[int | None]]) -> str:
    """The field behind a place in the body; none for what the form does not ask for. By part, ``rows`` are those of the form that
    stand in the body."""
    place = offer_form.KIND.sub("", where.removeprefix("body."))
    for pattern, part, names in _ROW_PLACES:
        if match := re.match(pattern, place):
            row = rows[part][int(match[1])]
            return "" if row is None else f"{part}{row}_{names.get(match[2], match[2])}"
    return next((name for start, name in _PLACES.items() if place.startswith(start)), "")


def rows_sent(form: Filled, base: Base) -> dict[str, list[int | None]]:
    """By part, the rows that ``text_of`` puts into the body; none for a price that is taken over, which has no fields."""
    lines = [None if _kept(form, base, n) else n for n in _line_rows(form, base)]
    return {"line": lines} | {part: list[int | None](rows_of(form.fields, part)) for part in ROWS}


def beside(problem: Json, text: str, language: str, rows: Mapping[str, Sequence[int | None]]) -> dict[str, str]:
    """A refusal by the field it speaks of; above the form when it speaks of the whole."""
    found = dict[str, str]()
    listed = problem.get("errors") or [problem.get("facts", {})]
    for one in listed:
        reason = one.get(f"reason_{language}") or one.get("reason")
        if reason and one.get("where"):
            found.setdefault(field_of(str(one["where"]), rows), str(reason))
    return found or {"": text}
