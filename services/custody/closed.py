"""What is answered where a log has ended."""

from dataclasses import dataclass
from typing import ClassVar

from shared.web.problems import HttpRefusal


@dataclass(eq=False)
class LogClosed(HttpRefusal):
    """The log this process keeps was closed under it, for ever; the one that follows takes the record once it is served."""

    status: ClassVar[int] = 503
    slug: ClassVar[str] = "log-closed"
    es: ClassVar[str] = "La bitácora {origin} está cerrada y continúa como {next}. Vuelva a enviar en unos minutos."
    en: ClassVar[str] = "The log {origin} is closed and goes on as {next}. Send again in a few minutes."
    origin: str
    next: str

    def headers(self) -> dict[str, str]:
        return {"retry-after": "60"}
