"""A census file read, weighed and made ready to be kept: what the upload, the preview and the import have in common."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.permits.census_file import read_sheets
from services.permits.domain.census import Census, Terms, Tree, listed_parts, private_line, root_of_lines
from services.permits.domain.export import annotated
from services.permits.domain.norms import limits_on
from services.permits.domain.plan import Plan, Summary
from services.permits.domain.rules.catalogue import Rules, rules_on
from services.permits.domain.rules.review import of_census
from services.permits.domain.sheet import Examined, examine
from services.permits.registrar import new_salt
from services.permits.schemas.findings import RuleOutcomeWithEvidence
from services.permits.schemas.plans import (
    CensusAnswer,
    CensusPreview,
    ParcelTotals,
    ParcelVolumes,
    TreePreview,
)
from services.permits.table_out import workbook_of
from shared.timber.measure import census_dm3

# As many errors as an annotated workbook shows; beyond them they are counted.
MAX_ANNOTATED = 20_000
SAMPLE_TREES = 20

# Hears the stage (``reading``, ``checking``, ``hashing``) and how many rows have passed it.
Progress = Callable[[str, int], None]


def terms_of(plan: Plan) -> Terms:
    """What a plan says that its census must fit."""
    return Terms(plan.id, tuple(parcel.code for parcel in plan.parcels), plan.form_factor_milli)


@dataclass(frozen=True, slots=True)
class Reading:
    """A census accepted whole, with the salted lines made for it."""

    census: Census
    lines: list[bytes]
    totals: list[dict[str, Any]]
    findings: list[RuleOutcomeWithEvidence]
    summary: Summary

    @property
    def harvestable_dm3(self) -> list[tuple[str, int]]:
        """Species and volume of every tree that may be cut: what a delegation is held against."""
        return [(tree.species, tree.volume_dm3) for tree in self.census.trees if tree.condition == "harvestable"]

    def answer(self, plan: str) -> CensusAnswer:
        """What the uploader is told."""
        found, summary = self.census, self.summary
        return CensusAnswer(
            plan=plan, trees=summary.trees, harvestable=summary.harvestable, harvestable_dm3=summary.harvestable_dm3,
            by_parcel=[ParcelTotals(**total) for total in self.totals], root=summary.root,
            file_sha256=summary.file_sha256 or "", sheets=list(found.sheets),
            ignored_sheets=list(found.ignored_sheets), columns=found.columns,
            ignored_columns=list(found.ignored_columns), blank_rows=found.blank_rows,
            findings=self.findings,
        )  # fmt: skip


def found_in(trees: list[Tree], terms: Terms, rules: Rules) -> list[RuleOutcomeWithEvidence]:
    """What the rules that look at each tree say; not kept."""
    told = of_census(f"plan:{terms.plan}", trees, terms.form_factor_milli, rules)
    return [
        RuleOutcomeWithEvidence(**one.facts(), kind=rules.about(one.rule).kind, numeral=rules.about(one.rule).numeral)
        for one in told
    ]


def read_file(data: bytes, media_type: str, terms: Terms, day: date, progress: Progress = lambda *_: None) -> Reading:
    """All the slow work of an import, for a thread; the refusal of the file or of its rows."""
    sheets = read_sheets(data, media_type)
    progress("reading", sum(len(sheet.rows) for sheet in sheets))
    found = examine(sheets, terms, limits_on(day), on_rows=lambda rows: progress("checking", rows)).accepted()
    del sheets
    progress("hashing", len(found.trees))
    lines = [private_line(tree, new_salt()) for tree in found.trees]
    parts = listed_parts(terms.plan, [(tree.parcel, tree.public) for tree in found.trees])
    totals = found.totals()
    summary = Summary(
        trees=len(found.trees), harvestable=sum(t["harvestable"] for t in totals),
        harvestable_dm3=sum(t["harvestable_dm3"] for t in totals), parts=len(parts), root=root_of_lines(lines),
        file_sha256=hashlib.sha256(data).hexdigest(),
    )  # fmt: skip
    return Reading(found, lines, totals, found_in(found.trees, terms, rules_on(day)), summary)


def preview_file(data: bytes, media_type: str, terms: Terms, day: date) -> CensusPreview:
    """What an import of the file would say, and the declared volumes beside those computed. For a thread."""
    found = examine(read_sheets(data, media_type), terms, limits_on(day))
    return _preview(found, terms, found_in(found.census.trees, terms, rules_on(day)))


def _preview(examined: Examined, terms: Terms, findings: list[RuleOutcomeWithEvidence]) -> CensusPreview:
    found, factor = examined.census, terms.form_factor_milli
    totals = found.totals()
    computed: dict[str, int] = {}
    declared: dict[str, int] = {}
    for tree in found.trees:
        computed[tree.parcel] = computed.get(tree.parcel, 0) + census_dm3(tree.dbh_mm, tree.height_mm, factor)
        declared[tree.parcel] = declared.get(tree.parcel, 0) + tree.volume_dm3
    return CensusPreview(
        plan=terms.plan, usable=examined.total == 0, trees=len(found.trees),
        harvestable=sum(t["harvestable"] for t in totals),
        harvestable_dm3=sum(t["harvestable_dm3"] for t in totals),
        by_parcel=[ParcelTotals(**total) for total in totals],
        volumes=[ParcelVolumes(parcel=p, declared_dm3=declared[p], computed_dm3=computed[p]) for p in computed],
        sheets=list(found.sheets), ignored_sheets=list(found.ignored_sheets), columns=found.columns,
        ignored_columns=list(found.ignored_columns), blank_rows=found.blank_rows,
        findings=findings,
        errors_total=examined.total, errors=examined.errors,
        sample=[
            TreePreview(
                sheet=t.sheet, row=t.row, parcel=t.parcel, code=t.code, species=t.species, condition=t.condition,
                dbh_mm=t.dbh_mm, height_mm=t.height_mm, declared_dm3=t.volume_dm3,
                computed_dm3=census_dm3(t.dbh_mm, t.height_mm, factor),
            )
            for t in found.trees[:SAMPLE_TREES]
        ],
    )  # fmt: skip


def annotate_file(data: bytes, media_type: str, terms: Terms, day: date) -> bytes:
    """The same rows as a workbook that says beside each what is wrong with it. For a thread."""
    sheets = read_sheets(data, media_type)
    found = examine(sheets, terms, limits_on(day), keep=MAX_ANNOTATED)
    return workbook_of(annotated(sheets, found.errors, found.total))
