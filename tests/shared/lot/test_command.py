"""`verify-lot` as people run it."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.shared.lot.wood import Wood, a_lot, log_signer

ROOT = Path(__file__).parents[3]
LOT = "LOTE-01"


@cache
def consistent() -> bytes:
    return a_lot().bundle(LOT)


def to_review() -> bytes:
    wood = Wood(authorised_dm3=5_000)
    logs = wood.cut(wood.fell("501"), "501")
    wood.guide("001-1", logs)
    wood.sell(LOT, logs, seller="aserradero-1", buyer="otra-1")
    return wood.bundle(LOT)


def run(
    folder: Path, data: bytes | None, *options: str, policy: bytes | None = None
) -> subprocess.CompletedProcess[str]:
    file, trusted = folder / "lot.json", folder / "policy.txt"
    if data is not None:
        file.write_bytes(data)
    trusted.write_bytes(policy if policy is not None else f"log {log_signer().verifier.vkey}\nquorum none\n".encode())
    command = [sys.executable, "-m", "shared.lot", str(file), "--policy", str(trusted), *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False)


def test_a_consistent_lot_ends_with_0_and_speaks_spanish(tmp_path: Path) -> None:
    done = run(tmp_path, consistent())
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("VÁLIDO\nCONSISTENTE")
    assert "No se comprobó:" in done.stdout


def test_it_speaks_english_when_asked(tmp_path: Path) -> None:
    done = run(tmp_path, consistent(), "--lang", "en")
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "VALID")


def test_a_tampered_lot_ends_with_1_and_names_the_record(tmp_path: Path) -> None:
    data = bytearray(consistent())
    at = data.index(b'"entries":["') + 6_000
    data[at] = 0x41 if data[at] != 0x41 else 0x42
    done = run(tmp_path, bytes(data), "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["outcome"], report["exit_code"]) == (1, "invalid", 1)
    assert report["problem"]["slug"] == "record-refused"
    assert report["problem"]["facts"]["index"] > 0


def test_an_unknown_signer_ends_with_1(tmp_path: Path) -> None:
    done = run(tmp_path, consistent(), policy=b"quorum none\n")
    assert done.returncode == 1
    assert "NO CONFIABLE" in done.stdout


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", consistent()[:-1], consistent()[:2000], None])
def test_what_cannot_be_read_ends_with_2_also_for_programs(tmp_path: Path, data: bytes | None) -> None:
    done, programs = run(tmp_path, data), run(tmp_path, data, "--json")
    assert done.returncode == 2
    assert "no se puede leer" in (done.stdout + done.stderr).lower()
    assert "Traceback" not in done.stderr
    report = json.loads(programs.stdout)
    assert (programs.returncode, report["outcome"], report["exit_code"]) == (2, "unreadable", 2)


def test_a_file_that_is_not_there_is_said_in_the_readers_language(tmp_path: Path) -> None:
    spanish, english = run(tmp_path, None), run(tmp_path, None, "--lang", "en")
    assert spanish.stderr == f"No se puede leer {tmp_path}/lot.json: no existe ese archivo o carpeta.\n"
    assert english.stderr == f"Cannot read {tmp_path}/lot.json: No such file or directory.\n"


def test_a_file_cut_short_says_to_fetch_it_again(tmp_path: Path) -> None:
    spanish, english = (run(tmp_path, consistent()[:-1], "--lang", lang).stdout for lang in ("es", "en"))
    assert "El archivo de prueba está cortado o se dañó en el camino" in spanish
    assert "The proof file is cut short or was damaged on its way" in english


def test_an_entry_that_is_no_record_is_named_by_its_index_alone(tmp_path: Path) -> None:
    document = json.loads(consistent())
    document["log"]["entries"][3] = "e30="
    data = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    done = run(tmp_path, data)
    assert done.returncode == 1
    assert f"La entrada {document['log']['indices'][3]} no se sostiene: " in done.stdout
    assert "registro -" not in done.stdout


def test_a_policy_that_cannot_be_read_ends_with_2_and_names_the_line(tmp_path: Path) -> None:
    done = run(tmp_path, consistent(), policy=b"log x\nquorum none\n")
    assert done.returncode == 2
    assert "línea 1" in done.stderr
    report = json.loads(run(tmp_path, consistent(), "--json", policy=b"log x\nquorum none\n").stdout)
    assert (report["outcome"], report["exit_code"], report["problem"]["slug"]) == ("unreadable", 2, "bad-policy")


def test_a_lot_with_findings_ends_with_3(tmp_path: Path) -> None:
    done = run(tmp_path, to_review())
    assert done.returncode == 3
    assert "POR REVISAR" in done.stdout
    assert "S4 B01" in done.stdout
    assert "- no cumplen: B01" in done.stdout
    assert "- cumplen: B02 C01 C02" in done.stdout


def test_the_report_for_programs_is_one_json_document(tmp_path: Path) -> None:
    report = json.loads(run(tmp_path, consistent(), "--json").stdout)
    assert report["verdict"]["word"] == "CONSISTENT"
    assert report["log"]["size"] == 21
    assert report["not_checked"]


def test_the_verifier_brings_no_server_and_no_network_with_it() -> None:
    code = (
        "import shared.lot.__main__, sys;"
        "print(sorted({name.split('.')[0] for name in sys.modules} & set(sys.argv[1:])))"
    )
    unwanted = [
        "services",
        "fastapi",
        "starlette",
        "sqlalchemy",
        "sqlmodel",
        "asyncpg",
        "httpx",
        "uvicorn",
        "deploy",
        "asyncio",
    ]
    done = subprocess.run([sys.executable, "-c", code, *unwanted], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
