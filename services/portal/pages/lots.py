"""What is behind a lot, to be looked at: its custody graph, its wood stage by stage, its records in time."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from services.portal import figures
from services.portal.backends import part
from services.portal.casefile import CaseFile
from services.portal.custody_graph import KINDS, Words, collapsed, graph_of, name_of, row_id, state_of, things_of
from services.portal.drawing.charts import chart, moments, shares, waterfall, width_of
from services.portal.lot_balance import Sawing, Stages, sawings_of, stages_of
from services.portal.pages.house import House, HouseDep
from services.portal.pages.saying import words_of
from services.portal.permit_balance import WHOLE, WholePermit, whole_permits
from shared.timber.event import CUSTODY
from shared.web.app import Router
from shared.web.client import UpstreamRefused

router = Router(tags=["pages"])
MOST_PIECES = 5000
PAGE_PX = 1080  # of a drawing beside which nothing has to be moved, on a wide page
MOST_CHARTS = 6


@router.get("/lots/{code}/graph", response_class=Response)
async def graph_page(code: str, house: HouseDep) -> Response:
    """The custody graph of a lot from its trees on, and the same as a table."""
    answer = await house.custody.get(f"/v1/lots/{part(code)}/ancestors", limit=MOST_PIECES, deadline_s=20.0)
    words = words_of(house)
    things = things_of(answer["lot"], answer["items"])
    shown = collapsed(things)
    names = {thing.key: name_of(thing, words) for thing in shown}
    rows = [(thing, names[thing.key], row_id(thing), state_of(thing, words)) for thing in shown]
    svg = await asyncio.to_thread(graph_of, shown, code, words)
    return await house.page(
        "auditor/graph.html", code=code, svg=Markup(svg), wide=width_of(svg) > PAGE_PX,  # noqa: S704
        rows=rows, names=names, things=len(things), kinds=[kind for kind in KINDS if any(t.kind == kind for t in shown)],
        complete=answer["complete"], as_of=answer["as_of"],
    )  # fmt: skip


@router.get("/lots/{code}/balance", response_class=Response)
async def balance_page(code: str, house: HouseDep) -> Response:
    """The wood of a lot stage by stage, what mills made of it, and the whole permits for those who may see them."""
    case = await case_of(house, code)
    if case is None:
        return await house.page("auditor/not_whole.html", code=code)
    words, stages, sawings = words_of(house), stages_of(case), sawings_of(case)
    permits = await _permits(house, case)
    called = await house.called(*{one.mill for one in sawings})
    charts = await asyncio.to_thread(_charts, stages, sawings, permits or (), words, called)
    return await house.page(
        "auditor/balance.html", code=code, stages=stages, sawings=sawings, permits=permits, whole=WHOLE, **charts,
        as_of=case.report.checkpoint.size if case.report.checkpoint else 0,
    )  # fmt: skip


@router.get("/lots/{code}/timeline", response_class=Response)
async def timeline_page(code: str, house: HouseDep) -> Response:
    """Every record about a lot and its wood, by the date it claims and by the order in which it became known."""
    case = await case_of(house, code)
    if case is None:
        return await house.page("auditor/not_whole.html", code=code)
    words, latest, rows = words_of(house), "", list[tuple[int, Any, bool]]()
    for index, record in case.own:
        of_wood = record.type in CUSTODY
        rows.append((index, record, of_wood and record.time < latest))
        latest = max(latest, record.time) if of_wood else latest
    points = [
        (figures.in_lima(r.time).strftime("%Y-%m-%dT%H:%M:%S"), words.t(f"type.{r.type}"))
        for _, r in case.own if r.type in CUSTODY
    ]  # fmt: skip
    spec = moments(points, words.t("timeline.axis"), figures.months(house.language))
    drawn = await asyncio.to_thread(chart, spec, words.t("timeline.chart"), words.t("timeline.lead"))
    return await house.page("auditor/timeline.html", code=code, rows=rows, drawing=Markup(drawn))  # noqa: S704


async def case_of(house: House, code: str) -> CaseFile | None:
    """The case behind a lot; None when its file does not hold or is too long, of which the verdict tells."""
    checkpoint = await house.backends.newest_checkpoint()
    case = await house.cases.of(code, checkpoint, lambda: house.backends.bundle(code))
    return case if isinstance(case, CaseFile) else None


async def _permits(house: House, case: CaseFile) -> list[WholePermit] | None:
    """The whole balances of the permits behind the lot; None for who may not see them."""
    if house.session is None:
        return None
    try:
        answers = [await house.custody.get("/v1/balances", permit=number) for number in case.permits]
    except UpstreamRefused:
        return None
    species = {item.species for item in case.pieces}
    found = whole_permits(line for answer in answers for line in answer["balances"] if line["species"] in species)
    return found or None


def _charts(
    stages: Sequence[Stages],
    sawings: Sequence[Sawing],
    permits: Sequence[WholePermit],
    words: Words,
    called: Callable[[str], str],
) -> dict[str, Any]:
    t, axis = words.t, words.t("balance.axis")
    of_lot = [
        _drawn([(f"balance.stage.{s}", v, c) for s, v, c in one.steps() if s != "authorised"], axis, words,
               t("balance.chart", species=one.species), t("balance.lead"))
        for one in stages[:MOST_CHARTS]
    ]  # fmt: skip
    of_permits = [
        _drawn([(f"balance.stage.{s}", v, c) for s, v, c in one.steps()], axis, words,
               t("balance.permits_chart", species=one.species, permit=one.permit), t("balance.permits_lead"))
        for one in permits[:MOST_CHARTS]
    ]  # fmt: skip
    yields = [
        (words.t("balance.sawing_at", mill=called(one.mill), index=one.index), one.yield_permille / 10, None if one.ceiling_permille is None else one.ceiling_permille / 10,
         figures.percent(one.yield_permille))
        for one in sawings[:20]
    ]  # fmt: skip
    drawn = (
        chart(shares(yields, t("balance.yield_axis")), t("balance.yield_chart"), t("balance.yield_lead"))
        if yields
        else ""
    )
    return {"of_lot": of_lot, "of_permits": of_permits, "of_sawings": Markup(drawn)}  # noqa: S704


def _drawn(steps: Sequence[tuple[str, int, int]], axis: str, words: Words, title: str, about: str) -> Markup:
    """A waterfall that begins with its first stage."""
    told = [
        (words.t(name), volume / 1000, change / 1000 if at else 0.0, _label(volume, change if at else 0, words))
        for at, (name, volume, change) in enumerate(steps)
    ]
    return Markup(chart(waterfall(told, axis), title, about))  # noqa: S704


def _label(volume_dm3: int, change_dm3: int, words: Words) -> str:
    """The volume; and what is too much of it, which a colour alone must not say."""
    return words.m3(volume_dm3) + (f" (+{words.m3(change_dm3)})" if change_dm3 > 0 else "")
