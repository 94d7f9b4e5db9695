"""Makes the keys of an instance once: the log's, the registrar's, custody's own, the house's own witness's, the one that
signs tokens, the one that wraps the keys of private fields, and the one that seals the portal's cookies.

A key that exists is never touched. Where the keys of a real registry come from is written in docs/operate.md: those
made here carry a mark, and production refuses them.
"""

import secrets
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.secret_files import write_secret
from shared.audit.kept import write_whole
from shared.timber.bodies import possession
from shared.tlog.encoding import to_base64url
from shared.tlog.note import COSIGNATURE, ED25519, Signer, Verifier

ORIGIN = "trozalog.localhost/madre-de-dios/2026"
DEVELOPMENT_MARK = "DEVELOPMENT"
DOCUMENT_KEYS = ("registrar", "host")
HOST = "trozalog"  # the organisation of the host key
WRAPPING_KEY = "wrapping.key"
PORTAL_KEY = "portal.key"
POLICY = """\
# Whose log a verifier trusts (c2sp.org/tlog-policy). Hand it to auditors.
{logs}
# The operator of the log runs this witness itself. Its signature shows that the log has not forgotten what it signed, not
# that anybody else has looked. Ask somebody you trust to run one (docs/operate.md), add its line, name it in `quorum`.
witness same-operator {witness}
quorum none
"""


def make_keys(folder: Path, policy: Path, origin: str = ORIGIN, witness: Path | None = None) -> bool:
    """Make what is missing; True when anything was made. May be repeated, and after an interruption goes on. The key of
    the witness goes into a folder of its own when one is given."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    witness = witness or folder
    witness.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = [
        _note_key(folder / "log.key", origin),
        _note_key(witness / "witness.key", f"{origin.partition('/')[0]}/witness", COSIGNATURE),
        _token_key(folder),
        _sealing_key(folder / WRAPPING_KEY),
        _sealing_key(folder / PORTAL_KEY),
        *(_document_key(folder, name) for name in DOCUMENT_KEYS),
    ]
    if not policy.exists():
        logs = "\n".join(f"log {key.vkey}" for key in log_keys(folder) if key.kind == ED25519)
        text = POLICY.format(logs=logs, witness=_vkey(witness / "witness.key"))
        write_whole(policy, text.encode())
    mark = folder / DEVELOPMENT_MARK
    if not mark.exists():
        mark.write_text(
            "Keys made by the launcher for one machine. Production refuses a folder that holds this file.\n"
        )
    return any(made)


def _note_key(private: Path, name: str, kind: int = ED25519) -> bool:
    fresh = not private.exists()
    if fresh:
        write_secret(private, Signer.generate(name, kind).skey + "\n")
    private.with_suffix(".pub").write_text(_vkey(private) + "\n")
    return fresh


def log_keys(folder: Path) -> list[Verifier]:
    """The public halves of the log's keys, old and new."""
    lines = (folder / "log.key").read_text().split()
    return [Signer.parse(line).verifier if "PRIVATE" in line else Verifier.parse(line) for line in lines]


def _vkey(private: Path) -> str:
    return Signer.parse(private.read_text().split()[0]).verifier.vkey


def _document_key(folder: Path, name: str) -> bool:
    private = folder / f"{name}.key"
    fresh = not private.exists()
    if fresh:
        key = Ed25519PrivateKey.generate()
        (folder / f"{name}.pub").write_text(public_text(name, key))
        write_secret(private, to_base64url(key.private_bytes_raw()) + "\n")
    return fresh


def public_text(name: str, key: Ed25519PrivateKey) -> str:
    """The file of the public half. Custody's host key is added to the log by another service, which has to be shown that
    whoever made the file holds the key (docs/format.md, section 5.1): on a second line."""
    public = to_base64url(key.public_key().public_bytes_raw())
    if name != "host":
        return f"{public}\n"
    proof = key.sign(possession({"org": HOST, "public_key": public, "role": "host"}))
    return f"{public}\n{to_base64url(proof)}\n"


def _sealing_key(path: Path) -> bool:
    if path.exists():
        return False
    write_secret(path, new_sealing_key() + "\n")
    return True


def new_sealing_key() -> str:
    """A line of the files of wrapping keys and of the portal's: 256 bits that nobody has seen."""
    return to_base64url(secrets.token_bytes(32))


def _token_key(folder: Path) -> bool:
    private = folder / "token.key"
    if private.exists():
        return False
    text = generate_private_key(SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_secret(private, text.decode())
    return True
