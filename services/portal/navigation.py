"""What leads where, and who is shown it: whoever the access table lets in."""

from collections.abc import Collection
from dataclasses import dataclass

from services.portal.access import ACCESS
from shared.web.access import PUBLIC


@dataclass(frozen=True)
class Entry:
    """A page that is led to: its address, its operation, and the key of its text."""

    path: str
    operation: str
    text: str


# The first entry of an area is its first page; the area itself is the text ``nav.AREA``. A person is shown the areas of
# which they may open the first page, and inside one the pages they may open.
AREAS: dict[str, tuple[Entry, ...]] = {
    "community": (
        Entry("/community", "community_home", "nav.community.home"),
        Entry("/community/felling", "felling_form", "nav.community.felling"),
        Entry("/community/cut", "cut_form", "nav.community.cut"),
        Entry("/community/guide", "guide_form", "nav.community.guide"),
        Entry("/community/reception", "reception_form", "nav.community.reception"),
        Entry("/community/sale", "sale_form", "nav.community.sale"),
        Entry("/community/census", "census_page", "nav.community.census"),
        Entry("/community/offers", "offer_form_page", "nav.community.offers"),
        Entry("/community/prices", "price_board", "nav.community.prices"),
        Entry("/community/contracts", "contracts_page", "nav.community.contracts"),
        Entry("/community/ledger", "ledger_page", "nav.community.ledger"),
        Entry("/community/papers", "papers_page", "nav.community.papers"),
    ),
    "desk": (
        Entry("/desk", "desk_page", "nav.desk.start"),
        Entry("/desk/inspections", "inspections_page", "nav.desk.inspections"),
        Entry("/community/census", "census_page", "nav.community.census"),
        Entry("/community/papers", "papers_page", "nav.community.papers"),
    ),
    "audit": (
        Entry("/auditor", "audit_page", "audit.nav.start"),
        Entry("/auditor/lots", "lots_page", "audit.nav.lots"),
        Entry("/auditor/permits", "permits_page", "audit.nav.permits"),
        Entry("/auditor/plans", "plans_page", "audit.nav.plans"),
        Entry("/auditor/communities", "communities_page", "audit.nav.communities"),
        Entry("/auditor/findings", "findings_page", "audit.nav.findings"),
        Entry("/auditor/checkpoints", "checkpoints_page", "audit.nav.checkpoints"),
        Entry("/community/papers", "papers_page", "nav.community.papers"),
    ),
    "certifier": (
        Entry("/certifier", "certificates_page", "nav.certificates"),
        Entry("/community/papers", "papers_page", "nav.community.papers"),
    ),
    "operator": (
        Entry("/operator", "house_page", "nav.house"),
        Entry("/operator/organisations", "organisations_page", "nav.organisations"),
        Entry("/operator/keys", "keys_page", "nav.keys"),
        Entry("/operator/outbox", "outbox_page", "nav.outbox"),
        Entry("/operator/webhooks", "webhooks_page", "nav.webhooks"),
    ),
}


@dataclass(frozen=True)
class Menu:
    """The areas somebody may enter, the one they are in, and its pages."""

    areas: tuple[tuple[str, str], ...]
    area: str
    pages: tuple[Entry, ...]
    page: str


def menu(roles: Collection[str], path: str) -> Menu:
    """The menu of somebody with these roles on the page of this path."""
    open_to = {name: tuple(e for e in entries if may(roles, e.operation)) for name, entries in AREAS.items()}
    areas = tuple((name, entries[0].path) for name, entries in AREAS.items() if entries[0] in open_to[name])
    area = next((name for name, _ in areas if any(_holds(entry.path, path) for entry in open_to[name])), "")
    pages = open_to.get(area, ())
    inside = [entry.path for entry in pages if _holds(entry.path, path)]
    return Menu(areas, area, pages, max(inside, key=len, default=""))


def _holds(start: str, path: str) -> bool:
    """Whether an address is this page or one beneath it."""
    return path == start or path.startswith(f"{start}/")


def home_of(roles: Collection[str]) -> str:
    """Where somebody starts: in the first area that is theirs, else on the first page of all."""
    return next((start for _, start in menu(roles, "").areas), "/")


def may(roles: Collection[str], operation: str) -> bool:
    """Whether the access table lets somebody with these roles do this: what they may not do is not offered."""
    row = ACCESS[operation]
    return PUBLIC in row or not row.keys().isdisjoint(roles)
