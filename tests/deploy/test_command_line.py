"""The words of `./timber`: every verb says what it does, and leads to a function that is there."""

import argparse
import re
from collections.abc import Iterator
from importlib import import_module

import pytest

from deploy.__main__ import PASSED_ON, parser
from deploy.up import any_free_port

VERBS = (
    "up", "down", "status", "logs", "test", "demo", "doctor", "reset", "token", "verify", "appraise", "census", "prices",
    "bench", "witness", *PASSED_ON, "rewrap", "rotate-key", "hand-over", "backup", "restore", "recover", "rebuild", "psql",
    "seed",
)  # fmt: skip
OF_NO_INSTANCE = {"test", "appraise", "census", "prices", "bench", "witness", *PASSED_ON}


def verbs() -> dict[str, argparse.ArgumentParser]:
    [found] = (action for action in parser()._actions if isinstance(action, argparse._SubParsersAction))
    return dict(found.choices)


def inside(one: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield one
    for action in one._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from inside(below)


def test_help_lists_the_verbs_in_the_order_of_their_use() -> None:
    assert tuple(verbs()) == VERBS
    said = parser().format_help()
    assert tuple(re.findall(r"^    ([a-z][a-z-]*)\s", said, re.MULTILINE)) == VERBS
    assert "./timber up          start everything with sample data" in said


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_says_what_it_does_and_leads_to_a_function(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    one = verbs()[verb]
    module, _, name = one.get_default("run").partition(":")

    with pytest.raises(SystemExit) as ended:
        parser().parse_args([verb, "--help"])

    said = " ".join(capsys.readouterr().out.split())
    assert ended.value.code == 0
    assert f"usage: ./timber {verb} " in said
    assert one.description is not None
    assert one.description in said
    assert callable(getattr(import_module(module), name))


@pytest.mark.parametrize("verb", VERBS)
def test_verbs_about_an_instance_are_told_which(verb: str) -> None:
    options = {name for action in verbs()[verb]._actions for name in action.option_strings}

    assert ({"--port", "--data"} <= options) == (verb not in OF_NO_INSTANCE)


def test_an_option_that_is_shown_is_explained_or_explains_itself() -> None:
    bare = {
        name
        for top in verbs().values()
        for one in inside(top)
        for action in one._actions
        for name in action.option_strings
        if action.help is None
    }

    assert bare == {"--json", "--lang", "--form", "--listen", "--quick", "-f", "--follow"}


def test_a_port_that_is_chosen_for_later_is_none_that_an_outgoing_connection_gets() -> None:
    lowest_of_linux = 32_768  # Documentation/networking/ip-sysctl.rst, ip_local_port_range; others begin higher

    chosen = {any_free_port() for _ in range(20)}

    assert len(chosen) > 1
    assert max(chosen) < lowest_of_linux
