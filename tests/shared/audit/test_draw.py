"""`audit-log draw`: a lottery recomputed offline, and held against policy and log."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.audit.__main__ import main
from shared.timber.draw_file import Terms, cites_of, draw_document, draw_of, source_in
from shared.timber.event import make_statement, sign
from shared.timber.lottery import Tree, census_commitment
from shared.timber.norms.lottery import design_on
from shared.tlog.note import COSIGNATURE, Signer, split_note
from tests.shared.audit.logs import LOG, PlainLog, some_entries
from tests.shared.timber.test_lottery import DAY, a_tree

TREES = [a_tree(n, volume_dm3=1_000 + 10 * n) for n in range(1, 151)]
KEY = Ed25519PrivateKey.generate()
WITNESS = Signer.generate("near.test/w1", COSIGNATURE)
FIRST = 200  # so that plan and census lie in two bundles of the log


def _entry(kind: str, body: dict[str, Any]) -> bytes:
    return sign(make_statement(kind, "gerfor-md", "2026-11-20T12:00:00Z", body), KEY)


def plan_entries(trees: list[Tree], part_trees: int = 2) -> list[bytes]:
    """The plan and its census in the log; small parts, so that there are many."""
    lines = [{name: value for name, value in tree._asdict().items() if name != "parcel"} for tree in trees]
    parts = [lines[n : n + part_trees] for n in range(0, len(lines), part_trees)]
    plan = {
        "id": "PO-17", "title": "CN-A", "number": "PO 17", "season": "2026", "resolution": "R-1",
        "parcels": [{"code": "PC 01", "area_m2": 1}], "form_factor_milli": 650, "harvest_from": "2026-01-01",
        "harvest_to": "2027-01-01", "census": {"trees": len(trees), "parts": len(parts), "root": "cd" * 32},
        "submitted_by": "p1", "approved_by": "p2",
    }  # fmt: skip
    listed = [
        _entry("census.listed", {"plan": "PO-17", "part": n, "parcel": "PC 01", "trees": part})
        for n, part in enumerate(parts, 1)
    ]
    return [_entry("plan.approved", plan), *listed]


class Site:
    """A log in a folder, a draw that took its seed from it, and a policy."""

    def __init__(self, folder: Path, trees: list[Tree] | None = None) -> None:
        self.folder = folder
        listed = plan_entries(trees or TREES)
        committed = _entry("census.committed", census_commitment("PO-17", "cd" * 32, trees or TREES))
        self.log = PlainLog([*some_entries(FIRST - 1), committed, *listed, *some_entries(20, 500)])
        last = FIRST + len(listed) - 1
        design = design_on(DAY)
        self.terms = Terms(
            "VER-01", "PO-17", "approved", "cd" * 32, last, (FIRST, last), design, cites_of(TREES, design)
        )
        self.note = self.log.note(last + 3)
        self.line: str | None = None
        self.log.write(folder / "log")
        self.trust()

    def trust(self, *witnesses: Signer) -> None:
        """The policy: this log, and these witnesses."""
        lines = [f"witness w{n} {witness.verifier.vkey}" for n, witness in enumerate(witnesses, 1)]
        (self.folder / "policy").write_text("\n".join([f"log {LOG.verifier.vkey}", *lines, "quorum none", ""]))

    def run(self, *words: str, change: Any = None, log: bool = True) -> int:
        source, _ = source_in(self.note, self.line)
        document = draw_document(self.terms, TREES, source, self.note, draw_of(self.terms, TREES, source))
        path = self.folder / "draw.json"
        path.write_bytes(document if change is None else change(document))
        against = ["--log", str(self.folder / "log"), "--policy", str(self.folder / "policy")] if log else []
        return main(["draw", str(path), "--lang", "en", *against, *words])


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_an_honest_draw_comes_out_and_is_that_of_the_log(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert site.run("--json") == 0

    told = json.loads(capsys.readouterr().out)
    assert (told["kind"], told["design_of_norms"], told["witnesses"]) == ("drawn", True, [])
    assert (told["checkpoint_in_log"], told["census_in_log"]) == (True, True)
    assert len(told["sample"]) == sum(layer["sample"] for layer in told["strata"])


def test_alone_it_is_recomputed_and_says_what_was_not_checked(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert site.run(log=False) == 0

    told = capsys.readouterr().out
    assert "comes out as it says" in told
    assert "No signature was checked" in told
    assert "was not compared with the log" in told
    assert "cannot be shown" in told


def test_a_cosignature_counts_when_the_policy_knows_the_witness(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.trust(WITNESS)
    assert site.run() == 3  # somebody of the policy should have cosigned, and did not
    capsys.readouterr()

    site.line = WITNESS.line(split_note(site.note)[0], 1_800_000_000).rstrip("\n")

    assert site.run("--json") == 0
    assert json.loads(capsys.readouterr().out)["witnesses"] == ["w1"]


def test_a_cosignature_of_a_stranger_chooses_no_draw(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever may write any line below a checkpoint can try seeds without end."""
    site.trust(Signer.generate("far.test/w2", COSIGNATURE))
    site.line = WITNESS.line(split_note(site.note)[0], 1_800_000_000).rstrip("\n")

    assert site.run() == 1

    assert "cosignature" in capsys.readouterr().err


def test_a_forged_cosignature_is_not_valid(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.trust(WITNESS)
    site.line = WITNESS.line("another text\n", 1_800_000_000).rstrip("\n")

    assert site.run() == 1

    assert "signature" in capsys.readouterr().err


def test_a_checkpoint_that_another_key_signed_is_not_valid(site: Site) -> None:
    site.note = PlainLog(site.log.entries, Signer.generate(LOG.name)).note(site.terms.after + 3)

    assert site.run() == 1


def test_a_checkpoint_of_another_history_is_not_valid(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.note = PlainLog(some_entries(400, 1_000)).note(site.terms.after + 3)

    assert site.run() == 1

    assert "checkpoint.root" in capsys.readouterr().err


def test_a_census_that_is_not_that_of_the_log_is_not_valid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Drawn over a census without a tree that the log lists."""
    site = Site(tmp_path, [*TREES[:40], a_tree(9_999), *TREES[41:]])

    assert site.run() == 1

    assert "trees[40]" in capsys.readouterr().err


def test_before_the_approval_the_commitment_is_compared(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.terms = replace(site.terms, stage="submitted", entries=None, committed=FIRST - 1)

    assert site.run() == 0

    told = capsys.readouterr().out
    assert "before the approval" in told
    assert f"committed to in entry {FIRST - 1}" in told


def test_a_draw_from_another_census_than_the_committed_one_is_not_valid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same number of trees, one of them swapped after the hash was logged."""
    site = Site(tmp_path, [*TREES[:40], a_tree(9_999, volume_dm3=1_410), *TREES[41:]])
    site.terms = replace(site.terms, stage="submitted", entries=None, committed=FIRST - 1)

    assert site.run() == 1

    assert "committed.listing_root" in capsys.readouterr().err


def test_a_commitment_that_is_another_entry_is_not_valid(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.terms = replace(site.terms, committed=FIRST - 2)

    assert site.run() == 1

    assert "committed" in capsys.readouterr().err
    site.terms = replace(site.terms, committed=FIRST - 1)
    assert site.run() == 0


def test_a_draw_that_names_no_commitment_says_so(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert site.run() == 0

    assert "names no entry that commits" in capsys.readouterr().out


def test_a_design_that_is_not_of_the_norms_is_to_be_reviewed(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.terms = replace(site.terms, design=replace(site.terms.design, share_permille=300))

    assert site.run() == 3

    assert "NOT that of the norms" in capsys.readouterr().out


def test_a_changed_document_is_not_valid_and_no_document_cannot_be_read(site: Site) -> None:
    assert site.run(change=lambda data: data.replace(b'"rank":1,', b'"rank":2,', 1)) == 1
    assert site.run(change=lambda data: data[:-1]) == 2
    assert site.run() == 0


def test_a_file_that_is_not_there_cannot_be_read(tmp_path: Path) -> None:
    assert main(["draw", str(tmp_path / "none.json")]) == 2


def test_a_log_needs_a_policy(site: Site) -> None:
    with pytest.raises(SystemExit):
        main(["draw", "draw.json", "--log", str(site.folder)])
