"""The land around a plan, from what is stored to what the rules ask (``plan_facts``)."""

from dataclasses import dataclass, replace
from datetime import date

from services.permits.domain.land.document import geojson_of
from services.permits.domain.land.facts import LandInputs, cycle_of
from services.permits.domain.land.limits import LandLimits
from services.permits.domain.land.overlap import Plot
from services.permits.domain.plan_facts import Area, OtherArea


@dataclass(frozen=True, slots=True)
class Around:
    """The land of a plan; what nobody drew is ``None``. ``others`` is ``None`` too while not all that lies near is known."""

    title: Area | None
    parcels: dict[str, Area] | None
    zone: Area | None
    others: tuple[OtherArea, ...] | None


def around(land: LandInputs, limits: LandLimits) -> Around:
    """Slow for large land: use a thread. Of other land only the part inside the plan's own title is given, whoever asks: what
    is found is shown to the community and later to all, and tells no more of a neighbour than concerns the own land."""
    title = None if land.title is None else geojson_of(land.title)
    parcels = {code: geojson_of(document) for code, document in land.shapes.items()} or None
    own = [plot for plot in land.near if plot.title == land.plan.title]
    zones = [geojson_of(plot.document) for plot in own if limits.harvests(plot.kind)]
    cycle = cycle_of(land.plan, limits)
    found = [other for plot in land.near if (other := _other(land, plot, cycle, limits, title)) is not None]
    return Around(title, parcels, _together(zones), None if land.more_near or parcels is None else tuple(found))


def _together(zones: list[Area]) -> Area | None:
    from services.permits.domain.land import ground

    return ground.together(zones) if zones else None


def _other(
    land: LandInputs, plot: Plot, cycle: tuple[date, date], limits: LandLimits, title: Area | None
) -> OtherArea | None:
    ours = plot.title == land.plan.title
    if limits.harvests(plot.kind) or plot.plan == land.plan.id or (plot.kind == "title" and ours):
        return None
    if plot.kind == "parcel" and not ours and not plot.approved:
        return None  # that a neighbour drafts a plan is not to be learnt here
    # Which zones a neighbour's title has is not public; that the title and its parcels exist is.
    name = (
        plot.title
        if plot.kind == "title"
        else f"{plot.title} {plot.code}"
        if ours or plot.kind == "parcel"
        else plot.kind
    )
    if plot.kind == "parcel":
        kin = plot.plan in land.kin
        used = plot.approved and plot.harvest_from is not None and cycle[0] <= plot.harvest_from <= cycle[1]
        if ours and not (used or kin):
            return None
        found = _within("used_parcel" if ours else "parcel", name, plot, title, ours)
        return replace(found, same_as=plot.code) if found is not None and kin else found
    if plot.kind in ("title", "protected_area"):
        return _within(plot.kind, name, plot, title, ours)
    return _within("kept", name, plot, title, ours) if ours else None


def _within(kind: str, name: str, plot: Plot, title: Area | None, ours: bool) -> OtherArea | None:
    from services.permits.domain.land import ground

    area: Area | None = geojson_of(plot.document)
    if not ours:
        area = None if area is None or title is None else ground.clipped(area, title)
    return None if area is None else OtherArea(kind, name, area)  # type: ignore[arg-type]  # of the words above
