"""The auditor's tools against a running custody, through the addresses that everybody has."""

from pathlib import Path

from shared.audit.fsck import first_damage
from shared.audit.mirror import Mirror
from shared.audit.monitor import Monitor
from shared.audit.source import FolderSource, HttpSource
from shared.tlog.policy import Policy
from tests.custody.conftest import Custody, cut, felling
from tests.custody.test_log import grown

NOW = "2026-11-03T12:00:00Z"


def over_http(custody: Custody) -> HttpSource:
    return HttpSource("http://custody.test/log/", custody.http)


def policy_of(custody: Custody) -> Policy:
    return Policy.parse(f"log {custody.keys.log.verifier.vkey}\nquorum none\n".encode())


async def test_a_growing_log_is_copied_checked_and_watched(custody: Custody, tmp_path: Path) -> None:
    await grown(custody, 600)
    mirror = Mirror(over_http(custody), tmp_path / "copy", policy_of(custody))
    monitor = Monitor(FolderSource(tmp_path / "copy"), policy_of(custody), tmp_path / "state", lambda: NOW)

    for code in ("0001", "0002"):
        checkpoint = await mirror.pull()
        assert checkpoint is not None
        assert await first_damage(FolderSource(tmp_path / "copy"), checkpoint) is None
        assert await first_damage(over_http(custody), checkpoint) is None
        assert await monitor.round() == checkpoint
        await custody.send(cut(custody, code), wait="inclusion")
    assert monitor.ledger.counts() == []
    monitor.ledger.close()


async def test_a_copy_of_a_copy_is_the_same_log(custody: Custody, tmp_path: Path) -> None:
    await grown(custody, 300)
    checkpoint = await Mirror(over_http(custody), tmp_path / "copy", policy_of(custody)).pull()

    again = await Mirror(FolderSource(tmp_path / "copy"), tmp_path / "again", policy_of(custody)).pull()

    assert again == checkpoint
    for path in (tmp_path / "copy/tile").rglob("*"):
        if path.is_file():
            assert (tmp_path / "again" / path.relative_to(tmp_path / "copy")).read_bytes() == path.read_bytes()


async def test_the_monitor_of_a_log_finds_what_custody_found(ready: Custody, tmp_path: Path) -> None:
    await ready.log(felling(ready, "501"), felling(ready, "501", observations="otra vez"), felling(ready, "999"))
    await ready.send(felling(ready, "502"), wait="inclusion")
    told = await ready.get("/v1/findings", role="auditor", severity="S3")
    graver = await ready.get("/v1/findings", role="auditor", severity="S4")
    monitor = Monitor(over_http(ready), policy_of(ready), tmp_path, lambda: NOW)
    found: list[tuple[int, str, str]] = []

    await monitor.round()
    await monitor.tell(0, lambda finding: found.append((finding["index"], finding["rule"], finding["text_es"])))
    monitor.ledger.close()

    theirs = [
        (one["index"], one["finding"]["rule"], one["finding"]["text_es"])
        for page in (told, graver)
        for one in page["findings"]
    ]
    assert sorted(found) == sorted(theirs)
    assert len(found) == 2
