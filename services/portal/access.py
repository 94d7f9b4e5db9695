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
# Whoever records what happens to wood; what is left under a permit is the community's alone to see.
RECORDERS: Row = {"member": "own", "manager": "own", "company": "own"}
PARTIES: Row = {"manager": "own", "company": "own"}
KEEPERS: Row = {
    **dict.fromkeys(("member", "manager", "regent", "company", "certifier"), "own"), "authority": "any", "supervisor": "any",
}  # fmt: skip
PAPER_READERS: Row = {**KEEPERS, "auditor": "own"}
DRAFTERS: Row = {"manager": "own", "regent": "own", "company": "own"}
COMMUNITY: dict[str, Row] = {
    **dict.fromkeys(
        (
            "community_home", "felling_form", "record_felling", "cut_form", "record_cut", "guide_form", "issue_guide",
            "record_departure", "reception_form", "record_reception", "sale_form", "record_sale", "recorded",
        ), RECORDERS,
    ),
    # As contracts has it: the parties of a contract; the book of benefits is the communities' own.
    **dict.fromkeys(
        (
            "contracts_page", "contract_page", "settlement_page", "version_page", "sign_contract", "text_page", "write_text",
        ), PARTIES,
    ),
    # As permits has it of its vault: who keeps papers, and who reads those that they may read.
    **dict.fromkeys(("store_paper", "share_paper"), KEEPERS),
    **dict.fromkeys(("papers_page", "paper_page", "paper_file"), PAPER_READERS),
    "ledger_page": {"manager": "own", "member": "own"},
    "keep_offer": {"manager": "own"},
    # As permits has it: who drafts a plan and hands in its census.
    **dict.fromkeys(("census_page", "draft_plan", "look_at_census", "look_at_boundary", "import_page"), DRAFTERS),
    **dict.fromkeys(
        (
            "offer_form_page", "check_offer", "change_offer", "assembly_report", "compare_form_page", "compare_offers",
            "change_offers", "price_board", "guide_paper",
        ), EVERYBODY,
    ),
}  # fmt: skip
WATCHERS: Row = {"auditor": "any", "authority": "any", "supervisor": "any", "certifier": "any"}
# What custody and permits tell only some of is told only to them; the pages round it are for everybody.
AUDIT: dict[str, Row] = dict.fromkeys(
    (
        "graph_page", "balance_page", "timeline_page", "stumps_page", "record_page", "hands_page", "checkpoints_page", "plan_page",
        "title_page", "forensics_page", "lotteries_page", "lottery_page", "package_door", "prepare_package", "package_page",
        "ask_package", "read_package", "download_package",
    ), EVERYBODY,
) | {
    **dict.fromkeys(("audit_page", "lots_page", "permits_page", "plans_page", "communities_page"), WATCHERS),
    "findings_page": {
        "member": "own", "manager": "own", "machine": "own", "authority": "any", "supervisor": "any", "certifier": "any",
        "auditor": "any",
    },
    "report_checkpoint_page": dict.fromkeys(ROLES, "any"),
    "census_file": dict.fromkeys(ROLES, "any"),
}  # fmt: skip
# The house itself: as the services have it of what each page asks and does.
KEY_HOLDERS: Row = {
    "manager": "own", "regent": "own", "company": "own", "certifier": "own", "authority": "any", "supervisor": "any",
    "operator": "any",
}  # fmt: skip
TOLD: Row = {
    "manager": "own", "company": "own", "machine": "own", "authority": "own", "supervisor": "own", "certifier": "own",
    "auditor": "own",
}  # fmt: skip
OPERATOR: dict[str, Row] = {
    "house_page": dict.fromkeys(ROLES, "any"),
    "organisations_page": {"operator": "any", "authority": "any", "supervisor": "any"},
    "register_party": {"operator": "any", "authority": "any"},
    "keys_page": KEY_HOLDERS,
    "key_page": KEY_HOLDERS,
    "bring_key": {"manager": "own", "regent": "own", "company": "own", "certifier": "own", "authority": "any"},
    "take_key_up": {"authority": "any"},
    "admit_key": {"authority": "any"},
    **dict.fromkeys(("end_key", "end_unknown_key", "confirm_end", "contest_end"), KEY_HOLDERS),
    "outbox_page": {"authority": "any", "supervisor": "any", "operator": "any"},
    "webhooks_page": TOLD,
    "subscribe": TOLD,
    "tell_again": TOLD,
    "unsubscribe": TOLD,
}
CERTIFIERS: Row = {"certifier": "own"}
CERTIFIER: dict[str, Row] = {
    "certificates_page": {"certifier": "own"},
    "certificate_page": {"certifier": "any", "auditor": "any", "authority": "any", "supervisor": "any"},
    "export_table": {"certifier": "any", "auditor": "any", "authority": "any", "supervisor": "any"},
    **dict.fromkeys(
        ("certificate_form", "register_certificate", "change_form", "amend_members", "end_certificate"), CERTIFIERS
    ),
    "suspend_member": {"certifier": "own"},
    "reinstate_member": {"certifier": "own"},
}
OFFICERS: Row = {"authority": "any", "supervisor": "any"}
# As permits has it of the acts over plans and permits; which of them is whose, its table says.
STEPPERS: Row = {"manager": "own", "regent": "own", **OFFICERS}
DESK: dict[str, Row] = {
    **dict.fromkeys(("plan_steps_page", "take_plan_step"), STEPPERS),
    **dict.fromkeys(("permit_steps_page", "take_permit_step"), STEPPERS),
    **dict.fromkeys(("supervisions_page", "found_trees_page"), EVERYBODY),
    "record_found_trees": {"supervisor": "any"},
    "take_supervision_step": {"manager": "own", "regent": "own", "company": "own", "supervisor": "any"},
    "crowns_page": {**RECORDERS, **STEPPERS},
    "attach_crowns": STEPPERS,
    "desk_page": {**OFFICERS, "regent": "own"},
    **dict.fromkeys(("inspections_page", "record_inspection"), OFFICERS),
}
ACCESS: Table = PUBLIC_PAGES | SESSION | COMMUNITY | DESK | AUDIT | CERTIFIER | OPERATOR
# Operations that read a file; at the gateway they are under /uploads/.
UPLOADS: tuple[str, ...] = ("look_at_census", "look_at_boundary", "store_paper", "attach_crowns")
