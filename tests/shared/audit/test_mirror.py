"""A copy is the log or nothing: verified before it is written, whole at any moment, resumed, and never of two histories."""

from pathlib import Path

import pytest

from shared.audit.fsck import first_damage
from shared.audit.mirror import OWN, Mirror, held
from shared.audit.refusals import CannotRead, CannotWrite, Damaged, Forked, ForkKept, NotOfPolicy, OtherLog
from shared.audit.source import FolderSource
from shared.tlog.note import COSIGNATURE, BadSignature, Signer
from shared.tlog.policy import Policy, QuorumNotMet, UnknownLog
from shared.tlog.tile import Tile
from tests.shared.audit.logs import PlainLog, Shelf, a_policy, checkpoint_of, some_entries


class Breaking(Shelf):
    """Goes silent after so many files."""

    def __init__(self, files: dict[str, bytes], after: int) -> None:
        super().__init__(files)
        self._left = after

    async def tile(self, tile: Tile) -> bytes:
        if self._left == 0:
            raise CannotRead(tile.path, "gone silent")
        self._left -= 1
        return await super().tile(tile)


def copied(folder: Path) -> dict[str, bytes]:
    """The log in a folder, without what its keeper keeps for itself."""
    return {
        name: path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not (name := str(path.relative_to(folder))).startswith((OWN, "evidence"))
    }


def a_mirror(log: PlainLog, folder: Path, policy: Policy | None = None) -> Mirror:
    return Mirror(Shelf(log.files()), folder, policy or a_policy())


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 600])
async def test_a_copy_is_the_log_file_by_file(tmp_path: Path, size: int) -> None:
    log = PlainLog(some_entries(size))

    checkpoint = await a_mirror(log, tmp_path).pull()

    assert checkpoint == checkpoint_of(log)
    assert copied(tmp_path) == log.files()
    assert await a_mirror(log, tmp_path).pull() is None


async def test_a_copy_that_follows_a_growing_log_is_whole_at_every_step(tmp_path: Path) -> None:
    log, before = PlainLog(), PlainLog()
    for size in (1, 2, 250, 256, 257, 511, 513, 600, 1030):
        log = PlainLog(some_entries(size))
        await a_mirror(log, tmp_path).pull()

        there, due = copied(tmp_path), log.files()
        assert {path: there.get(path) for path in due} == due
        # beside it only parts that readers of the checkpoint before may still ask for
        assert set(there) - set(due) <= {path for path in before.files() if ".p/" in path}
        assert await first_damage(FolderSource(tmp_path), checkpoint_of(log)) is None
        before = log


async def test_only_what_is_new_is_asked_for(tmp_path: Path) -> None:
    await a_mirror(PlainLog(some_entries(600)), tmp_path).pull()
    shelf = Shelf(PlainLog(some_entries(800)).files())

    await Mirror(shelf, tmp_path, a_policy()).pull()

    assert sorted(set(shelf.asked)) == [
        "checkpoint", "tile/0/002", "tile/0/003.p/32", "tile/1/000.p/3", "tile/entries/002", "tile/entries/003.p/32",
    ]  # fmt: skip


# ---- interrupted


@pytest.mark.parametrize("after", range(9))
async def test_an_interrupted_copy_holds_nothing_unverified_and_goes_on(tmp_path: Path, after: int) -> None:
    old, log = PlainLog(some_entries(300)), PlainLog(some_entries(1030))
    await a_mirror(old, tmp_path).pull()

    with pytest.raises(CannotRead):
        await Mirror(Breaking(log.files(), after), tmp_path, a_policy()).pull()

    there, due = copied(tmp_path), log.files() | old.files()
    assert there["checkpoint"] == old.note()
    assert there == {path: due[path] for path in there}
    assert await first_damage(FolderSource(tmp_path), checkpoint_of(old)) is None

    shelf = Shelf(log.files())
    await Mirror(shelf, tmp_path, a_policy()).pull()

    assert {path: copied(tmp_path).get(path) for path in log.files()} == log.files()
    assert not {path for path in shelf.asked if ".p/" not in path} & set(there) - {"checkpoint"}


async def test_a_fork_shows_even_when_the_first_copy_never_came_to_an_end(tmp_path: Path) -> None:
    log, other = PlainLog(some_entries(600)), PlainLog([b"another past", *some_entries(700)])
    with pytest.raises(CannotRead):
        await Mirror(Breaking(log.files(), 4), tmp_path, a_policy()).pull()

    with pytest.raises(Forked):
        await a_mirror(other, tmp_path).pull()


# ---- damaged


@pytest.mark.parametrize("path", ["tile/0/001", "tile/entries/001", "tile/1/000.p/2", "tile/entries/002.p/88"])
async def test_damage_in_the_log_stops_the_copy_and_is_not_copied(tmp_path: Path, path: str) -> None:
    log = PlainLog(some_entries(600))
    files = log.files()
    spoiled = Shelf(files | {path: files[path][:-1] + bytes([files[path][-1] ^ 1])})

    with pytest.raises(Damaged) as caught:
        await Mirror(spoiled, tmp_path, a_policy()).pull()

    assert caught.value.place == path
    assert copied(tmp_path) == {name: files[name] for name in copied(tmp_path)}
    assert "checkpoint" not in copied(tmp_path)


async def test_a_file_of_the_copy_that_was_changed_is_not_written_over(tmp_path: Path) -> None:
    log = PlainLog(some_entries(600))
    log.write(tmp_path)  # as an interrupted copy leaves it: files, and no checkpoint yet
    (tmp_path / "checkpoint").unlink()
    (tmp_path / "tile/entries/001").write_bytes(b"mine")

    with pytest.raises(Damaged) as caught:
        await a_mirror(log, tmp_path).pull()

    assert (caught.value.place, caught.value.reason) == ("tile/entries/001", "own copy")
    assert (tmp_path / "tile/entries/001").read_bytes() == b"mine"


@pytest.mark.parametrize("path", ["tile/0/000", "tile/entries/001", "tile/1/000.p/2", "tile/entries/002.p/88"])
async def test_a_damaged_copy_is_found_by_checking_it_and_mended_by_fetching_what_was_deleted(
    tmp_path: Path, path: str
) -> None:
    log = PlainLog(some_entries(600))
    await a_mirror(log, tmp_path).pull()
    (tmp_path / path).write_bytes(log.files()[path][:-1] + b"?")

    assert await a_mirror(log, tmp_path).pull() is None  # which looks at nothing that was copied before
    if ".p/" not in path:  # a part is written again, as it is while a log grows
        with pytest.raises(Damaged) as caught:
            await a_mirror(log, tmp_path).pull(check=True)
        assert (caught.value.place, caught.value.reason) == (path, "own copy")
        (tmp_path / path).unlink()
    shelf = Shelf(log.files())
    checked = await Mirror(shelf, tmp_path, a_policy()).pull(check=True)

    assert checked == checkpoint_of(log)
    assert copied(tmp_path) == log.files()
    assert [one for one in shelf.asked if ".p/" not in one] == ["checkpoint", *([] if ".p/" in path else [path])]


async def test_a_copy_is_not_checked_against_less_than_it_holds(tmp_path: Path) -> None:
    await a_mirror(PlainLog(some_entries(600)), tmp_path).pull()

    with pytest.raises(CannotRead) as caught:
        await a_mirror(PlainLog(some_entries(400)), tmp_path).pull(check=True)

    assert caught.value.text("es") == "No se puede leer shelf: muestra menos de lo que tiene esta copia."
    assert await a_mirror(PlainLog(some_entries(601)), tmp_path).pull(check=True) is not None


# ---- two histories


@pytest.mark.parametrize("size", [100, 600, 601, 900])
async def test_a_fork_stops_the_copy_and_both_notes_are_kept(tmp_path: Path, size: int) -> None:
    log = PlainLog(some_entries(600))
    other = PlainLog([b"another past", *some_entries(size, start=1)][:size])
    await a_mirror(log, tmp_path).pull()

    with pytest.raises(Forked) as caught:
        await a_mirror(other, tmp_path).pull()

    assert {path.read_bytes() for path in (tmp_path / "evidence").iterdir()} == {log.note(), other.note()}
    for language in ("es", "en"):
        assert log.note().decode() in caught.value.text(language)
        assert other.note().decode() in caught.value.text(language)
    assert copied(tmp_path) == log.files()
    with pytest.raises(ForkKept):
        await a_mirror(log, tmp_path).pull()


async def test_an_older_checkpoint_of_the_same_history_is_nothing_new(tmp_path: Path) -> None:
    log = PlainLog(some_entries(600))
    await a_mirror(log, tmp_path).pull()

    assert await a_mirror(PlainLog(some_entries(400)), tmp_path).pull() is None
    assert copied(tmp_path) == log.files()


# ---- whose word counts


async def test_a_log_that_the_policy_does_not_know_is_not_copied(tmp_path: Path) -> None:
    log = PlainLog(some_entries(3))
    stranger = PlainLog(some_entries(3), Signer.generate(log.signer.name))

    with pytest.raises(UnknownLog):
        await a_mirror(stranger, tmp_path).pull()
    forged = Shelf(log.files() | {"checkpoint": log.note()[:-10] + b"AAAAAAAA=\n"})
    with pytest.raises(BadSignature):
        await Mirror(forged, tmp_path, a_policy()).pull()
    with pytest.raises(Damaged) as caught:
        await Mirror(Shelf({"checkpoint": b"<html>"}), tmp_path, a_policy()).pull()

    assert caught.value.place == "checkpoint"
    assert copied(tmp_path) == {}


async def test_the_quorum_of_the_policy_is_asked_for_and_later_cosignatures_are_taken_in(tmp_path: Path) -> None:
    log, witness = PlainLog(some_entries(3)), Signer.generate("w.test", COSIGNATURE)
    lines = [f"log {log.signer.verifier.vkey}", f"witness w {witness.verifier.vkey}", "quorum w", ""]
    strict = Policy.parse("\n".join(lines).encode())
    cosigned = log.note() + witness.line(log.note().decode().partition("\n\n")[0] + "\n", 1_800_000_000).encode()
    await a_mirror(log, tmp_path).pull()

    with pytest.raises(QuorumNotMet):
        await a_mirror(log, tmp_path, strict).pull()
    await Mirror(Shelf(log.files() | {"checkpoint": cosigned}), tmp_path, strict).pull()

    assert (tmp_path / "checkpoint").read_bytes() == cosigned


async def test_while_the_newest_checkpoint_waits_for_its_witness_the_one_before_is_copied(tmp_path: Path) -> None:
    old, new, witness = PlainLog(some_entries(300)), PlainLog(some_entries(301)), Signer.generate("w.test", COSIGNATURE)
    lines = [f"log {old.signer.verifier.vkey}", f"witness w {witness.verifier.vkey}", "quorum w", ""]
    cosigned = old.note() + witness.line(old.note().decode().partition("\n\n")[0] + "\n", 1_800_000_000).encode()
    shelf = Shelf(old.files() | new.files() | {"witnessed": cosigned})

    checkpoint = await Mirror(shelf, tmp_path, Policy.parse("\n".join(lines).encode())).pull()

    assert checkpoint == checkpoint_of(old)
    assert (tmp_path / "checkpoint").read_bytes() == cosigned


async def test_a_folder_is_of_one_log(tmp_path: Path) -> None:
    other = PlainLog(some_entries(3), Signer.generate("other.test/region/2026"))
    await a_mirror(PlainLog(some_entries(3)), tmp_path).pull()
    both = Policy(logs=(*a_policy().logs, *a_policy(other.signer).logs))

    with pytest.raises(OtherLog):
        await a_mirror(other, tmp_path, both).pull()
    with pytest.raises(NotOfPolicy):
        await a_mirror(other, tmp_path, a_policy(other.signer)).pull()


def test_one_process_works_in_a_folder_at_a_time(tmp_path: Path) -> None:
    with held(tmp_path / "a"):
        with pytest.raises(CannotWrite), held(tmp_path / "a"):
            pass
        with held(tmp_path / "b"):
            pass
    with held(tmp_path / "a"):
        pass
