"""What a contract says beside prices and instalments: deductions, advances, and facts about its clauses, as fields of a form and back.
What each is, contracts says; a test holds these tables against its bodies. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.portal.acts import Filled
from services.portal.naming import DEPARTMENTS
from services.portal.offer_form import CURRENCIES, DEDUCTIONS, in_parts, milli, whole, written

Json = Mapping[str, Any]
MORE_ROWS, MOST_ROWS = 2, 100
NONE = "none"  # ticked: nothing of the list, which is not the same as nobody having said
UNITS = ("m3", "pt")
# A part of a whole; and how far a price may follow an index.
PERCENT = {"percent": (1_000, "act.not_a_percent"), "index": (10_000, "act.not_a_percent_of_index")}


@dataclass(frozen=True)
class Clause:
    """A fact by its name in the text. ``kind``: yes, choice, several, count, days, percent, index, milli, day, number, money, species, paper,
    text, lines; or group and rows, which have ``parts``."""

    name: str
    kind: str = "yes"
    options: tuple[str, ...] = ()
    parts: tuple["Clause", ...] = ()


def _yes(*names: str) -> tuple[Clause, ...]:
    return tuple(Clause(name) for name in names)


DEDUCTION = Clause("deductions", "rows", parts=(
    Clause("kind", "choice", (*DEDUCTIONS[:-1], "hollow", DEDUCTIONS[-1])), Clause("amount", "money"), Clause("days", "days"),
    Clause("note", "text"), Clause("formula", "text"),
))  # fmt: skip
ADVANCE = Clause("advances", "rows", parts=(
    Clause("kind", "choice", ("cash", "in_kind")), Clause("worth", "money"), Clause("billed", "money"), Clause("days", "days"),
    Clause("recovered_days", "count"), Clause("note", "text"),
))  # fmt: skip
GROUPS: dict[str, tuple[Clause, ...]] = {
    "measure": (
        Clause("scaler", "choice", ("buyer", "community", "joint", "third_party")),
        *_yes("joint_scaling", "tally_copy", "price_stated_without_rule"),
        Clause("defects", "group", parts=(Clause("taken"), Clause("formula", "text"), Clause("cap_milli", "percent"))),
        *_yes("bark_deduction_stated", "trim_stated"), Clause("trim_mm", "count"), Clause("remeasure_right"),
        Clause("remeasure_days", "count"), *_yes("left_logs_paid", "price_list"),
    ),
    "payment": (
        Clause("paid_after_resale"), Clause("guarantee", "choice", ("none", "bond", "deposit", "title_retention")),
        Clause("penalties_on", "choice", ("nobody", "community", "buyer", "both")), Clause("penalty_milli", "percent"),
        Clause("index_clause"),
        Clause("index_shares", "group", parts=(Clause("up_milli", "index"), Clause("down_milli", "index"))),
        Clause("buyer_sells_in", "choice", CURRENCIES), Clause("fx_clause"),
        *_yes(
            "buyer_controls_costs", "cost_cap", "audit_right", "costs_deducted_uncapped", "repaid_in_wood_or_labour_only",
            "debt_has_end_date", "debt_carries_over",
        ),
    ),
    "wood": (
        *_yes("all_species", "area_is_polygon"), Clause("area_ha", "number"), Clause("volume_limited"), Clause("plan_valid_to", "day"),
        Clause("census_m3", "number"),
        Clause("census_species_m3", "rows", parts=(Clause("species", "species"), Clause("volume_m3", "number"))),
        Clause("seed_trees_included"), Clause("delivery_days", "count"), Clause("removal_days", "count"),
        *_yes("sold_as_certified", "chain_of_custody_code"),
        Clause("buyer_certificate", "choice", ("valid", "suspended", "disassociated", "none")), Clause("cites_evidence"),
    ),
    "term": (
        Clause("term_months", "count"), Clause("automatic_renewal"), Clause("exclusive_months", "count"),
        Clause("first_refusal_at_buyer_price"), Clause("may_terminate", "choice", ("buyer", "community", "both", "nobody")),
        Clause("unpaid_exit"), Clause("unpaid_exit_days", "count"), Clause("assignment_needs_consent"),
        Clause("forum_region", "choice", DEPARTMENTS), Clause("forum_costs_on_community"),
    ),
    "work": (
        Clause("operator", "choice", ("buyer", "community", "third_party")), Clause("fines_on", "choice", ("buyer", "community", "shared")),
        Clause("solidarity_waived"),
        Clause("fine_risks", "rows", parts=(Clause("probability_milli", "percent"), Clause("uit_milli", "milli"))),
        Clause("sanctions", "group", parts=(Clause("listed"), Clause("on", "day"), Clause("list_sha256", "text"))),
        Clause("regent_paid_by", "choice", ("buyer", "community", "other")), Clause("regent_disclosed"),
        Clause("power_over", "several", ("permit", "gtf_book", "sunat_key", "bank_account")),
        *_yes("wages_stated", "insurance_stated", "minors_rule"),
    ),
    "agreement": (
        Clause("assembly", "group", parts=(
            Clause("held"), Clause("on", "day"), Clause("quorum"), Clause("attendance", "count"), Clause("votes_for", "count"),
            Clause("minutes_sha256", "paper"),
        )),
        Clause("signed_on", "day"), *_yes("translated", "adviser_named"), Clause("annexes_missing", "lines"),
        Clause("silenced_to", "several", ("federation", "osinfor", "adviser")), Clause("community_has_copy"),
        Clause("bidders", "count"), Clause("first_contact_on", "day"),
    ),
}  # fmt: skip
CLAUSES = tuple(one for group in GROUPS.values() for one in group)
# Fields of which a form may hold several of one name.
SEVERAL = tuple(f"term_{one.name}" for one in CLAUSES if one.kind == "several")


def terms_begun(terms: Json) -> dict[str, str]:
    """What the fields of the clauses hold of these facts, and where each stands."""
    held = {f"where_{name}": place for name, place in (terms.get("where") or {}).items()}
    for one in CLAUSES:
        held |= begun(one, f"term_{one.name}", terms.get(one.name))
    return held


def terms_of(form: Filled, before: Json) -> dict[str, Any]:
    """The facts as they are sent. A list that was said to be empty ``before`` stays so until somebody fills it in, and rows that
    it has beyond those of a form stay as they are."""
    terms: dict[str, Any] = {}
    for one in CLAUSES:
        value = read(one, form, f"term_{one.name}")
        if one.kind == "rows" and (had := before.get(one.name)) is not None and (had == [] or len(had) > MOST_ROWS):
            value = [*(value or ()), *had[MOST_ROWS:]]
        if value is not None:
            terms[one.name] = value
    where = {one.name: place for one in CLAUSES if (place := form.line(f"where_{one.name}"))}
    return terms | ({"where": where} if where else {})


def begun(one: Clause, name: str, value: Any) -> dict[str, str]:
    """The fields of a fact that says this; a field that would be empty is left out."""
    if value is None:
        return {}
    match one.kind:
        case "group":
            return {
                key: held
                for part in one.parts
                for key, held in begun(part, f"{name}_{part.name}", value.get(part.name)).items()
            }
        case "rows":
            return {
                key: held
                for n, row in enumerate(value)
                for key, held in begun(Clause("", "group", parts=one.parts), f"{name}{n}", row).items()
            }
        case "money":
            return {name: value["amount"], f"{name}_currency": value["currency"]}
        case "lines":
            return {name: "\n".join(value)} if value else {f"{name}_{NONE}": "yes"}
        case _:
            return {name: _spelled(one.kind, value)}


def _spelled(kind: str, value: Any) -> str:
    if kind == "yes":
        return "yes" if value else "no"
    if kind == "several":
        return " ".join(value) or NONE
    if kind in (*PERCENT, "milli"):
        return f"{(Decimal(value) / (10 if kind in PERCENT else 1000)).normalize():f}"
    return str(value)


def read(one: Clause, form: Filled, name: str) -> Any:
    """What the fields of a fact say; None when they say nothing. What is no number stays as it is, and the service says so."""
    match one.kind:
        case "group":
            said = {
                part.name: found for part in one.parts if (found := read(part, form, f"{name}_{part.name}")) is not None
            }
            return said or None
        case "rows":
            return [
                read(Clause("", "group", parts=one.parts), form, f"{name}{n}") for n in rows_of(form.fields, name, one)
            ] or None
        case "several":
            began, ticked = form.began.get(name, "").split(), form.get(name).split()
            held = [one for one in began if one in ticked]  # in the order in which the version has them
            return _listed(form, name, held + [one for one in ticked if one not in held])
        case "lines":
            return _listed(form, name, [*_lines(form, name), *([NONE] if form.get(f"{name}_{NONE}") else [])])
        case "percent" | "index":
            return percent(form, name, one.kind)
        case "money":
            amount = written(form.get(name))
            return {"amount": amount, "currency": form.get(f"{name}_currency") or CURRENCIES[0]} if amount else None
        case "days":
            return whole(form.get(name)) if form.get(name) else 0
        case _:
            return _plain(one.kind, form, name)


def _lines(form: Filled, name: str) -> list[str]:
    """What stands on each line, with single blanks; a line that nobody touched as it began."""
    began = form.began.get(name, "").splitlines()
    lines = [line.strip() for line in form.get(name).splitlines() if line.strip()]
    return [line if line in began else " ".join(line.split()) for line in lines]


def _listed(form: Filled, name: str, ticked: list[str]) -> list[str] | None:
    """What was ticked or written; empty when somebody said that there is nothing, None when nobody said a thing."""
    if NONE in ticked and len(ticked) > 1:
        form.faults[name] = "act.none_or_some"
    return [one for one in ticked if one != NONE] if ticked else None


def percent(form: Filled, name: str, kind: str = "percent") -> int | str | None:
    """Percent as thousandths. The service speaks of those, so what is none is said here, in percent."""
    read, (most, fault) = milli(form.get(name)) if form.get(name) else None, PERCENT[kind]
    if read is not None and (not isinstance(read, int) or not 0 <= read <= most):
        form.faults[name] = fault
    return read


def _plain(kind: str, form: Filled, name: str) -> Any:
    text = form.line(name)
    if not text:
        return None
    if kind == "yes":
        return {"yes": True, "no": False}.get(text, text)
    if kind == "count":
        return whole(text)
    if kind == "milli":
        found = in_parts(text, 1000)
        return text if found is None else found
    return written(text) if kind == "number" else text


def rows_of(fields: Mapping[str, str], name: str, one: Clause) -> list[int]:
    """The rows that say something, by their number in the form."""
    return [n for n in range(MOST_ROWS) if any(fields.get(f"{name}{n}_{part.name}", "").strip() for part in one.parts)]


def rows_shown(fields: Mapping[str, str], name: str, one: Clause) -> int:
    """As many as say something, and some more to fill in."""
    used = rows_of(fields, name, one)
    return min(MOST_ROWS, (used[-1] + 1 if used else 0) + MORE_ROWS)


def says_any(fields: Mapping[str, str], clauses: Iterable[Clause]) -> bool:
    """Whether a field of these is filled in."""
    starts = tuple(f"{start}_{one.name}" for one in clauses for start in ("term", "where"))
    return any(name.startswith(starts) and value.strip() for name, value in fields.items())


def field_of(place: str, fields: Mapping[str, str]) -> str:
    """The field behind a place beneath ``terms``; none for what is not asked for."""
    first, _, rest = place.removeprefix("where.").partition(".")
    one = next((each for each in CLAUSES if each.name == first), None)
    if one is None or place.startswith("where."):
        return "" if one is None else f"where_{first}"
    return _within(one, f"term_{first}", rest, fields)


def _within(one: Clause, name: str, rest: str, fields: Mapping[str, str]) -> str:
    if one.kind == "group":
        part = rest.partition(".")[0]
        return f"{name}_{part if any(each.name == part for each in one.parts) else one.parts[0].name}"
    return field_of_row(one, name, rest, fields) if one.kind == "rows" else name


def field_of_row(one: Clause, name: str, rest: str, fields: Mapping[str, str]) -> str:
    """The field of a row behind the rest of a place, ``1.amount.currency``; that of the first row when it names none."""
    number, _, part = rest.partition(".")
    rows: Sequence[int] = rows_of(fields, name, one) or [0]
    at = rows[int(number)] if number.isdecimal() and len(number) < 4 and int(number) < len(rows) else rows[0]
    named = (part if number.isdecimal() else number).partition(".")[0]
    return f"{name}{at}_{named if any(each.name == named for each in one.parts) else one.parts[0].name}"
