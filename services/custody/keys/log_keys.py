"""The keys of the log, as `log.key` holds them: one a line.

A private line (`PRIVATE+KEY+...`) signs: every checkpoint carries a line by each of them, so that while the key changes
(`docs/operate.md`) whoever knows the old one and whoever knows the new one are both served. A public line (a vkey) signs
no more; what it once signed is still recognised. A public line of another name is of a log that this one continues.
"""

from dataclasses import dataclass
from pathlib import Path

from services.custody.keys import our_notes
from shared.refusal import Refusal
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.note import ED25519, Signer, Verifier, sign

_PRIVATE = "PRIVATE+KEY+"


@dataclass(frozen=True)
class LogKeys:
    """Who signs, and whose signatures under our own checkpoints are known, of every kind. The first key is the one that is
    shown. `past` are the keys of the logs before."""

    signers: tuple[Signer, ...]
    verifiers: tuple[Verifier, ...]
    past: tuple[Verifier, ...] = ()

    @classmethod
    def read(cls, path: Path, origin: str) -> "LogKeys":
        """RuntimeError for a private key of another name than the origin, for one that stands twice, and when no Ed25519
        key signs; BadNote for a line that is no key."""
        lines = path.read_text().split()
        signers = tuple(Signer.parse(line) for line in lines if line.startswith(_PRIVATE))
        retired = [Verifier.parse(line) for line in lines if not line.startswith(_PRIVATE)]
        for signer in signers:
            if signer.name != origin:
                raise RuntimeError(f"{path.name} signs as {signer.name!r}, the origin is {origin!r}")
        known = [*(signer.verifier for signer in signers), *retired]
        if len({one.public_key for one in known}) != len(known):
            raise RuntimeError(f"{path.name} holds a key twice")
        if not signers or signers[0].kind != ED25519:
            raise RuntimeError(f"{path.name} does not begin with a private Ed25519 key")
        own = tuple(one for one in known if one.name == origin)
        return cls(signers, own, tuple(one for one in known if one.name != origin))

    def signed(self, checkpoint: Checkpoint) -> bytes:
        """The note, with a line by each key that signs. RuntimeError when one of them came out wrong, as on a machine whose
        memory fails: nobody may see that note, and it may be signed again."""
        note = sign(checkpoint.text(), self.signers)
        try:
            borne = our_notes.opened(note, self.verifiers).bears
        except Refusal as refusal:
            raise RuntimeError(f"what was signed of {checkpoint.size} entries is not right: {refusal}") from refusal
        assert borne == self.signing, "each of them signed, and each is known"
        return note

    @property
    def shown(self) -> Verifier:
        """The key that people are told."""
        return self.signers[0].verifier

    @property
    def signing(self) -> frozenset[Verifier]:
        """Those that sign now, of every kind."""
        return frozenset(signer.verifier for signer in self.signers)

    @property
    def in_use(self) -> tuple[Verifier, ...]:
        """The Ed25519 keys that sign now: what policies name."""
        return tuple(signer.verifier for signer in self.signers if signer.kind == ED25519)

    @property
    def ed25519(self) -> tuple[Verifier, ...]:
        """Those that sign or signed, by which everybody knows the log: what somebody else shows is ours by one of these."""
        return tuple(one for one in self.verifiers if one.kind == ED25519)
