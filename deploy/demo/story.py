"""The story as it is told: acts, steps with their place in the log, and expectations that must hold."""

import sys
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass
class Story:
    """Tells each step as it happens (unless `silent`) and keeps it for the JSON answer.

    Every sentence comes in Spanish and English. An expectation that does not hold is told, and makes the story fail.
    """

    language: str = "es"
    silent: bool = False
    steps: list[Json] = field(default_factory=list)
    lots: list[Json] = field(default_factory=list)
    guides: list[Json] = field(default_factory=list)
    items: list[Json] = field(default_factory=list)
    held: int = 0
    failed: list[str] = field(default_factory=list)
    _act: str = ""

    @property
    def ok(self) -> bool:
        """Every expectation held, and there were some."""
        return self.held > 0 and not self.failed

    def act(self, name: str, es: str, en: str) -> None:
        """A new part of the story."""
        self._act = name
        self._print(f"\n{self._in(es, en)}")

    def step(self, name: str, outcome: str, es: str, en: str, index: int | None = None, **figures: Any) -> None:
        """Something that happened; `index` is its place in the log, if it has one."""
        text = self._in(es, en)
        self.steps.append({"act": self._act, "name": name, "index": index, "outcome": outcome, "text": text, **figures})
        place = f"[{index}]" if index is not None else ""
        self._print(f"  {place:>8}  {text}")

    def note(self, es: str, en: str) -> None:
        """Something a reader should know; not a step."""
        self._print(f"            {self._in(es, en)}")

    def expect(self, holds: bool, es: str, en: str) -> None:
        """What must be so. Told only when it is not."""
        if holds:
            self.held += 1
            return
        text = f"{self._act}: {self._in(es, en)}"
        self.failed.append(text)
        print(f"         ✗  {text}", file=sys.stderr, flush=True)

    def broken(self, error: Exception) -> None:
        """An act ended before its end."""
        self.expect(
            False,
            f"el acto se interrumpió: {type(error).__name__}: {error}",
            f"the act broke off: {type(error).__name__}: {error}",
        )

    def close(self) -> None:
        """The last sentence."""
        if self.ok:
            es = f"\nTodo lo esperado se cumplió: {self.held} comprobaciones, {len(self.steps)} pasos."
            en = f"\nEverything expected held: {self.held} checks, {len(self.steps)} steps."
        else:
            es = f"\n{len(self.failed)} de {self.held + len(self.failed)} comprobaciones no se cumplieron."
            en = f"\n{len(self.failed)} of {self.held + len(self.failed)} checks did not hold."
        self._print(self._in(es, en))

    def answer(self) -> Json:
        """The whole story for machines."""
        return {
            "ok": self.ok, "language": self.language, "steps": self.steps, "lots": self.lots, "guides": self.guides,
            "items": self.items, "checks": {"held": self.held, "failed": self.failed},
        }  # fmt: skip

    def _in(self, es: str, en: str) -> str:
        return en if self.language == "en" else es

    def _print(self, line: str) -> None:
        if not self.silent:
            print(line, flush=True)


def m3(dm3: int) -> str:
    """Litres as cubic metres with three decimals."""
    sign = "-" if dm3 < 0 else ""
    return f"{sign}{abs(dm3) // 1000}.{abs(dm3) % 1000:03d}"
