"""The keys of the log, as `log.key` holds them: one a line.

A private line (`PRIVATE+KEY+...`) signs: every checkpoint carries a line by each of them, so that while the key changes
(`docs/operate.md`) whoever knows the old one and whoever knows the new one are both served. A public line (a vkey) signs
no more; what it once signed is still recognised.
"""

from dataclasses import dataclass
from pathlib import Path

from shared.tlog.note import ED25519, Signer, Verifier

_PRIVATE = "PRIVATE+KEY+"


@dataclass(frozen=True)
class LogKeys:
    """Who signs, and whose signatures under our own checkpoints are known. The first key is the one that is shown."""

    signers: tuple[Signer, ...]
    verifiers: tuple[Verifier, ...]

    @classmethod
    def read(cls, path: Path, origin: str) -> "LogKeys":
        """RuntimeError for a key of another name than the origin, for one that stands twice, and when no Ed25519 key
        signs; BadNote for a line that is no key."""
        lines = path.read_text().split()
        signers = tuple(Signer.parse(line) for line in lines if line.startswith(_PRIVATE))
        retired = [Verifier.parse(line) for line in lines if not line.startswith(_PRIVATE)]
        known = [*(signer.verifier for signer in signers), *retired]
        for other in known:
            if other.name != origin:
                raise RuntimeError(f"{path.name} signs as {other.name!r}, the origin is {origin!r}")
        if len({one.public_key for one in known}) != len(known):
            raise RuntimeError(f"{path.name} holds a key twice")
        if not signers or signers[0].kind != ED25519:
            raise RuntimeError(f"{path.name} does not begin with a private Ed25519 key")
        return cls(signers, tuple(one for one in known if one.kind == ED25519))

    @property
    def shown(self) -> Verifier:
        """The key that people are told."""
        return self.signers[0].verifier

    @property
    def in_use(self) -> tuple[Verifier, ...]:
        """The Ed25519 keys that sign now."""
        return tuple(signer.verifier for signer in self.signers if signer.kind == ED25519)
