"""From the fields of a contract's form to the text of a version, and back: all that a text may say. What does not fit, the service
says. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from services.portal import clauses, offer_form
from services.portal.acts import Filled
from services.portal.offer_form import in_parts, milli, written

Json = Mapping[str, Any]
# Rows shown at least; at most what the service takes.
ROWS = {"line": 3, "instalment": 6, "obligation": 4}
MORE_ROWS, MOST_ROWS = 2, 60
# What makes that a row says something.
SAID_BY = {
    "line": ("price", "share", "billed", "buy", "buy_unit", "buy_rule"),
    "instalment": ("percent", "amount"),
    "obligation": ("what",),
}
PARTIES = ("buyer", "community")
# What is paid for: the kinds of prices by what the form calls them, and the parts of wood or money beside them.
PER = {"per_volume": "", "per_tree": "tree", "lump_sum": "lot", "in_kind": "in_kind"}
SHARES = ("share_of_volume", "share_of_revenue", "share_of_profit")
BOUGHT = ("buy", "buy_unit", "buy_rule")  # what the buyer pays for the share of the wood, and by which unit and rule
PAID = (*offer_form.PER, "in_kind", *SHARES)
LISTED = {"deductions": clauses.DEDUCTION, "advances": clauses.ADVANCE}
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
    """What the form begins with: the version that is amended or written anew, else the offer; of an amendment that is not signed by
    both yet, its ``draft``. ``seen`` is the last version there is."""

    text: Json
    amends: int | None = None
    draft: Json | None = None
    seen: int = 0

    @property
    def begins(self) -> Json:
        """The text that the fields hold before anybody writes."""
        return self.draft or self.text


def base_of(offer: Json, versions: Sequence[Json]) -> Base:
    """The last version that both signed is amended; before there is one, a draft is written anew."""
    signed = [one for one in versions if one["state"] == "signed"]
    last = versions[-1] if versions else None
    if signed and last is not None:
        draft = None if last["state"] == "signed" else last["text"]
        return Base(signed[-1]["text"], signed[-1]["number"], draft, last["number"])
    return Base(offer) if last is None else Base(last["text"], seen=last["number"])


def signed_by_one(versions: Sequence[Json], org: str) -> str:
    """Who has signed the draft that would be replaced, but for ``org`` itself; empty when nobody has."""
    last = versions[-1] if versions else None
    if last is None or last["state"] == "signed":
        return ""
    return next((str(one["org"]) for one in last["signatures"] if one["org"] != org), "")


def overtaken(form: Filled, base: Base, versions: Sequence[Json], body: Json) -> int:
    """The number of a version that was written since the form was opened, and says something else; 0 when there is none."""
    if not versions or form.get("seen") == str(base.seen):
        return 0
    return 0 if _says(versions[-1], body) else base.seen


def signed_meanwhile(form: Filled, versions: Sequence[Json], org: str, body: Json) -> str:
    """Who has signed the draft that this would replace since the form was opened; empty when nobody has, or it says the same."""
    signer = signed_by_one(versions, org)
    return "" if not signer or form.get("signed_by") == signer or _says(versions[-1], body) else signer


def _says(version: Json, body: Json) -> bool:
    return all(_same(body.get(name), version["text"].get(name)) for name in (*PARTS, "amends", "reason"))


def begun(base: Base, day: date) -> dict[str, str]:
    """What the fields hold before anybody writes."""
    text = base.begins
    held = {
        "title": text["title"], "dated": text.get("dated") or day.isoformat(), "starts_on": text.get("starts_on") or day.isoformat(),
        "ends_on": text.get("ends_on") or "", "volume": text.get("volume_m3") or "", "permit": text.get("permit") or "",
        "reason": text.get("reason") or "", "seen": str(base.seen),
    }  # fmt: skip
    if late := text.get("late_interest"):
        held["late"] = _percent(late["annual_milli"])
    for n, line in enumerate(text["lines"]):
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
    for name, listed in LISTED.items():
        held |= clauses.begun(listed, name, text.get(name) or ())
    held |= clauses.terms_begun(text.get("terms") or {})
    return held | {"annexes": " ".join(one["sha256"] for one in text.get("annexes") or ())}


def _line_fields(name: str, line: Json) -> dict[str, str]:
    held = {
        f"{name}per": PER.get(line["kind"], line["kind"]) or line["unit"], f"{name}rule": line.get("rule") or "",
        f"{name}product": line["product"], f"{name}point": line["point_of_sale"],
        f"{name}species": "any" if line["species"] == "any" else ",".join(line["species"]),
    }  # fmt: skip
    if line["kind"] in SHARES:
        held[f"{name}share"] = _percent(line["share_milli"])
    for part, price in (
        ("", line.get("price")),
        ("billed", line.get("billed")),
        ("buy", (line.get("buy_back") or {}).get("price")),
    ):
        if price:
            held |= {
                f"{name}{part or 'price'}": price["amount"],
                f"{name}{part and part + '_'}currency": price["currency"],
            }
    if buy := line.get("buy_back"):
        held |= {f"{name}buy_unit": buy["unit"], f"{name}buy_rule": buy["rule"]}
    return held


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
    form.began = begun(base, date.min)
    body: dict[str, Any] = {name: _needed(form, name) for name in ("title", "dated", "starts_on", "ends_on")}
    body |= {"lines": _lines(form), "schedule": _schedule(form)}
    for name, value in (("volume_m3", written(form.get("volume"))), ("permit", form.get("permit").upper())):
        if value:
            body[name] = value
    if form.get("late"):
        body["late_interest"] = {"annual_milli": milli(form.get("late"))}
    if owed := _obligations(form):
        body["obligations"] = owed
    if annexes := _annexes(form, base, papers):
        body["annexes"] = annexes
    body |= {name: rows for name, one in LISTED.items() if (rows := clauses.read(one, form, name))}
    if terms := clauses.terms_of(form, base.begins.get("terms") or {}):
        body["terms"] = terms
    if base.amends is not None:
        changes = [part for part in PARTS if not _same(body.get(part), base.text.get(part))]
        body |= {"amends": base.amends, "changes": changes, "reason": _needed(form, "reason")}
    return body


def _needed(form: Filled, name: str) -> str:
    form.needed(name)
    return form.line(name)


def _lines(form: Filled) -> list[Json]:
    lines = [_line(form, f"line{n}_") for n in rows_of(form.fields, "line")]
    if not lines:
        form.faults["line0_price"] = "act.needed"
    return lines


def _line(form: Filled, name: str) -> Json:
    """A price, or the part of wood or money that is paid in its place; goods with what is billed for them. What was typed and has
    no place in what is paid is a fault, not left out."""
    line, kind = dict(offer_form.Asked(form.fields, "", date.min).line(name)), form.get(f"{name}per")
    unfit = {"price": kind in SHARES, "share": kind not in SHARES, "billed": kind != "in_kind"}
    unfit |= dict.fromkeys(BOUGHT, kind != "share_of_volume")
    form.faults |= {
        f"{name}{part}": "act.not_with_this" for part, no in unfit.items() if no and form.get(f"{name}{part}")
    }
    if kind in SHARES:
        del line["price"]
        line |= {"kind": kind, "share_milli": clauses.percent(form, f"{name}share")}
        bought = kind == "share_of_volume" and any(form.get(f"{name}{part}") for part in BOUGHT)
        if bought and not form.get(f"{name}buy"):
            form.faults[f"{name}buy"] = "act.needed"
        if buy := _amount(form, f"{name}buy"):
            units = {part: form.get(f"{name}buy_{part}") for part in ("unit", "rule")}
            line["buy_back"] = {"price": buy} | {part: value for part, value in units.items() if value}
    if kind == "in_kind":
        line["kind"] = kind
        if billed := _amount(form, f"{name}billed"):
            line["billed"] = billed
    return line


def _amount(form: Filled, name: str) -> Json | None:
    amount = written(form.get(name))
    return {"amount": amount, "currency": form.get(f"{name}_currency") or "PEN"} if amount else None


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
        one = {"of": form.get(f"{name}of") or PARTIES[0], "what": form.line(f"{name}what")}
        if form.get(f"{name}on"):
            one["due_on"] = form.get(f"{name}on")
        worth = {"amount": written(form.get(f"{name}worth")), "currency": form.get(f"{name}currency") or "PEN"}
        found.append(one | ({"worth": worth} if form.get(f"{name}worth") else {}))
    return found


def _annexes(form: Filled, base: Base, papers: Iterable[Json]) -> list[dict[str, str]]:
    """The papers that were ticked. One that an earlier version has keeps its name there; another is called by what it is. None
    is left out: of one that is not there, the form says so."""
    known = {one["sha256"]: dict(one) for one in base.begins.get("annexes") or ()}
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


def _same(one: Any, other: Any) -> bool:
    """Whether a part says the same twice. A part that is left out says nothing, as one that is empty."""
    return (_plain(one) or None) == (_plain(other) or None)


def _plain(value: Any) -> Any:
    """A part without what it leaves open, its amounts without zeros behind the point: so that 140 and 140.00 are the same. A list
    inside it that is empty stays: that there is nothing is said."""
    if isinstance(value, Mapping):
        return {name: plain for name, one in value.items() if (plain := _plain(one)) not in (None, {}, "")}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return Decimal(value).normalize()
    return value


# Where a row stands in the body, its part of the form, and the names of its fields where they are others.
_ROW_PLACES = (
    (r"lines\.(\d+)\.(price|unit|kind|rule|product|point_of_sale|species|share_milli|billed|buy_back\.price|buy_back\.unit|buy_back\.rule)",
     "line", {"unit": "per", "kind": "per", "point_of_sale": "point", "share_milli": "share", "buy_back.price": "buy",
              "buy_back.unit": "buy_unit", "buy_back.rule": "buy_rule"}),
    (r"schedule\.instalments\.(\d+)\.(due_on|share_milli|amount)", "instalment", {"due_on": "on", "share_milli": "percent"}),
    (r"obligations\.(\d+)\.(of|what|due_on|worth)", "obligation", {"due_on": "on"}),
)  # fmt: skip


def field_of(where: str, fields: Mapping[str, str]) -> str:
    """The field of this form behind a place in its body; none for what the form does not ask for."""
    place = offer_form.KIND.sub("", where.removeprefix("body."))
    for pattern, part, names in _ROW_PLACES:
        if match := re.match(pattern, place):
            return f"{part}{rows_of(fields, part)[int(match[1])]}_{names.get(match[2], match[2])}"
    part, _, rest = place.partition(".")
    if part in LISTED:
        return clauses.field_of_row(LISTED[part], part, rest, fields)
    if part == "terms":
        return clauses.field_of(rest, fields)
    return next((name for start, name in _PLACES.items() if place.startswith(start)), "")


def beside(problem: Json, text: str, language: str, fields: Mapping[str, str]) -> dict[str, str]:
    """A refusal by the field it speaks of; above the form when it speaks of the whole."""
    found = dict[str, str]()
    listed = problem.get("errors") or [problem.get("facts", {})]
    for one in listed:
        reason = one.get(f"reason_{language}") or one.get("reason")
        if reason and one.get("where"):
            found.setdefault(field_of(str(one["where"]), fields), str(reason))
    return found or {"": text}
