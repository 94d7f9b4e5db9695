"""The draw document: everything a stranger needs to recompute a public lottery of trees (docs/format.md, annex D).

``draw_document`` writes it, ``recompute`` believes none of it: root, seed, strata and sample are worked out again.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from shared.refusal import Malformed, Refusal
from shared.timber.cites import trade_name_may_be
from shared.timber.lottery import Draw, Source, Tree, cites_names, draw, listing_root, seed_of, strata_of
from shared.timber.norms.lottery import Design, design_on, lottery_norms
from shared.timber.species import catalogue
from shared.tlog import canon
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.checkpoint import parse as parse_checkpoint
from shared.tlog.encoding import from_base64, to_base64
from shared.tlog.note import split_note

FORMAT = "trozalog-draw/1"
# 100,000 trees at some 150 bytes, and as many in the sample.
MAX_BYTES = 32 * 1024 * 1024


@dataclass(eq=False)
class DrawUnreadable(Malformed):
    """The bytes are not a draw document of this version; that says nothing about the draw."""

    slug: ClassVar[str] = "draw-unreadable"
    es: ClassVar[str] = "No se puede leer este documento de sorteo: {where}: {reason}."
    en: ClassVar[str] = "This draw document cannot be read: {where}: {reason}."


@dataclass(eq=False)
class DrawDiffers(Refusal):
    """Recomputed from what the document itself lists, something comes out otherwise than it says."""

    slug: ClassVar[str] = "draw-differs"
    es: ClassVar[str] = "El sorteo no sale así: {where}: el documento dice {stated}, se calcula {computed}."
    en: ClassVar[str] = "The draw does not come out so: {where}: the document says {stated}, computed is {computed}."
    where: str
    stated: str
    computed: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What was fixed when a verification was opened. ``entries`` are the first and last entry of the log that list the
    plan and its census; none before approval. ``committed`` is the entry that says with which census the plan was handed in;
    none where it was handed in before the log had such entries. The checkpoint must be larger than ``after``, and that than
    ``committed``. ``cites`` are the species of the census that are drawn whole."""

    number: str
    plan: str
    stage: str
    census_root: str
    after: int
    entries: tuple[int, int] | None
    design: Design
    cites: tuple[str, ...]
    committed: int | None = None


@dataclass(frozen=True, slots=True)
class Recomputed:
    """A document that holds together. ``of_norms`` says whether its design is that of the norms shipped here for its day;
    None when it names another version of them."""

    terms: Terms
    checkpoint: Checkpoint
    note: bytes
    cosignature: str | None
    trees: tuple[Tree, ...]
    draw: Draw
    of_norms: bool | None


def draw_of(terms: Terms, trees: Sequence[Tree], source: Source) -> Draw:
    """The draw over a census under a checkpoint."""
    seed = seed_of(terms.plan, terms.census_root, listing_root(trees), source)
    return draw(seed, strata_of(trees, frozenset(terms.cites), terms.design), terms.design)


def cites_of(trees: Sequence[Tree], design: Design, called: Mapping[str, Set[str]] | None = None) -> tuple[str, ...]:
    """The species of a census that are drawn whole: those that CITES binds or may bind on the day of the design, by the
    catalogue shipped here, and those of which a tree is ``called`` (trade names by species) as people call a listed one."""
    day, names = date.fromisoformat(design.day), {tree.species for tree in trees}
    doubtful = {name for name, words in (called or {}).items() if any(trade_name_may_be(word, day) for word in words)}
    return tuple(sorted(cites_names(names, catalogue(), day) | (names & doubtful)))


def draw_document(terms: Terms, trees: Sequence[Tree], source: Source, note: bytes, drawn: Draw) -> bytes:
    """The canonical bytes of a draw; the same draw gives the same bytes."""
    design, names = terms.design, sorted({tree.species for tree in trees})
    document: dict[str, Any] = {
        "format": FORMAT, "number": terms.number, "plan": terms.plan, "stage": terms.stage,
        "census_root": terms.census_root, "listing_root": listing_root(trees), "after": terms.after,
        "design": {
            "version": design.version, "day": design.day, "share_permille": design.share_permille,
            "confidence_permille": design.confidence_permille, "high_value_permille": design.high_value_permille,
            "species": [{"name": n, "cites": n in terms.cites, "weight": design.weight_of(n)} for n in names],
        },
        "note": to_base64(note),
        **draw_parts(drawn),
        "trees": [tree._asdict() for tree in trees],
    }  # fmt: skip
    if source.cosignature is not None:
        document["cosignature"] = source.cosignature
    if terms.entries is not None:
        document["entries"] = {"first": terms.entries[0], "last": terms.entries[1]}
    if terms.committed is not None:
        document["committed"] = terms.committed
    return canon.encode(document, max_bytes=MAX_BYTES)


def source_in(note: bytes, cosignature: str | None) -> tuple[Source, Checkpoint]:
    """What the seed takes from a note. Only its text counts: a log can sign the same text in many ways."""
    checkpoint = parse_checkpoint(split_note(note)[0])
    return Source(checkpoint.origin, checkpoint.size, checkpoint.root.hex(), cosignature), checkpoint


def recompute(data: bytes) -> Recomputed:
    """Work a document out again. DrawUnreadable, or DrawDiffers naming the first figure that does not come out.

    It looks at no signature and at no log: ``shared.audit.draw`` does.
    """
    said = _read(data)
    try:
        terms, trees = _terms(said), tuple(Tree(**tree) for tree in said["trees"])
        note, line = from_base64(said["note"], "note"), said.get("cosignature")
        source, checkpoint = source_in(note, line)
        same("listing_root", said["listing_root"], listing_root(trees))
        _check_order(terms, source.size)
        drawn = draw_of(terms, trees, source)
        again, of_norms = draw_parts(drawn), _of_norms(said, terms)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DrawUnreadable("draw", f"{type(error).__name__} {error}"[:120]) from error
    except Malformed as refusal:
        raise DrawUnreadable(refusal.where, refusal.reason) from refusal
    for where, computed in again.items():
        same(where, said.get(where), computed)
    return Recomputed(terms, checkpoint, note, line, trees, drawn, of_norms)


def _check_order(terms: Terms, size: int) -> None:
    """The census was in the log before the checkpoint that gave the seed: whole, or committed to."""
    if (terms.stage == "approved") != (terms.entries is not None):
        raise DrawDiffers("entries", "-" if terms.entries is None else "first, last", terms.stage)
    if terms.entries is not None:
        same("after", terms.after, terms.entries[1])
        if not 0 <= terms.entries[0] <= terms.after:
            raise DrawDiffers("entries", str(terms.entries[0]), f"0..{terms.after}")
    if size <= terms.after:
        raise DrawDiffers("checkpoint", str(size), f"> {terms.after}")
    if terms.committed is None:
        if terms.entries is None:
            raise DrawDiffers("committed", "-", f"< {terms.after}")
    elif not 0 <= terms.committed < terms.after:
        raise DrawDiffers("committed", str(terms.committed), f"< {terms.after}")


def draw_parts(drawn: Draw) -> dict[str, Any]:
    """Seed, strata and sample as a document states them."""
    return {
        "seed": drawn.seed,
        "strata": [
            {"name": s.name, "trees": s.of, "volume_dm3": s.volume_dm3, "sample": s.sample} for s in drawn.strata
        ],
        "sample": [
            {"parcel": d.tree.parcel, "code": d.tree.code, "stratum": d.stratum, "rank": d.rank, "ticket": d.ticket}
            for d in drawn.sample
        ],
    }  # fmt: skip


def same(where: str, stated: Any, computed: Any) -> None:
    """DrawDiffers unless the two are equal; of lists it names the first place that is not."""
    if stated == computed:
        return
    if isinstance(stated, list) and isinstance(computed, list):
        place = next((n for n, (a, b) in enumerate(zip(stated, computed, strict=False)) if a != b), None)
        if place is not None:
            raise DrawDiffers(f"{where}[{place}]", str(stated[place])[:200], str(computed[place])[:200])
        raise DrawDiffers(where, f"{len(stated)}", f"{len(computed)}")
    raise DrawDiffers(where, str(stated)[:200], str(computed)[:200])


def _read(data: bytes) -> dict[str, Any]:
    try:
        said = canon.decode(data, max_bytes=MAX_BYTES)
    except Malformed as refusal:
        raise DrawUnreadable(refusal.where, refusal.reason) from refusal
    if said.get("format") != FORMAT:
        raise DrawUnreadable("format", str(said.get("format"))[:60])
    return said


def _terms(said: dict[str, Any]) -> Terms:
    design = said["design"]
    weights = {one["name"].partition(" ")[0]: one["weight"] for one in design["species"]}
    entries = said.get("entries")
    return Terms(
        said["number"], said["plan"], said["stage"], said["census_root"], said["after"],
        None if entries is None else (entries["first"], entries["last"]),
        Design(
            design["version"], design["day"], design["share_permille"], design["confidence_permille"],
            design["high_value_permille"], 1, weights,
        ),
        tuple(one["name"] for one in design["species"] if one["cites"]), said.get("committed"),
    )  # fmt: skip


def _of_norms(said: dict[str, Any], terms: Terms) -> bool | None:
    """A smaller share asks for more trees than the norm, and so does a name drawn whole that CITES does not bind: those are of
    the norms too."""
    if terms.design.version != lottery_norms()["version"]:
        return None
    ours, theirs = design_on(terms.design.day), terms.design
    names = [one["name"] for one in said["design"]["species"]]
    cites = cites_names(names, catalogue(), date.fromisoformat(terms.design.day))
    return (
        theirs.share_permille <= ours.share_permille
        and theirs.confidence_permille >= ours.confidence_permille
        and theirs.high_value_permille == ours.high_value_permille
        and all(
            one["cites"] >= (one["name"] in cites) and one["weight"] == ours.weight_of(one["name"])
            for one in said["design"]["species"]
        )
        and names == sorted({tree["species"] for tree in said["trees"]})
    )
