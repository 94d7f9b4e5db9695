"""Words: code names as people write them, and how a text is asked for."""

import re
from collections.abc import Callable

# A text of the catalogues by its key, with its blanks filled in.
Say = Callable[..., str]

SMALL_WORDS = {"de", "del", "la", "las", "los", "y"}
ACCENTED = {"ancash": "Áncash", "apurimac": "Apurímac", "huanuco": "Huánuco", "junin": "Junín", "martin": "Martín"}
# The departments of Peru and Callao, by the names the services know them by.
DEPARTMENTS = (
    "amazonas", "ancash", "apurimac", "arequipa", "ayacucho", "cajamarca", "callao", "cusco", "huancavelica", "huanuco", "ica",
    "junin", "la-libertad", "lambayeque", "lima", "loreto", "madre-de-dios", "moquegua", "pasco", "piura", "puno", "san-martin",
    "tacna", "tumbes", "ucayali",
)  # fmt: skip


def region_name(region: str) -> str:
    """``madre-de-dios`` is Madre de Dios; ``junin`` is Junín."""
    words = region.split("-")
    return " ".join(
        word if word in SMALL_WORDS and at else ACCENTED.get(word, word.capitalize()) for at, word in enumerate(words)
    )


def natural(code: str) -> tuple[tuple[int, int, str], ...]:
    """A code as people put it in order: 9/A before 10/A, 501/B before 501/AA. A run of digits is compared by its length, then its
    digits: no run is too long to be read as a number."""
    runs = re.findall(r"[0-9]+|[^0-9]+", code)
    parts = [(0, one.lstrip("0")) if one.isdecimal() else (1, one) for one in runs]
    return tuple((kind, len(one), one) for kind, one in parts)


def section_letters(place: int) -> str:
    """What a section is called: 0 is A, 25 is Z, 26 is AA."""
    return (section_letters(place // 26 - 1) if place >= 26 else "") + chr(ord("A") + place % 26)
