"""Makes the keys of an instance once: the log's, the registrar's, custody's own, and the one that signs tokens.

A key that exists is never touched. Where the keys of a real registry come from is written in docs/operate.md: those
made here carry a mark, and production refuses them.
"""

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.postgres import write_secret
from shared.tlog.encoding import to_base64url
from shared.tlog.note import Signer

ORIGIN = "trozalog.localhost/madre-de-dios/2026"
DEVELOPMENT_MARK = "DEVELOPMENT"
DOCUMENT_KEYS = ("registrar", "host")


def make_keys(folder: Path, policy: Path, origin: str = ORIGIN) -> bool:
    """Make what is missing; True when anything was made. May be repeated, and after an interruption goes on."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = [
        _log_key(folder, policy, origin),
        _token_key(folder),
        *(_document_key(folder, name) for name in DOCUMENT_KEYS),
    ]
    mark = folder / DEVELOPMENT_MARK
    if not mark.exists():
        mark.write_text(
            "Keys made by the launcher for one machine. Production refuses a folder that holds this file.\n"
        )
    return any(made)


def _log_key(folder: Path, policy: Path, origin: str) -> bool:
    private = folder / "log.key"
    fresh = not private.exists()
    if fresh:
        write_secret(private, Signer.generate(origin).skey + "\n")
    vkey = Signer.parse(private.read_text().strip()).verifier.vkey
    (folder / "log.pub").write_text(vkey + "\n")
    if not policy.exists():
        policy.write_text(
            f"# Whose log a verifier trusts (c2sp.org/tlog-policy). Hand it to auditors.\nlog {vkey}\nquorum none\n"
        )
    return fresh


def _document_key(folder: Path, name: str) -> bool:
    private = folder / f"{name}.key"
    fresh = not private.exists()
    if fresh:
        key = Ed25519PrivateKey.generate()
        (folder / f"{name}.pub").write_text(to_base64url(key.public_key().public_bytes_raw()) + "\n")
        write_secret(private, to_base64url(key.private_bytes_raw()) + "\n")
    return fresh


def _token_key(folder: Path) -> bool:
    private = folder / "token.key"
    if private.exists():
        return False
    text = generate_private_key(SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_secret(private, text.decode())
    return True
