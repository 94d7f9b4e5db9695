"""What the rules see in plans that nothing was fitted on: false alarms, detections, calibration; as tables and figures."""

import argparse
from collections.abc import Iterable
from itertools import pairwise
from math import sqrt
from pathlib import Path

from deploy.corpus.figures import Bar, Point, bars, calibration, cloud
from deploy.corpus.fit import BASE_RATE
from deploy.corpus.forgeries import HARD, PARTIAL, WHOLESALE
from deploy.corpus.judged import Judged, judge_all
from deploy.corpus.plans import HONEST, Sources, jobs

# 0 is fitted on, 1 was looked at while thresholds were set.
SEED = 2
DOCS = Path(__file__).parents[2] / "docs"
BASES = {
    "synthetic": "synthetic, fitted facts", "other": "synthetic, other settings", "east": "real, eastern half",
    "whole": "real, all of it",
}  # fmt: skip


def run(of: Sources, options: argparse.Namespace) -> None:
    """Judge the corpus, print the tables, and with ``--write`` put tables and figures into docs/."""
    judged = list(
        judge_all(jobs(of.held_out, options.honest, options.forged, options.seed), options.census, options.polygons)
    )
    text = tables(judged)
    print(text)
    if options.write:
        put_between("study", text)
        draw(judged, DOCS / "figures")


def put_between(mark: str, text: str) -> None:
    """The text into docs/forensics.md, between the marks of this name."""
    page, begin, end = DOCS / "forensics.md", f"<!-- {mark} -->", f"<!-- /{mark} -->"
    head, _, rest = page.read_text(encoding="utf-8").partition(begin)
    page.write_text(f"{head}{begin}\n{text}\n{end}{rest.partition(end)[2]}", encoding="utf-8")


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    if of == 0:
        return 0.0, 1.0
    z2 = 1.96**2
    middle = (hits + z2 / 2) / (of + z2)
    reach = 1.96 / (of + z2) * sqrt(hits * (of - hits) / of + z2 / 4)
    return max(middle - reach, 0.0), min(middle + reach, 1.0)


def _share(plans: list[Judged], least: int) -> str:
    hits = sum(one.severity >= least for one in plans)
    low, high = wilson(hits, len(plans))
    return f"{hits / len(plans):.1%} ({low:.1%}-{high:.1%})" if plans else "-"


def tables(judged: list[Judged]) -> str:
    """Markdown: honest plans by base, forgeries by kind, honest plans by size, which rule does the work."""
    bases = [base for base in BASES if any(one.base == base for one in judged)]
    honest = [one for one in judged if one.kind == HONEST]
    lines = [
        "**Honest plans flagged** (share, 95 % interval)",
        "",
        "| base | plans | S2 or more | S3 or more |",
        "|---|---|---|---|",
    ]
    for base in bases:
        plans = [one for one in honest if one.base == base]
        lines.append(f"| {BASES[base]} | {len(plans)} | {_share(plans, 2)} | {_share(plans, 3)} |")
    lines.append(f"| all | {len(honest)} | {_share(honest, 2)} | {_share(honest, 3)} |")
    lines += ["", "| trees in the plan | plans | S3 or more |", "|---|---|---|"]
    for low, high in ((0, 300), (300, 1000), (1000, 4000), (4000, 99_999)):
        plans = [one for one in honest if low <= one.trees < high]
        if plans:
            lines.append(f"| {low} to {high - 1} | {len(plans)} | {_share(plans, 3)} |")
    lines += ["", "**Forgeries found at S3 or more** (share, 95 % interval over all bases)", ""]
    lines += [
        f"| kind | {' | '.join(BASES[b] for b in bases)} | all | by which rules |",
        "|---" * (len(bases) + 3) + "|",
    ]
    for title, kinds in (("wholesale", WHOLESALE), ("partial", PARTIAL), ("made to pass these tests", HARD)):
        group = [one for one in judged if one.kind in kinds]
        lines.append(f"| *{title}* |{' |' * len(bases)} {_share(group, 3)} | |")
        for kind in kinds:
            plans = [one for one in judged if one.kind == kind]
            each = " | ".join(_rate([one for one in plans if one.base == base]) for base in bases)
            lines.append(f"| {kind} | {each} | {_share(plans, 3)} | {_rules(plans)} |")
    return "\n".join(lines)


def _rate(plans: list[Judged]) -> str:
    return f"{sum(one.severity >= 3 for one in plans) / len(plans):.0%}" if plans else "-"


def _rules(plans: list[Judged]) -> str:
    counts: dict[str, int] = {}
    for one in plans:
        for rule, severity in one.rules.items():
            if severity in ("S3", "S4"):
                counts[rule] = counts.get(rule, 0) + 1
    top = sorted(counts.items(), key=lambda item: -item[1])[:4]
    return ", ".join(f"{rule} {count / len(plans):.0%}" for rule, count in top) or "-"


def calibrated(judged: Iterable[Judged]) -> list[tuple[float, float, float, float, int]]:
    """By class of the score: mean chance, share forged at the base rate with its interval, plans."""
    plans = [one for one in judged if one.kind not in HARD and one.chance == one.chance]
    forged = sum(one.kind != HONEST for one in plans)
    honest = len(plans) - forged
    rows = []
    edges = (0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 0.98, 1.0001)
    for low, high in pairwise(edges):
        inside = [one for one in plans if low <= one.chance < high]
        bad = sum(one.kind != HONEST for one in inside)
        good = len(inside) - bad
        if not inside:
            continue

        def weighed(bad: float, good: float) -> float:
            guilty, clear = bad * BASE_RATE / max(forged, 1), good * (1 - BASE_RATE) / max(honest, 1)
            return guilty / (guilty + clear) if guilty + clear else 0.0

        least, most = wilson(bad, len(inside))
        n = len(inside)
        rows.append(
            (
                sum(one.chance for one in inside) / n, weighed(bad, good), weighed(least * n, n - least * n),
                weighed(most * n, n - most * n), n,
            )
        )  # fmt: skip
    return rows


def draw(judged: list[Judged], folder: Path) -> None:
    """The three figures."""
    folder.mkdir(exist_ok=True)
    rows = []
    for kind in (HONEST, *WHOLESALE, *PARTIAL, *HARD):
        plans = [one for one in judged if one.kind == kind]
        hits = sum(one.severity >= 3 for one in plans)
        rows.append(Bar(kind, hits / max(len(plans), 1), *wilson(hits, len(plans))))
    (folder / "forensics-detection.svg").write_text(
        bars("Flagged at S3 or more, with 95 % intervals", rows), encoding="utf-8"
    )
    (folder / "forensics-calibration.svg").write_text(
        calibration("Score against the share forged, base rate 20.7 %", calibrated(judged)), encoding="utf-8"
    )
    shown = [one for one in judged if one.kind in (HONEST, "uniform random", "phantoms 30 %, in strips")]
    points = [Point(one.trees, max(min(one.uniform, 15.0), -15.0), one.kind) for one in shown]
    (folder / "forensics-uniform.svg").write_text(
        cloud("Evidence of F03 (ln, cut at 15) by trees in the plan", points, 3.0), encoding="utf-8"
    )
