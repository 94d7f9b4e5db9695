"""Audit packages: what is in them, that they are the same twice, and how they are asked for and downloaded."""

import asyncio
import hashlib
import io
import time
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pypdfium2  # type: ignore[import-untyped]
import pytest
from openpyxl import load_workbook

from services.portal.casefile import CaseFile, opened
from services.portal.documents.package import SUMS, cited, parts_of, write
from services.portal.packages import Job, Limits, Packages, TooManyOfYours, TooManyPackages, room_for
from services.portal.pages.saying import words_in
from services.portal.rendering import Pages
from shared.lot.verify import verify
from shared.refusal import Missing
from shared.tlog import proof
from shared.web import deadline
from shared.web.client import UpstreamDown
from tests.portal.conftest import Open, Written
from tests.shared.lot.wood import Wood, a_lot, a_policy

PAPER = b"%PDF-1.7 an agreement of the assembly"
DIGEST = hashlib.sha256(PAPER).hexdigest()
SPEECHES = tuple(words_in(Pages(), language) for language in ("es", "en"))
PATIENCE_S = 120.0
PROGRAM = {"accept": "application/json", "content-type": "application/json"}


def a_case(wood: Wood | None = None, lot: str = "LOTE-01") -> CaseFile:
    case = opened((wood or a_lot()).bundle(lot), a_policy())
    assert isinstance(case, CaseFile)
    return case


def a_resolved_lot() -> Wood:
    """A supervisor has resolved a finding on the guide, and names the paper that bears it out."""
    wood = a_lot()
    guide = next(record for record in wood.records if record.type == "guide.issued")
    wood.add("finding.resolved", "registro", {
        "record": guide.sid, "rule": "B01", "reason": "Cotejado con el libro", "evidence_sha256": DIGEST, "by": "s1",
    })  # fmt: skip
    return wood


def packed(case: CaseFile, folder: Path, **papers: Path) -> tuple[bytes, str]:
    target = folder / f"{time.monotonic_ns()}.zip"
    digest = write(target, parts_of(case, papers, SPEECHES))
    return target.read_bytes(), digest


def files_in(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as found:
        return {name: found.read(name) for name in found.namelist()}


def test_a_package_holds_all_that_its_verdict_rests_on(tmp_path: Path) -> None:
    case = a_case()

    files = files_in(packed(case, tmp_path)[0])

    assert {"LOTE-01.trozalog.json", "checkpoint.txt", "report.json", "LOTE-01.xlsx", "verify.html", "resumen.pdf", "summary.pdf",
            "grafo.svg", "graph.svg", "LEAME.txt", "README.txt", SUMS} <= files.keys()  # fmt: skip
    assert verify(files["LOTE-01.trozalog.json"], a_policy()).exit_code == 0
    assert files["checkpoint.txt"] == case.bundle.checkpoint
    pairs = {name.partition(".")[0] for name in files if name.startswith("records/")}
    assert len(pairs) == len(case.records)
    for pair in pairs:
        shown = proof.parse(files[f"{pair}.tlog-proof"])
        assert proof.verify(shown, files[f"{pair}.entry"], a_policy()).checkpoint.size == case.report.checkpoint.size  # type: ignore[union-attr]


def test_every_file_is_in_the_list_of_digests(tmp_path: Path) -> None:
    data, digest = packed(a_case(), tmp_path)
    files = files_in(data)

    lines = [line.split("  ", 1) for line in files.pop(SUMS).decode().splitlines()]
    listed = {name: digest for digest, name in lines}

    assert listed == {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    assert digest == hashlib.sha256(files_in(data)[SUMS]).hexdigest()


def test_the_same_lot_and_checkpoint_give_the_same_bytes(tmp_path: Path) -> None:
    wood = a_lot()
    first, second = packed(a_case(wood), tmp_path), packed(a_case(wood), tmp_path)
    assert first == second

    wood.fell("503")  # the log grows by an entry that is none of this lot's

    assert packed(a_case(wood), tmp_path)[1] != first[1]


def test_the_workbook_adds_up_to_the_lot(tmp_path: Path) -> None:
    case = a_case()
    book = load_workbook(io.BytesIO(files_in(packed(case, tmp_path)[0])["LOTE-01.xlsx"]))

    header, *rows = book["pieces"].iter_rows(values_only=True)
    pieces = [dict(zip(header, row, strict=True)) for row in rows]
    in_lot = [piece for piece in pieces if piece["in_lot"] == "yes"]
    assert round(sum(float(str(piece["volume_m3"])) for piece in in_lot) * 1000) == case.lot.volume_dm3
    assert len(list(book["records"].iter_rows())) == len(case.records) + 1
    assert {"guides", "permits", "stages", "sawings", "findings", "rules"} <= set(book.sheetnames)
    named = {row[0]: row[1] for row in book["organisations"].iter_rows(min_row=2, values_only=True)}
    assert named["comunidad-a"] == case.organisations["comunidad-a"].body["name"]


def test_the_summary_reads_in_both_languages(tmp_path: Path) -> None:
    files = files_in(packed(a_case(), tmp_path)[0])

    def read(name: str) -> str:
        document = pypdfium2.PdfDocument(files[name])
        return " ".join(document[at].get_textpage().get_text_range() for at in range(len(document)))

    spanish, english = read("resumen.pdf"), read("summary.pdf")
    assert "Resumen de auditoría del lote LOTE-01" in spanish
    assert "CONSISTENTE" in spanish.upper()
    assert "Audit summary of lot LOTE-01" in english
    assert a_case().report.seller
    assert a_case().called(str(a_case().report.seller)) in english, "the seller by name, with its id"
    assert "11.470 m³" in spanish.replace("\xa0", " ")
    assert a_case().bundle.checkpoint.decode().splitlines()[0] in english
    ElementTree.fromstring(files["grafo.svg"])  # noqa: S314  our own


def test_papers_are_named_by_their_digest_and_what_is_missing_is_told(tmp_path: Path) -> None:
    case = a_case(a_resolved_lot())
    assert cited(case) == [DIGEST]
    paper = tmp_path / f"{DIGEST}.pdf"
    paper.write_bytes(PAPER)

    without, whole = files_in(packed(case, tmp_path)[0]), files_in(packed(case, tmp_path, **{DIGEST: paper})[0])

    assert whole[f"documents/{DIGEST}.pdf"] == PAPER
    assert not [name for name in without if name.startswith("documents/")]
    assert DIGEST in without["README.txt"].decode()
    assert DIGEST not in whole["README.txt"].decode()


# ---- as jobs


async def nothing(_: str) -> None:
    return None


async def until_done(packages: Packages, id_: str, reader: str = "") -> Any:
    async with asyncio.timeout(PATIENCE_S):
        while (job := packages.job(id_, reader)).state not in ("done", "failed"):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return job


async def test_a_package_is_built_once_and_found_again_after_a_restart(tmp_path: Path) -> None:
    packages, case = Packages(tmp_path / "packages", SPEECHES), a_case()

    asked = packages.ask(case, "", nothing)
    again = packages.ask(case, "", nothing)
    done = await until_done(packages, asked.id)

    assert asked.id == again.id
    assert done.state == "done"
    assert hashlib.sha256(packages.file(done).read_bytes()).hexdigest() == done.file
    after = Packages(tmp_path / "packages", SPEECHES)
    assert after.ask(case, "", nothing) == done
    assert after.job(done.id, "") == done


async def test_whatever_stops_a_package_ends_its_job_in_both_languages(tmp_path: Path) -> None:
    packages, case = Packages(tmp_path / "packages", SPEECHES), a_case(a_resolved_lot())

    async def broken(_: str) -> None:
        raise RuntimeError("not foreseen")

    async def silent(_: str) -> None:
        raise UpstreamDown("permits")

    ours = await until_done(packages, packages.ask(case, "a/u1", broken).id, "a/u1")
    theirs = await until_done(packages, packages.ask(case, "a/u2", silent).id, "a/u2")

    assert (ours.state, theirs.state) == ("failed", "failed")
    assert ("interno" in ours.reason, "internal" in ours.reason_en) == (True, True)
    assert ("no responde" in theirs.reason, "does not respond" in theirs.reason_en) == (True, True)
    again = packages.ask(case, "a/u1", nothing)
    assert (await until_done(packages, again.id, "a/u1")).state == "done", "and may be asked for again"


async def test_a_package_outlives_the_request_that_asked_for_it(tmp_path: Path) -> None:
    packages, case, left = Packages(tmp_path / "packages", SPEECHES), a_case(a_resolved_lot()), list[float]()

    async def paper(_: str) -> tuple[bytes, str]:
        left.append(deadline.left_s(20.0))
        return PAPER, ".pdf"

    deadline.begin(b"1")
    asked = packages.ask(case, "auditoria-1/u1", paper)
    done = await until_done(packages, asked.id, "auditoria-1/u1")

    assert (done.state, done.papers, left) == ("done", 1, [20.0])


async def test_a_package_with_papers_is_for_its_reader_only(tmp_path: Path) -> None:
    packages, case = Packages(tmp_path / "packages", SPEECHES), a_case(a_resolved_lot())

    async def paper(_: str) -> tuple[bytes, str]:
        return PAPER, ".pdf"

    async def forged(_: str) -> tuple[bytes, str]:
        return b"another paper", ".pdf"

    mine, theirs = packages.ask(case, "auditoria-1/u1", paper), packages.ask(case, "auditoria-1/u2", forged)

    assert mine.id != theirs.id
    done = await until_done(packages, mine.id, "auditoria-1/u1")
    assert (done.papers, done.cited) == (1, 1)
    assert (await until_done(packages, theirs.id, "auditoria-1/u2")).papers == 0, (
        "a paper is what its name says or left out"
    )
    for stranger in ("", "auditoria-1/u2"):
        with pytest.raises(Missing):
            packages.job(mine.id, stranger)


async def test_when_there_is_no_room_what_was_done_longest_ago_is_thrown_away(tmp_path: Path) -> None:
    folder, wood = tmp_path / "packages", a_lot()
    first_case = a_case(wood)
    small = Packages(folder, SPEECHES, Limits(most_bytes=room_for(first_case) + 1000))
    done = await until_done(small, small.ask(first_case, "", nothing).id)
    wood.fell("503")

    with pytest.raises(TooManyPackages) as refused:
        small.ask(a_case(wood), "", nothing)
    later = Packages(folder, SPEECHES, Limits(most_bytes=room_for(first_case) + 1000, grace_s=0))
    fresh = await until_done(later, later.ask(a_case(wood), "", nothing).id)

    assert 0 < int(refused.value.headers()["retry-after"]) <= 15 * 60
    assert not small.file(done).exists()
    assert later.file(fresh).exists()


async def test_room_is_kept_for_packages_that_are_on_their_way(tmp_path: Path) -> None:
    wood = a_lot()
    case = a_case(wood)
    packages = Packages(tmp_path / "packages", SPEECHES, Limits(most_bytes=2 * room_for(case) - 1))
    packages.ask(case, "", nothing, "10.0.0.1")
    wood.fell("503")

    with pytest.raises(TooManyPackages):
        packages.ask(a_case(wood), "", nothing, "10.0.0.2")
    await packages.stop()


async def test_one_who_asks_for_many_waits_and_others_do_not(tmp_path: Path) -> None:
    wood = a_lot()
    packages = Packages(tmp_path / "packages", SPEECHES, Limits(most_waiting_of_one=1, most_an_hour=2))

    def ask(asker: str) -> Job:
        return packages.ask(a_case(wood), "", nothing, asker)

    first = ask("10.0.0.1")
    assert ask("10.0.0.1").id == first.id, "the same again is no new one"
    felled = wood.fell("503")
    with pytest.raises(TooManyOfYours):
        ask("10.0.0.1")
    await until_done(packages, first.id)
    await until_done(packages, ask("10.0.0.1").id)
    wood.cut(felled, "503")
    with pytest.raises(TooManyOfYours) as refused:
        ask("10.0.0.1")
    other = await until_done(packages, ask("10.0.0.2").id)

    assert 3500 < int(refused.value.headers()["retry-after"]) <= 3601
    assert other.state == "done"


async def test_a_program_asks_waits_and_downloads_in_pieces(open_portal: Open) -> None:
    wood = a_lot()
    custody = Written({"/log/checkpoint": wood.checkpoint(), "/v1/lots/LOTE-01/bundle": wood.bundle("LOTE-01")})
    client: httpx.AsyncClient = await open_portal(custody=custody)

    asked = await client.post("/v1/packages", json={"lot": "LOTE-01"}, headers=PROGRAM)

    assert asked.status_code == 202
    place = asked.json()["file"].removesuffix("/file")
    found = await _done(client, place)
    whole = await client.get(f"{place}/file")
    half = len(whole.content) // 2
    part = await client.get(f"{place}/file", headers={"range": f"bytes={half}-", "if-range": whole.headers["etag"]})
    other = await client.get(f"{place}/file", headers={"range": f"bytes={half}-", "if-range": '"another"'})
    assert hashlib.sha256(whole.content).hexdigest() == found["file_sha256"]
    assert (part.status_code, whole.content[:half] + part.content) == (206, whole.content)
    assert (other.status_code, other.content) == (200, whole.content), "another file is sent whole, not pieced together"
    unknown = await client.get(f"/v1/packages/{'0' * 32}", headers=PROGRAM)
    assert (unknown.status_code, unknown.json()["slug"]) == (404, "not-found")


async def _done(client: httpx.AsyncClient, place: str) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE_S):
        while (found := (await client.get(place, headers=PROGRAM)).json())["state"] != "done":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return dict(found)


async def test_a_lot_that_does_not_hold_has_no_package(open_portal: Open) -> None:
    wood = a_lot()
    forged = wood.bundle("LOTE-01").replace(b"LOTE-01", b"LOTE-02")
    custody = Written({"/log/checkpoint": wood.checkpoint(), "/v1/lots/LOTE-02/bundle": forged})
    client: httpx.AsyncClient = await open_portal(custody=custody)

    refused = await client.post("/v1/packages", json={"lot": "LOTE-02"}, headers=PROGRAM)

    assert refused.status_code == 404


async def test_programs_read_of_packages_in_the_api(open_portal: Open) -> None:
    custody = Written({"/openapi.json": {"paths": {}}})
    client: httpx.AsyncClient = await open_portal(custody=custody)

    described = (await client.get("/openapi.json")).json()["paths"]

    assert {"/v1/packages", "/v1/packages/{package_id}", "/v1/packages/{package_id}/file"} <= described.keys()
    assert "/lots/{code}/package" not in described, "pages are no part of the API"
