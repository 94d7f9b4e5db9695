"""Why bytes were refused, in words for people.

A refusal carries its reason as constant English words, which machines may compare; the Spanish sentence is looked
up here, so that no reader meets half a sentence in the other language.
"""

from dataclasses import dataclass
from typing import ClassVar

from shared.refusal import Malformed

SPANISH: dict[str, str] = {
    # canonical documents
    "not JSON": "no es JSON",
    "not an object": "no es un objeto",
    "byte order mark": "lleva una marca de orden de bytes (BOM)",
    "not UTF-8": "no es UTF-8",
    "trailing bytes": "hay bytes después del final",
    "too long": "es demasiado largo",
    "too deep": "tiene demasiados niveles",
    "duplicate key": "una clave se repite",
    "key name": "el nombre de una clave no es válido",
    "float": "hay un número con decimales o exponente",
    "not a number": "hay un número que no es finito",
    "negative zero": "hay un cero negativo",
    "integer beyond 2^53-1": "hay un entero mayor que 2^53-1",
    "null": "hay un valor nulo",
    "type of value": "hay un valor de un tipo no admitido",
    "lone surrogate": "hay medio par sustituto suelto",
    "not NFC": "hay texto que no está en la forma NFC",
    "control character": "hay un carácter de control",
    "bidirectional control": "hay un carácter que invierte el sentido del texto",
    "noncharacter": "hay un punto de código que no es un carácter",
    "character after Unicode 12.0": "hay un carácter posterior a Unicode 12.0",
    "not in canonical form": "no está en su forma canónica",
    # strict text
    "not base64": "no es base64 estricto",
    "not base64url": "no es base64url estricto",
    "not a decimal": "no es un número decimal estricto",
    "number too large": "el número es demasiado grande",
    "wrong length": "el largo no es el debido",
    # keys
    "not a point to sign with": "no es un punto con el que se pueda firmar",
    "key name of a note": "el nombre de la clave está vacío o lleva espacios o signos +",
    "key ID does not match": "el identificador de la clave no corresponde a la clave",
    "unsupported key type": "el tipo de clave no se admite",
    "not a verifier key": "no es una clave de verificación (vkey)",
    "not a signer key": "no es una clave de firma (skey)",
    # notes, checkpoints, tiles
    "no signature": "no lleva firma",
    "too many signatures": "lleva demasiadas firmas",
    "signature line": "una línea de firma está mal formada",
    "text does not end in a newline": "el texto no termina en salto de línea",
    "unsigned by a known key": "ninguna clave conocida lo firmó",
    "two known keys share a name and ID": "dos claves conocidas comparten nombre e identificador",
    "origin": "el origen no es válido",
    "extension line": "una línea de extensión está vacía",
    "too few lines": "faltan líneas",
    "tile path": "no es la ruta de una tesela",
    "truncated entry": "una entrada está cortada",
    "entry too long": "una entrada pasa de 65 535 bytes",
    # proofs
    "header line": "la primera línea no es la debida",
    "index line": "falta la línea del índice",
    "index outside the tree": "el índice está fuera del árbol",
    "indices not ascending": "los índices no están en orden ascendente",
    "size outside the tree": "el tamaño está fuera del árbol",
    "hashes do not match the leaves": "la cantidad de hojas no corresponde a los índices",
    "hash missing": "a la prueba le falta una huella",
    "hash left over": "a la prueba le sobra una huella",
    "root does not match": "la raíz no corresponde",
    "edge does not match the size": "el borde no corresponde al tamaño",
    # witnesses
    "old size line": "falta la línea del tamaño anterior",
    "larger than the checkpoint": "es mayor que la constancia",
    # bundles
    "fields": "los campos no son los debidos",
    "empty": "está vacío",
    "no such entry": "nombra una entrada que no está en el archivo",
    # policies
    "unknown directive": "hay una palabra clave desconocida",
    "wrong number of words": "la línea no tiene las palabras debidas",
    "name used twice": "un nombre se define dos veces",
    "name not defined before": "un nombre no se definió antes",
    "member used twice": "un miembro aparece en dos grupos",
    "key used twice": "una clave aparece dos veces",
    "threshold": "el umbral del grupo no es válido",
    "quorum line": "debe haber una sola línea de quórum",
    "too many lines": "tiene demasiadas líneas",
}

# Where it is, when that is a word and not the path of a field.
PLACES: dict[str, str] = {
    "bundle": "archivo de prueba",
    "checkpoint": "constancia",
    "checkpoint root": "raíz de la constancia",
    "checkpoint size": "tamaño de la constancia",
    "compact range": "borde del árbol",
    "consistency": "consistencia",
    "document": "documento",
    "entries": "entradas",
    "extra": "dato extra",
    "inclusion": "inclusión",
    "index": "índice",
    "key": "clave",
    "line": "línea",
    "lot": "lote",
    "multiproof": "prueba conjunta",
    "note": "nota",
    "number": "número",
    "old size": "tamaño anterior",
    "path": "ruta",
    "policy": "política",
    "private": "campos privados",
    "proof": "prueba",
    "public key": "clave pública",
    "request": "petición",
    "signature line": "línea de firma",
    "signer key": "clave de firma",
    "verifier key": "clave de verificación",
    "verifiers": "claves conocidas",
}


def in_spanish(where: str) -> str:
    """A place in Spanish: its leading words translated, numbers and field names as they are."""
    words = where.rstrip("0123456789 ") if where[-1:].isdigit() else where.split(".")[0].split(' "')[0]
    return PLACES.get(words, words) + where[len(words) :]


@dataclass(eq=False)
class BadBytes(Malformed):
    """The bytes are not what a format of the log asks for. `reason` is one of the constants above."""

    slug: ClassVar[str] = "bad-bytes"

    def text(self, language: str) -> str:
        """The sentence for a person, the reason included, in ``es`` or ``en``."""
        if language == "en":
            return super().text(language)
        return self.es.format(where=in_spanish(self.where), reason=SPANISH.get(self.reason, self.reason))
