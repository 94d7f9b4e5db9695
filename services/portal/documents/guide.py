"""The transport guide as a paper: the numbered boxes of the official form, the list of logs, a code that leads to its page.

It prints what the public log holds and says of every other box that nothing is recorded. It does not replace the form.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from services.portal.documents.paper import code_for, typeset
from services.portal.figures import moment, number
from services.portal.naming import Say, region_name
from shared.timber.species import catalogue
from shared.tlog.checkpoint import parse
from shared.tlog.encoding import to_base64
from shared.web.language import Language

# The boxes of the form by part, each with its share of a line of twelve. Box 37 is the table of products.
PARTS: tuple[tuple[str, tuple[tuple[str, int], ...]], ...] = (
    ("validity", (("2", 6), ("3", 3), ("4", 3))),
    ("origin", (("5", 4), ("6", 4), ("7", 4), ("8", 4), ("9", 8), ("10", 4), ("11", 4), ("12", 4))),
    ("owner", (("13", 6), ("14", 3), ("15", 3), ("16", 6), ("17", 2), ("18", 2), ("19", 2), ("20", 6), ("21", 6))),
    ("addressee", (("22", 6), ("23", 3), ("24", 3), ("25", 6), ("26", 2), ("27", 2), ("28", 2))),
    ("transport", (("29", 4), ("30", 4), ("31", 4), ("32", 4), ("33", 4), ("34", 4), ("35", 6), ("36", 6))),
)
END = (("38", 12), ("39", 8), ("40", 4))
# What the log keeps for whom may read it.
RESERVED = {
    "31": ("carrier", "plate", "trailer_plate"), "32": ("driver",), "33": ("driver_document",), "34": ("driver_licence",),
}  # fmt: skip


@dataclass(frozen=True)
class Told:
    """What the API answered about one guide: its content, the keys that signed its issue, what the rules found in its
    records and whether that is all, its permit when it has one, the names of organisations by id, and the private fields
    its reader may see, by name."""

    content: Mapping[str, Any]
    signers: Sequence[str]
    findings: Sequence[Mapping[str, Any]]
    whole: bool
    permit: Mapping[str, Any] | None
    names: Mapping[str, str]
    private: Mapping[str, str]

    @property
    def guide(self) -> Mapping[str, Any]:
        """The guide itself."""
        found: Mapping[str, Any] = self.content["guide"]
        return found

    def name_of(self, org: str) -> str:
        """An organisation with its name, when it is known."""
        return f"{self.names[org]} ({org})" if org in self.names else org


def guide_pdf(told: Told, address: str, language: Language, texts: Mapping[Language, Say]) -> bytes:
    """The paper of a guide. `address` is its public page; `texts` are the words of both languages, for the English paper
    names every box in Spanish too. The same answers give the same bytes."""
    issued = datetime.strptime(told.guide["time"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    return typeset("guide.typ", sheet(told, address, language, texts), issued)


def sheet(told: Told, address: str, language: Language, texts: Mapping[Language, Say]) -> dict[str, Any]:
    """Everything the paper shows, in words and numbers of one language."""
    say, guide = texts[language], told.guide
    values = _values(told, language, say)

    def label(key: str) -> list[str]:
        both = [say(key), texts["es"](key)]
        return both[: 1 if language == "es" else 2]

    def box(name: str, span: int) -> dict[str, Any]:
        value = values.get(name)
        state = "said" if value else "reserved" if name in RESERVED else "none"
        said = value or say(f"documents.{state}")
        return {"n": name, "span": span, "label": label(f"documents.box_{name}"), "value": said, "state": state}

    checkpoint = parse(told.content["checkpoint"].partition("\n\n")[0] + "\n")
    index, size = number(guide["index"]), number(checkpoint.size)
    record = [
        (say("documents.log_entry", index=index), told.content["origin"]),
        (say("documents.log_sid"), guide["sid"]),
        (say("documents.log_checkpoint", size=size), to_base64(checkpoint.root)),
    ]
    return {
        "language": language,
        "title": label("documents.guide"),
        "number": guide["number"],
        "state": {"word": say(f"documents.state_{guide['state']}"), "name": guide["state"]},
        "form": say(f"documents.form_{guide['form']}"),
        "notice": say("documents.notice"),
        "code": code_for(address),
        "code_about": say("documents.code_about"),
        "address": address,
        "parts": [
            {"title": label(f"documents.part_{name}"), "boxes": [box(*one) for one in boxes]} for name, boxes in PARTS
        ],
        "products": _products(told, say, label),
        "end": [box(*one) for one in END],
        "record": record,
        "record_title": label("documents.log"),
        "list": _list(told, say, label),
        "page": say("documents.page"),
        "of": say("documents.of"),
    }


def _values(told: Told, language: Language, say: Say) -> dict[str, str]:
    """What stands in each box, by its number; a box that nothing is recorded for is absent."""
    guide, permit, pieces = told.guide, told.permit, told.content["pieces"]
    found = {
        "3": _day(guide["issued_on"]), "4": _day(guide["expires_on"]),
        "22": told.name_of(guide["addressee"]),
        "36": ", ".join(guide["origin_guides"]),
        "38": _remarks(told, language, say),
        "39": say("documents.signed", keys=", ".join(told.signers), at=moment(guide["time"], language)),
        "40": told.name_of(guide["issuer"]),
    }  # fmt: skip
    if pieces:
        found["35"] = say("documents.list_here", number=guide["number"], pieces=len(pieces))
    if permit is not None:
        title, plan = permit["title"], permit["plan"]
        found |= {
            "2": say("documents.authority", region=region_name(title["region"])),
            "5": say("documents.origin_permit", number=permit["number"]),
            "6": title["official_number"] or title["number"],
            "7": f"{permit['holder']['name']} ({permit['holder']['id']})",
            "8": plan["resolution"] or "", "9": say("documents.plan", number=plan["number"], season=plan["season"]),
            "10": region_name(title["region"]),
        }  # fmt: skip
    elif guide["origin_guides"]:
        found["5"] = say("documents.origin_mill")
    for name, fields in RESERVED.items():
        found[name] = " · ".join(told.private[field] for field in fields if field in told.private)
    return {name: value for name, value in found.items() if value}


def _remarks(told: Told, language: Language, say: Say) -> str:
    """Box 38: what the rules found, each with its severity, and what became of the load."""
    said = [
        f"{one['rule']} ({say('severity.' + one['severity'])}): {one['text_' + language]}"
        if one["severity"]
        else f"{one['rule']}: {one['text_' + language]}"
        for one in told.findings
        if one["status"] == "FAIL"
    ]
    if not told.whole:
        said.append(say("documents.findings_part"))
    if told.guide["received_dm3"] is not None:
        said.append(say("documents.received", volume=_m3(told.guide["received_dm3"])))
    if told.content["listed_dm3"] != told.content["recorded_dm3"] and told.content["pieces"]:
        said.append(say("documents.differs", recorded=_m3(told.content["recorded_dm3"])))
    return " ".join(said) or say("documents.no_findings")


def _products(told: Told, say: Say, label: Any) -> dict[str, Any]:
    """Box 37: a line for each parcel, species and product, and their sum."""
    rows = []
    for line in told.guide["lines"]:
        key = line["parcel"], line["species"], line["product"]
        count = sum((one["parcel"] or "", one["species"], one["product"]) == key for one in told.content["pieces"])
        rows.append(
            [
                line["species"], _trade_name(line["species"]), say(f"product.{line['product']}"), line["parcel"] or "–", "–",
                number(count) if count else "–", "m³", _m3(line["volume_dm3"]),
            ]
        )  # fmt: skip
    names = ("37a", "37b", "37c", "parcel", "37d", "37e", "37f", "37g")
    return {
        "title": label("documents.part_products"),
        "head": [{"n": one if one.startswith("37") else "", "label": label(f"documents.box_{one}")} for one in names],
        "rows": rows,
        "sum": [say("documents.sum"), _m3(told.guide["volume_dm3"])],
    }


def _list(told: Told, say: Say, label: Any) -> dict[str, Any] | None:
    """The list of logs with a running total; None when the guide lists no pieces."""
    pieces = sorted(told.content["pieces"], key=lambda one: (one["parcel"] or "", _by_code(one["code"])))
    if not pieces:
        return None
    rows, total = [], 0
    for at, one in enumerate(pieces, 1):
        total += one["listed_dm3"]
        rows.append(
            [
                number(at), one["code"], one["species"], one["parcel"] or "–",
                _measure(one["diameter_large_mm"], 10, 1), _measure(one["diameter_small_mm"], 10, 1),
                _measure(one["length_mm"], 1000, 2), _m3(one["listed_dm3"]),
                _m3(total),
            ]
        )  # fmt: skip
    names = ("number", "code", "species", "parcel", "large", "small", "length", "volume", "running")
    return {
        "title": label("documents.list"),
        "about": say("documents.list_about", number=told.guide["number"], pieces=len(pieces)),
        "head": [label(f"documents.list_{name}") for name in names],
        "rows": rows,
        "so_far": [
            say("documents.so_far", pieces=at, volume=row[-1]) for at, row in enumerate(rows, 1)
        ],
        "sums": _sums(pieces),
        "sum": [say("documents.sum"), _m3(total)],
        "sums_title": label("documents.by_species"),
    }  # fmt: skip


def _sums(pieces: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """Pieces and volume of each species in the list."""
    found = []
    for species in sorted({one["species"] for one in pieces}):
        own = [one["listed_dm3"] for one in pieces if one["species"] == species]
        found.append([species, number(len(own)), _m3(sum(own))])
    return found


def _m3(volume_dm3: int) -> str:
    """Litres as cubic metres with three decimals, without the unit."""
    return number(Decimal(volume_dm3) / 1000, 3)


def _trade_name(species: str) -> str:
    """The first trade name of an accepted species."""
    return catalogue().accepted(species).trade_name if species in catalogue() else "–"


def _measure(value_mm: int, unit_mm: int, decimals: int) -> str:
    """A length in a larger unit; of a product whose size nobody gave, a dash."""
    return number(Decimal(value_mm) / unit_mm, decimals) if value_mm else "–"


def _by_code(code: str) -> tuple[str | int, ...]:
    """Codes in the order of the forest: 9/A before 10/A."""
    tree, _, section = code.partition("/")
    return (0, int(tree), section) if tree.isdigit() else (1, tree, section)


def _day(iso: str) -> str:
    return f"{date.fromisoformat(iso):%d/%m/%Y}"
