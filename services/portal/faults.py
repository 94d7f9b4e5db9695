"""What went wrong with the asking itself, as a person is told it: a wrong way to an address, a fault of the portal."""

from dataclasses import dataclass
from typing import ClassVar

from shared.web.problems import HttpRefusal


@dataclass(eq=False)
class WrongWay(HttpRefusal):
    """An address that takes forms was opened as a page, or a page was sent a form."""

    status: ClassVar[int] = 405
    slug: ClassVar[str] = "wrong-method"
    es: ClassVar[str] = (
        "Esta dirección no se abre de esa manera. Vuelva a la página del formulario y envíelo desde ahí."
    )
    en: ClassVar[str] = "This address is not opened like that. Go back to the page of the form and send it from there."


@dataclass(eq=False)
class Fault(HttpRefusal):
    """Something unexpected; the log has the details under the request's id."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal"
    es: ClassVar[str] = (
        "Algo falló de nuestro lado. Lo que ya quedó registrado no se pierde. Vuelva atrás y repita; si sigue igual, dígale al "
        "operador el número de petición de abajo."
    )
    en: ClassVar[str] = (
        "Something failed on our side. Nothing that was recorded is lost. Go back and repeat; if it stays so, tell the "
        "operator the request number below."
    )
