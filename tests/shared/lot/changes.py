"""One entry of a log changed: its bytes, its statement, its signatures; signed again or not."""

from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import orjson

from shared.timber.event import DOMAIN
from shared.tlog.encoding import to_base64url
from tests.shared.lot.proofs import Proof, dumps
from tests.shared.lot.stories import Story

STRANGE: tuple[Any, ...] = (
    "",
    "x",
    " x",
    "x ",
    "\u00a0x",
    "x\u3000",
    "\ufeffx",
    "a" * 81,
    "a" * 401,
    "\U0001f332" * 201,
    "e\u0301",
    "\u202e",
    "\u0085",
    "\ufdd0",
    "\U0001ffff",
    "\u212b",
    "ñ\u0323",
    'a"b\\c',
    "a/b",
    "2026-02-29",
    "2024-02-29",
    "1989-12-31",
    "2100-01-01",
    "2026-13-01",
    "2026-06-01T24:00:00Z",
    "2026-06-01T23:59:60Z",
    "0" * 64,
    "A" * 22,
    "B" * 22,
    "A" * 43,
    "A" * 86,
    "PC 1",
    "PC 012",
    "registro",
    "comunidad-a",
    "otra-org",
    "own",
    "official",
    "sawn",
    "roundwood",
    "Virola spp.",
    "virola sp",
    "TIT-1",
    "PO-1",
    "PER-1-2026",
    "lot.sold",
    "log.moved",
    "tree.burnt",
    "constructor",
    "__proto__",
    "toString",
    0,
    1,
    -1,
    2,
    200_001,
    1_000_000_001,
    2**53 - 1,
    -(2**53 - 1),
    2**53,
    2**60,
    1.5,
    -0.0,
    1e300,
    True,
    False,
    None,
    [],
    {},
    [[]],
    {"a": 1},
)


def strange_entry(story: Story, proof: Proof) -> bytes:
    """Bytes of an entry changed, in a log that holds exactly that."""
    at = story.random.choice(proof.indices)
    entry = proof.entries[at]
    act: Callable[[], bytes] = story.one(
        lambda: entry[:-1],
        lambda: entry + b" ",
        lambda: entry.replace(b":", b": ", 1),
        lambda: entry.replace(b'"sig"', b'"Sig"', 1),
        lambda: entry.replace(b'"stmt":{', b'"stmt":{"a":1,', 1),
        lambda: entry.replace(b'"actor"', b'"\\u0061ctor"'),
        lambda: b"{}",
        lambda: b"[]",
        lambda: b"",
        lambda: b"null",
        lambda: entry.replace(b"}}", b',"zz":null}}'),
        lambda: entry.replace(b'"nonce"', b'"nonce":"x","nonce"'),
        lambda: entry.replace(b'"kid":"', b'"kid":"A'),
        lambda: entry.replace(b'"body"', b'"body":1.0,"bodz"'),
        lambda: b'{"sig":[],"stmt":{}}',
        lambda: entry.replace(b"}}", b',"z":' + b"[" * 20 + b"]" * 20 + b"}}"),
        lambda: entry.replace(b'"time"', b'"text":"' + b"x" * 17_000 + b'","time"'),
        lambda: entry.replace(b'"time"', b'"text":"' + b"x" * 61_000 + b'","time"'),
        lambda: entry.replace(b'"time"', b'"text":"\\ud800","time"'),
        lambda: entry[:-2] + b',"zz":-}}',
        lambda: entry[:-2] + b',"zz":01}}',
        lambda: entry[:-2] + b',"zz":tru}}',
        lambda: entry[:-2] + b',"zz":"\\x"}}',
        lambda: entry[:-2] + b',"zz":-Infinity}}',
        lambda: entry[:-2] + b',"zz":"\t"}}',
        lambda: entry[:-2] + b",}}",
        lambda: entry[:-2] + b',"zz"}}',
        lambda: entry[:-2] + b',"zz":[1,]}}',
        lambda: entry[:-2] + b',"zz":1e5}}',
        lambda: entry[:-2] + b',"zz":9007199254740993}}',
    )
    changed = act()
    if story.maybe(0.3):
        bits = bytearray(entry)
        bits[story.random.randrange(len(bits))] ^= 1 << story.random.randrange(8)
        changed = bytes(bits)
    return _with(proof, at, changed).bytes()


def unsigned_change(story: Story, proof: Proof) -> bytes:
    """A statement changed and not signed again."""
    at = story.random.choice(proof.indices)
    whole = orjson.loads(proof.entries[at])
    _change(story, whole["stmt"])
    return _with(proof, at, dumps(whole)).bytes()


def signed_change(story: Story, proof: Proof) -> bytes:
    """A statement changed, signed again by those who had signed it, and logged: only the rules can object."""
    at = story.random.choice(proof.indices)
    whole = orjson.loads(proof.entries[at])
    _change(story, whole["stmt"])
    statement = dumps(whole["stmt"])
    for signature in whole["sig"]:
        signature.pop("of", None)
        signature["sig"] = to_base64url(story.signers[signature["kid"]].sign(DOMAIN + statement))
    changed = b'{"sig":' + dumps(whole["sig"]) + b',"stmt":' + statement + b"}"
    return _with(proof, at, changed).bytes()


def strange_signatures(story: Story, proof: Proof) -> bytes:
    at = story.random.choice(proof.indices)
    whole = orjson.loads(proof.entries[at])
    signatures, first = whole["sig"], whole["sig"][0]
    raw = b64decode(first["sig"].replace("-", "+").replace("_", "/") + "==")
    order = 2**252 + 27742317777372353535851937790883648493
    scalar = int.from_bytes(raw[32:], "little")
    act = story.random.randrange(9)
    if "of" in first and story.maybe(0.7):
        _misplace(story, first["of"])
    elif act == 0:
        signatures.append({"kid": "A" * 22, "sig": first["sig"]})
    elif act == 1:
        first["kid"] = story.one(*story.signers)
    elif act == 2:
        first["sig"] = first["sig"][::-1]
    elif act == 3:
        signatures.append(dict(first))
    elif act == 4:
        signatures.clear()
    elif act == 5 and scalar + order < 2**256:
        first["sig"] = to_base64url(raw[:32] + (scalar + order).to_bytes(32, "little"))
    elif act == 6:
        first["sig"] = to_base64url(story.one(bytes(32), bytes([1]) + bytes(31), bytes(31) + b"\x80") + raw[32:])
    elif act == 7:
        first["extra"] = 1
    else:
        other = story.one(*story.signers)
        statement = dumps(whole["stmt"])
        signatures.append({"kid": other, "sig": to_base64url(story.signers[other].sign(DOMAIN + statement))})
        signatures.sort(key=lambda signature: str(signature["kid"]))
    return _with(proof, at, b'{"sig":' + dumps(signatures) + b',"stmt":' + dumps(whole["stmt"]) + b"}").bytes()


def _misplace(story: Story, place: dict[str, Any]) -> None:
    """A signature over many statements, said of another place among them."""
    path = place["path"]
    act = story.random.randrange(8)
    if act == 0:
        place["at"] += story.one(-1, 1)
    elif act == 1:
        place["size"] += story.one(-1, 1)
    elif act == 2:
        path.reverse()
    elif act == 3:
        path.pop(story.random.randrange(len(path)))
    elif act == 4:
        path.append(to_base64url(story.random.randbytes(32)))
    elif act == 5:
        path[story.random.randrange(len(path))] = to_base64url(story.random.randbytes(32))
    elif act == 6:
        place[story.one("at", "size")] = story.one(*STRANGE)
    else:
        place[story.one("at", "size", "path", "more")] = place["size"]


def _with(proof: Proof, at: int, entry: bytes) -> Proof:
    return replace(proof, entries=[*proof.entries[:at], entry, *proof.entries[at + 1 :]])


def _change(story: Story, statement: dict[str, Any]) -> None:
    """One value somewhere in a statement becomes another: a strange one, or one that stands elsewhere in the log."""
    places = [place for place in _places(statement) if story.maybe(0.9) or place[1] != "type"]
    where, name = story.one(*places)
    act = story.random.random()
    if act < 0.1:
        where[name] = story.one(*STRANGE)
    elif act < 0.75:
        others = [orjson.loads(record.statement) for record in story.some(story.records, 20)]
        like = [container[n] for other in others for container, n in _places(other) if n == name and type(n) is str]
        where[name] = story.one(*like) if like else story.one(*STRANGE)
    elif act < 0.85 and type(where[name]) is int:
        where[name] = story.one(where[name] + 1, where[name] - 1, where[name] * 1_000, where[name] // 2)
    elif act < 0.9 and isinstance(where, list):
        where.append(where[name])
    elif act < 0.95:
        del where[name]
    elif isinstance(where, dict):
        where[story.one("extra", "permit", "items", "stock", "study", "claim", "region", "seq", "sd")] = story.one(
            *STRANGE
        )
    else:
        where.reverse()


def _places(node: Any) -> list[tuple[Any, Any]]:
    """Every container with every name or position in it."""
    found: list[tuple[Any, Any]] = []
    children: Iterator[tuple[Any, Any]] = iter(())
    if isinstance(node, dict):
        children = iter(node.items())
    elif isinstance(node, list):
        children = iter(enumerate(node))
    for name, child in children:
        found += [(node, name), *_places(child)]
    return found
