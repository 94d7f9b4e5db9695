"""Whether a log goes on as another, from both logs alone: an honest seam is called so, every other is not."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.audit.__main__ import main
from shared.audit.succession import NotContinued, Seam, seam
from shared.timber.event import make_statement, sign
from shared.tlog.checkpoint import parse
from shared.tlog.note import COSIGNATURE, Signer, split_note
from shared.tlog.policy import Policy
from tests.shared.audit.logs import LOG, ORIGIN, PlainLog, Shelf
from tests.shared.lot.wood import a_lot

NEXT = "trozalog.test/madre-de-dios/2027"
NEW = Signer.generate(NEXT)
HOST = Ed25519PrivateKey.generate()
WITNESS = Signer.generate("witness.test/w1", COSIGNATURE)
POLICY = Policy.parse(f"log {LOG.verifier.vkey}\nlog {NEW.verifier.vkey}\nquorum none\n".encode())


def said(kind: str, body: dict[str, Any]) -> bytes:
    return sign(make_statement(kind, "trozalog", "2026-12-31T23:00:00Z", body), HOST)


CLOSED = {"next": NEXT, "vkey": NEW.verifier.vkey}


def ended(**closing: str) -> PlainLog:
    return PlainLog([*(record.entry for record in a_lot().records), said("log.closed", CLOSED | closing)])


def continuing(old: PlainLog) -> dict[str, Any]:
    sha256 = hashlib.sha256(old.note()).hexdigest()
    return {"before": ORIGIN, "size": len(old.entries), "root": old.root.hex(), "checkpoint_sha256": sha256}


def opened(old: PlainLog, **other: Any) -> PlainLog:
    more = [said("log.continued", continuing(old) | other), said("log.recovered", {"from_size": 1, "to_size": 2,
            "root": "0a" * 32, "reason": "x"})]  # fmt: skip
    return PlainLog([*old.entries, *more], NEW)


async def seam_of(old: PlainLog, new: PlainLog) -> Seam:
    return await seam(Shelf(old.files()), Shelf(new.files()), POLICY)


async def refused(old: PlainLog, new: PlainLog) -> str:
    with pytest.raises(NotContinued) as why:
        await seam_of(old, new)
    assert all(why.value.text(language) for language in ("es", "en"))
    return why.value.reason


async def test_a_log_that_ended_goes_on_as_the_one_it_named() -> None:
    old = ended()

    found = await seam_of(old, opened(old))

    assert (found.old.size, found.old.root, found.vkey) == (len(old.entries), old.root, NEW.verifier.vkey)
    assert found.new.size == found.old.size + 2


async def test_cosignatures_that_came_to_the_last_checkpoint_do_not_part_the_logs() -> None:
    old = ended()
    files = old.files()
    text = split_note(files["checkpoint"])[0]
    files["checkpoint"] += WITNESS.line(text, 1_800_000_000).encode()

    assert (await seam(Shelf(files), Shelf(opened(old).files()), POLICY)).old == parse(text)


async def test_a_log_that_went_on_after_its_end_is_not_closed() -> None:
    old = ended()
    on = PlainLog(
        [*old.entries, said("log.recovered", {"from_size": 1, "to_size": 2, "root": "0a" * 32, "reason": "x"})]
    )

    assert await refused(on, opened(old)) == "not closed"


async def test_a_log_is_not_its_own_successor() -> None:
    old = ended()

    assert await refused(old, replace(opened(old), signer=LOG)) == "same log"


@pytest.mark.parametrize(
    "closing",
    [
        {"next": "trozalog.test/other/2027", "vkey": Signer.generate("trozalog.test/other/2027").verifier.vkey},
        {"vkey": Signer.generate(NEXT).verifier.vkey},
    ],
    ids=["another log", "another key"],
)
async def test_a_log_that_the_old_one_did_not_name_does_not_continue_it(closing: dict[str, str]) -> None:
    old = ended(**closing)

    assert await refused(old, opened(old)) == "other next"


async def test_a_log_that_holds_no_more_than_the_old_one_does_not_continue_it_yet() -> None:
    old = ended()

    assert await refused(old, replace(old, signer=NEW)) == "shorter"


async def test_a_log_that_begins_with_other_entries_does_not_continue_it() -> None:
    old = ended()
    new = opened(old)
    new.entries[1], new.entries[2] = new.entries[2], new.entries[1]

    assert await refused(old, new) == "other tree"


@pytest.mark.parametrize(
    "other",
    [{"root": "0b" * 32}, {"checkpoint_sha256": "0b" * 32}, {"size": 3}, {"before": "trozalog.test/other/2026"}],
    ids=lambda other: next(iter(other)),
)
async def test_a_first_record_that_names_another_checkpoint_does_not_continue_it(other: dict[str, Any]) -> None:
    old = ended()

    assert await refused(old, opened(old, **other)) == "not continued"


async def test_a_new_log_whose_first_record_is_another_does_not_continue_it() -> None:
    old = ended()
    new = opened(old)
    del new.entries[len(old.entries)]

    assert await refused(old, new) == "not continued"


def test_the_command_says_where_one_log_ends_and_the_other_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = ended()
    (tmp_path / "policy").write_text(f"log {LOG.verifier.vkey}\nlog {NEW.verifier.vkey}\nquorum none\n")
    places = [str(log.write(tmp_path / name)) for name, log in (("old", old), ("new", opened(old)))]
    words = ["succession", *places, "--policy", str(tmp_path / "policy"), "--lang", "en"]

    assert main(words) == 0
    assert NEW.verifier.vkey in capsys.readouterr().out
    assert main(["succession", places[1], places[0], *words[3:]]) == 1
    assert "does not continue" in capsys.readouterr().err
