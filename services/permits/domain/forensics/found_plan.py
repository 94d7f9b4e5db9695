"""F10 (pace), F11 (ground), F12 (mix of conditions), F13 (other plans), F14 (crowns seen from above)."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from services.permits.domain.census import Tree
from services.permits.domain.crowns import CrownLook, crowns_seen
from services.permits.domain.finding import MAX_EXAMPLES, Finding, Severity
from services.permits.domain.forensics.clones import Match, marks_of, match_marks
from services.permits.domain.forensics.stand import POSITION_M, Ints, Stand
from services.permits.domain.forensics.thresholds import Thresholds, grade


@dataclass(frozen=True, slots=True)
class Order:
    """The number of the submission that each tree came with: of the plan itself, and of another."""

    own: Ints
    other: Ints

    def first_here(self, match: Match) -> int:
        """How many of the trees in common were handed in here before they were there."""
        return int((self.own[match.first] < self.other[match.second]).sum())

    def was_first(self, match: Match) -> bool:
        """Whether this plan has them from before: of most of the trees, and where it is half and half, of the oldest one. No
        two submissions have one number, so of two plans with the same pairs of trees one was first."""
        here, there = self.own[match.first], self.other[match.second]
        before, after = int((here < there).sum()), int((here > there).sum())
        return before > after or (before == after > 0 and int(here.min()) < int(there.min()))


@dataclass(frozen=True, slots=True)
class OtherPlan:
    """The census of another plan, under the name it is to be called by; ``order`` says whose trees were handed in first, where
    that is known, and ``own`` which of the own trees are held against it, where not all are."""

    name: str
    stand: Stand
    order: Order | None = None
    own: Stand | None = None


@dataclass(frozen=True, slots=True)
class Terrain:
    """Land without trees, or where none may be felled, as GeoJSON geometries (WGS 84) by name: rivers, roads, no-go zones."""

    areas: Mapping[str, dict[str, Any]]


def find_pace(stand: Stand, norms: Thresholds) -> Finding:
    """F10. A block on a day stands for a crew."""
    counts = Counter((t.parcel, t.block, t.surveyed_on.isoformat()) for t in stand.rows if t.surveyed_on is not None)
    if not counts:
        return norms.unknown("F10", "El censo no trae fechas.", "The census has no dates.")
    most = counts.most_common(MAX_EXAMPLES)
    top = most[0][1]
    # Lists are often dated on the day they were typed: never more than a question to the crew.
    severity: Severity = "S2" if top > norms["f10_trees_a_day_s2"] else ""
    return norms.finding(
        "F10", severity, ("f10_trees_a_day_s2",),
        {"most_trees_a_day": top, "median_trees_a_day": float(np.median(list(counts.values()))), "crew_days": len(counts)},
        f"El día de más trabajo una brigada anotó {top} árboles.",
        f"On its busiest day a crew wrote {top} trees.",
        [{"parcel": p, "block": b, "day": d, "trees": n} for (p, b, d), n in most] if severity else [],
    )  # fmt: skip


def find_ground(
    stand: Stand, polygons: Mapping[str, dict[str, Any]] | None, terrain: Terrain | None, norms: Thresholds
) -> list[Finding]:
    """F11: trees outside their parcel by more than a position may be wrong, and trees where no tree stands."""
    zone = stand.zone
    return [_outside(stand, polygons, zone, norms), _inside(stand, terrain, zone, norms)]


def _outside(
    stand: Stand, polygons: Mapping[str, dict[str, Any]] | None, zone: str, norms: Thresholds
) -> Finding:  # fmt: skip
    known = [n for n, name in enumerate(stand.parcel_names) if name in (polygons or {})]
    if not polygons or not known:
        return norms.unknown("F11-PARCEL", "No hay polígono de la parcela.", "There is no polygon of the parcel.")
    from services.permits.domain.land import plane

    far_m = np.zeros(len(stand))
    for number in known:
        here = stand.parcel == number
        far_m[here] = plane.distance_outside_m(
            polygons[stand.parcel_names[number]], zone, stand.x_m[here], stand.y_m[here]
        )
    out = np.flatnonzero(far_m > POSITION_M)
    share = len(out) / len(stand)
    severity = grade(share, norms["f11_outside_s2"], norms["f11_outside_s3"])
    rows = [
        {**stand.seat(int(k)), "outside_m": round(float(far_m[k]))} for k in out[np.argsort(-far_m[out])][:MAX_EXAMPLES]
    ]
    return norms.finding(
        "F11-PARCEL", severity, ("f11_outside_s2", "f11_outside_s3"),
        {"outside": len(out), "share": round(share, 4), "farthest_m": round(float(far_m.max(initial=0)))},
        f"{len(out)} árboles están a más de {POSITION_M:.0f} m fuera del polígono de su parcela.",
        f"{len(out)} trees stand over {POSITION_M:.0f} m outside the polygon of their parcel.",
        rows if severity else [],
    )  # fmt: skip


def _inside(stand: Stand, terrain: Terrain | None, zone: str, norms: Thresholds) -> Finding:
    if terrain is None or not terrain.areas:
        return norms.unknown(
            "F11-GROUND",
            "No hay mapa de ríos, caminos ni zonas excluidas.",
            "There is no map of rivers, roads or excluded zones.",
        )
    from services.permits.domain.land import plane

    inside = np.zeros(len(stand), np.bool_)
    where = np.full(len(stand), "", dtype=object)
    for name, area in terrain.areas.items():
        here = plane.distance_outside_m(area, zone, stand.x_m, stand.y_m) == 0
        inside |= here
        where[here] = name
    places = np.flatnonzero(inside)
    share = len(places) / len(stand)
    severity = grade(share, norms["f11_ground_s2"], norms["f11_ground_s3"])
    return norms.finding(
        "F11-GROUND", severity, ("f11_ground_s2", "f11_ground_s3"), {"inside": len(places), "share": round(share, 4)},
        f"{len(places)} árboles están en un río, camino o zona excluida.",
        f"{len(places)} trees stand in a river, on a road or in an excluded zone.",
        [{**stand.seat(int(k)), "area": where[k]} for k in places[:MAX_EXAMPLES]] if severity else [],
    )  # fmt: skip


def find_mix(stand: Stand, norms: Thresholds) -> Finding:
    """F12: a large census in which every single tree may be felled."""
    others = int((~stand.harvestable).sum())
    failed = len(stand) > norms["f12_trees_s1"] and others == 0
    return norms.finding(
        "F12", "S1" if failed else "", ("f12_trees_s1",), {"trees": len(stand), "not_harvestable": others},
        f"De {len(stand)} árboles, {others} son semilleros, futuros o protegidos.",
        f"Of {len(stand)} trees, {others} are seed, future or protected trees.",
    )  # fmt: skip


def find_clones(
    stand: Stand, others: Sequence[OtherPlan], norms: Thresholds, searched: int | None = None
) -> list[Finding]:
    """F13 against each other plan; a finding for each that shares trees, or one that says none does.

    ``searched`` is how many plans the others were picked from, because they alone had trees alike; all when ``None``.
    """
    plans = len(others) if searched is None else searched
    if not plans:
        return [
            norms.unknown(
                "F13", "No se dio ningún otro plan con que comparar.", "No other plan was given to compare with."
            )
        ]
    names = ("f13_share_s2", "f13_jaccard_s4", "f13_same_place_m")
    species: dict[str, int] = {}
    marks = marks_of(stand, species)
    found = [
        (
            other,
            match_marks(marks if other.own is None else marks_of(other.own, species), marks_of(other.stand, species)),
        )
        for other in others
    ]
    failed = [(other, match) for other, match in found if match.share > norms["f13_share_s2"]]
    if not failed:
        return [
            norms.finding(
                "F13", "", names, {"plans": plans},
                f"Ningún otro plan de los {plans} comparados tiene los mismos árboles.",
                f"None of the {plans} other plans compared has the same trees.",
            )
        ]  # fmt: skip
    return [_clone(stand if other.own is None else other.own, other, match, norms, names) for other, match in failed]


def _clone(stand: Stand, other: OtherPlan, match: Match, norms: Thresholds, names: tuple[str, ...]) -> Finding:
    common = max(len(match.first) - match.by_chance, 0.0)
    jaccard = common / max(len(stand) + len(other.stand) - common, 1)
    moved = match.shift_m > norms["f13_same_place_m"] or 1 < match.turn_deg < 359
    # The same trees at the same place may be a re-entry into the parcel: a person decides, with both plans on the table.
    severity: Severity = ("S4" if moved else "S3") if jaccard > norms["f13_jaccard_s4"] else "S3" if moved else "S2"
    first = other.order is not None and other.order.was_first(match)
    if first:  # whoever copies hands in afterwards: the first is told of it, and has nothing to answer
        severity = "S1"
    es, en = (" Se presentó después que este.", " It was handed in after this one.") if first else ("", "")
    order = {} if other.order is None else {"first_here": other.order.first_here(match)}
    rows = [
        {"here": stand.shown(int(a)), "there": other.stand.shown(int(b))}
        for a, b in zip(match.first[:MAX_EXAMPLES], match.second[:MAX_EXAMPLES], strict=True)
    ]
    return norms.finding(
        "F13", severity, names,
        {"other_plan": other.name, "common_trees": len(match.first), "by_chance": round(match.by_chance, 1),
         "jaccard": round(jaccard, 3), "shift_m": round(match.shift_m), "turn_deg": round(match.turn_deg, 1)} | order,
        f"{len(match.first)} árboles son los de {other.name}, movidos {match.shift_m:.0f} m y girados {match.turn_deg:.0f} grados.{es}",
        f"{len(match.first)} trees are those of {other.name}, moved {match.shift_m:.0f} m and turned {match.turn_deg:.0f} degrees.{en}",
        rows,
    )  # fmt: skip


def find_crowns(
    trees: Sequence[Tree], looks: Sequence[CrownLook] | None, felling_from: date | None, norms: Thresholds
) -> Finding:
    """F14 is evidence somebody attaches: nothing here looks at images. A crown that is missing asks, whoever says so; that all are
    there counts from somebody else than who made the plan."""
    if not looks:
        return norms.unknown(
            "F14", "No hay imagen de copas adjunta: es una prueba que se añade a mano.",
            "No image of crowns is attached: it is evidence added by hand.",
        )  # fmt: skip
    others, makers = crowns_seen(looks, felling_from or date.max)
    said = makers | others
    listed = [tree for tree in trees if (tree.parcel, tree.code) in said]
    missing = [tree for tree in listed if not said[tree.parcel, tree.code]]
    computed = {
        "looked_for": len(listed),
        "by_others": sum((t.parcel, t.code) in others for t in listed),
        "missing": len(missing),
    }
    if not missing and not computed["by_others"]:
        return norms.unknown(
            "F14", "Solo dice de las copas quien hizo el plan.", "Only who made the plan says anything of the crowns.",
            looked_for=len(listed), by_others=0, missing=0,
        )  # fmt: skip
    rows = [
        {"parcel": tree.parcel, "code": tree.code, "species": tree.species, "dbh_mm": tree.dbh_mm}
        for tree in missing[:MAX_EXAMPLES]
    ]
    return norms.finding(
        "F14", "S2" if len(missing) >= norms["f14_missing_s2"] else "", ("f14_missing_s2",), computed,
        f"En las imágenes faltan las copas de {len(missing)} de {len(listed)} árboles buscados.",
        f"The crowns of {len(missing)} of {len(listed)} trees looked for are missing in the images.", rows,
    )  # fmt: skip
