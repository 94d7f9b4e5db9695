"""The keys of the house change while the log goes on: the log's own, and the host key over hosted keys."""

import asyncio
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.custody.keys.hosted import HostKey
from services.custody.keys.log_keys import LogKeys
from services.custody.operate import check
from shared.lot.verify import verify
from shared.timber.event import key_id, parse_entry
from shared.tlog.encoding import to_base64url
from shared.tlog.note import COSIGNATURE, MLDSA44, BadNote, Signer, split_note
from shared.tlog.policy import Policy, UnknownLog
from tests.custody.conftest import ORIGIN, Custody, cut, felling, key_added, log_id

# ---- the key of the log


def write_log_key(custody: Custody, *lines: str) -> None:
    custody.keys.log_file = "\n".join(lines) + "\n"


def a_policy(*keys: Signer) -> Policy:
    return Policy.parse("".join(f"log {key.verifier.vkey}\n" for key in keys).encode() + b"quorum none\n")


async def again(custody: Custody, open_custody: Any) -> Custody:
    """The same log, started anew with the keys that stand in the folder now."""
    await custody.stop()
    made: Custody = await open_custody(custody)
    return made


async def newest(custody: Custody, code: str) -> bytes:
    """The checkpoint after one more felling."""
    await custody.send(felling(custody, code), wait="inclusion")
    note: bytes = await custody.get("/log/checkpoint")
    return note


def signers_of(note: bytes, *keys: Signer) -> list[int]:
    """Which of these keys signed, by their place."""
    under = {signature.key_id for signature in split_note(note)[1]}
    return [at for at, key in enumerate(keys) if key.verifier.key_id in under]


async def test_while_the_key_changes_both_sign_and_either_is_enough(ready: Custody, open_custody: Any) -> None:
    old, new = ready.keys.log, Signer.generate(ORIGIN)
    before = await newest(ready, "501")
    write_log_key(ready, old.skey, new.skey)

    overlap = await again(ready, open_custody)
    during = await newest(overlap, "502")
    write_log_key(ready, new.skey, old.verifier.vkey)
    after_it = await again(overlap, open_custody)
    after = await newest(after_it, "503")

    assert [signers_of(note, old, new) for note in (before, during, after)] == [[0], [0, 1], [1]]
    for known, accepted in ((old, [before, during]), (new, [during, after])):
        for note in (before, during, after):
            if note in accepted:
                assert a_policy(known).check(note).checkpoint.origin == ORIGIN
            else:
                with pytest.raises(UnknownLog):
                    a_policy(known).check(note)
    assert all(a_policy(old, new).check(note) for note in (before, during, after))
    assert (await after_it.get("/healthz"))["frozen"] is None
    [shown] = (await overlap.get("/v1/logs"))["logs"]
    assert shown["vkey"] == old.verifier.vkey
    assert [line.split()[1] for line in shown["policy"].splitlines()[:2]] == [old.verifier.vkey, new.verifier.vkey]


async def test_the_anchor_knows_a_key_that_has_retired(ready: Custody, open_custody: Any) -> None:
    """Nothing was signed by both: the anchor and the last checkpoint bear the old key only."""
    old, new = ready.keys.log, Signer.generate(ORIGIN)
    await newest(ready, "501")

    write_log_key(ready, new.skey, old.verifier.vkey)
    running = await again(ready, open_custody)
    note = await newest(running, "502")

    assert (await running.get("/healthz"))["frozen"] is None
    assert signers_of(note, old, new) == [1]


async def test_a_key_that_is_simply_exchanged_freezes_the_log(ready: Custody, open_custody: Any) -> None:
    old, new = ready.keys.log, Signer.generate(ORIGIN)
    await newest(ready, "501")

    write_log_key(ready, new.skey)
    running = await again(ready, open_custody)

    assert "does not know the key" in (await running.get("/healthz"))["frozen"]
    write_log_key(ready, new.skey, old.verifier.vkey)
    assert (await (await again(running, open_custody)).get("/healthz"))["frozen"] is None


async def test_a_bundle_made_during_the_change_is_valid_under_either_key(ready: Custody, open_custody: Any) -> None:
    old, new = ready.keys.log, Signer.generate(ORIGIN)
    write_log_key(ready, old.skey, new.skey)
    running = await again(ready, open_custody)
    lot = running.entry("lot.composed", {"lot": "L-1", "items": [log_id("501/A")]}, time="2026-11-03T12:00:00Z")
    await running.log(felling(running, "501"), cut(running, "501"), lot)

    data = await running.bundle("L-1")

    for policy in (a_policy(old), a_policy(new), a_policy(old, new)):
        assert verify(data, policy).outcome == "valid"
    assert verify(data, a_policy(Signer.generate(ORIGIN))).outcome == "untrusted"


async def test_an_ml_dsa_line_stands_beside_the_others_and_is_off_by_default(ready: Custody, open_custody: Any) -> None:
    old, lattice = ready.keys.log, Signer.generate(ORIGIN, MLDSA44)
    before = await newest(ready, "501")
    write_log_key(ready, old.skey, lattice.skey)

    running = await again(ready, open_custody)
    after = await newest(running, "502")

    assert [signers_of(note, old, lattice) for note in (before, after)] == [[0], [0, 1]]
    assert a_policy(lattice).check(after).checkpoint == a_policy(old).check(after).checkpoint
    assert (
        after
        == await running.get("/log/checkpoint")
        == (Path(ready.settings.data_dir) / "anchor/checkpoint").read_bytes()
    )
    assert lattice.verifier.vkey not in (await running.get("/v1/logs"))["logs"][0]["policy"]


async def test_a_process_that_has_not_read_the_second_key_yet_goes_on_beside_one_that_has(
    ready: Custody, open_custody: Any
) -> None:
    lattice = Signer.generate(ORIGIN, MLDSA44)
    await newest(ready, "501")
    write_log_key(ready, ready.keys.log.skey, lattice.skey)
    later = await open_custody(ready)  # the first still runs, with the keys that it began with

    async with asyncio.timeout(60):  # either of the two may be the one who signs next
        codes = map(str, count(502))
        while not signers_of(await newest(later, next(codes)), lattice):
            pass
    await newest(ready, next(codes))
    last = await newest(later, next(codes))

    assert [(await one.get("/healthz"))["frozen"] for one in (ready, later)] == [None, None]
    assert a_policy(ready.keys.log).check(last)


async def test_the_ml_dsa_key_changes_by_an_overlap_and_ends(ready: Custody, open_custody: Any) -> None:
    first, old, new = ready.keys.log, Signer.generate(ORIGIN, MLDSA44), Signer.generate(ORIGIN, MLDSA44)
    steps = ([old.skey], [old.skey, new.skey], [new.skey, old.verifier.vkey], [new.verifier.vkey, old.verifier.vkey])
    running, notes = ready, []

    for code, lines in enumerate(steps, 501):
        write_log_key(ready, first.skey, *lines)
        running = await again(running, open_custody)
        assert (await running.get("/healthz"))["frozen"] is None
        notes.append(await newest(running, str(code)))

    assert [signers_of(note, first, old, new) for note in notes] == [[0, 1], [0, 1, 2], [0, 2], [0]]
    assert all(a_policy(first).check(note) for note in notes)
    assert all(a_policy(old).check(note) for note in notes[:2])
    assert all(a_policy(new).check(note) for note in notes[1:3])
    await running.stop()
    sound, _ = await check(running.settings)
    assert sound.checkpoints >= len(notes)


async def test_an_ml_dsa_key_that_is_simply_exchanged_freezes_the_log(ready: Custody, open_custody: Any) -> None:
    first, old, new = ready.keys.log, Signer.generate(ORIGIN, MLDSA44), Signer.generate(ORIGIN, MLDSA44)
    write_log_key(ready, first.skey, old.skey)
    running = await again(ready, open_custody)
    await newest(running, "501")

    write_log_key(ready, first.skey, new.skey)
    running = await again(running, open_custody)

    assert "one of a key that nobody knows is there" in (await running.get("/healthz"))["frozen"]
    write_log_key(ready, first.skey, new.skey, old.verifier.vkey)
    assert (await (await again(running, open_custody)).get("/healthz"))["frozen"] is None


def test_public_lines_of_the_logs_before_are_no_keys_of_this_one(tmp_path: Path) -> None:
    key, before, lattice = (
        Signer.generate(ORIGIN),
        Signer.generate("other.test/log"),
        Signer.generate("other.test/log", MLDSA44),
    )
    path = tmp_path / "log.key"
    path.write_text("\n".join([key.skey, before.verifier.vkey, lattice.verifier.vkey]))

    keys = LogKeys.read(path, ORIGIN)

    assert (keys.verifiers, keys.past) == ((key.verifier,), (before.verifier, lattice.verifier))
    path.write_text("\n".join([key.skey, before.skey]))
    with pytest.raises(RuntimeError, match="signs as 'other"):
        LogKeys.read(path, ORIGIN)


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["{new}", "{new}"], "twice"),
        (["{other}"], "other.test"),
        (["{new_public}"], "private Ed25519"),
        (["{lattice}", "{new}"], "private Ed25519"),
        (["{cosigner}"], "private Ed25519"),
        ([], "private Ed25519"),
    ],
)
def test_a_file_of_log_keys_that_cannot_serve_is_refused(tmp_path: Path, lines: list[str], why: str) -> None:
    new, other = Signer.generate(ORIGIN), Signer.generate("other.test/log")
    words = {
        "new": new.skey, "new_public": new.verifier.vkey, "other": other.skey,
        "lattice": Signer.generate(ORIGIN, MLDSA44).skey, "cosigner": Signer.generate(ORIGIN, COSIGNATURE).skey,
    }  # fmt: skip
    path = tmp_path / "log.key"
    path.write_text("\n".join(lines).format(**words))

    with pytest.raises(RuntimeError, match=why):
        LogKeys.read(path, ORIGIN)
    path.write_text("no key at all")
    with pytest.raises(BadNote):
        LogKeys.read(path, ORIGIN)
    path.write_text(f"{new.skey}\n")
    assert LogKeys.read(path, ORIGIN).shown == new.verifier


# ---- the host key


def write_host_key(custody: Custody, *keys: Ed25519PrivateKey) -> None:
    custody.keys.host_file = "".join(to_base64url(key.private_bytes_raw()) + "\n" for key in keys)


async def upload(custody: Custody, code: str) -> str:
    """One felling under the hosted key of comunidad-a; the id of that key."""
    body = parse_entry(felling(custody, code)).body
    statement = {"type": "tree.felled", "time": "2026-11-01T12:00:00Z", "body": body}
    answer = await custody.http.post(
        "/v1/statements", json={"statements": [statement]}, headers=custody.issuer.headers("manager")
    )
    assert answer.status_code == 200, answer.text
    [result] = answer.json()["results"]
    assert result["status"] == "logged", result
    record = await custody.get(f"/v1/records/{result['sid']}")
    return str(record["entry"]["sig"][0]["kid"])


async def sealed(custody: Custody) -> dict[str, bytes]:
    connection = await asyncpg.connect(custody.database.admin_dsn)
    try:
        return dict(await connection.fetch("SELECT org, sealed FROM hosted_key"))
    finally:
        await connection.close()


def opens(key: Ed25519PrivateKey, org: str, blob: bytes) -> bool:
    try:
        HostKey(key, "").unseal(org, blob)
    except RuntimeError:
        return False
    return True


async def test_a_new_host_key_seals_what_the_old_one_had_sealed(ready: Custody, open_custody: Any) -> None:
    old, new = ready.keys.host, Ed25519PrivateKey.generate()
    kid = await upload(ready, "501")
    [before] = (await sealed(ready)).values()
    write_host_key(ready, new, old)
    await ready.log(ready.act("key.added", key_added(new, "trozalog", "host")))

    running = await again(ready, open_custody)

    [after] = (await sealed(running)).values()
    assert [opens(key, "comunidad-a", blob) for key in (old, new) for blob in (before, after)] == [
        True, False, False, True,
    ]  # fmt: skip
    assert await upload(running, "502") == kid  # the hosted key itself is the same
    write_host_key(ready, new)
    last = await again(running, open_custody)
    assert await upload(last, "503") == kid
    assert await sealed(last) == {"comunidad-a": after}  # nothing to do: nothing done


async def test_of_all_hosted_keys_every_one_is_sealed_anew_or_none(ready: Custody, open_custody: Any) -> None:
    old, new, stranger = ready.keys.host, Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    await upload(ready, "501")
    connection = await asyncpg.connect(ready.database.admin_dsn)
    foreign = HostKey(stranger, "").seal("zz-otra", Ed25519PrivateKey.generate(), bytes(12))
    await connection.execute(
        "INSERT INTO hosted_key (log_id, org, kid, sealed) VALUES (1, 'zz-otra', 'k', $1)", foreign
    )
    await connection.close()
    before = await sealed(ready)
    write_host_key(ready, new, old)
    await ready.stop()

    with pytest.raises(RuntimeError, match="zz-otra"):
        await open_custody(ready)

    assert await sealed(ready) == before
    write_host_key(ready, new, old, stranger)
    running = await open_custody(ready)
    assert all(opens(new, org, blob) for org, blob in (await sealed(running)).items())


async def test_two_processes_that_start_at_once_seal_anew_once(ready: Custody, open_custody: Any) -> None:
    old, new = ready.keys.host, Ed25519PrivateKey.generate()
    kid = await upload(ready, "501")
    write_host_key(ready, new, old)
    await ready.stop()

    first, second = await open_custody(ready), await open_custody(ready)

    assert await upload(first, "502") == await upload(second, "503") == kid


async def test_the_database_lets_custody_change_nothing_else_of_a_hosted_key(ready: Custody) -> None:
    await upload(ready, "501")
    connection = await asyncpg.connect(ready.database.app_dsn)
    try:
        for change in ("UPDATE hosted_key SET kid = 'x'", "UPDATE hosted_key SET org = 'x'", "DELETE FROM hosted_key"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(change)
        await connection.execute("UPDATE hosted_key SET sealed = sealed")
    finally:
        await connection.close()


def test_a_file_of_host_keys_names_the_newest(tmp_path: Path) -> None:
    old, new = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    path = tmp_path / "host.key"
    path.write_text(f"{to_base64url(new.private_bytes_raw())}\n{to_base64url(old.private_bytes_raw())}\n")

    host = HostKey.read(path)

    assert host.kid == key_id(new.public_key().public_bytes_raw())
    path.write_text("\n")
    with pytest.raises(RuntimeError, match="no key"):
        HostKey.read(path)
