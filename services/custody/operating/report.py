"""What the operator's commands say: lines for people in one language, or one JSON document a line for programs."""

import argparse
import sys
from typing import Any

import orjson

from shared.refusal import Refusal

TEXTS = ("text_es", "text_en")
WORDS = {
    "sound": (
        "Sin daños: {size} entradas, {checkpoints} constancias, la última de {signed_size}. Copia aparte: {archive_size}.",
        "No damage: {size} entries, {checkpoints} checkpoints, the last of {signed_size}. Second copy: {archive_size}.",
    ),
    "nothing_lost": ("Nada que recuperar: la base de datos tiene todo lo publicado.",
                     "Nothing to recover: the database holds all that was published."),
    "recovered": (
        "Recuperadas las entradas {start} a {end} de {where}; la raíz es la firmada.",
        "Entries {start} to {end} came back from {where}; the root is the one that was signed.",
    ),
    "said": ("La declaración de la recuperación es la entrada {statement}.",
             "The statement of the recovery is entry {statement}."),
    "unsaid": ("No se registró la declaración: {unsaid}", "The statement was not logged: {unsaid}"),
    "frozen": (
        "La bitácora sigue detenida. Busque otra copia: un espejo (--from CARPETA o DIRECCIÓN) o un respaldo más nuevo.",
        "The log stays frozen. Look for another copy: a mirror (--from DIR or URL), or a newer backup.",
    ),
    "closed": (
        "La bitácora {origin} quedó cerrada para siempre con {size} entradas (raíz {root}) y continúa como {next}. Bajo su "
        "última constancia firmaron {witnesses} de {asked} testigos.",
        "The log {origin} is closed for ever at {size} entries (root {root}) and goes on as {next}. {witnesses} of {asked} "
        "witnesses have cosigned its last checkpoint.",
    ),
    "unwitnessed": (
        "Faltan los testigos que la política pide. Repita cuando respondan, o siga sin ellos (--unwitnessed).",
        "Witnesses that the policy asks for are missing. Repeat when they answer, or go on without (--unwitnessed).",
    ),
    "rebuilt": ("Rehecho lo derivado de {size} entradas.", "Made again what follows from {size} entries."),
}  # fmt: skip


class Report:
    """Lines in one language, or one JSON document a line."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._json, self._lang = options.json, options.lang
        self._shown = False

    def say(self, what: str, **facts: Any) -> None:
        """One of the sentences above, with its facts."""
        self._end_progress()
        if self._json:
            print(orjson.dumps({"status": what, **facts}, default=str).decode(), flush=True)
        else:
            english = self._lang == "en"
            none = "none" if english else "ninguna"
            told = {name: none if value is None else value for name, value in facts.items()}
            print(WORDS[what][english].format(**told), flush=True)

    def refused(self, status: str, error: Refusal | Exception) -> None:
        """Why it ended."""
        self._end_progress()
        if not self._json:
            print(error.text(self._lang) if isinstance(error, Refusal) else error, file=sys.stderr, flush=True)
            return
        texts = {name: error.text(name[-2:]) if isinstance(error, Refusal) else str(error) for name in TEXTS}
        facts = error.facts() if isinstance(error, Refusal) else {}
        print(orjson.dumps({"status": status, **facts, **texts}, default=str).decode(), flush=True)

    def progress(self, done: int, total: int) -> None:
        """A line that is written over, for somebody who watches."""
        if sys.stderr.isatty() and not self._json:
            print(f"\r{done} / {total}", end="", file=sys.stderr, flush=True)
            self._shown = True

    def _end_progress(self) -> None:
        if self._shown:
            print(file=sys.stderr)
            self._shown = False
