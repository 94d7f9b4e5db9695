"""Where the wood of a lot stood: the stumps of its trees on their parcels, exact only for who may see that."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from services.portal.backends import part
from services.portal.custody_graph import Words
from services.portal.drawing.maps import both_maps
from services.portal.land import Land, land_of, shown_or_none, spots_of
from services.portal.pages.house import House, HouseDep
from services.portal.pages.lots import case_of
from services.portal.pages.saying import words_of
from shared.timber.facts import Item
from shared.web.app import Router

router = Router(tags=["pages"])
MOST_STUMPS = 200  # that are looked up one by one
AT_ONCE = 20


@router.get("/lots/{code}/map", response_class=Response)
async def stumps_page(code: str, house: HouseDep) -> Response:
    """The stumps of a lot by parcel, on the map of each plan as far as the reader may see it."""
    case = await case_of(house, code)
    if case is None:
        return await house.page("auditor/not_whole.html", code=code)
    by_plan: dict[str, list[Item]] = defaultdict(list)
    for item in case.pieces:
        if item.kind == "tree" and item.plan is not None:
            by_plan[item.plan].append(item)
    words, lands, parcels = words_of(house), list[tuple[Any, ...]](), list[tuple[Any, ...]]()
    for plan_id, felled in sorted(by_plan.items()):
        plan = await shown_or_none(house.permits.get(f"/v1/plans/{part(plan_id)}"))
        census = await _census(house, plan_id, felled)
        lands.append(await _drawn(house, plan, census, words))
        parcels += _by_parcel(plan_id, felled, {tree["item"] for tree in census if tree["utm"]})
    return await house.page("auditor/stumps.html", code=code, lands=lands, parcels=parcels)


async def _census(house: House, plan: str, felled: Sequence[Item]) -> list[dict[str, Any]]:
    """The trees as the census has them, with places where the reader may see them."""
    permits, turns = house.permits, asyncio.Semaphore(AT_ONCE)

    async def tree_of(item: Item) -> Any:
        async with turns:  # or some wait so long for a connection that the whole page is refused
            return await shown_or_none(
                permits.get(f"/v1/plans/{part(plan)}/trees/{part(item.code)}", parcel=item.parcel or "")
            )

    found = await asyncio.gather(*(tree_of(item) for item in felled[:MOST_STUMPS]))
    return [tree for tree in found if tree is not None]


async def _drawn(
    house: House, plan: Any, census: Sequence[dict[str, Any]], words: Words
) -> tuple[Land, Markup | None, bool]:
    land = Land([], []) if plan is None else await land_of(house.permits, plan["title"], plan)
    spots = spots_of(census, words, kind="felled")
    title, about = words.t("map.heading"), words.t("stumps.about")
    drawn = await asyncio.to_thread(both_maps, land.areas, spots, words.t, title, about)
    return land, None if drawn is None else Markup(drawn), bool(spots)  # noqa: S704


def _by_parcel(plan: str, felled: Sequence[Item], placed: set[str]) -> list[tuple[str, str, int, int, int]]:
    """Plan, parcel, felled trees, their volume in litres, and how many of them are on the map."""
    found: dict[str, list[Item]] = defaultdict(list)
    for item in felled:
        found[item.parcel or ""].append(item)
    return [
        (plan, parcel, len(trees), sum(one.volume_dm3 for one in trees), sum(one.id in placed for one in trees))
        for parcel, trees in sorted(found.items())
    ]
