"""The draw document: what it says comes out again, and nothing in it can be changed without being named."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shared.timber.draw_file import (
    DrawDiffers,
    DrawUnreadable,
    Terms,
    cites_of,
    draw_document,
    draw_of,
    recompute,
    source_in,
)
from shared.timber.norms.lottery import design_on
from shared.tlog import canon
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.encoding import to_base64
from shared.tlog.note import Signer, sign
from tests.shared.timber.test_lottery import DAY, a_tree

LOG = Signer.generate("trozalog.test/x/2026")
TREES = [
    *(a_tree(n, volume_dm3=1_000 + 10 * n) for n in range(1, 121)),
    *(a_tree(500 + n, species="Dipteryx ferrea") for n in range(4)),
    a_tree(900, condition="seed"),
]
NOTE = sign(Checkpoint(LOG.name, 250, b"\x07" * 32).text(), [LOG])
TERMS = Terms(
    "VER-01", "PO-17", "approved", "cd" * 32, 249, (240, 249), design_on(DAY), cites_of(TREES, design_on(DAY))
)


def a_document(terms: Terms = TERMS, note: bytes = NOTE, line: str | None = None) -> bytes:
    source, _ = source_in(note, line)
    return draw_document(terms, TREES, source, note, draw_of(terms, TREES, source))


def changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    document = canon.decode(a_document(), max_bytes=10**7)
    change(document)
    return canon.encode(document, max_bytes=10**7)


BEFORE = replace(TERMS, stage="submitted", entries=None, committed=200)


def test_before_the_approval_the_census_was_committed_to_below_the_seed() -> None:
    again = recompute(a_document(BEFORE))

    assert again.terms.committed == 200 < again.terms.after < again.checkpoint.size
    assert recompute(a_document(replace(TERMS, committed=200))).terms.committed == 200
    with pytest.raises(DrawDiffers, match="entries"):
        recompute(a_document(replace(TERMS, stage="submitted")))
    for committed in (None, 249, 250, -1):
        with pytest.raises(DrawDiffers) as caught:
            recompute(a_document(replace(BEFORE, committed=committed)))
        assert caught.value.where == "committed"


@pytest.mark.parametrize("line", [None, "— near AAAA"])
def test_an_honest_document_comes_out_as_it_says(line: str | None) -> None:
    again = recompute(a_document(line=line))

    assert again.terms.number == "VER-01"
    assert (again.checkpoint.size, again.cosignature, again.of_norms) == (250, line, True)
    assert (again.draw.strata[0].name, again.draw.strata[0].of) == ("cites", 4)
    assert sum(s.of for s in again.draw.strata) == 124


def test_a_stricter_design_is_of_the_norms_and_a_looser_one_is_not() -> None:
    stricter, looser = (replace(TERMS, design=replace(TERMS.design, share_permille=share)) for share in (20, 100))

    assert [recompute(a_document(terms)).of_norms for terms in (stricter, looser)] == [True, False]


def test_a_listed_species_that_is_left_out_of_the_whole_count_is_not_of_the_norms() -> None:
    assert recompute(a_document(replace(TERMS, cites=()))).of_norms is False


def test_a_tree_that_people_call_by_a_listed_name_is_drawn_whole_and_of_the_norms() -> None:
    called = {"Brosimum guianense": {"Manchinga", "Caoba"}}
    cites = cites_of(TREES, TERMS.design, called)

    assert cites == ("Brosimum guianense", "Dipteryx ferrea")
    assert recompute(a_document(replace(TERMS, cites=cites))).of_norms is True
    assert cites_of(TREES, TERMS.design, {"Brosimum guianense": {"Manchinga"}}) == TERMS.cites


def test_another_version_of_the_norms_is_not_compared() -> None:
    other = replace(TERMS, design=replace(TERMS.design, version="2099-01-01"))

    assert recompute(a_document(other)).of_norms is None


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda d: d["sample"].pop(), "sample"),
        (lambda d: d["sample"][10].update(code="1"), "sample"),
        (lambda d: d["sample"].reverse(), "sample"),
        (lambda d: d["strata"][1].update(sample=1), "strata"),
        (lambda d: d.update(seed="00" * 32), "seed"),
        (lambda d: d.update(listing_root="00" * 32), "listing_root"),
        (lambda d: d["trees"][0].update(volume_dm3=9_999), "listing_root"),
        (lambda d: d["trees"].pop(), "listing_root"),
        (lambda d: d.update(plan="PO-18"), "seed"),
        (lambda d: d.update(census_root="00" * 32), "seed"),
        (lambda d: d.update(cosignature="— near AAAA"), "seed"),
        (lambda d: d.update(note=to_base64(sign(Checkpoint(LOG.name, 251, b"\x07" * 32).text(), [LOG]))), "seed"),
        (lambda d: d.update(note=to_base64(sign(Checkpoint(LOG.name, 249, b"\x07" * 32).text(), [LOG]))), "checkpoint"),
        (lambda d: d.update(after=100), "after"),
        (lambda d: d["entries"].update(first=-1), "entries"),
        (lambda d: d["entries"].update(first=250), "entries"),
        (lambda d: d["design"].update(share_permille=400), "strata"),
        (lambda d: d["design"]["species"][1].update(cites=False), "strata"),
    ],
)  # fmt: skip
def test_a_changed_document_is_caught_by_name(change: Callable[[dict[str, Any]], object], where: str) -> None:
    with pytest.raises(DrawDiffers) as caught:
        recompute(changed(change))

    assert caught.value.where.startswith(where)
    recompute(a_document())


def test_the_same_checkpoint_signed_otherwise_gives_the_same_draw() -> None:
    """A log can sign one text in many ways; if that counted it could choose."""
    other = Signer.generate(LOG.name)
    again = sign(Checkpoint(LOG.name, 250, b"\x07" * 32).text(), [LOG, other])

    assert recompute(a_document(note=again)).draw == recompute(a_document()).draw


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{}", b"not json", a_document()[:-1], a_document().replace(b"trozalog-draw/1", b"trozalog-draw/2"),
        changed(lambda d: d.pop("after")), changed(lambda d: d.update(trees=[{"code": "1"}])),
        changed(lambda d: d.update(note="***")), changed(lambda d: d.update(note=to_base64(b"no note"))),
        changed(lambda d: d["design"].update(share_permille=0)), changed(lambda d: (d.pop("entries"), d.update(after="x", stage="submitted"))),
        changed(lambda d: d["design"].update(confidence_permille=1_001)), changed(lambda d: d.update(note=5)),
        changed(lambda d: d["design"].update(day="x")), changed(lambda d: d["design"].update(day=5)),
        changed(lambda d: d["design"]["species"][0].update(name=5)),
        changed(lambda d: d["design"]["species"][0].update(cites="x")),
        changed(lambda d: d["entries"].update(first="x")),
    ],
)  # fmt: skip
def test_what_is_no_draw_document_cannot_be_read_which_says_nothing_of_the_draw(data: bytes) -> None:
    with pytest.raises(DrawUnreadable):
        recompute(data)
