"""What a verification found, for people and for machines.

Four honest outcomes: `valid` under the verifier's own policy; `untrusted`, when everything fits but the policy does not
accept the checkpoint; `invalid`, with the record that does not fit; `unreadable`, which says nothing about the lot.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from shared.refusal import Refusal
from shared.timber.disclosure import Value
from shared.timber.facts import Lot
from shared.timber.norms.private import load_private
from shared.timber.rules.texts import volume
from shared.timber.verdict import Verdict
from shared.tlog.checkpoint import Checkpoint

Outcome = Literal["valid", "untrusted", "invalid", "unreadable"]

CONSISTENT, NOT_VALID, UNREADABLE, TO_REVIEW = 0, 1, 2, 3

_HEADINGS = {
    "valid": ("VÁLIDO", "VALID"),
    "untrusted": (
        "NO CONFIABLE: el contenido encaja, pero su política no acepta la firma del registro.",
        "UNTRUSTED: the contents fit, but your policy does not accept the signature of the log.",
    ),
    "invalid": ("NO VÁLIDO", "NOT VALID"),
    "unreadable": ("NO SE PUEDE LEER", "CANNOT BE READ"),
}
# What no bundle can show, whatever it holds.
ALWAYS_UNCHECKED = (
    (
        "Lo que se registró después de la entrada {last}, o no se puso en este archivo: otras guías, cortes o ventas de "
        "estas piezas, otras guías sobre los mismos saldos (B01, B02 y C17 se calcularon solo con las de este archivo), "
        "revocaciones, suspensiones, correcciones.",
        "What was logged after entry {last}, or was not put into this file: other guides, cuts or sales of these pieces, "
        "other guides on the same balances (B01, B02 and C17 were worked out with those of this file only), revocations, "
        "suspensions, corrections.",
    ),
)
_NO_WITNESS = (
    "Que el operador muestre a todos el mismo registro: ningún testigo de su política firmó.",
    "That the operator shows everyone the same log: no witness of your policy signed.",
)


_WHO_SEES = (
    "Quien tiene este archivo los lee. Fuera de él los leen {orgs}, a quienes ellas lo permitan y, salvo los precios, las "
    "autoridades y supervisores de su región.",
    "Whoever has this file can read them. Outside it they are read by {orgs}, by whom these allow and, prices excepted, by "
    "the authorities and supervisors of their region.",
)
_ONLY_SAID = (
    "Que los campos privados sean ciertos: el registro solo prueba quién los dijo y cuándo.",
    "That the private fields are true: the log only proves who said them and when.",
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A private field that the bundle shows, and the record that commits to it."""

    index: int
    sid: str
    type: str
    actor: str
    name: str
    value: Value

    @property
    def titles(self) -> tuple[str, str]:
        """What people call the field, in Spanish and English; its name when this version does not know it."""
        return load_private().title_of(self.name) or (self.name, self.name)

    def line(self, at: int) -> str:
        """The field as a line of the report."""
        words = ("{}: {} (entrada {}, {} de {})", "{}: {} (entry {}, {} of {})")[at]
        return words.format(self.titles[at], self.value, self.index, self.type, self.actor)


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome with its evidence. `refusal` says why it is not `valid`; a `verdict` only comes with a lot that fits."""

    outcome: Outcome
    refusal: Refusal | None = None
    checkpoint: Checkpoint | None = None
    signer: str | None = None
    witnesses: Mapping[str, int] = field(default_factory=dict)
    known_witnesses: int = 0
    records: int = 0
    lot: Lot | None = None
    seller: str | None = None
    verdict: Verdict | None = None
    private: tuple[Shown, ...] = ()

    @property
    def exit_code(self) -> int:
        """0 consistent, 1 not valid, 2 cannot read, 3 valid with things to review."""
        if self.outcome == "unreadable":
            return UNREADABLE
        if self.outcome != "valid" or self.verdict is None:
            return NOT_VALID
        return CONSISTENT if self.verdict.word == "CONSISTENT" else TO_REVIEW

    @property
    def not_checked(self) -> list[dict[str, str]]:
        """What nobody checked: of the wood, and of the log."""
        if self.verdict is None or self.checkpoint is None:
            return []
        of_log = [{"es": es.format(last=self.checkpoint.size - 1), "en": en.format(last=self.checkpoint.size - 1)}
                  for es, en in ALWAYS_UNCHECKED]  # fmt: skip
        if not self.witnesses:
            of_log.append({"es": _NO_WITNESS[0], "en": _NO_WITNESS[1]})
        if self.private:
            of_log.append({"es": _ONLY_SAID[0], "en": _ONLY_SAID[1]})
        return [*of_log, *self.verdict.not_checked]

    def as_dict(self) -> dict[str, Any]:
        """The report for machines; every field is always there."""
        return {
            "outcome": self.outcome,
            "exit_code": self.exit_code,
            "problem": None if self.refusal is None else {
                "slug": self.refusal.slug,
                "detail_es": self.refusal.text("es"),
                "detail_en": self.refusal.text("en"),
                "facts": self.refusal.facts(),
            },
            "log": None if self.checkpoint is None else {
                "origin": self.checkpoint.origin,
                "size": self.checkpoint.size,
                "root": self.checkpoint.root.hex(),
                "signer": self.signer,
                "witnesses": dict(self.witnesses),
                "known_witnesses": self.known_witnesses,
            },
            "lot": None if self.lot is None else {
                "id": self.lot.id,
                "items": list(self.lot.items),
                "volume_dm3": self.lot.volume_dm3,
                "seller": self.seller,
                "buyer": self.lot.buyer,
                "claim": self.lot.claim,
            },
            "records": self.records,
            "private": [
                {"index": one.index, "sid": one.sid, "type": one.type, "actor": one.actor, "name": one.name,
                 "value": one.value}
                for one in self.private
            ],
            "verdict": None if self.verdict is None else self.verdict.as_dict(),
            "not_checked": self.not_checked,
        }  # fmt: skip

    def text(self, language: str) -> str:
        """The report as lines for a person, in ``es`` or ``en``."""
        at = 1 if language == "en" else 0
        lines = [_HEADINGS[self.outcome][at]]
        if self.refusal is not None:
            lines.append(self.refusal.text(language))
        if self.verdict is not None:
            lines.append(self.verdict.text_en if at else self.verdict.text_es)
        if self.lot is not None:
            lines.append(self._lot_line(self.lot, at))
        if self.checkpoint is not None and self.verdict is not None:
            lines += self._log_lines(self.checkpoint, at)
        if self.verdict is not None:
            for title, closed in ((("Observaciones:", "Findings:"), False), (("Resueltas:", "Resolved:"), True)):
                found = [f for f in self.verdict.findings if (f.status == "RESOLVED") == closed]
                told = [f"{f.severity or '--'} {f.rule} {f.text_en if at else f.text_es}" for f in found]
                lines += _section(title[at], told)
            lines += _section(("Reglas:", "Rules:")[at], _rules(self.verdict, at))
        lines += self._private_lines(at)
        unchecked = [entry["en" if at else "es"] for entry in self.not_checked]
        lines += _section(("No se comprobó:", "Not checked:")[at], unchecked)
        return "\n".join(lines)

    def _lot_line(self, lot: Lot, at: int) -> str:
        count = len(lot.items)
        noun = (("pieza", "piezas"), ("piece", "pieces"))[at][count != 1]
        words = ("Lote {}: {} {}, {} m³, de {}", "Lot {}: {} {}, {} m³, from {}")[at]
        line = words.format(lot.id, count, noun, volume(lot.volume_dm3), self.seller)
        return line + (f"{(', para ', ', for ')[at]}{lot.buyer}." if lot.buyer else (", sin vender.", ", unsold.")[at])

    def _private_lines(self, at: int) -> list[str]:
        if not self.private:
            return []
        orgs = ", ".join(sorted({one.actor for one in self.private}))
        title = ("Campos privados que muestra el archivo:", "Private fields that the file shows:")[at]
        return [*_section(title, [one.line(at) for one in self.private]), _WHO_SEES[at].format(orgs=orgs)]

    def _log_lines(self, checkpoint: Checkpoint, at: int) -> list[str]:
        words = (
            "Registro público {}: {} registros de {} entradas; {} de {} testigos.",
            "Log {}: {} records of {} entries; {} of {} witnesses.",
        )[at]
        line = words.format(checkpoint.origin, self.records, checkpoint.size, len(self.witnesses), self.known_witnesses)
        signed = ("Testigo {}, {}.", "Witness {}, {}.")[at]
        return [line, *(signed.format(name, _instant(stamp)) for name, stamp in sorted(self.witnesses.items()))]


_STATUSES = (
    ("PASS", "cumplen", "hold"),
    ("FAIL", "no cumplen", "do not hold"),
    ("RESOLVED", "resueltas por un supervisor", "resolved by a supervisor"),
    ("NOT_EVALUATED", "sin evaluar", "not evaluated"),
    ("NOT_APPLICABLE", "no se aplican a este lote", "do not apply to this lot"),
)


def _rules(verdict: Verdict, at: int) -> list[str]:
    """Each rule by its code, under what it says of the lot as a whole."""
    by_status = {status: [rule.rule for rule in verdict.rules if rule.status == status] for status, _, _ in _STATUSES}
    return [f"{words[at]}: {' '.join(by_status[status])}" for status, *words in _STATUSES if by_status[status]]


def _section(title: str, lines: list[str]) -> list[str]:
    return [title, *(f"- {line}" for line in lines)] if lines else []


def _instant(stamp: int) -> str:
    """A POSIX timestamp as an instant; one beyond the year 9999 as it stands."""
    if stamp >= 253_402_300_800:
        return str(stamp)
    return datetime.fromtimestamp(stamp, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
