"""Who may open which page: one dict an area. What a page shows is decided again by the services, for the caller's token."""

from shared.web.access import ROLES, Scope, Table

Row = dict[str, Scope]
EVERYBODY: Row = {"public": "any"}
PUBLIC_PAGES = dict.fromkeys(
    (
        "home", "search", "verify_door", "verdict_page", "verifier", "lot_page", "permit_page", "item_page", "guide_page",
        "api_page", "merged_openapi", "static_file",
    ), EVERYBODY,
)  # fmt: skip
SESSION: dict[str, Row] = {
    "login": EVERYBODY,
    "login_done": EVERYBODY,
    "logout": dict.fromkeys(ROLES, "own"),
}
ACCESS: Table = PUBLIC_PAGES | SESSION
# Operations that read a file; at the gateway they are under /uploads/.
UPLOADS: tuple[str, ...] = ()
