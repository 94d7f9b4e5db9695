"""The vectors are what the code makes, and both verifiers answer with the report that stands beside each."""

import json
from collections.abc import Iterator

import pytest

from tests.shared.lot.verifiers import Verifier, by_python, differences, quickest
from tests.vectors.make import HERE, VECTORS, contents

WORDS = {
    "consistent": ("valid", "CONSISTENT", None), "to-review": ("valid", "TO_REVIEW", None),
    "incomplete": ("valid", "INCOMPLETE", None), "sawn": ("valid", "TO_REVIEW", None),
    "resolved": ("valid", "CONSISTENT", None), "doubted": ("valid", "CONSISTENT", None), "certified": ("valid", "TO_REVIEW", None),
    "private": ("valid", "CONSISTENT", None), "went-over": ("valid", "CONSISTENT", None),
    "on-after-its-end": ("invalid", None, "log-ended"), "unknown-log": ("untrusted", "CONSISTENT", "unknown-log"),
    "quorum-not-met": ("untrusted", "CONSISTENT", "quorum-not-met"),
    "changed-and-not-signed": ("invalid", None, "bad-signature"),
    "changed-and-signed-again": ("invalid", None, "not-the-log"),
    "signed-together": ("valid", "CONSISTENT", None),
    "signed-together-elsewhere": ("invalid", None, "bad-signature"),
    "signature-beyond-the-order": ("invalid", None, "bad-signature"),
    "character-of-a-later-unicode": ("invalid", None, "not-canonical"),
    "parent-left-out": ("invalid", None, "unknown-parent"), "anchor-left-out": ("invalid", None, "anchor-missing"),
    "revoked-key": ("invalid", None, "key-revoked"),
    "private-of-another-record": ("invalid", None, "disclosure-does-not-fit"),
    "cut-short": ("unreadable", None, "bundle-not-whole"), "version-2": ("unreadable", None, "bundle-unreadable"), "bad-policy": ("unreadable", None, "bad-policy"),
}  # fmt: skip


@pytest.fixture(scope="module")
def second() -> Iterator[Verifier]:
    """The second verifier where it is quickest."""
    with quickest() as verifier:
        yield verifier


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_is_what_the_code_makes(name: str) -> None:
    written = {file.name: file.read_bytes() for file in (HERE / name).iterdir()}
    assert written == contents(name), "python -m tests.vectors.make"


@pytest.mark.parametrize("name", VECTORS)
def test_both_verifiers_answer_with_the_report_beside_it(name: str, second: Verifier) -> None:
    bundle, policy = ((HERE / name / file).read_bytes() for file in ("bundle.json", "policy.txt"))
    report = json.loads((HERE / name / "report.json").read_bytes())

    assert differences(report, by_python(bundle, policy)) == []
    assert differences(report, second.verify(bundle, policy)) == []

    problem = report["problem"] and report["problem"]["facts"].get("reason", report["problem"]["slug"])
    refused = (
        problem if report["problem"] and report["problem"]["slug"] in ("record-refused", "disclosure-refused") else None
    )
    slug = refused or (report["problem"] and report["problem"]["slug"])
    assert (report["outcome"], report["verdict"] and report["verdict"]["word"], slug) == WORDS[name]


def test_every_vector_is_explained() -> None:
    page = (HERE / "README.md").read_text("utf-8")
    assert WORDS.keys() == VECTORS.keys()
    assert [name for name in VECTORS if f"`{name}`" not in page] == []
    assert {folder.name for folder in HERE.iterdir() if folder.is_dir()} - {"__pycache__"} == VECTORS.keys()
