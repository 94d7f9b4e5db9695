"""Which interpreter the launcher makes the environment with."""

import sys
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

CHECKOUT = Path(__file__).parents[2]
THIS = f"python{sys.version_info[0]}.{sys.version_info[1]}"
Make = Callable[[str, str, str], str]


@pytest.fixture
def launcher() -> ModuleType:
    loader = SourceFileLoader("launcher", str(CHECKOUT / "timber"))
    module = module_from_spec(spec_from_loader("launcher", loader) or pytest.fail("it has a loader"))
    loader.exec_module(module)
    return module


@pytest.fixture
def interpreter(tmp_path: Path) -> Make:
    """Makes an interpreter in a folder that says of itself what it is told to, and is this one otherwise."""

    def make(folder: str, name: str, says: str) -> str:
        path = tmp_path / folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            f'#!/bin/sh\ncase "$*" in *interpreter.py) echo {says} ;; *) exec {sys.executable} "$@" ;; esac\n'
        )
        path.chmod(0o755)
        return str(path)

    return make


def found(launcher: ModuleType, monkeypatch: pytest.MonkeyPatch, started_with: str, *path: str) -> str:
    monkeypatch.setattr(sys, "executable", started_with)
    monkeypatch.setenv("PATH", ":".join([*(str(Path(one).parent) for one in path), "/nowhere"]))
    python: str = launcher.find_python()
    return python


def test_an_optimised_one_of_the_same_version_is_used_rather(
    launcher: ModuleType, interpreter: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = interpreter("pyenv", THIS, "plain makes")
    other = interpreter("usr", "python3", "optimised makes")

    assert found(launcher, monkeypatch, plain, plain, other) == other


def test_one_that_was_built_with_optimisation_stays(
    launcher: ModuleType, interpreter: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    this = interpreter("opt", THIS, "optimised makes")

    assert found(launcher, monkeypatch, this, interpreter("usr", "python3", "optimised makes"), this) == this


def test_one_that_cannot_make_environments_is_no_help(
    launcher: ModuleType, interpreter: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = interpreter("pyenv", THIS, "plain makes")
    bare = interpreter("usr", "python3", "optimised cannot")

    assert found(launcher, monkeypatch, plain, bare) == plain


def test_nor_is_one_of_another_version(
    launcher: ModuleType, interpreter: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plain = interpreter("pyenv", THIS, "plain makes")
    newer = tmp_path / "usr" / "python3"
    newer.parent.mkdir()
    newer.write_text('#!/bin/sh\ncase "$*" in *interpreter.py) echo optimised makes ;; *) echo 3 99 ;; esac\n')
    newer.chmod(0o755)

    assert found(launcher, monkeypatch, plain, str(newer)) == plain


def test_an_interpreter_says_how_it_was_built(launcher: ModuleType) -> None:
    assert launcher.built(sys.executable) in ({"plain", "makes"}, {"optimised", "makes"})
