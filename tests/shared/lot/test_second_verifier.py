"""Two verifiers, written apart in two languages, say the same of every file: outcome, word, each rule, each refusal.

A difference is a fault of one of them, or of docs/format.md, which has to say which of them is right.
"""

import hashlib
import json
import re
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nacl.bindings import crypto_core_ed25519_add, crypto_scalarmult_ed25519_base_noclamp

from shared.timber.measure import mean_of_ends_dm3
from shared.timber.rules.custody import over_permille
from shared.timber.rules.texts import volume
from shared.tlog import canon, note
from shared.tlog.canon import NotCanonical
from shared.tlog.ed25519 import BadKey, verify_ed25519
from shared.tlog.unicode12 import UNASSIGNED
from tests.shared.lot import page
from tests.shared.lot.mutations import MUTATIONS
from tests.shared.lot.policies import a_policy, lasting
from tests.shared.lot.proofs import a_proof
from tests.shared.lot.stories import Story
from tests.shared.lot.verifiers import Browser, Node, Verifier, by_python, differences, quickest
from tests.shared.lot.wood import a_lot, log_signer, witness
from tests.shared.tlog import test_canon
from tests.shared.tlog.test_ed25519 import SMALL, L

Case = tuple[str, bytes, bytes]  # a name for people, the bundle, the policy


@pytest.fixture(scope="module")
def second() -> Iterator[Verifier]:
    """The second verifier where it is quickest."""
    with quickest() as verifier:
        yield verifier


def whole(seed: int) -> Iterator[Case]:
    """A story as it may happen: its proof holds, whatever the verdict on the wood."""
    story = Story(seed)
    story.happen(30 + seed % 60)
    proof = a_proof(story.sold())
    cosigned = proof.checkpoint(None, witness()) if story.maybe(0.3) else None
    yield f"story {seed}", proof.bytes(cosigned), a_policy(story.random)


def wrong(seed: int, each: int = 4) -> Iterator[Case]:
    """Files that are wrong in one way, and policies; a record that the door refuses."""
    story = Story(seed)
    story.happen(60)
    proof = a_proof(story.sold())
    for _ in range(each):
        mutation = story.one(*MUTATIONS)
        yield f"{mutation.__name__} of story {seed}", mutation(story, proof), a_policy(story.random)
    cosigned = proof.checkpoint(None, witness(), witness("w2"))
    yield f"policy for story {seed}", proof.bytes(cosigned), a_policy(story.random, trusting=False)
    forced = Story(seed + 1_000_000)
    forced.happen(30 + seed % 30, force=True)
    yield f"forced into story {seed}", a_proof(forced).bytes(), a_policy(forced.random)


def compare(second: Verifier, cases: Iterator[Case]) -> Counter[str]:
    """Ask both of each case; what came of it, counted: outcomes, words, failed rules, reasons."""
    met: Counter[str] = Counter()
    for name, bundle, policy in cases:
        ours = by_python(bundle, policy)
        found = differences(ours, second.verify(bundle, policy))
        assert not found, "\n".join([f"Python and the page differ on: {name}", *found[:12]])
        met.update(_met(ours))
    return met


def _met(report: dict[str, Any]) -> Iterator[str]:
    yield report["outcome"]
    if report["problem"] is not None:
        yield report["problem"]["facts"].get("reason", report["problem"]["slug"])
    if report["verdict"] is not None:
        yield report["verdict"]["word"]
        yield from {f"{one['rule']} {one['case']}" for one in report["verdict"]["findings"]}


# ---- the same answers

STORIES = 90  # ten thousand with --full


def test_both_say_the_same_of_stories_that_happened(second: Verifier) -> None:
    met = compare(second, (case for seed in range(STORIES) for case in whole(seed)))

    assert met["valid"] == sum(met[outcome] for outcome in ("valid", "invalid", "untrusted", "unreadable")) == STORIES
    assert all(met[word] > 5 for word in ("CONSISTENT", "TO_REVIEW", "INCOMPLETE"))
    failed = {name.split()[0] for name in met if re.match("[A-Z][0-9]{2} ", name)}
    assert len(failed) > 15, failed


def test_both_say_the_same_of_files_that_are_wrong(second: Verifier) -> None:
    met = compare(second, (case for seed in range(STORIES // 2) for case in wrong(seed)))

    assert all(met[outcome] > 5 for outcome in ("valid", "invalid", "unreadable", "untrusted")), met
    reasons = {name for name in met if name.islower() and " " not in name}
    assert len(reasons) > 25, reasons


def test_both_say_the_same_where_signatures_are_verified_by_hand() -> None:
    with Node("hand") if isinstance(quickest(), Node) else quickest() as second:
        compare(second, (case for seed in range(10) for case in (*whole(seed), *wrong(seed, 2))))


def test_the_page_in_a_browser_says_the_same() -> None:
    with Browser() as second:
        compare(second, (case for seed in range(8) for case in (*whole(seed), *wrong(seed, 2))))


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("part", range(20))
def test_both_say_the_same_of_ten_thousand_stories_and_of_as_many_wrong_files(second: Verifier, part: int) -> None:
    seeds = range(10_000 + part * 500, 10_000 + part * 500 + 500)
    compare(second, (case for seed in seeds for case in whole(seed)))
    compare(second, (case for seed in seeds[:170] for case in wrong(seed, 3)))  # 510 of 850 are mutated files


# ---- the same bytes


def reason(document: bytes) -> str:
    """Why Python refuses a document."""
    try:
        canon.decode(document)
    except NotCanonical as refusal:
        return refusal.reason
    return ""


def test_both_refuse_the_same_documents_for_the_same_reason(second: Verifier) -> None:
    tables = [mark for test in vars(test_canon).values() for mark in getattr(test, "pytestmark", ())]
    documents = {
        found if isinstance(found, bytes) else found[0]
        for mark in tables
        for found in mark.args[1]
        if isinstance(found, bytes) or isinstance(found[0], bytes)
    }
    assert len(documents) > 70
    for document in sorted(documents, key=len):
        assert second.reason(document) == reason(document), document[:100]


def test_both_draw_the_same_line_through_unicode(second: Verifier) -> None:
    """At the ends of what is assigned, and here and there; before and after characters that combine."""
    ends = {int(end, 16) + step for end in re.split("[ \n-]+", UNASSIGNED.strip()) for step in (-1, 0, 1)}
    for point in sorted(ends | set(range(0x80, 0x110000, 1_009)) | set(range(0x80, 0x500))):
        if not 0xD800 <= point < 0xE000 and point < 0x110000:
            for text in (chr(point), f"a{chr(point)}\u0301", f"\u0301{chr(point)}\u0316"):
                document = f'{{"a":"{text}"}}'.encode()
                assert second.reason(document) == reason(document), hex(point)


# ---- the same figures


def test_both_work_out_the_same_figures_however_large() -> None:
    """No lot of a bearable size has such volumes, and nothing in the format forbids them."""
    volumes = (1, 2, 3, 999, 1_000, 1_001, 10**9, 3 * 10**9 + 1, 10**14 + 7, 2**53 - 1)
    pairs = [(value, base) for value in volumes for base in volumes if value >= base]
    ends = [(1, 1, 1), (5_000, 4_995, 60_000), (805, 794, 13_000), (754, 755, 13_301), (995, 1_004, 9_999)]
    with Browser() as second:
        said = second.tab.run(f"{json.dumps(pairs)}.map(([value, base]) => String(overPermille(value, base)))")
        assert said == [str(over_permille(value, base)) for value, base in pairs]
        said = second.tab.run(
            f"{json.dumps(pairs)}.map(([value, base]) => [5, 15, 300].map((by) => exceeds(value, base, by)))"
        )
        assert said == [[value * 1_000 > base * (1_000 + by) for by in (5, 15, 300)] for value, base in pairs]
        assert second.tab.run(f"{json.dumps(ends)}.map((end) => meanOfEndsDm3(...end))") == [
            mean_of_ends_dm3(*end) for end in ends
        ]
        assert second.tab.run("[0, 999, 1000, 123456789012345].map(volume)") == [
            volume(n) for n in (0, 999, 1_000, 123_456_789_012_345)
        ]


# ---- the same signatures


def signed(key: bytes, signature: bytes, message: bytes) -> bool | str:
    """What Python says of a signature."""
    try:
        return verify_ed25519(key, signature, message)
    except BadKey as refusal:
        return refusal.reason


def crafted(private: bytes, r: int, message: bytes, torsion: bytes | None = None) -> bytes:
    """The signature that the holder of a key makes with a nonce r of its choice; `torsion` spells R otherwise."""
    half = bytearray(hashlib.sha512(private).digest()[:32])
    half[0] &= 248
    half[31] = half[31] & 127 | 64
    a = int.from_bytes(half, "little")
    public = Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    point = SMALL["identity"] if r == 0 else crypto_scalarmult_ed25519_base_noclamp(r.to_bytes(32, "little"))
    if torsion is not None:
        point = crypto_core_ed25519_add(point, torsion)
    k = int.from_bytes(hashlib.sha512(point + public + message).digest(), "little")
    return point + ((r + k * a) % L).to_bytes(32, "little")


@pytest.mark.parametrize("words", [(), ("hand",)])
def test_both_take_the_same_signatures(words: tuple[str, ...]) -> None:
    seed, message = bytes(range(32)), b"x"
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, good = key.public_key().public_bytes_raw(), key.sign(message)
    s = int.from_bytes(good[32:], "little")
    cases = [
        (public, good, message),
        (public, good, b"y"),
        (public, good[:63], message),
        (public, good + b"\0", message),
    ]
    cases += [(public, good[:32] + (s + L * n).to_bytes(32, "little"), message) for n in (1, 2)]
    cases += [(small, small + bytes(32), message) for small in SMALL.values()]
    cases += [(public, small + good[32:], message) for small in SMALL.values()]
    cases += [(bytes(31), good, message), (b"\xff" * 32, good, message), (bytes([2]) + bytes(31), good, message)]
    # What a group with cofactor leaves open: R of small order, and R with a part of small order.
    cases += [(public, crafted(seed, 0, message), message), (public, crafted(seed, 7, message), message)]
    cases += [(public, crafted(seed, 7, message, SMALL["order 8"]), message)]
    cases += [(public, good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :], message) for at in range(0, 64, 7)]
    expected = [signed(*case) for case in cases]
    assert [expected.count(one) > 0 for one in (True, False, "not a point to sign with", "wrong length")] == [True] * 4
    assert expected[-13:-10] == [False, True, False]
    with Node(*words) if isinstance(quickest(), Node) else quickest() as second:
        assert [second.signed(*case) for case in cases] == expected


def test_both_take_the_same_second_line_of_a_log(second: Verifier) -> None:
    """ML-DSA-44: one bit changed here and there in the time, the challenge, the response, the hints and their counts."""
    wood = a_lot()
    text, _ = note.split_note(wood.checkpoint())
    name, line = lasting().line(text).rsplit(" ", 1)
    raw = b64decode(line)
    policy = f"log {log_signer().verifier.vkey}\nlog {lasting().verifier.vkey}\nquorum none\n".encode()
    indices = wood.gathered("LOTE-01")
    reports = []
    for at in (None, 4, 11, 12, 43, 44, 1_000, 2_347, 2_348, 2_400, 2_427, 2_428, len(raw) - 1):
        changed = raw if at is None else raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
        checkpoint = wood.checkpoint() + f"{name} {b64encode(changed).decode()}\n".encode()
        bundle = wood.packed("LOTE-01", indices, checkpoint)
        reports.append(by_python(bundle, policy))
        assert differences(reports[-1], second.verify(bundle, policy)) == []
    assert [report["outcome"] for report in reports] == ["valid"] + ["invalid"] * 12


# ---- the page


def test_the_page_carries_the_data_and_the_words_of_python() -> None:
    html = page.PAGE.read_text("utf-8")
    assert page.blocks(html) == page.expected_blocks(html), "python -m tests.shared.lot.page"


def test_the_page_lets_only_its_own_script_and_style_run() -> None:
    html = page.PAGE.read_text("utf-8")
    assert page.policy(html) == page.expected_policy(html), "python -m tests.shared.lot.page"
