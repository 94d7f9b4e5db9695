"""Checkpoints have one spelling."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.refusal import Malformed
from shared.tlog import checkpoint
from shared.tlog.checkpoint import Checkpoint

C2SP = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
ROOT = base64.b64encode(bytes(range(32))).decode()


def test_the_example_of_the_specification_is_read_and_written_again() -> None:
    read = checkpoint.parse(C2SP)
    assert (read.origin, read.size) == ("example.com/behind-the-sofa", 20_852_163)
    assert read.text() == C2SP


@given(st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_a_checkpoint_survives_its_text(size: int, root: bytes) -> None:
    made = Checkpoint("trozalog.example/madre-de-dios/2026", size, root)
    assert checkpoint.parse(made.text()) == made


def test_extension_lines_are_kept() -> None:
    text = f"a\n1\n{ROOT}\nuno\ndos\n"
    assert checkpoint.parse(text).extensions == ("uno", "dos")
    assert checkpoint.parse(text).text() == text


@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "a\n", "a\n1\n", f"a\n1\n{ROOT}", f"\n1\n{ROOT}\n", f"a\n01\n{ROOT}\n", f"a\n00\n{ROOT}\n",
        f"a\n+1\n{ROOT}\n", f"a\n 1\n{ROOT}\n", f"a\n1 \n{ROOT}\n", f"a\n-1\n{ROOT}\n", f"a\n1e3\n{ROOT}\n",
        f"a\n\u0661\n{ROOT}\n", f"a\n{2**63}\n{ROOT}\n", f"a\n\n{ROOT}\n", f"a\n1\n{ROOT[:-1]}\n",
        f"a\n1\n {ROOT}\n", f"a\n1\n{ROOT} \n", "a\n1\nAAAA\n", f"a\n1\n{ROOT[:-2]}9=\n", f"a\n1\n{ROOT}\n\n",
        f"a\n1\n{ROOT}\n\nx\n",
    ],
)  # fmt: skip
def test_any_other_spelling_is_refused(text: str) -> None:
    assert checkpoint.parse(f"a\n1\n{ROOT}\n").size == 1
    with pytest.raises(Malformed):
        checkpoint.parse(text)
