"""What the doctor says of the ground."""

import platform

import pytest

from deploy.doctor import python_words
from deploy.interpreter import built_plainly


@pytest.mark.parametrize(
    ("configured", "prefix", "plainly"),
    [
        ("'--prefix=/home/ana/.pyenv/versions/3.11.7' '--enable-shared'", "/home/ana/.pyenv/versions/3.11.7", True),
        ("'--prefix=/opt/python' '--enable-optimizations' '--with-lto'", "/opt/python", False),
        ("'--enable-shared' '--prefix=/usr' '--with-computed-gotos'", "/usr", False),  # Debian's
        (None, "C:\\Python311", False),  # Windows keeps no such words
    ],
)
def test_an_interpreter_built_without_optimisation_is_known(configured: str | None, prefix: str, plainly: bool) -> None:
    assert built_plainly(configured, prefix) is plainly


def test_the_words_begin_with_the_version() -> None:
    assert python_words().startswith(platform.python_version())
