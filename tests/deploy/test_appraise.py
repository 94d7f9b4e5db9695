"""`./timber appraise`: an answer from a file, the same bytes each time; what is wrong with a file is said with its slug."""

import copy
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deploy import appraise as command
from deploy.__main__ import parser
from deploy.appraise import answer
from services.contracts.domain.pinned import canonical
from shared.refusal import Malformed

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "appraisal.md").read_text(encoding="utf-8")
FOUND = re.search(r"```json\n(.*?)```", GUIDE, re.DOTALL)
assert FOUND is not None
EXAMPLE: dict[str, Any] = json.loads(FOUND.group(1))


def appraise(tmp_path: Path, content: str, *words: str, hash_seed: str = "0") -> subprocess.CompletedProcess[bytes]:
    file = tmp_path / "offer.json"
    file.write_text(content, encoding="utf-8")
    command = [sys.executable, "-m", "deploy", "appraise", str(file), *words]
    environment = os.environ | {"PYTHONHASHSEED": hash_seed}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, timeout=120, check=False)


def test_the_example_of_the_guide_is_answered_in_words(tmp_path: Path) -> None:
    assert FOUND is not None
    assert (ROOT / "docs" / "offer.json").read_text(encoding="utf-8") == FOUND.group(1)

    done = appraise(tmp_path, json.dumps(EXAMPLE))

    text = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    assert text.startswith("La oferta está muy por debajo de lo justo.\n")
    assert "Le ofrecen S/ 0.70 por pie tablar (Doyle), en pie." in text
    assert re.search(r"Pida al menos S/ 0\.79 por pie tablar \(Doyle\), o S/ \d+\.\d\d por m³", text)
    assert "cláusula 5" in text


def test_the_same_file_is_the_same_bytes_whatever_the_order_of_hashes(tmp_path: Path) -> None:
    one, other = (appraise(tmp_path, json.dumps(EXAMPLE), "--json", hash_seed=seed) for seed in ("1", "2"))

    assert one.returncode == 0
    assert one.stdout == other.stdout == canonical(answer(EXAMPLE)) + b"\n"
    assert len(json.loads(one.stdout)["flags"]) == 50


def test_short_message_and_page(tmp_path: Path) -> None:
    assert len(appraise(tmp_path, json.dumps(EXAMPLE), "--form", "sms").stdout.decode().rstrip("\n")) <= 480
    page = appraise(tmp_path, json.dumps(EXAMPLE), "--form", "html", "--lang", "en").stdout.decode()
    assert page.startswith("<!doctype html><html lang=en>")


def changed(value: Any, *path: Any) -> dict[str, Any]:
    body = copy.deepcopy(EXAMPLE)
    at = body
    for step in path[:-1]:
        at = at[step]
    if value is None:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return body


LINE = ("offer", "lines", 0)
LOG = ("offer", "lot", "logs", 0)
HOLLOW = {"kind": "hollow", "amount": {"amount": "10", "currency": "PEN"}}
COMMA = {"amount": "0,70", "currency": "PEN"}


@pytest.mark.parametrize(
    ("bad", "slug", "where"),
    [
        (changed(None, *LINE, "unit"), "malformed", "unit"),
        (changed(None, *LINE, "rule"), "malformed", "rule"),
        (changed(None, *LINE, "point_of_sale"), "malformed", "point_of_sale"),
        (changed(None, *LINE, "price", "currency"), "malformed", "currency"),
        (changed(0, *LOG, "large_mm"), "malformed", "large_mm"),
        (changed(5_001, *LOG, "large_mm"), "malformed", "large_mm"),
        (changed("-1", *LINE, "price", "amount"), "malformed", "amount"),
        (changed("0", *LINE, "price", "amount"), "malformed", "price"),
        (changed("100000.01", *LINE, "price", "amount"), "absurd-price", "price"),
        (changed(0.9, *LINE, "price", "amount"), "malformed", "amount"),
        (changed([{"share_milli": 300, "days": 0}, {"share_milli": 600, "days": 90}], "offer", "payments"), "schedule-does-not-sum", "payments"),
        (changed("2026-10-31", "offer", "terms", "signed_on"), "dates-out-of-order", "signed_on"),
        (changed([{"kind": "cash", "worth": COMMA | {"amount": "1"}, "billed": COMMA | {"amount": "1"}, "days": 9,
                   "recovered_days": 8}], "offer", "advances"), "dates-out-of-order", "recovered_days"),
        (changed([HOLLOW], "offer", "deductions"), "hollow-without-formula", "formula"),
        (changed(COMMA, *LINE, "price"), "decimal-comma", "offer.lines.0.price.amount"),
        (changed(",", "decimal_mark"), "number-not-by-its-mark", "amount"),
        (changed({"rule": "smalian", "logs": [{"code": "1", "volume_m3": "1.000", "rule": "doyle"}]}, "offer", "settlement"),
         "mixed-rules", "rule"),
        (changed("precios-mdd", "basis", "price_book"), "malformed", "price_book"),
        (changed("precios-mdd", "basis") | {"basis": {"price_book": "precios-mdd"}}, "book-needs-server", "price_book"),
        (changed(["Tornillo"], *LINE, "species"), "unknown-species", "species"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_said_with_its_slug_in_both_languages(bad: Any, slug: str, where: str) -> None:
    with pytest.raises(Malformed) as refused:
        answer(bad)

    assert refused.value.slug == slug
    assert where in refused.value.text("es")
    assert refused.value.text("es") != refused.value.text("en")


@pytest.mark.parametrize(
    "good",
    [
        EXAMPLE,
        changed("250", *LINE, "price", "amount"),
        changed("2026-11-01", "offer", "terms", "signed_on"),
        changed([HOLLOW | {"formula": "d² x L / 24.5"}], "offer", "deductions"),
        changed({"rule": "smalian", "logs": [{"code": "1", "volume_m3": "1.000"}]}, "offer", "settlement"),
    ],
)
def test_its_twin_passes(good: Any) -> None:
    assert answer(good)["engine"] == "contracts/5"


def with_commas(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: one.replace(".", ",") if key == "amount" and isinstance(one, str) else with_commas(one)
            for key, one in value.items()
        }
    return [with_commas(one) for one in value] if isinstance(value, list) else value


def test_decimal_commas_are_read_where_they_are_stated() -> None:
    spelled = with_commas(EXAMPLE) | {"decimal_mark": ","}

    assert canonical(answer(spelled)) == canonical(answer(EXAMPLE))
    thousands = copy.deepcopy(spelled)
    thousands["offer"]["lines"][0] |= {"unit": "m3", "price": {"amount": "1.234,50", "currency": "PEN"}}
    assert answer(thousands)["lines"][0]["offered"]["price"]["amount"] == "1234.50"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (json.dumps(changed(None, *LINE, "unit")), "offer.lines.0.unit: falta este campo."),
        (json.dumps(changed("pies", *LINE, "unit")), "offer.lines.0.unit: debe ser uno de: 'm3' o 'pt'."),
        (
            json.dumps(changed(0.7, *LINE, "price", "amount")),
            'offer.lines.0.price.amount: debe ser un número decimal escrito como texto, como "12.50".',
        ),
        ("", "está vacío."),
        ('{"offer": {"title": "x",}}', "mire la línea 1, columna 25"),
        ('{"offer": 1, "offer": 2}', "el nombre 'offer' está dos veces."),
        ('{"offer": NaN}', "sus partes no son de JSON."),
    ],
)
def test_a_person_is_told_in_spanish_where_and_what(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, says: str
) -> None:
    (tmp_path / "offer.json").write_text(content, encoding="utf-8")

    status = command.main(parser().parse_args(["appraise", str(tmp_path / "offer.json")]))

    told = capsys.readouterr()
    assert (status, told.out, says in told.err) == (2, "", True), told.err


def test_a_refused_file_exits_two(tmp_path: Path) -> None:
    refused = appraise(tmp_path, '{"offer": 1, "offer": 2}', "--json")
    assert refused.returncode == 2
    assert json.loads(refused.stdout)["slug"] == "not-json"

    told = appraise(tmp_path, json.dumps(changed(COMMA, *LINE, "price")), "--lang", "en")
    assert (told.returncode, told.stdout) == (2, b"")
    assert told.stderr.startswith(b"decimal-comma: offer.lines.0.price.amount")


def test_the_draws_of_the_example_are_known_to_the_cent() -> None:
    """The same under every Python and numpy of the lock: 3.11 with numpy 2.4, 3.12 and 3.13 with numpy 2.5."""
    found = answer(EXAMPLE)["sensitivity"]

    assert {name: found[name]["p10"]["amount"] for name in ("fair_m3", "net_m3", "loss")} == {
        "fair_m3": "195.16", "net_m3": "170.96", "loss": "333.27",
    }  # fmt: skip
    assert found["draws"] == 2_000


def test_a_counter_offer_keeps_what_the_assembly_set_on_this_machine(tmp_path: Path) -> None:
    wished = json.dumps(EXAMPLE | {"reservation_m3": "250.00"})

    done = appraise(tmp_path, wished, "--form", "counter")

    assert done.returncode == 0
    text = done.stdout.decode()
    assert (
        "Pida al menos S/ 1.03 por pie tablar (Doyle), o S/ 257.20 por m³" in text
    )  # 250 net, 70 % of it 90 days late
    assert "Para el contrato: La comunidad mide" in text
    found = json.loads(appraise(tmp_path, wished, "--form", "counter", "--json").stdout)
    assert found["lines"][0]["floor"]["source"] == "reservation"
    assert appraise(tmp_path, wished).returncode == 2  # an appraisal has no place for it
