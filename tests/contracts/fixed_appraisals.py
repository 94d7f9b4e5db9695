"""Fixed appraisals and the hash of their bytes: the same on every CPython and numpy that the suite runs under.

`python -m tests.contracts.fixed_appraisals --write` makes `fixed_appraisals.json` again. Do so when the engine, the catalogue of flags or a
text has changed on purpose, never because one machine disagrees with another: that is what the vector is for.
"""

import argparse
import hashlib
import json
import re
from pathlib import Path
from typing import Any

from deploy.appraise import answer
from deploy.bench.offer import twenty_lines
from deploy.press import body, facts
from services.contracts.domain.pinned import canonical

VECTOR = Path(__file__).with_name("fixed_appraisals.json")
EXAMPLE = Path(__file__).parents[2] / "docs" / "appraisal.md"


def questions() -> dict[str, Any]:
    """The questions by name: the documented example, twenty lines with every bound, an index clause, the press."""
    found = re.search(r"```json\n(.*?)\n```", EXAMPLE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None, "docs/appraisal.md holds the example"
    example = json.loads(found.group(1))
    return {
        "documented-example": example,
        "twenty-lines-with-bounds": twenty_lines(),
        "index-clause-and-dollars": _indexed(example),
        **{f"press-{case['name']}": body(case["name"]) for case in facts()["cases"]},
    }


def _indexed(example: Any) -> Any:
    """The example in dollars, paid late in three parts, following an index that comes with the house."""
    line = example["offer"]["lines"][0] | {"price": {"amount": "0.19", "currency": "USD"}}
    index = {
        "fixed_milli": 300,
        "parts": [{"index": "world-bank-sawnwood-malaysia", "weight_milli": 700, "base_on": "2025-04-30"}],
    }
    payments = [{"share_milli": 333, "days": 31}, {"share_milli": 333, "days": 77}, {"share_milli": 334, "days": 611}]
    rate = {"pen_per_usd": "3.7415", "on": "2026-06-10", "source": "cifra de ejemplo"}
    books = {name: _of_may(example["basis"][name]) for name in ("prices", "costs")}
    return {
        "offer": example["offer"] | {"lines": [line], "index": index, "payments": payments, "families": 37},
        "basis": example["basis"] | {"on": "2026-06-10", "rate_milli": 217, "seed": 20_261_128, "fx": rate} | books,
    }


def _of_may(book: Any) -> Any:
    """A book of the example as it would have been known in June."""
    dated = {"entries": "observed_on", "lines": "on"}
    rows = {name: [one | {day: "2026-05-15"} for one in book[name]] for name, day in dated.items() if name in book}
    signed = {"signed_by": book["signed_by"] | {"on": "2026-05-20"}} if "signed_by" in book else {}
    return book | {"as_of": "2026-05-31"} | rows | signed


def hashes() -> dict[str, dict[str, str]]:
    """Of each answer its id and the SHA-256 of its bytes."""
    made = {}
    for name, question in questions().items():
        found = answer(question)
        made[name] = {"id": found["id"], "sha256": hashlib.sha256(canonical(found)).hexdigest()}
    return made


if __name__ == "__main__":
    options = argparse.ArgumentParser(prog="python -m tests.contracts.fixed_appraisals", description=__doc__)
    options.add_argument("--write", action="store_true", required=True)
    options.parse_args()
    VECTOR.write_text(json.dumps(hashes(), indent=1, sort_keys=True) + "\n", encoding="utf-8")
