"""Plans as an auditor looks at them: the land, what the rules found, the census in drawings."""

import asyncio
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from services.portal.backends import part
from services.portal.census_plots import CLASS_CM, FEWEST_DRAWN, Plots, plots_of
from services.portal.custody_graph import Words
from services.portal.drawing.charts import chart, curves, histogram, scatter
from services.portal.drawing.maps import both_maps
from services.portal.land import Land, land_of, spots_of, trees_of
from services.portal.naming import natural
from services.portal.pages.house import HouseDep
from services.portal.pages.saying import words_of
from shared.refusal import Missing
from shared.web.app import Router
from shared.web.client import ServiceClient, UpstreamRefused

router = Router(tags=["pages"])
OF_FORENSICS = "F"


@router.get("/plans/{plan_id}", response_class=Response)
async def plan_page(plan_id: str, house: HouseDep) -> Response:
    """A plan: its facts, its land, and what the rules found in it."""
    plan = await house.permits.get(f"/v1/plans/{part(plan_id)}")
    land, review = await asyncio.gather(land_of(house.permits, plan["title"], plan), review_of(house.permits, plan_id))
    return await house.page(
        "auditor/plan.html", plan=plan, review=review, land=land, map=await drawn_map(land, (), words_of(house))
    )


@router.get("/titles/{number}", response_class=Response)
async def title_page(number: str, house: HouseDep) -> Response:
    """A title: its land as far as the reader may see it, and its plans."""
    title = await house.permits.get(f"/v1/titles/{part(number)}")
    land, plans = await asyncio.gather(
        land_of(house.permits, number, None), house.permits.get("/v1/plans", title=number, limit=100)
    )
    return await house.page(
        "auditor/title.html",
        title=title,
        land=land,
        plans=plans["items"],
        map=await drawn_map(land, (), words_of(house)),
    )


@router.get("/plans/{plan_id}/forensics", response_class=Response)
async def forensics_page(plan_id: str, house: HouseDep) -> Response:
    """The plots behind the forensics of a census, over the trees that the reader may see."""
    plan = await house.permits.get(f"/v1/plans/{part(plan_id)}")
    land, review, (trees, whole) = await asyncio.gather(
        land_of(house.permits, plan["title"], plan), review_of(house.permits, plan_id), trees_of(house.permits, plan_id)
    )
    if not trees:
        raise Missing("census", plan_id)
    trees.sort(key=lambda tree: (tree["parcel"], natural(tree["code"])))
    words = words_of(house)
    plots = await asyncio.to_thread(plots_of, trees, sum(parcel["area_m2"] for parcel in plan["parcels"]))
    found = [one for one in (review or {"findings": ()})["findings"] if one["rule"].startswith(OF_FORENSICS)]
    return await house.page(
        "auditor/forensics.html", plan=plan, trees=trees, whole=whole, plots=plots, findings=found,
        placed=any(tree["utm"] for tree in trees), class_cm=CLASS_CM,
        map=await drawn_map(land, spots_of(trees, words), words),
        drawings=await asyncio.to_thread(_plots, plots, words) if len(trees) >= FEWEST_DRAWN else None,
    )  # fmt: skip


@router.get("/plans/{plan_id}/census.csv", response_class=Response)
async def census_file(plan_id: str, house: HouseDep) -> Response:
    """The trees that the reader may see, as permits writes them: a browser has a session and no token to ask it with."""
    rows = await house.permits.raw(f"/v1/plans/{part(plan_id)}/census.csv", deadline_s=20.0)
    headers = {
        "content-disposition": f'attachment; filename="{part(plan_id)}-census.csv"',
        "cache-control": "private, no-store",
    }
    return Response(rows, media_type="text/csv", headers=headers)


async def review_of(permits: ServiceClient, plan_id: str) -> dict[str, Any] | None:
    """The last review of a plan; None before there is one."""
    try:
        found: dict[str, Any] = await permits.get(f"/v1/plans/{part(plan_id)}/findings")
    except UpstreamRefused as refusal:
        if refusal.status != 404:
            raise
        return None
    return found


async def drawn_map(land: Land, spots: Sequence[Any], words: Words) -> Markup | None:
    """The map for the page; None when the reader may see no boundary and no tree."""
    title, about = words.t("map.heading"), words.t("forensics.map_about")
    drawn = await asyncio.to_thread(both_maps, land.areas, spots, words.t, title, about)
    return None if drawn is None else Markup(drawn)  # noqa: S704


def _plots(plots: Plots, words: Words) -> dict[str, Markup]:
    def axis(name: str) -> str:
        return words.t(f"forensics.axis.{name}")

    digits = [(digit - 0.5, digit + 0.5, count) for digit, count in enumerate(plots.digits)]
    even = [(-0.5, plots.per_digit), (9.5, plots.per_digit)]
    specs = {
        "diameters": histogram(plots.diameters, plots.forest, axis("dbh"), axis("trees")),
        "heights": scatter(plots.heights, axis("dbh"), axis("height"), plots.medians),
        "digits": histogram(digits, even, axis("digit"), axis("trees")),
    }
    if plots.near:
        specs["near"] = curves(plots.near, plots.random, axis("distance"), axis("share"))
    return {
        name: Markup(chart(spec, words.t(f"forensics.{name}"), words.t(f"forensics.{name}_about")))  # noqa: S704
        for name, spec in specs.items()
    }
