"""`./timber appraise FILE`: what an offer is worth, from one file and without any server (docs/appraisal.md)."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import ValidationError

from services.contracts.domain.answers import countered
from services.contracts.domain.appraisal import appraise
from services.contracts.domain.book import check_known_on
from services.contracts.domain.border import Form
from services.contracts.domain.fair import Basis
from services.contracts.domain.floor import Wishes
from services.contracts.domain.judged import judge_offer
from services.contracts.domain.lot import Wood, count_wood
from services.contracts.domain.offer import Offer
from services.contracts.domain.pinned import Pin, Pins, canonical, sha256_of
from services.contracts.domain.report import aloud, message, page
from services.contracts.domain.series import read_clause
from services.contracts.questions import CounterOfferIn, QuickIn
from services.contracts.shipped import flag_pack, world_bank_indices
from shared.refusal import Malformed, Refusal
from shared.timber.measure import LogRule
from shared.web.reasons import reason_en, reason_es

Asked = TypeVar("Asked", bound=QuickIn)
REFUSED = 2
PERU = timedelta(hours=-5)


@dataclass(eq=False)
class WrongField(Malformed):
    """A field of the file, with the reason in both languages."""

    reason_es: str

    def text(self, language: str) -> str:
        reason = self.reason if language == "en" else self.reason_es
        return (self.en if language == "en" else self.es).format(where=self.where, reason=reason)


@dataclass(eq=False)
class NotJson(WrongField):
    """The file is no JSON text, or says one thing twice."""

    slug: ClassVar[str] = "not-json"
    es: ClassVar[str] = "{where}: no es un texto JSON que se pueda leer: {reason}."
    en: ClassVar[str] = "{where}: is no JSON text that can be read: {reason}."


@dataclass(eq=False)
class _NameTwiceError(ValueError):
    """A name that stands twice in one object."""

    name: str


@dataclass(eq=False)
class BookNeedsServer(Malformed):
    """A book by its name is kept by a server; here the figures themselves are needed."""

    slug: ClassVar[str] = "book-needs-server"
    es: ClassVar[str] = (
        "{where}: un libro guardado se lee del servidor; ponga las cifras en basis.prices o basis.costs."
    )
    en: ClassVar[str] = (
        "{where}: a stored book is read from the server; put the figures in basis.prices or basis.costs."
    )
    reason: str = "stored"


def main(options: argparse.Namespace) -> int:
    """Print the answer; 2 when the file was refused, with the slug of the problem and its words."""
    try:
        body = _read(options.file)
        found = counter(body) if options.form == "counter" else answer(body)
    except Refusal as refusal:
        return _refused(refusal, options)
    if options.json:
        sys.stdout.write(canonical(found).decode() + "\n")
    else:
        sys.stdout.write(_told(found, options.form, options.lang))
    return 0


def answer(body: Any) -> dict[str, Any]:
    """The appraisal of a file's content: the one that the service would give, had it these figures alone."""
    asked = _parsed(body, QuickIn)
    offer, basis, wood = _facts(asked)
    pins = Pins(sha256_of(offer), _pin(basis.prices), _pin(basis.costs), None)
    return appraise(offer, wood, basis, flag_pack(), pins)


def counter(body: Any) -> dict[str, Any]:
    """The counter-offer of a file's content. What the assembly set stays on this machine."""
    asked = _parsed(body, CounterOfferIn)
    offer, basis, wood = _facts(asked)
    case = judge_offer(offer, wood, basis, flag_pack().verdict)
    return countered(case, flag_pack(), Wishes(asked.alternative_m3, asked.reservation_m3))


def _parsed(body: Any, form: type[Asked]) -> Asked:
    try:
        return form.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        raise WrongField(_place(first["loc"], body), reason_en(first), reason_es(first)) from error


def _place(location: Sequence[str | int], body: Any) -> str:
    """Where it is in the file: what the form calls a kind of line is no name of the file."""
    named: list[str] = []
    at = body
    for number, part in enumerate(location, 1):
        known = (isinstance(at, dict) and part in at) or isinstance(at, list)
        if known or not isinstance(at, dict) or number == len(location):
            named.append(str(part))
            at = at[part] if known else None
    return ".".join(named) or "."


def _facts(asked: QuickIn) -> tuple[Offer, Basis, Wood]:
    given = asked.basis
    for name in ("price_book", "cost_book"):
        if getattr(given, name) is not None:
            raise BookNeedsServer(f"basis.{name}")
    day = given.on or (datetime.now(UTC) + PERU).date()
    check_known_on(day, given.prices, given.costs, given.fx)
    rule = LogRule(given.base_rule)
    basis = Basis(
        day, given.rate_milli, rule, given.prices, given.costs, given.fx, given.seed, given.draws,
        read_clause(asked.offer.index, world_bank_indices() if asked.offer.index else {}, day), asked.offer.index is not None,
    )  # fmt: skip
    lot = asked.offer.lot
    wood = count_wood(lot, None, "not_asked" if lot.custody_lot is None else "unavailable", rule)
    return asked.offer, basis, wood


def _pin(book: Any) -> Pin | None:
    return None if not isinstance(book, Form) else Pin(book.id, None, sha256_of(book))  # type: ignore[attr-defined]


def _read(name: str) -> Any:
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return json.loads(data.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=_no_number)
    except OSError as error:
        raise NotJson(name, error.strerror or "?", "no se puede abrir") from error
    except _NameTwiceError as error:
        raise NotJson(
            name, f"the name {error.name!r} stands twice", f"el nombre {error.name!r} está dos veces"
        ) from error
    except json.JSONDecodeError as error:
        raise NotJson(name, str(error), _at(error)) from error
    except (ValueError, RecursionError) as error:
        raise NotJson(name, str(error), "no es texto en UTF-8, o sus partes no son de JSON") from error


def _at(error: json.JSONDecodeError) -> str:
    if not error.doc.strip():
        return "está vacío"
    return f"mire la línea {error.lineno}, columna {error.colno} (una coma, una comilla o una llave de más o de menos)"


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names all differ: of two prices under one name nobody knows which one was meant."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise _NameTwiceError(next(name for name in names if names.count(name) > 1))
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number of JSON")


def _refused(refusal: Refusal, options: argparse.Namespace) -> int:
    if options.json:
        problem = {"slug": refusal.slug, "detail_es": refusal.text("es"), "detail_en": refusal.text("en")}
        print(json.dumps(problem | {"facts": refusal.facts()}, ensure_ascii=False, sort_keys=True))
    else:
        print(f"{refusal.slug}: {refusal.text(options.lang)}", file=sys.stderr)
    return REFUSED


def _told(appraisal: dict[str, Any], form: str, language: Any) -> str:
    match form:
        case "counter":
            head = {"es": "Para el contrato: ", "en": "For the contract: "}[language]
            clauses = [head + clause[language] for clause in appraisal["clauses"]]
            lines = [*appraisal["text"][language], *clauses, *(gap[language] for gap in appraisal["missing"])]
            return "\n".join(lines) + "\n"
        case "html":
            return page(appraisal, language)
        case "sms":
            return message(appraisal, language) + "\n"
        case "speech":
            return aloud(appraisal, language)
        case _:
            text = appraisal["text"][language]
            return "\n".join([text["headline"], *text["sentences"]]) + "\n"
