"""`./timber demo`: six acts over the public API of a running instance, each step with its place in the log.

It may be told again on the same instance: the same statement is the same record, so every step finds its first index.
Only the act about tampering uses more than the API, because it plays somebody who has the database's password.
"""

import json as json_text
from collections.abc import Callable

import asyncpg
import httpx

from deploy.demo import balance, clean_tree, offer, other_species, papers, tampering
from deploy.demo.story import Story
from deploy.instance import Instance
from deploy.seed.house import House, NotInTime, Problem, opened

ACTS: tuple[Callable[[Story, House], None], ...] = (
    papers.tell, clean_tree.tell, other_species.tell, balance.tell, tampering.tell, offer.tell,
)  # fmt: skip
# What an act may run into and the others can be told without.
BREAKS = (
    Problem, NotInTime, httpx.HTTPError, asyncpg.PostgresError, OSError, LookupError, TypeError, ValueError,
    StopIteration,
)  # fmt: skip


def main(instance: Instance, *, json: bool = False, lang: str = "es") -> int:
    """Tell the story; 0 only when every expectation held."""
    story = Story(lang, silent=json)
    with opened(instance, lang) as house:
        for tell in ACTS:
            try:
                tell(story, house)
            except BREAKS as error:
                story.broken(error)
    story.close()
    if json:
        print(json_text.dumps(story.answer(), ensure_ascii=False, indent=1))
    return 0 if story.ok else 1
