"""New keys in place of old ones: what each step leaves in the files."""

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.keygen import make_keys
from deploy.rotate import NothingToDo, step
from services.custody.keys.hosted import HostKey
from services.custody.keys.log_keys import LogKeys
from services.permits.registrar import Registrar
from shared.tlog import note
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.encoding import from_base64url
from shared.tlog.note import MLDSA44
from shared.tlog.policy import Policy

ORIGIN = "trozalog.localhost/madre-de-dios/2026"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    make_keys(tmp_path / "keys", tmp_path / "policy.txt")
    return tmp_path / "keys"


def rotate(keys: Path, what: str, *, retire: bool = False) -> str:
    return step(keys, keys.parent / "policy.txt", what, retire=retire)


def log_keys(keys: Path) -> LogKeys:
    return LogKeys.read(keys / "log.key", ORIGIN)


def test_the_key_of_the_log_changes_by_an_overlap(keys: Path) -> None:
    [old] = log_keys(keys).verifiers
    said = rotate(keys, "log")
    both = log_keys(keys)
    checkpoint = note.sign(Checkpoint(ORIGIN, 1, bytes(32)).text(), both.signers)
    rotate(keys, "log", retire=True)
    after = log_keys(keys)

    new = both.in_use[1]
    assert new.vkey in said
    assert (both.shown, both.in_use, both.verifiers) == (old, (old, new), (old, new))
    assert (after.shown, after.in_use, set(after.verifiers)) == (new, (new,), {old, new})
    assert (keys / "log.pub").read_text() == new.vkey + "\n"
    policy = Policy.parse((keys.parent / "policy.txt").read_bytes())
    assert [log.verifier for log in policy.logs] == [old, new]
    assert policy.check(checkpoint).log == old
    assert (keys / "log.key").stat().st_mode & 0o777 == 0o600


def test_a_new_key_is_on_disk_with_its_name_and_a_policy_is_never_half_written(
    keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (synced.append(Path(f"/proc/self/fd/{file}").readlink()), real(file)))
    policy = keys.parent / "policy.txt"
    before, mode = policy.read_text(), policy.stat().st_mode

    with policy.open() as reader:
        rotate(keys, "log")
        assert reader.read() == before  # who reads meanwhile sees the whole file of before

    assert synced[-1] == keys
    assert keys.parent in synced
    assert policy.stat().st_mode == mode
    assert policy.read_text() != before


def test_the_steps_of_the_log_keep_their_order(keys: Path) -> None:
    before = (keys / "log.key").read_text()
    with pytest.raises(NothingToDo):
        rotate(keys, "log", retire=True)
    assert (keys / "log.key").read_text() == before

    rotate(keys, "log")
    with pytest.raises(NothingToDo):
        rotate(keys, "log")
    rotate(keys, "log", retire=True)
    rotate(keys, "log")
    rotate(keys, "log", retire=True)
    assert len(log_keys(keys).verifiers) == 3


def test_a_policy_that_does_not_name_the_key_in_force_stops_the_step(keys: Path) -> None:
    policy, before = keys.parent / "policy.txt", (keys / "log.key").read_text()
    policy.write_text("quorum none\n")

    with pytest.raises(NothingToDo):
        rotate(keys, "log")

    assert (keys / "log.key").read_text() == before


def test_an_ml_dsa_key_stands_beside_and_survives_the_change_of_the_other(keys: Path) -> None:
    rotate(keys, "log-ml-dsa")
    with pytest.raises(NothingToDo):
        rotate(keys, "log-ml-dsa")
    with pytest.raises(NothingToDo):
        rotate(keys, "log-ml-dsa", retire=True)
    with pytest.raises(NothingToDo):
        rotate(keys, "log", retire=True)
    rotate(keys, "log")
    rotate(keys, "log", retire=True)

    after = log_keys(keys)
    assert [signer.kind for signer in after.signers] == [note.ED25519, MLDSA44]
    assert "log " in (keys.parent / "policy.txt").read_text()
    assert all(
        log.verifier.kind == note.ED25519 for log in Policy.parse((keys.parent / "policy.txt").read_bytes()).logs
    )


def private(keys: Path, name: str) -> list[Ed25519PrivateKey]:
    lines = (keys / name).read_text().split()
    return [Ed25519PrivateKey.from_private_bytes(from_base64url(line, name, 32)) for line in lines]


def test_the_registrar_keeps_the_key_that_names_the_new_one_until_it_is_dropped(keys: Path) -> None:
    first = Registrar.load(keys)
    rotate(keys, "registrar")
    with pytest.raises(NothingToDo):
        rotate(keys, "registrar")
    second = Registrar.load(keys)
    rotate(keys, "registrar", retire=True)
    with pytest.raises(NothingToDo):
        rotate(keys, "registrar", retire=True)
    third = Registrar.load(keys)

    assert (first.old_kid, second.old_kid, third.old_kid) == (None, first.key.kid, None)
    assert second.key.kid == third.key.kid != first.key.kid


def test_the_host_key_comes_with_its_proof(keys: Path) -> None:
    before = Registrar.load(keys).host_key
    rotate(keys, "host")
    after = Registrar.load(keys).host_key

    host = HostKey.read(keys / "host.key")
    assert host.before is not None
    assert (host.kid, host.before.kid) == (after.kid, before.kid)
    rotate(keys, "host", retire=True)
    assert HostKey.read(keys / "host.key").before is None
    assert len(private(keys, "host.key")) == 1
