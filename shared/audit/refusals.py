"""Why a log could not be read, or is not the log that its checkpoint says."""

from dataclasses import dataclass
from typing import ClassVar

from shared.refusal import Refusal, system_es

_REASONS: dict[str, tuple[str, str]] = {
    "missing": ("no está", "it is not there"),
    "wrong length": ("no tiene el largo debido", "it has not the right length"),
    "hashes": ("sus huellas no llevan a la raíz firmada", "its hashes do not lead to the signed root"),
    "entry": ("no es la entrada que cubre la raíz firmada", "it is not the entry that the signed root covers"),
    "truncated": ("está cortada", "it is cut short"),
    "left over": ("lleva bytes de más", "it holds bytes beyond its entries"),
    "tree": (
        "las teselas concuerdan entre sí, pero no llevan a la raíz firmada",
        "the tiles agree with each other, but do not lead to the signed root",
    ),
    "own copy": (
        "el archivo de esta copia no es el que cubre la raíz firmada",
        "the file of this copy is not the one that the signed root covers",
    ),
    "own state": (
        "el estado guardado no es de esta historia de la bitácora",
        "the state that was kept is not of this history of the log",
    ),
}

# Why something cannot be read or written, where it is not the system that says so in its own words.
_SPANISH = {
    "neither an http address nor a folder": "no es una dirección http ni una carpeta",
    "not an address": "no es una dirección",
    "its certificate is not accepted, or it speaks no TLS": "su certificado no se acepta, o no habla TLS",
    "nobody answers at that address": "nadie responde en esa dirección",
    "no answer came in time": "no respondió a tiempo",
    "it leads from one address to the next without end": "lleva de una dirección a otra sin fin",
    "the answer broke off or cannot be read": "la respuesta se cortó o no se entiende",
    "not an ordinary file": "no es un archivo corriente",
    "compressed, which was not asked for": "viene comprimido, sin haberlo pedido",
    "it shows less than this copy holds": "muestra menos de lo que tiene esta copia",
    "another process is writing to it": "otro proceso está escribiendo allí",
}


@dataclass(eq=False)
class _WithReason(Refusal):
    """A place and why: words of ours in both languages, those of the system as it gives them."""

    where: str
    why: str

    def text(self, language: str) -> str:
        why = self.why if language == "en" else _SPANISH.get(self.why) or system_es(self.why)
        return (self.en if language == "en" else self.es).format(where=self.where, why=why)


@dataclass(eq=False)
class CannotRead(_WithReason):
    """It could not be read, for now or at all. That says nothing about the log."""

    slug: ClassVar[str] = "cannot-read"
    es: ClassVar[str] = "No se puede leer {where}: {why}."
    en: ClassVar[str] = "Cannot read {where}: {why}."


@dataclass(eq=False)
class NotServed(CannotRead):
    """Whoever was asked says that there is no such file."""

    slug: ClassVar[str] = "not-served"
    es: ClassVar[str] = "No existe {where}: {why}."
    en: ClassVar[str] = "There is no {where}: {why}."


@dataclass(eq=False)
class CannotWrite(_WithReason):
    """The folder for the copy or the state could not be written."""

    slug: ClassVar[str] = "cannot-write"
    es: ClassVar[str] = "No se puede escribir {where}: {why}."
    en: ClassVar[str] = "Cannot write {where}: {why}."


@dataclass(eq=False)
class CannotListen(_WithReason):
    """The door cannot be opened at this address."""

    slug: ClassVar[str] = "cannot-listen"
    es: ClassVar[str] = "No se puede escuchar en {where}: {why}."
    en: ClassVar[str] = "Cannot listen on {where}: {why}."


@dataclass(eq=False)
class NotOfPolicy(Refusal):
    """The checkpoint that was kept earlier is not accepted any more: another policy, or the file was changed."""

    slug: ClassVar[str] = "kept-not-of-policy"
    es: ClassVar[str] = "Su política no acepta la constancia guardada en {where}: {reason_es}"
    en: ClassVar[str] = "Your policy does not accept the checkpoint kept in {where}: {reason_en}"
    where: str
    reason_es: str
    reason_en: str


@dataclass(eq=False)
class OtherLog(Refusal):
    """The folder belongs to one log, and the source serves another."""

    slug: ClassVar[str] = "other-log"
    es: ClassVar[str] = "{where} es de la bitácora {kept}; la fuente sirve {served}."
    en: ClassVar[str] = "{where} is of the log {kept}; the source serves {served}."
    where: str
    kept: str
    served: str


@dataclass(eq=False)
class Damaged(Refusal):
    """The first place where what is stored is not what the log signed. `index` is the entry's, when it is one."""

    slug: ClassVar[str] = "log-damaged"
    es: ClassVar[str] = "Daño en {place}: {reason_es}."
    en: ClassVar[str] = "Damage at {place}: {reason_en}."
    place: str
    index: int | None
    reason: str
    reason_es: str
    reason_en: str

    def text(self, language: str) -> str:
        """The sentence for a person, with the entry first where one is meant."""
        text = super().text(language)
        if self.index is None:
            return text
        return f"{'entry' if language == 'en' else 'entrada'} {self.index}: {text}"


def damaged(place: str, reason: str, index: int | None = None) -> Damaged:
    """The damage with its words in both languages."""
    return Damaged(place, index, reason, *_REASONS[reason])


@dataclass(eq=False)
class Forked(Refusal):
    """The log signed two trees of which neither continues the other. Both notes are the evidence."""

    slug: ClassVar[str] = "log-forked"
    es: ClassVar[str] = (
        "La bitácora {origin} firmó dos historias: la constancia de {first_size} entradas y la de {second_size} no son "
        "de un mismo árbol.\n\n{first}\n{second}"
    )
    en: ClassVar[str] = (
        "The log {origin} signed two histories: its checkpoints of {first_size} and of {second_size} entries are not of "
        "one tree.\n\n{first}\n{second}"
    )
    origin: str
    first_size: int
    second_size: int
    first: str
    second: str


@dataclass(eq=False)
class ForkKept(Refusal):
    """This folder already holds the evidence of a fork; going on would bury it."""

    slug: ClassVar[str] = "fork-kept"
    es: ClassVar[str] = "En {where} hay pruebas de que la bitácora se bifurcó; muévalas antes de seguir."
    en: ClassVar[str] = "{where} holds evidence that the log forked; move it away before going on."
    where: str
