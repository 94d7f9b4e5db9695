"""Words: code names as people write them, and how a text is asked for."""

from collections.abc import Callable

# A text of the catalogues by its key, with its blanks filled in.
Say = Callable[..., str]

SMALL_WORDS = {"de", "del", "la", "las", "los", "y"}


def region_name(region: str) -> str:
    """``madre-de-dios`` is Madre de Dios."""
    words = region.split("-")
    return " ".join(word if word in SMALL_WORDS and at else word.capitalize() for at, word in enumerate(words))
