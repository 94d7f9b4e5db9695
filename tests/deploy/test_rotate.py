"""New keys in place of old ones: what each step leaves in the files."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.instance import Instance
from deploy.keygen import make_keys
from deploy.rotate import NothingToDo, step
from services.custody.keys.hosted import HostKey
from services.custody.keys.log_keys import LogKeys
from services.permits.registrar import Registrar
from shared.tlog import note
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.encoding import from_base64url
from shared.tlog.note import MLDSA44, Signer
from shared.tlog.policy import Policy

ROOT = Path(__file__).parents[2]
ORIGIN = "trozalog.localhost/madre-de-dios/2026"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    make_keys(tmp_path / "keys", tmp_path / "policy.txt")
    return tmp_path / "keys"


def rotate(keys: Path, what: str, *, retire: bool = False, checkpoint: Path | None = None, last: bool = False) -> str:
    policy = keys.parent / "policy.txt"
    return step(keys, policy, what, retire=retire, checkpoint=checkpoint, rewrap="", last=last)


def published(keys: Path, *by: Signer, size: int = 1) -> Path:
    """What was published last, signed by these, or by whoever signs now."""
    path = keys.parent / "anchor/checkpoint"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(note.sign(Checkpoint(ORIGIN, size, bytes(32)).text(), by or log_keys(keys).signers))
    return path


def log_keys(keys: Path) -> LogKeys:
    return LogKeys.read(keys / "log.key", ORIGIN)


def test_the_key_of_the_log_changes_by_an_overlap(keys: Path) -> None:
    [old] = log_keys(keys).verifiers
    said = rotate(keys, "log")
    both = log_keys(keys)
    checkpoint = published(keys)
    rotate(keys, "log", retire=True, checkpoint=checkpoint)
    after = log_keys(keys)

    new = both.in_use[1]
    assert new.vkey in said
    assert (both.shown, both.in_use, both.verifiers) == (old, (old, new), (old, new))
    assert (after.shown, after.in_use, set(after.verifiers)) == (new, (new,), {old, new})
    assert (keys / "log.pub").read_text() == new.vkey + "\n"
    policy = Policy.parse((keys.parent / "policy.txt").read_bytes())
    assert [log.verifier for log in policy.logs] == [old, new]
    assert policy.check(checkpoint.read_bytes()).log == old
    assert (keys / "log.key").stat().st_mode & 0o777 == 0o600


def test_a_key_is_not_retired_before_a_published_checkpoint_bears_both(keys: Path) -> None:
    old, before = log_keys(keys).signers[0], (keys / "log.key").read_text()
    rotate(keys, "log")
    both = (keys / "log.key").read_text()
    stranger = Signer.generate(ORIGIN)

    for none in (keys.parent / "anchor/checkpoint", published(keys, old), published(keys, stranger)):
        with pytest.raises(NothingToDo, match="does not bear both keys: start custody again"):
            rotate(keys, "log", retire=True, checkpoint=none)
    assert (keys / "log.key").read_text() == both != before

    rotate(keys, "log", retire=True, checkpoint=published(keys))
    assert old.verifier not in log_keys(keys).in_use


def test_a_stolen_key_is_retired_at_once(keys: Path) -> None:
    old = log_keys(keys).signers[0]
    rotate(keys, "log")

    rotate(keys, "log", retire=True, checkpoint=None)

    assert old.verifier not in log_keys(keys).in_use


def test_what_operators_type_looks_at_what_was_published(keys: Path) -> None:
    data, server = ("rotate-key", "log", "--data", str(keys.parent)), (str(keys), "log")
    policy = ("--policy", str(keys.parent / "policy.txt"))
    old = log_keys(keys).signers[0]
    rotate(keys, "log")
    seen = published(keys, old)

    refused = run("deploy", *data, "--retire")
    unsaid = run("deploy.rotate", *server, *policy, "--retire")
    too_early = run("deploy.rotate", *server, *policy, "--retire", "--checkpoint", str(seen))
    published(keys)
    passed = run("deploy", *data, "--retire")
    rotate(keys, "log")
    at_once = run("deploy.rotate", *server, *policy, "--retire", "--stolen")

    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    assert "does not bear both keys" in refused.stderr
    assert (unsaid.returncode, "--checkpoint FILE" in unsaid.stderr) == (2, True)
    assert (too_early.returncode, "does not bear both keys" in too_early.stderr) == (1, True)
    assert (passed.returncode, at_once.returncode) == (0, 0), passed.stderr + at_once.stderr


def test_the_log_of_a_later_year_has_its_own_last_checkpoint(tmp_path: Path) -> None:
    next_ = "trozalog.localhost/madre-de-dios/2027"
    own = tmp_path / "anchor" / hashlib.sha256(next_.encode()).hexdigest()[:16]
    make_keys(tmp_path / "keys", tmp_path / "policy.txt", next_)

    assert Instance(tmp_path).anchor == tmp_path / "anchor/checkpoint"
    own.mkdir(parents=True)
    assert Instance(tmp_path).anchor == own / "checkpoint"


def test_a_new_wrapping_key_leads_to_what_wraps_by_it_there(keys: Path) -> None:
    laptop, server = (
        run("deploy", "rotate-key", "wrapping", "--data", str(keys.parent)),
        run("deploy.rotate", str(keys), "wrapping"),
    )

    assert laptop.stdout.endswith(f"Now wrap every data key by it: ./timber rewrap --data {keys.parent}\n")
    assert server.stdout.endswith(
        "Now wrap every data key by it: python -m services.custody.rewrap, where custody runs\n"
    )
    assert len((keys / "wrapping.key").read_text().split()) == 3


@pytest.mark.parametrize("words", [("rotate-key", "log"), ("hand-over", "trozalog.localhost/madre-de-dios/2027")])
def test_a_folder_that_is_not_there_is_named_in_one_sentence(tmp_path: Path, words: tuple[str, ...]) -> None:
    done = run("deploy", *words, "--data", str(tmp_path / "nowhere"))

    assert done.returncode == 1
    assert done.stderr.startswith(f"timber: there is no {tmp_path}/nowhere/keys/log.")
    assert done.stderr.endswith("; is this the right folder?\n")


def run(module: str, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", module, *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)


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


def test_a_policy_that_is_made_anew_names_every_key_that_signs_or_signed(keys: Path) -> None:
    policy = keys.parent / "policy.txt"
    rotate(keys, "log")
    rotate(keys, "log-ml-dsa")
    before = policy.read_text()
    policy.unlink()

    make_keys(keys, policy)

    assert policy.read_text() == before
    assert [log.verifier for log in Policy.parse(policy.read_bytes()).logs] == list(log_keys(keys).ed25519)


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
        rotate(keys, "log", retire=True)
    rotate(keys, "log")
    rotate(keys, "log", retire=True)

    after = log_keys(keys)
    assert [signer.kind for signer in after.signers] == [note.ED25519, MLDSA44]
    assert "log " in (keys.parent / "policy.txt").read_text()
    assert all(
        log.verifier.kind == note.ED25519 for log in Policy.parse((keys.parent / "policy.txt").read_bytes()).logs
    )


def kinds(keys: Path) -> list[int]:
    return [signer.kind for signer in log_keys(keys).signers]


def test_the_ml_dsa_key_changes_by_an_overlap_as_the_other_does(keys: Path) -> None:
    with pytest.raises(NothingToDo, match="no key of type 0x06"):
        rotate(keys, "log-ml-dsa", retire=True)
    rotate(keys, "log-ml-dsa")
    with pytest.raises(NothingToDo, match="add the next one first"):
        rotate(keys, "log-ml-dsa", retire=True)
    first, old = log_keys(keys).signers
    said = rotate(keys, "log-ml-dsa")
    both = log_keys(keys)
    with pytest.raises(NothingToDo, match="retire the first one"):
        rotate(keys, "log-ml-dsa")

    for none in (keys.parent / "anchor/checkpoint", published(keys, first), published(keys, first, old)):
        with pytest.raises(NothingToDo, match="does not bear both keys"):
            rotate(keys, "log-ml-dsa", retire=True, checkpoint=none)
    gone = rotate(keys, "log-ml-dsa", retire=True, checkpoint=published(keys))

    new, after = both.signers[2].verifier, log_keys(keys)
    assert new.vkey in said
    assert (old.verifier.vkey in gone, "signs no more" in gone) == (True, True)
    assert [signer.verifier for signer in after.signers] == [first.verifier, new]
    assert set(after.verifiers) == {first.verifier, new, old.verifier}
    assert (keys / "log.pub").read_text() == first.verifier.vkey + "\n"
    assert MLDSA44 not in [log.verifier.kind for log in Policy.parse((keys.parent / "policy.txt").read_bytes()).logs]


def test_retiring_a_key_of_one_kind_does_not_ask_for_both_of_the_other(keys: Path) -> None:
    rotate(keys, "log-ml-dsa")
    rotate(keys, "log")
    rotate(keys, "log-ml-dsa")
    first, second = (signer for signer in log_keys(keys).signers if signer.kind == note.ED25519)
    old, new = (signer for signer in log_keys(keys).signers if signer.kind == MLDSA44)

    rotate(keys, "log-ml-dsa", retire=True, checkpoint=published(keys, first, old, new))
    rotate(keys, "log", retire=True, checkpoint=published(keys, first, second))

    assert [signer.verifier for signer in log_keys(keys).signers] == [second.verifier, new.verifier]


def test_a_stolen_ml_dsa_key_is_retired_at_once(keys: Path) -> None:
    rotate(keys, "log-ml-dsa")
    old = log_keys(keys).signers[1].verifier
    rotate(keys, "log-ml-dsa")

    rotate(keys, "log-ml-dsa", retire=True, checkpoint=None)

    assert old not in log_keys(keys).signing
    assert old in log_keys(keys).verifiers


def test_the_second_line_ends_when_that_is_said(keys: Path) -> None:
    rotate(keys, "log-ml-dsa")
    lattice = log_keys(keys).signers[1].verifier
    with pytest.raises(NothingToDo, match="--last is for"):
        rotate(keys, "log", retire=True, last=True)
    rotate(keys, "log-ml-dsa")
    with pytest.raises(NothingToDo, match="--last is for"):
        rotate(keys, "log-ml-dsa", retire=True, last=True)
    assert kinds(keys) == [note.ED25519, MLDSA44, MLDSA44]
    rotate(keys, "log-ml-dsa", retire=True, checkpoint=published(keys))

    rotate(keys, "log-ml-dsa", retire=True, last=True)

    assert kinds(keys) == [note.ED25519]
    assert lattice in log_keys(keys).verifiers
    assert len(log_keys(keys).verifiers) == 3


def test_a_policy_that_names_the_ml_dsa_key_names_the_next_one_too(keys: Path) -> None:
    policy = keys.parent / "policy.txt"
    rotate(keys, "log-ml-dsa")
    old = log_keys(keys).signers[1].verifier
    policy.write_text(f"log {old.vkey} https://log.example/log\n{policy.read_text()}")

    rotate(keys, "log-ml-dsa")

    new = log_keys(keys).signers[2].verifier
    assert policy.read_text().startswith(
        f"log {old.vkey} https://log.example/log\nlog {new.vkey} https://log.example/log\n"
    )


def test_what_operators_type_retires_the_ml_dsa_key(keys: Path) -> None:
    data, server = ("rotate-key", "log-ml-dsa", "--data", str(keys.parent)), (str(keys), "log-ml-dsa", "--retire")
    policy = ("--policy", str(keys.parent / "policy.txt"))
    rotate(keys, "log-ml-dsa")
    early = published(keys)
    rotate(keys, "log-ml-dsa")

    refused = run("deploy", *data, "--retire")
    unsaid = run("deploy.rotate", *server, *policy)
    two = run("deploy.rotate", *server, *policy, "--last")
    too_early = run("deploy.rotate", *server, *policy, "--checkpoint", str(early))
    published(keys)
    passed = run("deploy", *data, "--retire")
    ended = run("deploy.rotate", *server, *policy, "--last")

    assert (refused.returncode, "does not bear both keys" in refused.stderr) == (1, True)
    assert (unsaid.returncode, "log-ml-dsa --retire: --checkpoint FILE" in unsaid.stderr) == (2, True)
    assert (two.returncode, "--last is for" in two.stderr) == (1, True)
    assert (too_early.returncode, "does not bear both keys" in too_early.stderr) == (1, True)
    assert (passed.returncode, ended.returncode) == (0, 0), passed.stderr + ended.stderr
    assert kinds(keys) == [note.ED25519]


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
