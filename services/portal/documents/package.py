"""The audit package of a lot: one zip with everything a verdict rests on, checked by hand with tools of anybody's choice.

The same lot, checkpoint and papers give the same bytes: nothing in it says when or for whom it was made.
"""

import hashlib
import zipfile
from collections.abc import Callable, Iterator, Mapping
from importlib import resources
from pathlib import Path

import orjson

from services.portal.casefile import CaseFile
from services.portal.custody_graph import Words, collapsed, graph_of, things_of_case
from services.portal.documents.lot_book import lot_book
from services.portal.documents.summary import summary_pdf
from shared.lot.split import split

VERIFIER = resources.files("shared.lot") / "verify.html"
SUMS = "SHA256SUMS"
MOST_BYTES = 96 * 1024 * 1024
LONG_AGO = (1980, 1, 1, 0, 0, 0)


def cited(case: CaseFile) -> list[str]:
    """The papers that records of the file name by their SHA-256, in order of first mention."""
    found: dict[str, None] = {}
    for _, record in case.records:
        for digest in (*record.body.get("documents", ()), record.body.get("evidence_sha256")):
            if digest:
                found[digest] = None
    return list(found)


def parts_of(
    case: CaseFile, papers: Mapping[str, Path], speeches: tuple[Words, ...]
) -> Iterator[tuple[str, bytes | Path]]:
    """The files by name, one after the other, the largest work first. ``papers`` are those at hand, by digest."""
    lot = case.lot.id
    yield f"{lot}.trozalog.json", case.data
    yield "checkpoint.txt", case.bundle.checkpoint
    for pair in split(case.data):
        for name, content in pair.files.items():
            yield f"records/{name}", content
    yield "report.json", orjson.dumps(case.report.as_dict(), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)
    yield f"{lot}.xlsx", lot_book(case)
    for speech in speeches:
        yield f"{speech.t('package.file_summary')}.pdf", summary_pdf(case, speech)
        yield f"{speech.t('package.file_graph')}.svg", graph_svg(case, speech)
        yield f"{speech.t('package.file_readme')}.txt", readme(case, papers, speech)
    yield "verify.html", VERIFIER.read_bytes()
    for digest, paper in sorted(papers.items()):
        yield f"documents/{digest}{paper.suffix}", paper


def graph_svg(case: CaseFile, speech: Words) -> bytes:
    """The custody graph as a picture that stands alone."""
    return graph_of(collapsed(things_of_case(case)), case.lot.id, speech).encode()


def readme(case: CaseFile, papers: Mapping[str, Path], speech: Words) -> bytes:
    """What is inside, how to check it, what is missing."""
    t = speech.t
    missing = [digest for digest in cited(case) if digest not in papers]
    lines = [
        t("package.summary", code=case.lot.id), "",
        *(t(f"package.step_{step}", code=case.lot.id) for step in (1, 2, 3)), "",
        *(t(f"package.inside_{part}") for part in ("bundle", "records", "checkpoint", "book", "report", "summary", "verifier", "documents")), "",
        t("package.no_trust"), "",
        *([t("package.papers_missing"), *missing] if missing else [t("package.papers_whole")]),
    ]  # fmt: skip
    return "".join(f"{line}\r\n" for line in lines).encode()


def write(target: Path, parts: Iterator[tuple[str, bytes | Path]], told: Callable[[int], None] = lambda _: None) -> str:
    """Write the zip and its list of digests; the SHA-256 of that list, which names the content. ``told`` hears how many
    files are in. A part of a file is left behind when it fails: the name is given by the caller's rename."""
    sums: dict[str, str] = {}
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as out:
        for name, content in parts:
            data = content.read_bytes() if isinstance(content, Path) else content
            sums[name] = hashlib.sha256(data).hexdigest()
            _add(out, name, data)
            told(len(sums))
        listed = "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())).encode()
        _add(out, SUMS, listed)
    return hashlib.sha256(listed).hexdigest()


def _add(out: zipfile.ZipFile, name: str, data: bytes) -> None:
    info = zipfile.ZipInfo(name, LONG_AGO)
    info.external_attr, info.create_system = 0o644 << 16, 3
    out.writestr(info, data, zipfile.ZIP_DEFLATED)
