"""Norms and sources as people read them: rules carry them in English, and in Spanish beside it."""

from functools import lru_cache

from shared.timber.norms import load
from shared.timber.norms.watch import load_watch


def spoken(text: str, language: str) -> str:
    """A norm or a source of a shipped rule in Spanish; in English, and of any other rule, as it stands."""
    return _spanish().get(text, text) if language == "es" else text


@lru_cache(maxsize=1)
def _spanish() -> dict[str, str]:
    rules = [rule for versions in load().versions.values() for rule in versions] + list(load_watch().rules)
    return {rule.norm: rule.norm_es for rule in rules} | {rule.source: rule.source_es for rule in rules}
