"""A record: one signed statement, as it came, and the checked view of it.

Everything that is signed, hashed or compared is bytes sliced from what was received; nothing is serialised again.
``parse_entry`` refuses with ``MalformedRecord`` or ``UnknownType``; whether the signer may say it is judged by
``shared.timber.chain``.
"""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from shared.refusal import Malformed, Refusal
from shared.timber import fields as f
from shared.timber.bodies import AUTHORITY, BODIES, CUSTODY, key_id, tree_item
from shared.timber.fields import fields, listing
from shared.timber.upload import check_place, place_length, sign_together, signed_through
from shared.tlog import canon, merkle
from shared.tlog.ed25519 import verify_ed25519

__all__ = [
    "AUTHORITY", "BODIES", "CUSTODY", "BadSignature", "MalformedRecord", "Record", "UnknownType", "check_signature",
    "key_id", "make_statement", "parse_entry", "parse_statement", "record_of", "sid_of", "sign", "sign_all", "tree_item",
]  # fmt: skip

DOMAIN = b"trozalog/v1/statement\n"
MAX_STATEMENT = 16_384
MAX_ENTRY = 60_000
MAX_SIGNATURES = 8
MAX_DEPTH = 8
# How many digests `sd` holds: private fields among decoys, so that their number says nothing.
SD_SIZES = (4, 8, 16)


@dataclass(eq=False)
class MalformedRecord(Malformed):
    """The statement or the entry is not what the format asks for."""

    slug: ClassVar[str] = "malformed-record"
    es: ClassVar[str] = "El registro está mal formado: {where}: {reason_es}."
    en: ClassVar[str] = "The record is malformed: {where}: {reason}."
    reason_es: str


@dataclass(eq=False)
class UnknownType(Malformed):
    """This version does not know the type of the record."""

    slug: ClassVar[str] = "unknown-type"
    es: ClassVar[str] = "Esta versión no conoce registros de este tipo ({where}): {reason}."
    en: ClassVar[str] = "This version knows no records of this type ({where}): {reason}."


@dataclass(eq=False)
class BadSignature(Refusal):
    """The signature is not of these bytes with that key."""

    slug: ClassVar[str] = "bad-signature"
    es: ClassVar[str] = "La firma de la clave {kid} no corresponde al registro {sid}."
    en: ClassVar[str] = "The signature by key {kid} does not fit record {sid}."
    sid: str
    kid: str


@dataclass(slots=True)
class Record:
    """A parsed entry. ``checked`` names the keys whose signature was found good; ``chain`` checks the rest. ``messages``
    holds, by key, what was signed where that is not this statement alone."""

    entry: bytes
    statement: bytes
    sid: str
    leaf_hash: bytes
    signatures: tuple[tuple[str, bytes], ...]
    type: str
    actor: str
    time: str
    prev: tuple[str, ...]
    body: dict[str, Any]
    messages: dict[str, bytes] = field(default_factory=dict)
    checked: set[str] = field(default_factory=set)


_digests = listing(f.bytes32, SD_SIZES[0], SD_SIZES[-1], ordered=True)
_NOT_PADDED = f.Fault("", "must hold 4, 8 or 16 digests", "debe tener 4, 8 o 16 huellas")


def _sd(value: Any) -> f.Fault | None:
    fault = _digests(value)
    return fault if fault is not None or len(value) in SD_SIZES else _NOT_PADDED


_check_statement = fields(
    {
        "type": f.anything,  # looked up before, for its own refusal
        "actor": f.org_id,
        "time": f.instant,
        "nonce": f.nonce,
        "prev": listing(f.digest, 0, 200, ordered=True),
        "body": f.anything,  # the type's own check follows
    },
    {
        "seen": fields({"size": f.whole(0, 2**53 - 1), "root": f.digest}),
        "seq": f.whole(0, 2**53 - 1),
        "sd": _sd,
    },
)
_check_signatures = listing(
    fields({"kid": f.kid, "sig": f.bytes64}, {"of": check_place}), 1, MAX_SIGNATURES, ordered=True,
    key=lambda signature: signature["kid"],
)  # fmt: skip
# A signature in canonical form has one length but for its place among others, so where the statement starts follows.
_SIGNATURE_LENGTH = len('{"kid":"","sig":""}') + 22 + 86


def sid_of(statement: bytes) -> str:
    """The name of a statement, computable offline: SHA-256 of a domain tag and its bytes."""
    return hashlib.sha256(DOMAIN + statement).hexdigest()


def parse_statement(data: bytes) -> dict[str, Any]:
    """The checked view of canonical statement bytes."""
    statement = canon.decode(data, max_bytes=MAX_STATEMENT, max_depth=MAX_DEPTH)
    _validate(statement)
    return statement


def parse_entry(entry: bytes) -> Record:
    """The checked view of one signed entry. Signatures are read here and verified by ``check_signature``."""
    whole = canon.read(entry, max_bytes=MAX_ENTRY, max_depth=MAX_DEPTH + 1)
    try:
        return _record(entry, whole)
    except Refusal:
        # The table of types lets nothing through that the canonical form does not know; that is told first.
        canon.decode(entry, max_bytes=MAX_ENTRY, max_depth=MAX_DEPTH + 1)
        raise


def _record(entry: bytes, whole: dict[str, Any]) -> Record:
    if whole.keys() != {"sig", "stmt"}:
        raise MalformedRecord(
            "entry", "must have the fields sig and stmt only", "debe tener solo los campos sig y stmt"
        )
    fault = _check_signatures(whole["sig"])
    if fault is not None:
        raise MalformedRecord(f"sig{fault.path}", fault.reason, fault.reason_es)
    placed = {signature["kid"]: signature["of"] for signature in whole["sig"] if "of" in signature}
    length = len(whole["sig"]) * (_SIGNATURE_LENGTH + 1) + sum([place_length(place) for place in placed.values()])
    statement = entry[len('{"sig":[') + length - 1 + len('],"stmt":') : -1]
    if len(statement) > MAX_STATEMENT:
        raise MalformedRecord("stmt", f"is longer than {MAX_STATEMENT} bytes", f"pasa de {MAX_STATEMENT} bytes")
    signatures = tuple([(signature["kid"], urlsafe_b64decode(signature["sig"] + "==")) for signature in whole["sig"]])
    record = _seen(entry, statement, sid_of(statement), signatures, whole["stmt"])
    for kid, place in placed.items():
        record.messages[kid] = signed_through(record.sid, place)
    return record


def _seen(
    entry: bytes, statement: bytes, sid: str, signatures: tuple[tuple[str, bytes], ...], stmt: dict[str, Any]
) -> Record:
    _validate(stmt)
    return Record(
        entry, statement, sid, merkle.leaf_hash(entry), signatures,
        stmt["type"], stmt["actor"], stmt["time"], tuple(stmt["prev"]), stmt["body"],
    )  # fmt: skip


def record_of(statement: bytes, sid: str, head: bytes, kid: str, signature: bytes, message: bytes) -> Record:
    """The record of one statement of an upload signed once: ``head`` begins its entry, ``message`` is what was signed.
    Refuses as ``parse_entry`` does; the signature is verified by ``check_signature``."""
    try:
        stmt = canon.read(statement, max_bytes=MAX_STATEMENT, max_depth=MAX_DEPTH)
        record = _seen(head + statement + b"}", statement, sid, ((kid, signature),), stmt)
    except Refusal:
        canon.decode(statement, max_bytes=MAX_STATEMENT, max_depth=MAX_DEPTH)
        raise
    record.messages[kid] = message
    return record


def _validate(stmt: Any) -> None:
    if type(stmt) is not dict:
        raise MalformedRecord("stmt", "must be an object", "debe ser un objeto")
    kind = stmt.get("type")
    check = BODIES.get(kind) if type(kind) is str else None
    if check is None:
        raise UnknownType("stmt.type", kind[:60] if type(kind) is str else "-")
    fault = _check_statement(stmt)
    if fault is not None:
        raise MalformedRecord(f"stmt{fault.path}", fault.reason, fault.reason_es)
    fault = check(stmt["body"])
    if fault is not None:
        raise MalformedRecord(f"stmt.body{fault.path}", fault.reason, fault.reason_es)


def make_statement(
    kind: str,
    actor: str,
    time: str,
    body: dict[str, Any],
    prev: Iterable[str] = (),
    nonce: str | None = None,
    seen: dict[str, Any] | None = None,
    seq: int | None = None,
    sd: Sequence[str] | None = None,
) -> bytes:
    """Canonical statement bytes, checked. Without ``nonce`` it is derived, so the same content is the same record."""
    stmt: dict[str, Any] = {"type": kind, "actor": actor, "time": time, "prev": sorted(set(prev)), "body": body}
    for name, value in (("seen", seen), ("seq", seq), ("sd", sorted(sd) if sd is not None else None)):
        if value is not None:
            stmt[name] = value
    stmt["nonce"] = nonce if nonce is not None else _derived_nonce(canon.encode(stmt))
    _validate(stmt)
    return canon.encode(stmt, max_bytes=MAX_STATEMENT, max_depth=MAX_DEPTH)


def _derived_nonce(content: bytes) -> str:
    return urlsafe_b64encode(hashlib.sha256(b"trozalog/v1/nonce\n" + content).digest()[:16]).decode()[:22]


def sign(statement: bytes, *keys: Ed25519PrivateKey) -> bytes:
    """The entry of a statement with the signatures of these keys."""
    signatures = []
    for key in keys:
        public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        value = urlsafe_b64encode(key.sign(DOMAIN + statement)).decode().rstrip("=")
        signatures.append(f'{{"kid":"{key_id(public)}","sig":"{value}"}}')
    return b'{"sig":[' + ",".join(sorted(signatures)).encode() + b'],"stmt":' + statement + b"}"


def sign_all(statements: Sequence[bytes], key: Ed25519PrivateKey) -> bytes:
    """An upload of 2 to 4,096 statements under one signature, for ``POST /v1/records``."""
    return sign_together(statements, [sid_of(one) for one in statements], key)


_key_id = lru_cache(maxsize=4096)(key_id)
# One signature over many statements is verified once, and not again for each of them.
_verify_again = lru_cache(maxsize=4096)(verify_ed25519)


def check_signature(record: Record, kid: str, public_key: bytes) -> None:
    """Note in ``record.checked`` that this key signed it, or raise ``BadSignature``. Ed25519 in its strict form."""
    signature = dict(record.signatures).get(kid)
    if signature is None or _key_id(public_key) != kid:
        raise BadSignature(record.sid, kid)
    message = record.messages.get(kid)
    if message is None:
        good = verify_ed25519(public_key, signature, DOMAIN + record.statement)
    else:
        good = _verify_again(public_key, signature, message)
    if not good:
        raise BadSignature(record.sid, kid)
    record.checked.add(kid)
