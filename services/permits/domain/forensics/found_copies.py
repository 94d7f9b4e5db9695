"""F01 (rows written twice) and F09 (trees on one point), with the rows to look at."""

import numpy as np

from services.permits.domain.finding import MAX_EXAMPLES, Finding
from services.permits.domain.forensics.clones import Match, shift_within
from services.permits.domain.forensics.copies import MIN_RUN, Runs, Twins, measure_runs, measure_twins
from services.permits.domain.forensics.stand import Stand
from services.permits.domain.forensics.thresholds import Thresholds, grade

SORTED_SHARE = 0.95


def runs_in(stand: Stand) -> Runs | None:
    """None where the list is sorted by diameter: equal neighbours are then no sign of anything."""
    rising = np.diff(stand.dbh_mm)
    if len(rising) and max((rising >= 0).mean(), (rising <= 0).mean()) > SORTED_SHARE:
        return None
    return measure_runs(stand)


def find_copies(stand: Stand, norms: Thresholds) -> tuple[list[Finding], float]:
    """F01 in its three forms, F09; and how strongly any copy shows, in units of the S3 threshold."""
    runs, twins, match = runs_in(stand), measure_twins(stand), shift_within(stand)
    return (
        [_runs(stand, runs, norms), _twins(stand, twins, norms), _shift(stand, match, norms), _points(stand, norms)],
        max(
            0.0 if runs is None else run_evidence(runs) / -np.log10(norms["f01_chance_s3"]),
            twin_evidence(twins) / norms["f01_twins_z_s3"],
            match.share / norms["f01_shift_share_s3"],
        ),
    )


def run_evidence(runs: Runs) -> float:
    """Minus log10 of how many runs as long as the longest chance would give in a shuffled list; 0 without runs."""
    if not len(runs.rows):
        return 0.0
    pairs = runs.trees * (runs.trees - 1) / 2
    each = max(runs.chance / pairs, 1e-300) ** (1 / MIN_RUN)
    return max(float(-np.log10(pairs) - runs.rows.max() * np.log10(each)), 0.0)


def twin_evidence(twins: Twins) -> float:
    """Excess of twins in standard errors of a Poisson count; 0 when there are not a third more than expected."""
    if twins.pairs < 1.35 * twins.expected:
        return 0.0
    return float((twins.pairs - twins.expected) / np.sqrt(twins.expected + 1))


def _runs(stand: Stand, runs: Runs | None, norms: Thresholds) -> Finding:
    if runs is None:
        return norms.unknown(
            "F01-RUNS", "La lista está ordenada por diámetro: no se buscan filas repetidas en orden.",
            "The list is sorted by diameter: repeated stretches are not looked for.",
        )  # fmt: skip
    evidence = run_evidence(runs)
    severity = grade(evidence, -np.log10(norms["f01_chance_s2"]), -np.log10(norms["f01_chance_s3"]))
    order = np.argsort(-runs.rows)[:MAX_EXAMPLES]
    rows = [
        {"first": stand.shown(int(runs.first[k])), "again": stand.shown(int(runs.second[k])), "rows": int(runs.rows[k])}
        for k in order
    ]
    return norms.finding(
        "F01-RUNS", severity, ("f01_chance_s2", "f01_chance_s3"),
        {"runs": len(runs.rows), "longest_run_rows": int(runs.rows.max(initial=0)), "repeated_rows": runs.repeated_rows,
         "chance": 10 ** -min(evidence, 300.0)},
        f"Hay {len(runs.rows)} tramos de tres o más filas seguidas (especie, DAP, altura) que se repiten más abajo en la lista.",
        f"{len(runs.rows)} stretches of three or more following rows (species, DBH, height) occur again further down the list.",
        rows if severity else [],
    )  # fmt: skip


def _twins(stand: Stand, twins: Twins, norms: Thresholds) -> Finding:
    z = twin_evidence(twins)
    severity = grade(z, norms["f01_twins_z_s2"], norms["f01_twins_z_s3"])
    return norms.finding(
        "F01-TWINS", severity, ("f01_twins_z_s2", "f01_twins_z_s3"),
        {"equal_pairs": twins.pairs, "expected_pairs": round(twins.expected, 1), "excess_errors": round(z, 1)},
        f"{twins.pairs} pares de árboles iguales en especie, DAP y altura; por azar se esperan {twins.expected:.0f}.",
        f"{twins.pairs} pairs of trees equal in species, DBH and height; {twins.expected:.0f} are expected by chance.",
        _equal_rows(stand) if severity else [],
    )  # fmt: skip


def _equal_rows(stand: Stand) -> list[dict[str, object]]:
    """The least usual of the equal rows: large trees of species with few."""
    seen: dict[tuple[int, int, int], int] = {}
    pairs = []
    trees = np.bincount(stand.species)
    marks = zip(stand.species.tolist(), stand.dbh_mm.tolist(), stand.height_mm.tolist(), strict=True)
    for place, mark in enumerate(marks):
        first = seen.setdefault(mark, place)
        if first != place:
            pairs.append((trees[mark[0]] / mark[1], first, place))
    return [{"first": stand.shown(a), "again": stand.shown(b)} for _, a, b in sorted(pairs)[:MAX_EXAMPLES]]


def _shift(stand: Stand, match: Match, norms: Thresholds) -> Finding:
    severity = grade(match.share, norms["f01_shift_share_s2"], norms["f01_shift_share_s3"])
    rows = [
        {"first": stand.shown(int(a)), "again": stand.shown(int(b))}
        for a, b in zip(match.first[:MAX_EXAMPLES], match.second[:MAX_EXAMPLES], strict=True)
    ]
    return norms.finding(
        "F01-SHIFT", severity, ("f01_shift_share_s2", "f01_shift_share_s3"),
        {"trees": len(match.first), "share": round(match.share, 4), "east_m": round(match.east_m, 1),
         "north_m": round(match.north_m, 1)},
        f"{len(match.first)} árboles caen sobre otro de su especie y tamaño al mover la lista "
        f"{match.east_m:.0f} m al este y {match.north_m:.0f} m al norte.",
        f"{len(match.first)} trees land on another of their species and size when the list is moved "
        f"{match.east_m:.0f} m east and {match.north_m:.0f} m north.",
        rows if severity else [],
    )  # fmt: skip


def _points(stand: Stand, norms: Thresholds) -> Finding:
    key = np.rint(stand.x_m).astype(np.int64) * 100_000_000 + np.rint(stand.y_m).astype(np.int64)
    _, index, count = np.unique(key, return_inverse=True, return_counts=True)
    shared = np.flatnonzero(count[index] > 1)
    share, most = len(shared) / len(stand), int(count.max())
    failed = share > norms["f09_share_s2"] or most >= norms["f09_trees_on_a_point_s2"]
    order = shared[np.argsort(-count[index][shared], kind="stable")][:MAX_EXAMPLES]
    return norms.finding(
        "F09", "S2" if failed else "", ("f09_share_s2", "f09_trees_on_a_point_s2"),
        {"trees_sharing_a_point": len(shared), "share": round(share, 4), "most_on_one_point": most},
        f"{len(shared)} árboles comparten su coordenada (redondeada a 1 m) con otro.",
        f"{len(shared)} trees share their coordinates (rounded to 1 m) with another.",
        [stand.shown(int(place)) for place in order] if failed else [],
    )  # fmt: skip
