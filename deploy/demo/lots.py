"""A lot as its buyer checks it: the bundle downloaded, and verified offline twice, by the library and by the command."""

import json
import subprocess
import sys
from pathlib import Path

from deploy.demo.story import Story
from deploy.instance import CHECKOUT, Instance
from deploy.seed.house import House, Json
from shared.lot import bundle
from shared.lot.report import Report
from shared.lot.verify import verify
from shared.timber.event import parse_entry
from shared.tlog.policy import Policy

EXIT_OF = {"CONSISTENT": 0, "TO_REVIEW": 3}
NOT_VALID = 1


def folder(instance: Instance) -> Path:
    """Where the demo leaves the files it downloaded, for whoever wants to look."""
    path = instance.data / "demo"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def download(house: House, lot: str, name: str = "") -> Path:
    """The bundle of a lot as a file."""
    path = folder(house.instance) / f"{lot}{'-' if name else ''}{name}.json"
    path.write_bytes(house.public.download(f"/v1/lots/{lot}/bundle"))
    return path


def check(story: Story, house: House, lot: str, expected: str) -> Report:
    """Download and verify; both ways must come to the expected word."""
    path = download(house, lot)
    report = by_library(house.instance, path)
    status, answer = by_command(house.instance, path)
    word = report.verdict.word if report.verdict is not None else report.outcome
    story.expect(report.outcome == "valid", f"el archivo no vale: {report.refusal}", f"not valid: {report.refusal}")
    story.expect(word == expected, f"el veredicto es {word}, no {expected}", f"the verdict is {word}, not {expected}")
    story.expect(
        status == EXIT_OF[expected],
        f"la orden salió con {status}: {answer}",
        f"the command ended with {status}: {answer}",
    )
    story.expect(answer == report.as_dict(), "la orden y la biblioteca difieren", "command and library differ")
    text_es, text_en = (report.verdict.text_es, report.verdict.text_en) if report.verdict is not None else ("", "")
    story.step(
        f"verified-{lot}", word, f"Verificado sin red ({report.records} registros, salida {status}): {text_es}",
        f"Verified offline ({report.records} records, exit {status}): {text_en}",
        records=report.records, exit=status, bundle=str(path),
    )  # fmt: skip
    story.lots.append({"lot": lot, "verdict": word, "exit": status, "records": report.records, "bundle": str(path)})
    return report


def print_failures(story: Story, report: Report, *rules: str) -> None:
    """What the verdict rests on; the named rules must be among it."""
    found = report.verdict.open if report.verdict is not None else []
    for outcome in found:
        head, norm = f"{outcome.rule} {outcome.severity}", outcome.norm
        story.note(f"{head}: {outcome.text_es} [{norm}]", f"{head}: {outcome.text_en} [{norm}]")
    names = [outcome.rule for outcome in found]
    for rule in rules:
        story.expect(rule in names, f"{rule} no está entre {names}", f"{rule} is not among {names}")
    story.lots[-1]["findings"] = [outcome.as_dict() for outcome in found]


def expect_caught(story: Story, instance: Instance, path: Path, index: int, kind: str, name: str) -> None:
    """A file with a changed digit: the verifier names the entry, and the command ends with 1."""
    report = by_library(instance, path)
    status, _ = by_command(instance, path)
    facts = report.refusal.facts() if report.refusal is not None else {}
    named = facts.get("index")
    told_es, told_en = (report.refusal.text("es"), report.refusal.text("en")) if report.refusal else ("-", "-")
    story.expect(
        (report.outcome, status, named, type_in(path, index)) == ("invalid", NOT_VALID, index, kind),
        f"{report.outcome}, salida {status}, entrada {named}: {told_es}",
        f"{report.outcome}, exit {status}, entry {named}: {told_en}",
    )
    story.step(
        name, "caught", f"Archivo de prueba, salida {status} ({kind}): {told_es}",
        f"Proof file, exit {status} ({kind}): {told_en}", named, type=kind, exit=status,
    )  # fmt: skip


def type_in(path: Path, index: int) -> str:
    """The type of the record that stands at this index of the log, as the file has it."""
    found = bundle.read(path.read_bytes())
    return parse_entry(found.entries[found.indices.index(index)]).type


def by_library(instance: Instance, path: Path) -> Report:
    """The report of `shared.lot.verify`, with the policy of this instance."""
    return verify(path.read_bytes(), Policy.parse(instance.policy.read_bytes()))


def by_command(instance: Instance, path: Path) -> tuple[int, Json]:
    """Exit status and JSON of `verify-lot`, as a process that knows nothing of the house."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "shared.lot", str(path), "--policy", str(instance.policy), "--json"],
        env={"PYTHONPATH": str(CHECKOUT)}, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    try:
        answer: Json = json.loads(done.stdout)
    except ValueError:
        answer = {"stderr": done.stderr[-500:]}
    return done.returncode, answer
