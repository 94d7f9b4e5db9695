"""c2sp.org/tlog-policy: which logs and witnesses a verifier trusts, and how many of them must have signed.

The policy is the only trust material there is: a proof or a bundle never brings its own.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from shared.refusal import Refusal
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.checkpoint import parse as parse_checkpoint
from shared.tlog.encoding import from_decimal
from shared.tlog.note import COSIGNATURE, ED25519, MLDSA44, Verifier, open_note, split_note
from shared.tlog.refusals import BadBytes

MAX_LINES = 1_000
_FORBIDDEN = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_NONE = "none"


@dataclass(eq=False)
class BadPolicy(BadBytes):
    """The text is not a tlog-policy; `where` names the line."""

    slug: ClassVar[str] = "bad-policy"
    es: ClassVar[str] = "La política de confianza no es válida: {where}: {reason}."
    en: ClassVar[str] = "The trust policy is not valid: {where}: {reason}."


@dataclass(eq=False)
class UnknownLog(Refusal):
    """The policy has no key for this log, or the checkpoint was not signed with the key it has."""

    slug: ClassVar[str] = "unknown-log"
    es: ClassVar[str] = "Su política no conoce la clave con que se firmó el registro {origin}."
    en: ClassVar[str] = "Your policy does not know the key that signed the log {origin}."
    origin: str


@dataclass(eq=False)
class QuorumNotMet(Refusal):
    """Fewer witnesses cosigned the checkpoint than the policy asks for."""

    slug: ClassVar[str] = "quorum-not-met"
    es: ClassVar[str] = "Firmaron {cosigned} de {known} testigos conocidos; no alcanza para el quórum {quorum}."
    en: ClassVar[str] = "{cosigned} of {known} known witnesses signed; that does not meet the quorum {quorum}."
    quorum: str
    cosigned: int
    known: int


@dataclass(frozen=True, slots=True)
class Witness:
    """Someone who cosigns checkpoints after checking that they are consistent."""

    name: str
    verifier: Verifier
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Log:
    """A log whose checkpoints are accepted."""

    verifier: Verifier
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Members (witnesses or groups) of which at least `threshold` must have cosigned."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """A checkpoint that satisfies a policy: who signed it, which witnesses saw it and when."""

    checkpoint: Checkpoint
    log: Verifier
    witnesses: Mapping[str, int]
    known_witnesses: int


@dataclass(frozen=True, slots=True)
class Policy:
    """Logs, witnesses, groups and the name of the quorum ("none" asks for no cosignature)."""

    logs: tuple[Log, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    groups: tuple[Group, ...] = ()
    quorum: str = _NONE

    @property
    def asks(self) -> bool:
        """Whether anybody must have cosigned."""
        return self.quorum != _NONE

    @classmethod
    def parse(cls, text: bytes) -> "Policy":
        """Read a policy file. BadPolicy names the line. A missing newline at the very end is forgiven."""
        return _Reader().read(text)

    def check(self, note: bytes) -> Checked:
        """The checkpoint in a signed note, if this policy accepts it.

        UnknownLog, BadSignature or QuorumNotMet say why not; a malformed note raises as `split_note` does.
        """
        text, signatures = split_note(note)
        checkpoint = parse_checkpoint(text)
        lines = {(s.name, s.key_id) for s in signatures}
        logs = [log.verifier for log in self.logs if log.verifier.name == checkpoint.origin]
        if not any((v.name, v.key_id) in lines for v in logs):
            raise UnknownLog(checkpoint.origin)
        opened = open_note(note, [*logs, *(w.verifier for w in self.witnesses)])
        stamps = {signed.verifier: signed.timestamp for signed in opened.known}
        seen = {w.name: stamps[w.verifier] or 0 for w in self.witnesses if w.verifier in stamps}
        if not self.meets(seen):
            raise QuorumNotMet(self.quorum, len(seen), len(self.witnesses))
        signer = next(v for v in logs if v in stamps)
        return Checked(checkpoint, signer, seen, len(self.witnesses))

    def meets(self, seen: Collection[str]) -> bool:
        """Whether these witnesses make up the quorum."""
        satisfied = set(seen)
        for group in self.groups:  # each names only what stands before it
            if sum(member in satisfied for member in group.members) >= group.threshold:
                satisfied.add(group.name)
        return not self.asks or self.quorum in satisfied

    def counted(self) -> list[str]:
        """The witnesses that count for the quorum, in the order of the policy."""
        wanted = {self.quorum}
        for group in reversed(self.groups):  # each names only what stands before it
            if group.name in wanted:
                wanted.update(group.members)
        return [witness.name for witness in self.witnesses if witness.name in wanted]


@dataclass(slots=True)
class _Reader:
    """A policy being read, line by line."""

    logs: list[Log] = field(default_factory=list)
    witnesses: list[Witness] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    quorum: str | None = None
    names: set[str] = field(default_factory=lambda: {_NONE})
    members: set[str] = field(default_factory=set)
    where: str = "policy"

    def read(self, text: bytes) -> Policy:
        if _FORBIDDEN.search(text):
            raise BadPolicy("policy", "control character")
        lines = text.split(b"\n")
        if len(lines) > MAX_LINES:
            raise BadPolicy("policy", "too many lines")
        for number, line in enumerate(lines, 1):
            self.where = f"line {number}"
            # Octets above 0x7F are opaque to the policy; those that are not UTF-8 are kept as visible escapes.
            words = [w.decode("utf-8", "backslashreplace") for w in re.split(rb"[ \t]+", line.strip(b" \t")) if w]
            if words and not words[0].startswith("#"):
                self._line(words)
        if self.quorum is None:
            raise BadPolicy("policy", "quorum line")
        return Policy(tuple(self.logs), tuple(self.witnesses), tuple(self.groups), self.quorum)

    def _line(self, words: list[str]) -> None:
        match words:
            case ["log", vkey, *url] if len(url) < 2:
                self._log(vkey, url[0] if url else None)
            case ["witness", name, vkey, *url] if len(url) < 2:
                self._witness(name, vkey, url[0] if url else None)
            case ["group", name, threshold, *members] if members:
                self._group(name, threshold, members)
            case ["quorum", name]:
                self._quorum(name)
            case [("log" | "witness" | "group" | "quorum"), *_]:
                raise BadPolicy(self.where, "wrong number of words")
            case _:
                raise BadPolicy(self.where, "unknown directive")

    def _log(self, vkey: str, url: str | None) -> None:
        verifier = self._key(vkey, ED25519, MLDSA44)
        if any(log.verifier.public_key == verifier.public_key for log in self.logs):
            raise BadPolicy(self.where, "key used twice")
        self.logs.append(Log(verifier, url))

    def _witness(self, name: str, vkey: str, url: str | None) -> None:
        verifier = self._key(vkey, COSIGNATURE)
        if any(w.verifier.public_key == verifier.public_key for w in self.witnesses):
            raise BadPolicy(self.where, "key used twice")
        self._define(name)
        self.witnesses.append(Witness(name, verifier, url))

    def _group(self, name: str, threshold: str, members: list[str]) -> None:
        for member in members:
            if member not in self.names or member == _NONE:
                raise BadPolicy(self.where, "name not defined before")
            if member in self.members:
                raise BadPolicy(self.where, "member used twice")
            self.members.add(member)
        words = {"any": 1, "all": len(members)}
        least = words.get(threshold) or from_decimal(threshold, self.where)
        if not 1 <= least <= len(members):
            raise BadPolicy(self.where, "threshold")
        self._define(name)
        self.groups.append(Group(name, least, tuple(members)))

    def _quorum(self, name: str) -> None:
        if self.quorum is not None:
            raise BadPolicy(self.where, "quorum line")
        if name not in self.names:
            raise BadPolicy(self.where, "name not defined before")
        self.quorum = name

    def _define(self, name: str) -> None:
        if name in self.names:
            raise BadPolicy(self.where, "name used twice")
        self.names.add(name)

    def _key(self, vkey: str, *kinds: int) -> Verifier:
        try:
            verifier = Verifier.parse(vkey)
        except BadBytes as refusal:
            raise BadPolicy(self.where, refusal.reason) from None
        if verifier.kind not in kinds:
            raise BadPolicy(self.where, "unsupported key type")
        return verifier
