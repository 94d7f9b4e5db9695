"""Who runs what when several workers share the tests: what is long begins first, and what uses one house stays with it.

Each worker takes a module at a time. Those that walk through the told house take turns in the same one: a worker of their
own would start another. Without a long module at the end no worker works while the others have nothing left.
"""

import pytest
from xdist.scheduler import LoadScopeScheduling

# In this order: the last of them change the wood that the first look at.
TOLD_HOUSE = (
    "tests/system/test_demo.py",
    "tests/system/test_portal_public.py",
    "tests/system/test_portal_auditor.py",
    "tests/system/test_private.py",
    "tests/system/test_portal_desks.py",
    "tests/system/test_portal_community.py",
    "tests/system/test_portal_operator.py",
)
LONG = (
    *TOLD_HOUSE,
    "tests/system/test_launcher.py",
    "tests/system/test_crash.py",
    "tests/shared/lot/test_second_verifier.py",
    "tests/custody/test_kills.py",
    "tests/system/",
)


def module_of(nodeid: str) -> str:
    """The file of a test."""
    return nodeid.partition("::")[0]


def longest_first(items: list[pytest.Item]) -> None:
    """Sort by `LONG`; all others keep their order behind."""

    def place(item: pytest.Item) -> int:
        module = module_of(item.nodeid)
        return next((n for n, start in enumerate(LONG) if module.startswith(start)), len(LONG))

    items.sort(key=place)


class Turns(LoadScopeScheduling):
    """As `--dist loadscope`, where the told house is one scope."""

    def _split_scope(self, nodeid: str) -> str:
        module = module_of(nodeid)
        return "the told house" if module in TOLD_HOUSE else module
