"""The auditor's story in a real browser before the whole house, in both languages: from a code to a package that verifies."""

import hashlib
import io
import subprocess
import zipfile
from pathlib import Path

import pytest

from deploy.instance import Instance
from services.portal.documents.package import SUMS
from tests.browser import Visitor
from tests.portal.screens import PLACES, names_in, tell
from tests.system.conftest import ENVIRONMENT, PYTHON, Visit

pytestmark = pytest.mark.system
# What the story says in each language, in the order in which it is told.
WORDS = {
    "es": {
        "area": "Auditoría", "first": "Qué mirar primero", "lots": "Lotes", "graph": "Recorrido", "made": "Producto", "balance": "Balance", "permits": "Los permisos enteros",
        "unfelled": "Autorizado sin talar", "time": "Línea de tiempo", "record": "Registro:", "proof": "a la raíz firmada",
        "package": "Paquete de auditoría", "prepare": "Preparar el paquete", "done": "listo", "findings": "Observaciones",
        "evidence": "Lo que miró", "points": "Constancias", "compare": "Comparar", "consistent": "continúa a la de",
        "same": "Es de este mismo registro público",
    },
    "en": {
        "area": "Audit", "first": "What to look at first", "lots": "Lots", "graph": "Graph", "made": "Product", "balance": "Balance", "permits": "The whole permits",
        "unfelled": "Authorised, not felled", "time": "Timeline", "record": "Record:", "proof": "to the root signed",
        "package": "Audit package", "prepare": "Prepare the package", "done": "ready", "findings": "Findings",
        "evidence": "What it looked at", "points": "Checkpoints", "compare": "Compare", "consistent": "continues that of",
        "same": "It is of this same log",
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def names(told_house: Instance) -> dict[str, str]:
    return names_in(tell(told_house), told_house.base_url)


def press(visitor: Visitor, name: str) -> None:
    """A link or button of the page itself by its words."""
    main = visitor.page.locator("#content, .tabs, .areas")
    main.get_by_role("link", name=name, exact=True).or_(main.get_by_role("button", name=name, exact=True)).first.click()
    visitor.page.wait_for_load_state()


@pytest.mark.parametrize("language", ["es", "en"])
def test_an_auditor_follows_a_lot_from_its_code_to_a_package_that_verifies_offline(
    visit: Visit, told_house: Instance, tmp_path: Path, language: str
) -> None:
    say = WORDS[language]
    auditor = visit("auditor", language=language)
    auditor.go("/")
    press(auditor, say["area"])
    auditor.says(say["first"], "LOTE-1170")
    press(auditor, say["lots"])
    press(auditor, "LOTE-501")

    press(auditor, say["graph"])
    auditor.says(say["made"])
    auditor.page.locator("svg.graph a.log").first.click()
    auditor.says("501/A")
    auditor.page.go_back()

    press(auditor, say["balance"])
    auditor.says(say["permits"], say["unfelled"], "56.0 %")

    press(auditor, say["time"])
    auditor.page.locator("#content td a[href^='/records/']").last.click()
    auditor.page.wait_for_url("**/records/*")
    auditor.says(say["record"], say["proof"])
    auditor.check()

    auditor.go("/lots/LOTE-501/package")
    press(auditor, say["prepare"])
    auditor.page.locator(".chip.yes").wait_for()
    auditor.says(say["done"])
    with auditor.page.expect_download() as waiting:
        auditor.page.locator("a[href$='/file']").click()
    _verifies(Path(waiting.value.path()).read_bytes(), told_house, tmp_path)
    auditor.check()


def _verifies(data: bytes, house: Instance, folder: Path) -> None:
    """Every file is as listed, and the proof file verifies with the verifier alone."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        files = {name: package.read(name) for name in package.namelist()}
    for line in files[SUMS].decode().splitlines():
        digest, name = line.split("  ", 1)
        assert hashlib.sha256(files[name]).hexdigest() == digest
    proof = folder / "lot.json"
    proof.write_bytes(files["LOTE-501.trozalog.json"])
    command = [*PYTHON, "-m", "shared.lot", str(proof), "--policy", str(house.data / "policy.txt")]
    ended = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, cwd="/", check=False)
    assert ended.returncode in (0, 3), ended.stdout + ended.stderr


@pytest.mark.parametrize("language", ["es", "en"])
def test_an_auditor_reads_findings_and_holds_a_checkpoint_against_the_log(visit: Visit, language: str) -> None:
    say = WORDS[language]
    auditor = visit("auditor", language=language)
    auditor.go("/auditor")
    press(auditor, say["findings"])
    auditor.page.locator("#content details summary").first.click()
    auditor.says(say["evidence"])

    press(auditor, say["points"])
    auditor.page.fill("#from", "15")
    press(auditor, say["compare"])
    auditor.says(say["consistent"])
    note = auditor.page.locator("pre.raw").first.text_content()
    auditor.page.fill("#note", note or "")
    auditor.page.locator("form[method=post]:has(#note) button").click()
    auditor.says(say["same"])
    auditor.check()


def test_every_page_reads_without_a_script(visit: Visit, names: dict[str, str]) -> None:
    reader = visit(None, scripts=False)
    for operation in ("graph_page", "balance_page", "record_page"):
        reader.go(PLACES[operation][0][1].format_map(names))
        assert reader.page.locator("h1").inner_text()
        assert reader.page.locator("table").count()
