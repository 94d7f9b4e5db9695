"""Policies that trust the log of these tests, that trust somebody else, or that are wrong in some way."""

from base64 import b64encode
from functools import cache
from random import Random

from shared.tlog import mldsa, note
from shared.tlog.note import MLDSA44, Signer
from tests.shared.lot.wood import ORIGIN, key, log_signer, witness


@cache
def lasting() -> Signer:
    """The log's second line, of ML-DSA-44."""
    return Signer(ORIGIN, mldsa.private_key(bytes(range(32))), MLDSA44)


def a_policy(random: Random, *, trusting: bool = True) -> bytes:
    """Knows the log and a witness; one that does not trust is wrong in some way."""
    log, w1, w2 = log_signer().verifier.vkey, witness().verifier.vkey, witness("w2").verifier.vkey
    whole = f"log {log}\nwitness w1 {w1}\nquorum none\n"
    second = lasting().verifier.vkey
    if trusting:
        return (f"log {second}\n{whole}" if random.random() < 0.1 else whole).encode()
    other = note.Signer(ORIGIN, key("impostor")).verifier.vkey
    name, keyid, material = log.split("+", 2)
    changed = [
        f"log {second}\nquorum none\n",
        f"log {second[:-4]}\nquorum none\n",
        f"log {log}\nwitness w1 {second}\nquorum none\n",
        f"log {vkey_of(bytes(1_311), kind=6)}\nquorum none\n",
        "",
        "quorum none\n",
        f"log {other}\nquorum none",
        f"log {log}\nlog {other}\nquorum none\n",
        f"log {log}\nlog {log}\nquorum none\n",
        f"log {log}\nwitness w1 {w1}\nquorum w1\n",
        f"log {log} https://example.org a\nquorum none\n",
        f"log {log}\n",
        f"log {log}\nwitness w1 {w1}\nwitness w2 {w2}\ngroup g {random.choice(['any', 'all', '1', '2', '3', '0', '01', '-1', 'x', '9' * 30])} w1 w2\nquorum g\n",
        f"log {log}\nwitness w1 {w1}\nwitness w2 {w2}\ngroup a any w1\ngroup b all a w2\nquorum {random.choice('abcw')}\n",
        f"log {log}\nwitness w1 {w1}\ngroup a any w1 w1\nquorum a\n",
        f"log {log}\nwitness none {w1}\nquorum none\n",
        f"log {log}\nwitness w1 {log}\nquorum none\n",
        f"log {w1}\nquorum none\n",
        f"log {log}\nquorum none\nquorum none\n",
        f"log {log}\nquorum w1\nwitness w1 {w1}\n",
        f"# ñ\n\t log\t{log} \n\n  quorum  none",
        f"log {log}\r\nquorum none\r\n",
        f"log {log}\nwitness ñ\u00a0o {w1}\nquorum ñ\u00a0o\n",
        f"log {log}\nwitness __proto__ {w1}\nquorum __proto__\n",
        f"constructor x\n{whole}",
        f"log {name}+{keyid.upper()}+{material}\nquorum none\n",
        f"log {name}+{keyid}+{material[:-1]}\nquorum none\n",
        f"log {name}x+{keyid}+{material}\nquorum none\n",
        f"log +{keyid}+{material}\nquorum none\n",
        f"log {name}+{keyid}\nquorum none\n",
        f"log {name}\u2003x+{keyid}+{material}\nquorum none\n",
        whole + "#\n" * 998,
        f"log {vkey_of(bytes(32))}\nquorum none\n",
        f"log {vkey_of(b'x' * 31)}\nquorum none\n",
        f"log {vkey_of(bytes(32), kind=2)}\nquorum none\n",
    ]
    elsewhere = [
        "quorum none\n",
        f"log {other}\nquorum none",
        f"log {log}\nwitness w3 {witness('w3').verifier.vkey}\nquorum w3\n",
    ]
    found = random.choice(elsewhere if random.random() < 0.25 else changed).encode()
    if random.random() < 0.2:
        at = random.randrange(len(whole))
        found = whole.encode()
        found = found[:at] + bytes([random.choice((*range(256),))]) + found[at + 1 :]
    if random.random() < 0.1:
        found = found.replace(
            b"w1", random.choice((b"w\xff1", b"\xc3", b"\xe2\x82x", b"\xf0\x9f\x8c\xb2", b"\xed\xa0\x80"))
        )
    return found


def vkey_of(public: bytes, kind: int = 1) -> str:
    """A vkey with the right key ID, whatever the key."""
    material = bytes([kind]) + public
    return f"{ORIGIN}+{note._key_id(ORIGIN, material).hex()}+{b64encode(material).decode()}"
