"""Every page is public; what is private is not shown here at all."""

from shared.web.access import Table

ACCESS: Table = {
    name: {"public": "any"}
    for name in (
        "home", "search", "verify_door", "verdict_page", "verifier", "lot_page", "permit_page", "item_page", "guide_page",
        "api_page", "merged_openapi", "static_file",
    )
}  # fmt: skip
