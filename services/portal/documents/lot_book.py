"""The workbook of a lot: pieces, records, guides, permits, sawings, findings, rules, organisations."""

from decimal import Decimal

import orjson

from services.portal.casefile import CaseFile
from services.portal.lot_balance import sawings_of, stages_of
from shared.web.workbook import Cell, Sheet, workbook_of


def lot_book(case: CaseFile) -> bytes:
    """Everything the verdict rests on, in rows. Volumes in cubic metres, times UTC, organisations by id, with a sheet of their names."""
    return workbook_of([
        _pieces(case), _records(case), _guides(case), _permits(case), _stages(case), _sawings(case), _findings(case), _rules(case), _organisations(case),
    ])  # fmt: skip


def m3(volume_dm3: int) -> Decimal:
    """Litres as cubic metres."""
    return Decimal(volume_dm3).scaleb(-3)


def _pieces(case: CaseFile) -> Sheet:
    header = ("id", "kind", "code", "species", "product", "volume_m3", "permit", "parcel", "tree", "parents", "entry", "made_at",
              "made_by", "used", "in_lot", "gravest_finding")  # fmt: skip
    rows: list[list[Cell]] = [
        [item.id, item.kind, item.code, item.species, item.product, m3(item.volume_dm3), item.permit, item.parcel, item.tree,
         " ".join(item.parents), item.made_index, item.made_time, item.made_by, item.spent_how,
         "yes" if item.id in case.lot.items else "no", item.worst]
        for item in case.pieces
    ]  # fmt: skip
    return "pieces", header, rows


def _records(case: CaseFile) -> Sheet:
    own = dict(case.own)
    rows: list[list[Cell]] = [
        [index, record.sid, record.type, record.actor, record.time, " ".join(kid for kid, _ in record.signatures),
         record.leaf_hash.hex(), "yes" if index in own else "no", orjson.dumps(record.body, option=orjson.OPT_SORT_KEYS).decode()[:32_000]]
        for index, record in case.records
    ]  # fmt: skip
    header = ("entry", "sid", "type", "actor", "time", "keys", "leaf_hash", "speaks_of_the_lot", "body")
    return "records", header, rows


def _guides(case: CaseFile) -> Sheet:
    rows: list[list[Cell]] = [
        [guide.number, guide.form, guide.issuer, guide.addressee, guide.permit, guide.state, m3(guide.volume_dm3), len(guide.items),
         guide.issued_on, guide.expires_on, guide.departed_at, guide.received_at,
         None if guide.received_dm3 is None else m3(guide.received_dm3), guide.index]
        for guide in sorted(case.guides(), key=lambda guide: guide.index)
    ]  # fmt: skip
    header = ("guide", "form", "issuer", "addressee", "permit", "state", "volume_m3", "pieces", "issued_on", "expires_on", "departed_at",
              "received_at", "received_m3", "entry")  # fmt: skip
    return "guides", header, rows


def _permits(case: CaseFile) -> Sheet:
    rows: list[list[Cell]] = [
        [line.permit, line.parcel, line.species, line.product, m3(line.authorised_dm3), m3(line.felled_dm3), m3(line.drawn_dm3),
         m3(line.authorised_dm3 - line.drawn_dm3)]
        for line in sorted(case.lines(), key=lambda line: (line.permit, line.parcel, line.species, line.product))
    ]  # fmt: skip
    header = (
        "permit",
        "parcel",
        "species",
        "product",
        "authorised_m3",
        "felled_in_this_file_m3",
        "drawn_in_this_file_m3",
        "left_m3",
    )
    return "permits", header, rows


def _stages(case: CaseFile) -> Sheet:
    rows: list[list[Cell]] = [
        [one.species, stage, m3(volume), m3(change)] for one in stages_of(case) for stage, volume, change in one.steps()
    ]
    return "stages", ("species", "stage", "volume_m3", "change_m3"), rows


def _sawings(case: CaseFile) -> Sheet:
    rows: list[list[Cell]] = [
        [one.index, one.mill, one.time, one.species, one.product, m3(one.in_dm3), m3(one.out_dm3), one.yield_permille,
         one.ceiling_permille, one.norm, None if one.credit_dm3 is None else m3(one.credit_dm3)]
        for one in sawings_of(case)
    ]  # fmt: skip
    header = ("entry", "mill", "time", "species", "product", "in_m3", "out_m3", "yield_permille", "ceiling_permille", "norm",
              "surplus_credit_m3")  # fmt: skip
    return "sawings", header, rows


def _findings(case: CaseFile) -> Sheet:
    found = case.report.verdict.findings if case.report.verdict else []
    rows: list[list[Cell]] = [
        [one.rule, one.status, one.severity, one.subject, one.text_es, one.text_en, one.norm, one.source,
         orjson.dumps(one.computed, option=orjson.OPT_SORT_KEYS).decode()[:32_000]]
        for one in found
    ]  # fmt: skip
    return (
        "findings",
        ("rule", "status", "severity", "subject", "text_es", "text_en", "norm", "source", "computed"),
        rows,
    )


def _rules(case: CaseFile) -> Sheet:
    rules = case.report.verdict.rules if case.report.verdict else []
    rows: list[list[Cell]] = [
        [one.rule, one.family, one.status, one.severity, one.title_es, one.title_en] for one in rules
    ]
    return "rules", ("rule", "family", "status", "severity", "title_es", "title_en"), rows


def _organisations(case: CaseFile) -> Sheet:
    rows: list[list[Cell]] = [
        [org, record.body["name"], record.body["kind"], record.body.get("region"), record.sid]
        for org, record in sorted(case.organisations.items())
    ]
    return "organisations", ("id", "name", "kind", "region", "sid"), rows
