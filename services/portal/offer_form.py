"""From the fields of the offer form to the bodies of the public API, and from its "no" back to the fields.

Nothing is decided here: what is missing or does not fit, the service says, and the form shows it beside the field.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from shared.web.language import Language

Json = dict[str, Any]
WOODS, LINES = 4, 3
MOST_DIGITS = 12  # before the point
# What a price is for: its kind, and the unit of a price by volume.
PER = {"tree": ("per_tree", None), "m3": ("per_volume", "m3"), "pt": ("per_volume", "pt"), "lot": ("lump_sum", None)}
RULES = (
    "mean_of_ends", "doyle", "oxapampina", "smalian", "huber", "newton", "international_quarter", "scribner", "sawn",
)  # fmt: skip
PRODUCTS = ("standing", "log", "sawn")
POINTS = ("stump", "roadside", "river_port", "mill_gate", "wholesale_lima", "fob")
CURRENCIES = ("PEN", "USD")
REGIONS = ("madre-de-dios", "ucayali", "loreto", "junin", "pasco", "huanuco", "san-martin", "amazonas", "cusco", "puno")
DEDUCTIONS = ("road", "planning", "permit", "transport", "machinery", "camp", "obligation", "penalty", "other")
STEPS = ("felling", "skidding", "road_transport", "river_transport", "milling", "overhead")
YES_NO = ("assembly", "tally_copy", "joint_scaling", "rule_stated", "hollows", "paid_after_resale")
CHOICES: dict[str, tuple[str, ...]] = {
    "scaler": ("buyer", "community", "joint", "third_party"),
    "operator": ("buyer", "community", "third_party"),
    "fines_on": ("buyer", "community", "shared"),
    "power_over": ("nothing", "permit", "gtf_book", "sunat_key", "bank_account"),
}
THOUSANDS = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?")
KIND = re.compile(r"\b(per_volume|per_tree|lump_sum|in_kind|share_of_volume|share_of_revenue|share_of_profit)\.")


def written(text: str) -> str:
    """A number as the API reads it: ``1,234.50`` and ``1234,5`` lose their commas. What is no number stays as it is, and
    the service says so."""
    plain = text.strip().replace(" ", "")
    return plain.replace(",", "") if THOUSANDS.fullmatch(plain) else plain.replace(",", ".", 1)


def in_parts(text: str, parts: int) -> int | None:
    """A number as a whole count of its ``parts`` (1000: thousandths). None for what is no number, or is not whole in
    them, or is larger than anything a form speaks of: ``1e999999`` must never become an integer of a million digits."""
    try:
        found = Decimal(written(text))
    except InvalidOperation:
        return None
    if not found.is_finite() or found.adjusted() >= MOST_DIGITS:
        return None
    found *= parts
    return int(found) if found == found.to_integral_value() else None


def milli(text: str) -> int | str:
    """Percent as thousandths; what is no number stays as it is."""
    found = in_parts(text, 10)
    return text if found is None else found


def whole(text: str) -> int | str:
    """A whole number; what is none stays as it is."""
    plain = written(text)
    return int(plain) if plain.isdecimal() and len(plain) <= MOST_DIGITS else text


@dataclass(frozen=True)
class Asked:
    """The form as somebody filled it in; ``community`` is who asks and ``today`` the day in Peru."""

    fields: Mapping[str, str]
    community: str
    today: date

    def get(self, name: str) -> str:
        """What a field holds, without spaces at its ends."""
        return self.fields.get(name, "").strip()

    def offer(self, prefix: str = "a_") -> Json:
        """One offer. The wood and the facts of the community are the same for all of a form."""
        body: Json = {
            "title": self.get(f"{prefix}title"), "community": self.community, "buyer": None,
            "region": self.get("region"), "offered_on": self.get(f"{prefix}offered_on") or self.today.isoformat(),
            "lines": [self.line(f"{prefix}line{n}_") for n in self.lines(prefix)],
            "lot": {"basis": self.get("basis") or "declared", "species": [self._wood(n) for n in self.woods()]},
            "payments": self._payments(prefix), "deductions": self._deductions(prefix), "advances": self._advances(prefix),
            "terms": self._terms(prefix),
        }  # fmt: skip
        if buyer := self.get(f"{prefix}buyer"):
            body["buyer_name"] = buyer
        if families := self.get("families"):
            body["families"] = whole(families)
        return body

    def lines(self, prefix: str) -> list[int]:
        """The price lines that were filled in; the first always counts."""
        return [n for n in range(LINES) if n == 0 or self.get(f"{prefix}line{n}_price")]

    def woods(self) -> list[int]:
        """The species that were filled in; the first always counts."""
        return [n for n in range(WOODS) if n == 0 or self.get(f"wood{n}_species")]

    def line(self, name: str) -> Json:
        """A price and what it is for, from the fields that begin so."""
        kind, unit = PER.get(self.get(f"{name}per"), ("", None))
        species = self.get(f"{name}species")
        line: Json = {
            "kind": kind, "species": species.split(",") if species and species != "any" else "any",
            "price": self._money(f"{name}price", f"{name}currency"),
            "product": self.get(f"{name}product"), "point_of_sale": self.get(f"{name}point"),
        }  # fmt: skip
        if unit is not None:
            line["unit"] = unit
            if rule := self.get(f"{name}rule"):
                line["rule"] = rule
        return line

    def _wood(self, n: int) -> Json:
        one: Json = {"species": self.get(f"wood{n}_species"), "volume_m3": written(self.get(f"wood{n}_volume"))}
        if trees := self.get(f"wood{n}_trees"):
            one["trees"] = whole(trees)
        return one

    def _money(self, amount: str, currency: str = "") -> Json:
        return {"amount": written(self.get(amount)), "currency": (self.get(currency) if currency else "PEN")}

    def _payments(self, prefix: str) -> list[Json]:
        now, days = self.get(f"{prefix}paid_now"), self.get(f"{prefix}rest_days")
        share = milli(now) if now else 1000
        if share == 1000 or not isinstance(share, int):
            return [{"share_milli": share, "days": 0}]
        first = [{"share_milli": share, "days": 0}] if share else []
        return [*first, {"share_milli": 1000 - share, "days": whole(days) if days else 0}]

    def _deductions(self, prefix: str) -> list[Json]:
        if not self.get(f"{prefix}deduction"):
            return []
        return [{"kind": self.get(f"{prefix}deduction_kind") or "other", "amount": self._money(f"{prefix}deduction")}]

    def _advances(self, prefix: str) -> list[Json]:
        if not self.get(f"{prefix}advance"):
            return []
        billed = f"{prefix}advance_billed" if self.get(f"{prefix}advance_billed") else f"{prefix}advance"
        days = self.get(f"{prefix}advance_days")
        return [
            {
                "kind": "cash", "worth": self._money(f"{prefix}advance"), "billed": self._money(billed),
                "recovered_days": whole(days) if days else 0,
            }
        ]  # fmt: skip

    def _terms(self, prefix: str) -> Json:
        said = {name: self.get(f"{prefix}{name}") for name in (*YES_NO, *CHOICES, "term_months")}
        yes = {name: said[name] == "yes" for name in YES_NO if said[name]}
        terms: Json = {name: yes[name] for name in ("tally_copy", "joint_scaling", "paid_after_resale") if name in yes}
        terms |= {name: said[name] for name in ("scaler", "operator", "fines_on") if said[name]}
        if "assembly" in yes:
            terms["assembly"] = {"held": yes["assembly"]}
        if "rule_stated" in yes:
            terms["price_stated_without_rule"] = not yes["rule_stated"]
        if "hollows" in yes:
            terms["defects"] = {"taken": yes["hollows"]}
        if said["power_over"]:
            terms["power_over"] = [] if said["power_over"] == "nothing" else [said["power_over"]]
        if said["term_months"]:
            terms["term_months"] = whole(said["term_months"])
        return terms

    def basis(self, source: str) -> Json:
        """What the offer is compared with: a published book, or the figures of the form, whose source is ``source``."""
        body: Json = {"on": self.today.isoformat()}
        head = {"title": source, "region": self.get("region"), "as_of": self.today.isoformat(), "source": source}
        if book := self.get("price_book"):
            body["price_book"] = book
        elif self.get("sawn_mid"):
            body["prices"] = {"id": "formulario", **head, "licence": "-", "entries": [self._sawn(source)]}
        steps = [step for step in STEPS if self.get(f"cost_{step}")]
        if book := self.get("cost_book"):
            body["cost_book"] = book
        elif steps or self.get("recovery"):
            body["costs"] = {
                "id": "formulario", **head, "recovery_milli": {"mid": milli(self.get("recovery"))},
                "margin_milli": {"mid": milli(self.get("margin"))},
                "lines": [
                    {"step": step, "mid": self._money(f"cost_{step}"), "source": source, "on": self.today.isoformat()}
                    for step in steps
                ],
            }  # fmt: skip
            if self.get("forester"):
                body["costs"]["signed_by"] = {
                    "name": self.get("forester"), "licence": self.get("forester_licence"), "on": self.today.isoformat(),
                }  # fmt: skip
        return body

    def _sawn(self, source: str) -> Json:
        bounds = {name: self._money(f"sawn_{name}") for name in ("low", "mid", "high") if self.get(f"sawn_{name}")}
        return {
            "species": "any", "product": "sawn", "unit": "pt", "rule": "sawn", "point_of_sale": "mill_gate", **bounds,
            "grade": "given", "observed_on": self.today.isoformat(), "source": source,
        }  # fmt: skip

    def wishes(self) -> Json:
        """What only the community knows of its own least price, by standing cubic metre."""
        names = ("reservation_m3", "alternative_m3")
        return {name: written(self.get(name)) for name in names if self.get(name)}

    def faults(self, problem: Mapping[str, Any], language: Language) -> dict[str, str]:
        """What the service says is wrong, by field; under ``""`` what belongs to no field of the form."""
        listed = problem.get("errors") or [problem.get("facts", {})]
        found: dict[str, str] = {}
        for one in listed:
            reason = (
                one.get("reason_en", one.get("reason")) if language == "en" else one.get("reason_es", one.get("reason"))
            )
            field = self._field(str(one.get("where", "")))
            if reason and (field or len(listed) == 1):
                found.setdefault(field, str(reason))
        return found or {"": str(problem.get(f"detail_{language}", problem.get("slug", "")))}

    def _field(self, where: str) -> str:
        """The field behind a place in the body; none for what the form builds itself."""
        place = KIND.sub("", where.removeprefix("body."))
        prefix = "b_" if place.startswith("offers.1.") else "a_"
        place = re.sub(r"^(offers?\.)(\d\.)?", "", place)
        if match := re.match(
            r"lines\.(\d)\.(price\.amount|price\.currency|price|unit|kind|rule|product|point_of_sale|species)", place
        ):
            n, what = self.lines(prefix)[int(match[1])], match[2]
            names = {
                "price.amount": "price",
                "price.currency": "currency",
                "unit": "per",
                "kind": "per",
                "point_of_sale": "point",
            }
            return f"{prefix}line{n}_{names.get(what, what)}"
        if match := re.match(r"lot\.species\.(\d)\.(species|volume_m3|trees)", place):
            return f"wood{self.woods()[int(match[1])]}_{match[2].removesuffix('_m3')}"
        if match := re.match(r"basis\.costs\.lines\.(\d)", place):
            filled = [step for step in STEPS if self.get(f"cost_{step}")]
            return f"cost_{filled[int(match[1])]}"
        if match := re.match(r"basis\.prices\.entries\.0\.(low|mid|high)", place):
            return f"sawn_{match[1]}"
        if match := re.match(r"basis\.costs\.(recovery|margin)_milli", place):
            return match[1]
        return next((name for start, name in _PLACES.items() if place.startswith(start)), "").replace("a_", prefix, 1)


_PLACES = {
    "title": "a_title", "region": "region", "offered_on": "a_offered_on", "families": "families", "payments": "a_paid_now",
    "deductions": "a_deduction", "advances": "a_advance", "terms.term_months": "a_term_months", "lot": "wood0_volume",
    "reservation_m3": "reservation_m3", "alternative_m3": "alternative_m3", "basis.price_book": "price_book",
    "basis.cost_book": "cost_book",
}  # fmt: skip
