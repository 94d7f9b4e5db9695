"""The rules of a monitor as data: what is watched in a whole log, beyond the rules that admit a record."""

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import orjson

from shared.timber.norms import Rule, Rules


@dataclass(frozen=True, slots=True)
class Watch:
    """All versions of these rules of one country, the oldest first."""

    country: str
    version: str
    rules: tuple[Rule, ...]

    def on(self, day: str) -> Rules:
        """The rules in force on a day; one that had not begun yet counts from its first version."""
        found: Rules = {}
        for rule in self.rules:
            if rule.rule not in found or rule.valid_from <= day:
                found[rule.rule] = rule
        return found


@lru_cache(maxsize=4)
def load_watch(country: str = "pe") -> Watch:
    """What this version watches for a country."""
    document = orjson.loads(files(__package__).joinpath(f"{country}_watch.json").read_bytes())
    rules = sorted((Rule(**entry) for entry in document["rules"]), key=lambda rule: (rule.rule, rule.valid_from))
    return Watch(document["country"], document["version"], tuple(rules))
