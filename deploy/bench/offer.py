"""How long an appraisal takes: twenty lines of twenty species, every figure with its bounds, tornado and 2,000 draws."""

from typing import Any

from deploy.appraise import answer
from deploy.bench.figures import percentile, timed
from services.contracts.domain.pinned import canonical
from shared.timber.species import catalogue

LINES, LOGS_EACH, TIMES = 20, 20, 60
COSTS = ("felling", "skidding", "loading", "road_transport", "river_transport", "milling", "planning")
ON, SOURCE = "2026-11-22", "bench"


def times(count: int = TIMES) -> dict[str, float]:
    """Milliseconds from the parsed body to the bytes of the answer, in one process; the first answer is left out."""
    body = twenty_lines()
    taken_ms = [seconds * 1_000 for seconds in timed(lambda: canonical(answer(body)), count)]
    return {"appraisal_p50": percentile(taken_ms, 500), "appraisal_p95": percentile(taken_ms, 950)}


def twenty_lines() -> dict[str, Any]:
    """An offer by the board foot, with a log list, volume bounds, and books that bound every figure."""
    names = sorted(one.name for one in catalogue())[:LINES]
    offer = {
        "title": SOURCE, "community": "comunidad-a", "buyer": None, "region": "madre-de-dios", "offered_on": ON,
        "lines": [
            {"kind": "per_volume", "species": [name], "price": _soles("0.80"), "unit": "pt", "rule": "doyle",
             "product": "log", "point_of_sale": "mill_gate"} for name in names
        ],
        "lot": {
            "basis": "logs",
            "species": [
                {"species": name, "volume_m3": "20.000", "volume_low_m3": "15.000", "volume_high_m3": "26.000", "trees": 5}
                for name in names
            ],
            "logs": [
                {"species": name, "large_mm": 460 + 10 * place, "small_mm": 420, "length_mm": 4_900, "count": LOGS_EACH}
                for place, name in enumerate(names)
            ],
        },
        "payments": [{"share_milli": 500, "days": 0}, {"share_milli": 500, "days": 90}],
    }  # fmt: skip
    return {"offer": offer, "basis": {"on": ON, "prices": _prices(names), "costs": _costs()}}


def _prices(names: list[str]) -> dict[str, Any]:
    entries = [
        {"species": name, "product": "sawn", "unit": "pt", "rule": "sawn", "point_of_sale": "mill_gate",
         **_range("2.80", "3.20", "3.60"), "grade": "C", "reporters": 4, "observed_on": ON, "source": SOURCE}
        for name in names
    ]  # fmt: skip
    return _book("prices") | {"licence": "CC0-1.0", "entries": entries}


def _costs() -> dict[str, Any]:
    lines = [{"step": step, **_range("20", "30", "45"), "source": SOURCE, "on": ON} for step in COSTS]
    shares = {
        "recovery_milli": {"low": 470, "mid": 520, "high": 570},
        "margin_milli": {"low": 100, "mid": 200, "high": 300},
    }
    signed = {"name": SOURCE, "licence": SOURCE, "on": ON}
    return _book("costs") | shares | {"lines": lines, "signed_by": signed}


def _book(name: str) -> dict[str, Any]:
    return {"id": name, "title": SOURCE, "region": "madre-de-dios", "as_of": ON, "source": SOURCE}


def _range(low: str, mid: str, high: str) -> dict[str, Any]:
    return {"low": _soles(low), "mid": _soles(mid), "high": _soles(high)}


def _soles(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "PEN"}
