"""Proof files that are wrong in one way: what a forger, a bad line or another implementation may produce.

Each mutation takes a story that holds and answers with bytes. Some touch what is signed and sign it again, with the
keys of its people and of the log, so that only the rules stand between it and a clean verdict.
"""

import json
from collections.abc import Callable
from dataclasses import replace

from shared.tlog import note
from shared.tlog.encoding import to_base64url
from tests.shared.lot.changes import STRANGE, signed_change, strange_entry, strange_signatures, unsigned_change
from tests.shared.lot.policies import lasting
from tests.shared.lot.proofs import Proof, base64, dumps
from tests.shared.lot.stories import Story
from tests.shared.lot.wood import ORIGIN, key, log_signer, witness

# ---- bytes of the file


def flipped_byte(story: Story, proof: Proof) -> bytes:
    data = bytearray(proof.bytes())
    data[story.random.randrange(len(data))] ^= 1 << story.random.randrange(8)
    return bytes(data)


def cut_off(story: Story, proof: Proof) -> bytes:
    data = proof.bytes()
    return (
        data[: story.random.randrange(len(data))]
        if story.maybe(0.5)
        else data + story.one(b"\n", b" ", b"{}", b"\x00", b"x")
    )


def another_spelling(story: Story, proof: Proof) -> bytes:
    """The same value, not as canonical bytes."""
    document = proof.document()
    spelling: Callable[[], bytes] = story.one(
        lambda: json.dumps(document, sort_keys=True).encode(),
        lambda: json.dumps(document, separators=(",", ":")).encode(),
        lambda: proof.bytes().replace(b'"lot":"', b'"lot":"\\u004c'),
        lambda: proof.bytes().replace(b'"indices":[0', b'"indices":[00'),
        lambda: proof.bytes().replace(b'"indices":[0', b'"indices":[0.0'),
        lambda: proof.bytes().replace(b'"indices":[0', b'"indices":[-0'),
        lambda: proof.bytes().replace(b'"indices":[0', b'"indices":[0,9007199254740992'),
        lambda: proof.bytes().replace(b'"indices":[0', b'"indices":[0,[[[['),
        lambda: proof.bytes().replace(b'"indices":[0', b'"indices":[NaN'),
        lambda: proof.bytes().replace(b',"lot":', b',"log":{},"lot":'),
        lambda: proof.bytes().replace(b'"private":', b'"Private":'),
        lambda: b"\xef\xbb\xbf" + proof.bytes(),
        lambda: proof.bytes().replace(b'"lot":"', b'"lot":"\xff'),
        lambda: proof.bytes().replace(b'"lot":"', '"lot":"\u0301ñ'.encode()),
    )
    return spelling()


def strange_document(story: Story, proof: Proof) -> bytes:
    """One value of the document is another one."""
    document = proof.document()
    log = document["log"]
    value = story.one(*STRANGE, log["checkpoint"], log["entries"][0], [0], ["AAAA"], document["lot"])
    hidden = document["private"]
    where = story.one(
        document, log, log["entries"], log["indices"], log["proof"], hidden, hidden["disclosures"], hidden["indices"]
    )
    places = list(where) if isinstance(where, dict) else list(range(len(where)))
    act = story.random.random()
    if act < 0.7 and places:
        where[story.one(*places)] = value
    elif act < 0.85 and places:
        del where[story.one(*places)]
    elif isinstance(where, dict):
        where[story.one("a", "zeta", "Log", "extra")] = value
    else:
        where.append(value)
    return dumps(document)


def strange_base64(story: Story, proof: Proof) -> bytes:
    document = proof.document()
    log = document["log"]
    change: Callable[[str], str] = story.one(
        lambda t: t + "=",
        lambda t: t.rstrip("="),
        lambda t: t[:-1],
        lambda t: t + "\n",
        lambda t: " " + t,
        lambda t: t.replace("+", "-"),
        lambda t: t[:8] + "=" + t[9:],
        lambda t: t + "AAAA",
        lambda t: t[:-4] + "AB==",
        lambda t: t[:-4] + "ABC=",
        lambda t: t[4:],
        lambda _: "",
        lambda t: t[:5] + "ñ" + t[6:],
    )
    where = story.one("checkpoint", "entries", "proof")
    if where == "checkpoint":
        log["checkpoint"] = change(log["checkpoint"])
    elif log[where]:
        at = story.random.randrange(len(log[where]))
        log[where][at] = change(log[where][at])
    return dumps(document)


# ---- which entries, and the proof


def left_out(story: Story, proof: Proof) -> bytes:
    """Some entries are not in the file, which is otherwise whole."""
    gone = set(story.some(proof.indices, 3))
    kept = [index for index in proof.indices if index not in gone] or proof.indices
    return replace(proof, indices=kept).bytes()


def moved_about(story: Story, proof: Proof) -> bytes:
    """Entries change places, appear twice or under another index."""
    document = proof.document()
    log = document["log"]
    one, other = (story.random.randrange(len(log["entries"])) for _ in range(2))
    act = story.random.randrange(5)
    if act == 0:
        log["entries"][one], log["entries"][other] = log["entries"][other], log["entries"][one]
    elif act == 1:
        log["indices"][one] += story.one(1, -1, 1_000)
    elif act == 2:
        log["indices"].insert(one, log["indices"][one])
        log["entries"].insert(one, log["entries"][one])
    elif act == 3:
        log["entries"][one] = log["entries"][other]
    else:
        log["indices"].reverse()
    return dumps(document)


def wrong_proof(story: Story, proof: Proof) -> bytes:
    document = replace(proof, indices=story.gathered(proof.lot) or proof.indices).document()
    nodes = document["log"]["proof"]
    act = story.random.randrange(4)
    if act == 0 or not nodes:
        nodes.insert(story.random.randrange(len(nodes) + 1), base64(bytes(32)))
    elif act == 1:
        del nodes[story.random.randrange(len(nodes))]
    elif act == 2:
        nodes[story.random.randrange(len(nodes))] = base64(story.random.randbytes(32))
    else:
        story.random.shuffle(nodes)
    return dumps(document)


def another_lot(story: Story, proof: Proof) -> bytes:
    return replace(proof, lot=story.one("LOTE-99", "lote", "ñ", "x" * 500, 'L"1', "__proto__", "\u00e9")).bytes()


# ---- private fields


def strange_private(story: Story, proof: Proof) -> bytes:
    """Disclosures that are not the record's, are spelled otherwise, or stand in another order."""
    document = proof.document()
    hidden = document["private"]
    shown, whose = hidden["disclosures"], hidden["indices"]
    at = story.random.randrange(len(shown)) if shown else 0
    texts = [
        *shown,
        "",
        "A",
        "AAAA",
        "ñ",
        "A" * 4_097,
        to_base64url(b"[]"),
        to_base64url(b'["' + b"A" * 22 + b'","note","x"]'),
        to_base64url(b'["short","note","x"]'),
        to_base64url(b'["' + b"A" * 22 + b'","Note","x"]'),
        to_base64url(b'["' + b"A" * 22 + b'","note",[1]]'),
        to_base64url(b'["' + b"A" * 22 + b'","note",{"a":[1]}]'),
        to_base64url(b'{"a":1}'),
        to_base64url(b'1,"e":2'),
        to_base64url(b'["' + b"A" * 22 + b'", "note","x"]'),
        to_base64url(b'["' + b"A" * 22 + b'","note",null]'),
        to_base64url(b'["' + b"A" * 22 + b'","note",1.5]'),
        "🌲",
        "�",
    ]
    act = story.random.randrange(7)
    if act == 0 or not shown:
        shown.insert(at, story.one(*texts))
        whose.insert(at, story.one(*proof.indices))
    elif act == 1:  # all that the records of the file commit to, a field that is said twice among it
        pairs = [(index, one.text) for index in set(whose) for one in story.hidden[index]]
        whose[:], shown[:] = [index for index, _ in pairs], [text for _, text in pairs]
    elif act == 6:
        shown[at] = story.one(*texts)
    elif act == 2:
        whose[at] = story.one(*proof.indices, 10**9)
    elif act == 3:
        shown.reverse()
    elif act == 4:
        shown.insert(at, shown[at])
        whose.insert(at, whose[at])
    else:
        shown[at] = shown[at] + story.one("=", "A", "+")
    if story.maybe(0.6):
        pairs = sorted(zip(whose, shown, strict=False))
        whose[:], shown[:] = [index for index, _ in pairs], [text for _, text in pairs]
    return dumps(document)


# ---- the checkpoint


def strange_checkpoint(story: Story, proof: Proof) -> bytes:
    good = proof.checkpoint(None, witness())
    text, _ = note.split_note(good)
    lines = good.split(b"\n")
    log = log_signer()

    def said(changed: str) -> bytes:
        return note.sign(changed, [log])

    origin, size, root, _ = text.split("\n")
    return proof.bytes(
        story.one(
            lambda: proof.checkpoint(note.Signer(ORIGIN, key("impostor"))),
            lambda: proof.checkpoint(note.Signer("other.example/x/2026", key("log"))),
            lambda: good,
            lambda: good + lines[-2] + b"\n",
            lambda: good + lines[-3] + b"\n",
            lambda: good + "— nadie.example AAAAAAAA\n".encode(),
            lambda: good + "— nadie.example AAAA\n".encode(),
            lambda: good + b"- x AAAAAAAA\n",
            lambda: good + "— x  AAAAAAAA\n".encode() * 99,
            lambda: good + "— x AAAAAAAA\n".encode() * 99,
            lambda: good[:-1],
            lambda: good + lasting().line(text).encode(),
            lambda: good + lasting().line(text, 1_800_000_000).encode(),
            lambda: good + lasting().line(text.replace("2026", "2025")).encode(),
            lambda: good + note.Signer(ORIGIN, key("next")).line(text).encode(),
            lambda: good + b"\n",
            lambda: good.replace(b"\n\n", b"\n"),
            lambda: good.replace(b"\n\n", b"\n\n\n"),
            lambda: good.replace(b"2026\n", b"2025\n", 1),
            lambda: good[:-20] + b"A" + good[-19:],
            lambda: said(f"{origin}\n{int(size) + 1}\n{root}\n"),
            lambda: said(f"{origin}\n{int(size) - 1}\n{root}\n"),
            lambda: said(f"{origin}\n0{size}\n{root}\n"),
            lambda: said(f"{origin}\n{2**63}\n{root}\n"),
            lambda: said(f"{origin}\n{2**63 - 1}\n{root}\n"),
            lambda: said(f"{origin}\n{2**53 + 1}\n{root}\n"),
            lambda: said(f"{origin}\n0\n{root}\n"),
            lambda: said(f"{origin}\n{size}\n{root[4:]}\n"),
            lambda: said(f"{origin}\n{size}\n{root}\nextension\n"),
            lambda: said(f"{origin}\n{size}\n{root}\n\nx\n"),
            lambda: said(f"{origin}\n{size}\n"),
            lambda: said(f"\n{size}\n{root}\n"),
            lambda: said(f"{origin}\n{size}\n{base64(bytes(32))}\n"),
            lambda: b"\xff" + good,
            lambda: b"x\x00\n\n" + good,
            lambda: good.replace(b"\n", b"\r\n"),
        )()
    )


MUTATIONS: tuple[Callable[[Story, Proof], bytes], ...] = (
    flipped_byte,
    cut_off,
    another_spelling,
    strange_document,
    strange_base64,
    left_out,
    left_out,
    moved_about,
    wrong_proof,
    another_lot,
    strange_private,
    strange_private,
    strange_checkpoint,
    strange_checkpoint,
    strange_entry,
    unsigned_change,
    *[signed_change] * 8,
    strange_signatures,
    strange_signatures,
)
