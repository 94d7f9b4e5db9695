"""c2sp.org/tlog-witness: what a log asks of a witness, what the witness decides, how the log reads the answer.

The text followed is that of docs/format.md section 7: two roots at one size are 422, where version 1.0.0 of the
specification said 409. A decision is made in two steps, because the second must happen in one transaction with what it
decides over: `examine` looks at the request alone, `follow` at what the witness cosigned last.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from shared.refusal import Refusal
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.checkpoint import parse as parse_checkpoint
from shared.tlog.encoding import from_base64, from_decimal, to_base64
from shared.tlog.merkle import EMPTY_ROOT, HASH_BYTES, BadProof, verify_consistency
from shared.tlog.note import BadNote, BadSignature, Signature, Signer, Verifier, open_note, split_note
from shared.tlog.refusals import BadBytes

ADD_CHECKPOINT = "add-checkpoint"
SIZE_TYPE = "text/x.tlog.size"
MAX_HASHES = 63
# 63 hashes are 3 kB; the rest is room for some sixteen signatures of any kind known today.
MAX_BYTES = 65_536


@dataclass(eq=False)
class BadRequest(BadBytes):
    """The bytes are not an add-checkpoint request (400)."""

    slug: ClassVar[str] = "bad-add-checkpoint"


@dataclass(eq=False)
class UnknownOrigin(Refusal):
    """The witness watches no log of this name (404)."""

    slug: ClassVar[str] = "unknown-origin"
    es: ClassVar[str] = "Este testigo no vigila el registro {origin}."
    en: ClassVar[str] = "This witness does not watch the log {origin}."
    origin: str


@dataclass(eq=False)
class NotByTheLog(Refusal):
    """No key that the witness trusts for this origin signed the checkpoint, or its signature is wrong (403)."""

    slug: ClassVar[str] = "not-signed-by-the-log"
    es: ClassVar[str] = "Ninguna clave de confianza del registro {origin} firmó esta constancia."
    en: ClassVar[str] = "No trusted key of the log {origin} signed this checkpoint."
    origin: str


@dataclass(eq=False)
class OtherSize(Refusal):
    """The request does not build on what was cosigned last; `size` is what it must build on (409)."""

    slug: ClassVar[str] = "other-size"
    es: ClassVar[str] = "Lo último que este testigo firmó tiene tamaño {size}."
    en: ClassVar[str] = "What this witness cosigned last has size {size}."
    size: int


@dataclass(eq=False)
class StateLost(Refusal):
    """The checkpoint bears this witness's own signature, and the witness has no memory of it: its state was set back,
    and whatever it signs now could be a second history."""

    slug: ClassVar[str] = "witness-state-lost"
    es: ClassVar[str] = "El testigo ya había firmado {origin} en tamaño {size} y no lo recuerda: su estado retrocedió."
    en: ClassVar[str] = "The witness had signed {origin} at size {size} and does not remember it: its state went back."
    origin: str
    size: int


@dataclass(frozen=True, slots=True)
class Request:
    """The body of add-checkpoint: a signed checkpoint, and the proof that it extends the tree of `old_size` entries."""

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes

    def encode(self) -> bytes:
        """The body as it is sent."""
        lines = [f"old {self.old_size}", *map(to_base64, self.proof)]
        return "".join(f"{line}\n" for line in lines).encode() + b"\n" + self.note


@dataclass(frozen=True, slots=True)
class Offer:
    """A checkpoint that a trusted log signed. `signatures` are the log's, verified; `ours` tells that it came with this
    witness's own."""

    request: Request
    text: str
    checkpoint: Checkpoint
    signatures: tuple[Signature, ...]
    ours: bool

    def note(self, *lines: str) -> bytes:
        """The checkpoint under the log's verified signatures and `lines`; unknown signatures are left behind."""
        return (self.text + "\n" + "".join([*(s.line for s in self.signatures), *lines])).encode()


# ---- the witness


def parse(body: bytes) -> Request:
    """Read a request; BadRequest (or BadText for a number or hash). The checkpoint is not looked at."""
    if len(body) > MAX_BYTES:
        raise BadRequest("request", "too long")
    head, blank, note = body.partition(b"\n\n")
    if not blank or not head.startswith(b"old ") or not head.isascii():
        raise BadRequest("request", "old size line")
    first, *lines = head.decode("ascii").split("\n")
    if len(lines) > MAX_HASHES:
        raise BadRequest("request", "hash left over")
    old_size = from_decimal(first.removeprefix("old "), "old size")
    return Request(old_size, tuple(from_base64(line, "proof", HASH_BYTES) for line in lines), note)


def examine(request: Request, logs: Iterable[Verifier], own: Verifier) -> Offer:
    """What the request offers, before asking what was cosigned last. UnknownOrigin, NotByTheLog or BadRequest; a
    malformed checkpoint raises as `split_note` and `checkpoint.parse` do."""
    text, signatures = split_note(request.note)
    checkpoint = parse_checkpoint(text)
    keys = [key for key in logs if key.name == checkpoint.origin]
    if not keys:
        raise UnknownOrigin(checkpoint.origin)
    try:
        known = {signed.verifier for signed in open_note(request.note, keys).known}
    except (BadNote, BadSignature):
        raise NotByTheLog(checkpoint.origin) from None
    if request.old_size > checkpoint.size:
        raise BadRequest("old size", "larger than the checkpoint")
    by_log = {(key.name, key.key_id): key for key in known}
    named = {(s.name, s.key_id): s for s in signatures if (s.name, s.key_id) in by_log}
    ours = any((s.name, s.key_id) == (own.name, own.key_id) and own.verify(text, s.value) for s in signatures)
    return Offer(request, text, checkpoint, tuple(named.values()), ours)


def follow(offer: Offer, last: Checkpoint | None) -> None:
    """Return when the offer extends, or repeats, what was cosigned last for its origin. StateLost, OtherSize, BadProof.

    Deciding so and keeping the offer must be one transaction, or two requests could both pass.
    """
    new, size, root = offer.checkpoint, last.size if last else 0, last.root if last else EMPTY_ROOT
    if offer.ours and (new.size > size or (new.size == size and new.root != root)):
        raise StateLost(new.origin, new.size)
    if offer.request.old_size != size:
        raise OtherSize(size)
    if new.size == 0 and new.root != EMPTY_ROOT:
        raise BadProof("checkpoint root", "root does not match")
    verify_consistency(size, new.size, root, new.root, offer.request.proof)


def cosign(offer: Offer, signer: Signer, now_s: int) -> str:
    """The witness's signature line, stating the POSIX time at which it is given. Only after `follow`."""
    return signer.line(offer.text, now_s)


def monitoring_path(origin: str) -> str:
    """Where, below its monitoring prefix, a witness shows the newest checkpoint it cosigned for a log."""
    return f"{origin_id(origin)}/checkpoint"


def origin_id(origin: str) -> str:
    """Lower-case hex of the SHA-256 of the origin line."""
    return hashlib.sha256(origin.encode()).hexdigest()


# ---- the log


def read_cosignature(note: bytes, answer: bytes, witness: Verifier) -> tuple[str, int]:
    """The verified line of this witness in its answer to `note`, and the POSIX time it states.

    Lines of other keys are ignored. BadSignature when its own is wrong, BadNote when there is none or the answer is not
    signature lines.
    """
    text, _ = split_note(note)
    whole = f"{text}\n".encode() + answer
    opened = open_note(whole, [witness])
    if opened.text != text:
        raise BadNote("note", "signature line")
    line = next(s.line for s in split_note(whole)[1] if (s.name, s.key_id) == (witness.name, witness.key_id))
    return line, opened.known[0].timestamp or 0


def read_size(answer: bytes) -> int:
    """The size in the body of a 409; BadText (or BadRequest) when it is not one decimal and a newline."""
    if not answer.endswith(b"\n") or not answer.isascii():
        raise BadRequest("old size", "not a decimal")
    return from_decimal(answer[:-1].decode("ascii"), "old size")
