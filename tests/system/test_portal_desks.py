"""Each role before its own pages in a real browser: what it looks for is there, and anybody can read it."""

import pytest

from tests.browser import NARROW
from tests.system.conftest import Visit

pytestmark = pytest.mark.system

PAGES = [
    ("supervisor", "/desk", "nadie ha visto en el campo"),
    ("supervisor", "/desk/inspections", "INF-0000-2026"),
    ("regente", "/desk", "CN-A-PO-19"),
    ("certificadora", "/certifier/new", "Registrar el certificado"),
    ("comprador", "/community/contracts", "Contratos de venta"),
    ("comunidad", "/community/ledger", "Libro de reparto de beneficios"),
    ("comunidad", "/community/prices?point=stump", "Lo que informan comunidades y compradores"),
]


@pytest.mark.parametrize(("who", "path", "said"), PAGES)
def test_each_role_finds_its_work_on_a_telephone(visit: Visit, who: str, path: str, said: str) -> None:
    visitor = visit(who, language="es", width=NARROW)

    visitor.go(path)

    visitor.says(said)
    visitor.check()


def test_an_address_that_leads_nowhere_tells_a_person_what_to_do(visit: Visit) -> None:
    visitor = visit(None, language="en")

    visitor.page.goto(f"{visitor.base_url}/v1/nowhere")

    assert visitor.page.get_by_role("heading", name="There is nothing at this address").is_visible()
    visitor.page.get_by_role("link", name="Go to the first page").click()
    visitor.page.wait_for_url(f"{visitor.base_url}/?lang=en")
    visitor.was_answered(404)
