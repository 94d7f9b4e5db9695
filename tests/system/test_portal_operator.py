"""Keys by two persons and the state of the house, by hand in a real browser; a certification body reconciles and suspends."""

import io
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from openpyxl import load_workbook

from deploy.seed import certified
from shared.timber.bodies import possession
from shared.tlog.encoding import to_base64url
from tests.system.conftest import Visit

pytestmark = pytest.mark.system


def test_a_key_is_asked_for_proposed_approved_by_another_and_revoked(visit: Visit) -> None:
    """The story of a telephone, in both languages."""
    phone = Ed25519PrivateKey.generate()
    body = {"org": "comunidad-a", "public_key": to_base64url(phone.public_key().public_bytes_raw()), "role": "device"}
    manager = visit("comunidad")
    manager.go("/operator/keys")
    manager.page.fill("#public_key", body["public_key"])
    manager.page.fill("#proof", "corta")
    manager.page.get_by_role("button", name="Traer una clave").click()
    manager.says("No se guardó")  # and what was typed is still there
    assert manager.page.input_value("#public_key") == body["public_key"]
    manager.page.fill("#proof", to_base64url(phone.sign(possession(body))))
    manager.page.get_by_role("button", name="Traer una clave").click()
    manager.page.wait_for_url("**/operator/keys/*")
    manager.says("Clave recibida", "pedida")
    path = manager.page.url.removeprefix(manager.base_url).partition("?")[0]

    first = visit("autoridad")
    first.go(path)
    first.page.get_by_role("button", name="Proponer esta clave").click()
    first.says("Clave propuesta", "propuesta")
    first.page.get_by_role("button", name="Aprobar esta clave").click()
    first.says("No se guardó")  # the same person

    second = visit("autoridad2", language="en")
    second.go(path)
    second.page.get_by_role("button", name="Approve this key").click()
    second.says("Key approved", "registered")

    operator = visit("operador")
    operator.go(path)
    operator.page.fill("#reason", "equipo perdido en el monte")
    operator.page.get_by_role("button", name="Revocar esta clave").click()
    operator.says("Clave revocada", "equipo perdido en el monte", "espera a otra persona")
    operator.page.get_by_role("button", name="Confirmar la revocación").click()
    operator.says("No se guardó", "hace falta otra persona")  # the same person
    operator.go("/operator")
    operator.page.get_by_role("link", name="1 revocación espera a una segunda persona").click()
    operator.says("equipo perdido en el monte")

    other = visit("supervisor", language="en")
    other.go(path)
    other.check()
    other.page.get_by_role("button", name="Confirm the revocation").click()
    other.says("the revocation has two persons", "confirmed by another person")


def test_the_house_says_how_it_is(visit: Visit) -> None:
    operator = visit("operador")
    operator.go("/operator")
    operator.says("Custodia", "funciona", "same-operator", "Publicaciones")
    operator.page.get_by_role("link", name="Publicaciones").click()
    operator.says("publicadas", "entrada 0")


def test_a_certification_body_reconciles_downloads_and_suspends(visit: Visit) -> None:
    body = visit("certificadora")
    body.go("/certifier")
    body.page.get_by_role("link", name=certified.CODE).click()
    body.page.fill("#from", "2025-01-01")
    body.page.get_by_role("button", name="Filtrar").click()
    body.says("Hymenaea oblongifolia", "cuadra")

    def named() -> bool:
        body.page.reload()
        return "Comunidad Nativa A" in body.said()

    body.wait_until(named, "it has no name")  # a page does without names that do not come within a second
    with body.page.expect_download() as book:
        body.page.get_by_role("link", name="Descargar XLSX").first.click()
    rows = list(load_workbook(io.BytesIO(book.value.path().read_bytes()), read_only=True).active.values)
    assert ("comunidad-a", "Hymenaea oblongifolia") in [row[:2] for row in rows]
    with body.page.expect_download() as file:
        body.page.get_by_role("link", name="Descargar JSON").last.click()
    assert json.loads(file.value.path().read_bytes())["certificate"] == certified.CERTIFICATE

    body.page.get_by_text("Suspender o reponer").click()
    body.page.select_option("#member", "comunidad-a")
    body.page.fill("#reason", "auditoría pendiente")
    body.page.get_by_role("button", name="Suspender").click()
    body.says("Suspensión registrada", "no vigente")
