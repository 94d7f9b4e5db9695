"""The vault: a paper is what its bytes are, is kept whole under its hash, and is read by those it concerns."""

import hashlib
import io
import zipfile

import asyncpg
import pytest
from openpyxl import Workbook

from services.permits.domain.document import MAX_DOCUMENT_BYTES, DocumentRefused, kinds
from services.permits.domain.document_type import (
    CSV,
    GEOJSON,
    GPX,
    JPEG,
    KML,
    ODS,
    PDF,
    PNG,
    TEXT,
    XLSX,
    check_type,
)
from tests.permits.conftest import MANAGER, MEMBER, NEIGHBOUR, OFFICER, OPERATOR, REGENT, SUPERVISOR, Permits, Person

MILL = Person("company", "aserradero-1", "u-mill")
FAR = Person("authority", "gerfor-lo", "u-lo", "loreto")
PICTURE = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
    b"\x00\x00\x00\x00IEND\xaeB`\x82"
)
SCAN = b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"
PHOTO = b"\xff\xd8\xff\xe0\x00\x10JFIF" + b"\x00" * 12 + b"\xff\xd9"
MAP = b'<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document/></kml>'
TRACK = b'<gpx xmlns="http://www.topografix.com/GPX/1/1" version="1.1"><trk/></gpx>'
SHAPE = b'{"type":"FeatureCollection","features":[]}'
TABLE = "código;especie\n501;Manchinga\n"


def a_workbook() -> bytes:
    file = io.BytesIO()
    Workbook().save(file)
    return file.getvalue()


def an_archive(*parts: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in parts:
            archive.writestr(name, data)
    return file.getvalue()


SHEET = an_archive(("mimetype", ODS.encode()), ("content.xml", b"<x/>"))
BOMB = an_archive(("[Content_Types].xml", b"x"), ("xl/workbook.xml", b"\x00" * 40_000_000))
MACROS = an_archive(("[Content_Types].xml", b"x"), ("xl/workbook.xml", b"x"), ("xl/vbaProject.bin", b"x"))
WAY_OUT = an_archive(("[Content_Types].xml", b"x"), ("xl/workbook.xml", b"x"), ("../../etc/passwd", b"x"))
NESTED = an_archive(("[Content_Types].xml", b"x"), ("xl/workbook.xml", b"x"), ("xl/more.zip", b"x"))


@pytest.mark.parametrize(
    ("data", "declared"),
    [
        (SCAN, PDF), (PICTURE, PNG), (PHOTO, JPEG), (a_workbook(), XLSX), (SHEET, ODS), (MAP, KML), (TRACK, GPX),
        (SHAPE, GEOJSON), (TABLE.encode(), CSV), (TABLE.encode("cp1252"), CSV), (b"\xef\xbb\xbfActa", TEXT),
    ],
    ids=["pdf", "png", "jpeg", "xlsx", "ods", "kml", "gpx", "geojson", "csv", "csv-1252", "text"],
)  # fmt: skip
def test_a_paper_of_each_kept_type_is_known_by_its_bytes(data: bytes, declared: str) -> None:
    check_type(data, declared)


@pytest.mark.parametrize(
    ("data", "declared", "why"),
    [
        (SCAN, PNG, "is application/pdf"),
        (PICTURE, PDF, "is image/png"),
        (TABLE.encode(), PNG, "is text/plain"),
        (b"%!PS-Adobe", PDF, "is text/plain"),
        (a_workbook(), ODS, "is application/vnd.openxml"),
        (SHEET, XLSX, "is application/vnd.oasis"),
        (MAP, GPX, "is application/vnd.google"),
        (an_archive(("a.txt", b"x")), XLSX, "another archive"),
        (b"", TEXT, "empty"),
        (SCAN, "application/x-msdownload", "not kept"),
        (SCAN, "", "not kept"),
        (b"MZ\x90\x00", TEXT, "no type that is kept"),
        (b"\x7fELF\x02\x01", TEXT, "control characters"),
        (b"<html><body>", TEXT, "page or a program"),
        (b"  <svg onload=x>", TEXT, "page or a program"),
        (b"a;b\n<script>x</script>", CSV, "page or a program"),
        (b"#!/bin/sh\n", TEXT, "page or a program"),
        (PICTURE + b"PK", PNG, "more follows"),
        (PHOTO + b"<?php", JPEG, "more follows"),
        (SCAN.removesuffix(b"%%EOF\n"), PDF, "cut short"),
        (BOMB, XLSX, "unfolds"),
        (MACROS, XLSX, "vbaProject"),
        (WAY_OUT, XLSX, "leads out"),
        (NESTED, XLSX, "more.zip"),
        (a_workbook()[:-30], XLSX, "cannot be read"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><kml/>', KML, "entities"),
        (b"<kml>", KML, "whole XML"),
        (b'{"type":"Topology"}', GEOJSON, "another JSON"),
        (b"[" * 5000, GEOJSON, "not JSON"),
    ],
)
def test_what_is_not_what_it_says_or_could_run_is_not_taken_in(data: bytes, declared: str, why: str) -> None:
    with pytest.raises(DocumentRefused) as caught:
        check_type(data, declared)

    assert why in caught.value.text("en")
    assert caught.value.reason_es != caught.value.reason


async def test_a_paper_comes_back_byte_for_byte_as_a_download(permits: Permits) -> None:
    stored = await permits.paper("map", SCAN, MANAGER, media_type=PDF, expect=201)
    again = await permits.paper("map", SCAN, MANAGER, media_type=PDF, expect=200)

    assert stored == again
    assert stored["sha256"] == hashlib.sha256(SCAN).hexdigest()
    answer = await permits.call("GET", f"/v1/documents/{stored['sha256']}/content", MEMBER, 200)
    assert answer.content == SCAN
    assert answer.headers["content-type"] == PDF
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    listed = await permits.get("/v1/documents", MANAGER, kind="map")
    assert [one["sha256"] for one in listed["items"]] == [stored["sha256"]]


async def test_a_paper_is_read_by_its_own_by_officers_and_by_whom_they_let(permits: Permits) -> None:
    paper = (await permits.paper("regent_contract", b"contrato con el regente"))["sha256"]
    path = f"/v1/documents/{paper}"
    for person in (MANAGER, MEMBER, OFFICER, SUPERVISOR):
        await permits.get(path, person)
        await permits.call("GET", f"{path}/content", person, 200)
    for stranger in (NEIGHBOUR, REGENT, MILL):
        await permits.get(path, stranger, expect=404)
        await permits.call("GET", f"{path}/content", stranger, 404)
        assert (await permits.get("/v1/documents", stranger))["items"] == []
        await permits.post(f"{path}/readers", stranger, {"reader": "comunidad-b", "until": "2099-01-01"}, 404)
    await permits.call("GET", path, None, 401)

    await permits.post(f"{path}/readers", MANAGER, {"reader": "regencia-1", "until": "2099-01-01"})
    await permits.call("GET", f"{path}/content", REGENT, 200)
    readers = await permits.get(f"{path}/readers", MANAGER)
    assert [one["reader"] for one in readers["items"]] == ["regencia-1"]
    await permits.refused(
        "other-organisation", f"{path}/readers", REGENT, {"reader": "comunidad-b", "until": "2099-01-01"}, 403
    )

    await permits.post(f"{path}/readers", MANAGER, {"reader": "regencia-1", "until": "2020-01-01"})
    await permits.get(path, REGENT, expect=404)


async def test_the_same_bytes_of_two_organisations_are_two_papers(permits: Permits) -> None:
    await permits.post("/v1/organisations", OPERATOR, {"id": "lejana", "name": "L", "kind": "mill", "region": "loreto"})
    theirs = Person("company", "lejana", "u-l")
    sha256 = (await permits.paper("other", b"el mismo texto", MANAGER, expect=201))["sha256"]

    assert (await permits.paper("kardex", b"el mismo texto", theirs, expect=201))["kind"] == "kardex"

    assert (await permits.get(f"/v1/documents/{sha256}", MANAGER))["org"] == "comunidad-a"
    assert (await permits.get(f"/v1/documents/{sha256}", theirs))["org"] == "lejana"
    assert (await permits.get(f"/v1/documents/{sha256}", FAR))["org"] in ("comunidad-a", "lejana")
    await permits.get(f"/v1/documents/{sha256}", NEIGHBOUR, expect=404)


async def test_a_kind_out_of_the_list_and_too_many_bytes_are_refused(permits: Permits) -> None:
    assert {"assembly_act", "regent_contract", "third_party_contract", "execution_report"} <= kinds()
    assert (await permits.paper("selfie", b"x", expect=422))["slug"] == "malformed"
    assert (await permits.paper("other", b"MZ\x00", expect=422))["slug"] == "document-refused"
    too_much = await permits.paper("other", b"a" * (MAX_DOCUMENT_BYTES + 1), expect=413)
    assert too_much["slug"] == "body-too-large"

    assert (await permits.paper("other", b"a" * MAX_DOCUMENT_BYTES, expect=201))["size_bytes"] == MAX_DOCUMENT_BYTES


async def test_the_database_keeps_no_bytes_under_another_name_and_loses_none(permits: Permits) -> None:
    sha256 = (await permits.paper("other", b"un papel"))["sha256"]
    admin = await asyncpg.connect(permits.database.admin_dsn)
    with pytest.raises(asyncpg.CheckViolationError, match="named_by_its_content"):
        await admin.execute("UPDATE document_contents SET content = 'otro' WHERE sha256 = $1", sha256)
    await admin.close()
    app = await asyncpg.connect(permits.database.app_dsn)
    for change in (
        "DELETE FROM document_contents",
        "DELETE FROM documents",
        "UPDATE document_contents SET content = ''",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(change)
    assert await app.fetchval("SELECT count(*) FROM document_contents") == 0
    await app.close()
