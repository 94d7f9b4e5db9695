"""The base of every "no": facts and a stable slug, no HTTP.

A refusal says the same words on a phone, in the auditor's command and in a browser. Subclasses live beside the
rule that raises them, are dataclasses with ``eq=False``, and fill the two texts from their own fields.
"""

from dataclasses import dataclass, fields
from typing import Any, ClassVar


@dataclass(eq=False)
class Refusal(Exception):  # noqa: N818 - a word of the field, not a fault of the program
    """A rule of the field says no. HTTP maps it to 409; a subclass below chooses another answer."""

    slug: ClassVar[str] = "refused"
    es: ClassVar[str] = "La operación fue rechazada."
    en: ClassVar[str] = "The operation was refused."

    def facts(self) -> dict[str, Any]:
        """The fields of the refusal, for machines."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def text(self, language: str) -> str:
        """The sentence for a person, in ``es`` or ``en``."""
        return (self.en if language == "en" else self.es).format(**self.facts())

    def __str__(self) -> str:
        return self.text("en")


@dataclass(eq=False)
class Malformed(Refusal):
    """The bytes or the body are not what the format asks for (422)."""

    slug: ClassVar[str] = "malformed"
    es: ClassVar[str] = "El documento está mal formado: {where}: {reason}."
    en: ClassVar[str] = "The document is malformed: {where}: {reason}."
    where: str
    reason: str


# What the system says of files and addresses, in Spanish; what is not here is said as it is.
SYSTEM_ES = {
    "Address already in use": "la dirección ya está en uso",
    "Cannot assign requested address": "esa dirección no es de este equipo",
    "Connection refused": "nadie atiende allí",
    "Device or resource busy": "está en uso",
    "Disk quota exceeded": "se acabó la cuota de disco",
    "File exists": "ya existe",
    "File name too long": "el nombre es demasiado largo",
    "Input/output error": "el disco no responde bien",
    "Is a directory": "es una carpeta",
    "No space left on device": "no queda espacio",
    "No such file or directory": "no existe ese archivo o carpeta",
    "Not a directory": "no es una carpeta",
    "Operation not permitted": "no está permitido",
    "Permission denied": "no hay permiso",
    "Read-only file system": "el disco es de solo lectura",
    "Too many open files": "hay demasiados archivos abiertos",
}


def system_es(words: str) -> str:
    """What the system says, in Spanish."""
    return SYSTEM_ES.get(words, words)


# What may be missing, as people call it in Spanish (docs/glossary.md); a kind that is not here is said as it is.
KINDS_ES = {
    "act": "acto",
    "alert": "alerta", "alert_webhook": "dirección de avisos", "amendment": "modificación", "appeal": "reclamo",
    "appraisal": "evaluación de oferta", "assembly_act": "acta de asamblea", "benefit_ledger": "libro de reparto",
    "census": "censo", "certificate": "certificado", "checkpoint": "constancia", "cites_paper": "documento CITES",
    "code": "código", "crown_look": "imagen de copas", "commitment": "compromiso sellado", "contract": "contrato", "cost_book": "libro de costos",
    "datum": "dato", "delegate": "delegado", "delegation": "delegación", "distribution": "reparto", "document": "documento", "erasure": "borrado", "extension": "ampliación", "file": "archivo", "finding": "observación",
    "fx_rates": "serie de tipo de cambio", "grant": "autorización de lectura", "guide": "guía", "index": "índice",
    "inspection": "inspección", "item": "pieza",
    "job": "trabajo", "key": "clave", "licence": "licencia", "log": "bitácora", "lot": "lote", "member": "integrante",
    "membership": "membresía", "organisation": "organización",
    "package": "paquete", "page": "página", "parcel": "parcela", "permit": "permiso", "person": "persona", "plan": "plan",
    "price_book": "libro de precios", "price_report": "informe de precio", "record": "registro",
    "resolution": "respuesta", "review": "revisión", "revocation": "revocación", "settlement": "liquidación",
    "shape": "lindero", "species": "especie", "supervision": "supervisión", "tile": "bloque de la bitácora", "title": "título", "volume": "volumen",
    "tree": "árbol", "verification": "verificación", "version": "versión", "webhook": "suscripción", "zone": "zona",
}  # fmt: skip


def kind_es(kind: str) -> str:
    """A kind of thing as people call it in Spanish."""
    return KINDS_ES.get(kind.replace(" ", "_").replace("-", "_"), kind)


@dataclass(eq=False)
class Missing(Refusal):
    """It does not exist, or the caller may not know that it does (404)."""

    slug: ClassVar[str] = "not-found"
    es: ClassVar[str] = "No existe {kind} {key}, o usted no tiene acceso."
    en: ClassVar[str] = "There is no {kind} {key}, or you may not see it."
    kind: str
    key: str

    def text(self, language: str) -> str:
        """The facts keep the kind as programs know it; the sentence names it in its own language."""
        said = self.kind.replace("_", " ") if language == "en" else kind_es(self.kind)
        return (self.en if language == "en" else self.es).format(kind=said, key=self.key)


@dataclass(eq=False)
class NotAllowed(Refusal):
    """The caller is known and sees the thing, but may not do this (403)."""

    slug: ClassVar[str] = "not-allowed"
    es: ClassVar[str] = "Su función no permite esta acción: {action}. {reason}"
    en: ClassVar[str] = "Your role does not allow this action: {action}. {reason}"
    action: str
    reason: str
