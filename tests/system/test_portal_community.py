"""The community's story in a real browser: from the login to the printed guide and the assembly's paper, in both languages."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx
import numpy as np
import pypdfium2
import pytest
import zxingcpp

from deploy.instance import Instance
from deploy.seed.sample import MILL, TREE_PERMIT
from services.portal.figures import LIMA
from tests.browser import NARROW, Visitor
from tests.system.conftest import PATIENCE_S, Visit

pytestmark = pytest.mark.system

SAID = {
    "es": {
        "before": "ya tiene una tala registrada", "recorded": "REGISTRADO", "again": "ya tenía un registro de tala", "enough": "alcanza",
        "needed": "Escriba un número mayor que cero", "depart": "Registrar la salida", "word": "MUY POR DEBAJO DE LO JUSTO",
        "loss": "deja de recibir cerca de S/ 183,911.44", "error": "fila 4",
    },
    "en": {
        "before": "already has a felling on record", "recorded": "RECORDED", "again": "already had a felling record", "enough": "enough",
        "needed": "Write a number greater than zero", "depart": "Record the departure", "word": "FAR BELOW FAIR VALUE",
        "loss": "goes without about S/ 183,911.44", "error": "row 4",
    },
}  # fmt: skip
OFFER = {
    "a_title": "PC 01", "a_line0_price": "50", "wood0_volume": "639", "wood0_trees": "100", "families": "40",
    "sawn_low": "2.80", "sawn_mid": "3.20", "sawn_high": "3.60", "recovery": "52", "margin": "20", "cost_felling": "28",
    "cost_skidding": "70", "cost_river_transport": "60", "cost_milling": "95", "cost_overhead": "39", "forester": "F",
    "forester_licence": "L-1",
}  # fmt: skip
HEAD = "codigo,parcela,especie,dap_cm,altura_comercial_m,volumen_m3,zona,este,norte,condicion"


@dataclass
class Person:
    """Somebody of the community at a browser, in one language."""

    visitor: Visitor
    language: str

    def says(self, *keys: str) -> None:
        self.visitor.says(*(SAID[self.language][key] for key in keys))

    def fill(self, **fields: str) -> None:
        """Write into fields by their names; a choice is chosen."""
        for name, value in fields.items():
            field = self.visitor.page.locator(f"main [name={name}]:visible")
            if field.evaluate("element => element.tagName") == "SELECT":
                field.select_option(value)
            else:
                field.fill(value)

    def send(self, path: str) -> None:
        """Send the form that goes to this address."""
        form = self.visitor.page.locator(f"main form[action^='{path}'] button:not(.quiet)").last
        form.click()

    def document(self, path: str) -> pypdfium2.PdfDocument:
        answer = self.visitor.context.request.get(self.visitor.base_url + path)
        assert answer.headers["content-type"] == "application/pdf"
        return pypdfium2.PdfDocument(answer.body())


@pytest.fixture(params=["es", "en"])
def person(request: Any, visit: Visit) -> Person:
    """The community's leader, on a telephone in Spanish and before a large screen in English."""
    language = request.param
    width = {"width": NARROW} if language == "es" else {}
    visitor = visit("comunidad", language=language, **width)
    return Person(visitor, language)


def words(document: pypdfium2.PdfDocument) -> str:
    return " ".join(" ".join(page.get_textpage().get_text_range() for page in document).split())


def test_from_the_tree_to_the_printed_guide(person: Person, told_house: Instance) -> None:
    visitor, page = person.visitor, person.visitor.page
    number = f"GTF-{person.language.upper()}"

    # What is left, and what to do next.
    visitor.go("/community")
    visitor.says(TREE_PERMIT)
    visitor.check()

    # A felling that stands in the book already is recorded all the same, with what the rules found.
    visitor.go(f"/community/felling?permit={TREE_PERMIT}&code=501")
    person.says("before")  # nothing is typed yet
    person.fill(large="75", small="72", length="13.3")
    visitor.says("5.643 m³")  # worked out while it is typed
    visitor.check()
    person.send("/community/felling")
    person.says("recorded", "again")
    visitor.check()

    # A mistake is shown where it was made, and nothing that was written is lost.
    page.locator("a[href*='/community/cut']").last.click()
    code = page.locator("[name=code0]").input_value()
    person.fill(large0="30", small0="x", length0="2")
    person.send("/community/cut")
    person.says("needed")
    assert page.locator("[name=large0]").input_value() == "30"
    visitor.was_answered(422)
    visitor.check()
    person.fill(small0="30")
    person.send("/community/cut")
    person.says("recorded")

    # The balance before the guide; then the guide, and the load leaves.
    page.locator("a[href*='/community/guide']").last.click()
    person.says("enough")
    visitor.says("0.141 m³")
    person.fill(number=number, addressee=MILL, driver="Ñandú Pérez")
    visitor.check()
    person.send("/community/guide")
    person.says("recorded")
    visitor.check()
    page.locator("main button", has_text=SAID[person.language]["depart"]).click()
    person.says("recorded")

    # The paper: the box of the driver for who may see it, and a code that leads to the guide's page.
    document = person.document(f"/guides/{number}.pdf?form=own&lang={person.language}")
    assert "Ñandú Pérez" in words(document)
    assert code in words(document)
    [found] = zxingcpp.read_barcodes(np.ascontiguousarray(document[0].render(scale=2).to_numpy()))
    assert found.text == f"{told_house.base_url}/guides/{number}?form=own"
    public = httpx.get(f"{told_house.base_url}/guides/{number}.pdf", trust_env=False, timeout=PATIENCE_S).content
    assert "Ñandú" not in words(pypdfium2.PdfDocument(public))
    visitor.go(f"/guides/{number}?form=own")
    visitor.check()


def test_an_offer_is_weighed_before_the_assembly(person: Person) -> None:
    visitor = person.visitor
    visitor.go("/community/offers")
    person.fill(**OFFER)
    visitor.page.locator("[name=wood0_species]").select_option("Cedrelinga cateniformis")
    visitor.check()
    person.send("/community/offers")
    person.says("word", "loss")
    visitor.check()

    with visitor.page.expect_response("**/report.pdf*") as answered:
        visitor.page.locator("form[action*='report.pdf'] button").click()
    assert answered.value.headers["content-type"] == "application/pdf"


def test_a_census_is_looked_at_before_it_is_kept(person: Person) -> None:
    visitor, page = person.visitor, person.visitor.page
    number = f"PO-{person.language.upper()}"
    rows = [
        f"{n},PC 01,Cedrelinga cateniformis,60,15,2.757,19S,{400_000 + 53 * n},{8_600_000 + 71 * n},aprovechable"
        for n in range(1, 9)
    ]
    wrong = [*rows[:2], rows[2].replace(",60,", ",0,"), *rows[3:]]

    visitor.go("/community/census")
    draft = page.locator("main details:has([name=number])")
    if draft.get_attribute("open") is None:
        draft.locator("summary").click()
    start = datetime.now(LIMA).date() + timedelta(days=60)
    person.fill(
        number=number, season="2027", harvest_from=start.isoformat(), harvest_to=(start + timedelta(days=365)).isoformat(),
        parcel0="PC 01", hectares0="1,400",
    )  # fmt: skip
    person.send("/community/plans")

    # The error stands at its cell, and the workbook comes back with it.
    page.set_input_files(
        "#file", {"name": "censo.csv", "mimeType": "text/csv", "buffer": "\n".join([HEAD, *wrong]).encode()}
    )
    page.locator("button[value=look]").first.click()
    page.locator("#result .notice.no").wait_for()
    person.says("error")
    visitor.says("dap_cm")
    visitor.check()
    with page.expect_download() as download:
        page.locator("button[value=annotated]").click()
    assert download.value.suggested_filename.endswith(".xlsx")

    # The file without it is handed in, and the page follows the job to its end.
    page.set_input_files(
        "#file", {"name": "censo.csv", "mimeType": "text/csv", "buffer": "\n".join([HEAD, *rows]).encode()}
    )
    page.locator("button[value=import]").click()
    page.locator("#job[data-state=done]").wait_for()
    visitor.check()
    page.locator("main a.button").click()
    visitor.says("8")
    assert page.locator("svg.drawing").count() > 0
    visitor.check()


def test_the_forms_work_without_scripts(visit: Visit) -> None:
    visitor = visit("comunidad", scripts=False)
    visitor.go(f"/community/felling?permit={TREE_PERMIT}&code=1170")
    for name, value in {"large": "50", "small": "48", "length": "9.5"}.items():
        visitor.page.fill(f"[name={name}]", value)
    visitor.page.locator("form[method=post] button", has_text="Registrar la tala").click()
    visitor.says("REGISTRADO")
