"""Who may ask contracts for what. ``own`` is a party: the community, or the named buyer where a buyer may act.

What an offer is worth is for the community to know: no buyer appraises a stored contract or reads an appraisal.
"""

from collections.abc import Mapping

from shared.web.access import Scope, Table

_PARTIES: Mapping[str, Scope] = {"manager": "own", "company": "own", "machine": "own"}
_COMMUNITY: Mapping[str, Scope] = {"manager": "own", "machine": "own"}
# A signature is an act of a person.
_SIGNERS: Mapping[str, Scope] = {"manager": "own", "company": "own"}
_MANAGERS: Mapping[str, Scope] = {"manager": "own"}
# One reports prices for the own organisation: what it was paid, what it pays, what it read in a bulletin.
_REPORTERS: Mapping[str, Scope] = {**_PARTIES, "operator": "own", "authority": "own"}
_STEWARDS: Mapping[str, Scope] = {"operator": "any", "authority": "any"}

ACCESS: Table = {
    "store_contract": _PARTIES,
    "list_contracts": _PARTIES,
    "read_contract": _PARTIES,
    **dict.fromkeys(("write_version", "list_versions", "read_version", "open_version"), _PARTIES),
    "sign_version": _SIGNERS,
    **dict.fromkeys(
        (
            "state_settlement",
            "list_settlements",
            "read_settlement",
            "add_payment",
            "reconcile_settlement",
            "report_settlement",
            "open_settlement",
        ),
        _PARTIES,
    ),
    # What was paid is for the community to say; a machine does not say it is content.
    "close_settlement": _SIGNERS,
    # A member reads it without prices.
    "export_contract": {**_PARTIES, "member": "own"},
    # Of the enterprise and its members; a company has no operation here.
    **dict.fromkeys(("agree_on_shares", "distribute", "acknowledge_receipt"), _MANAGERS),
    "read_ledger": {"manager": "own", "member": "own", "machine": "own"},
    "appraise_contract": _COMMUNITY,
    "list_appraisals": _COMMUNITY,
    "read_appraisal": _COMMUNITY,
    "read_appraisal_report": _COMMUNITY,
    "appraise_quick": {"public": "any"},
    "compare_offers": {"public": "any"},
    "counter_an_offer": {"public": "any"},
    "ask_what_if": {"public": "any"},
    "index_price": {"public": "any"},
    "publish_price_book": _STEWARDS,
    "list_price_books": {"public": "any"},
    "read_price_book": {"public": "any"},
    "publish_cost_book": _STEWARDS,
    "list_cost_books": {"public": "any"},
    "read_cost_book": {"public": "any"},
    "sign_cost_book": {**_STEWARDS, "regent": "any"},
    "publish_index": _STEWARDS,
    "list_indices": {"public": "any"},
    "read_index": {"public": "any"},
    "publish_rates": _STEWARDS,
    "list_rates": {"public": "any"},
    "read_rates": {"public": "any"},
    "publish_sanction_list": _STEWARDS,
    "list_sanction_lists": {"public": "any"},
    "read_standing": {"public": "any"},
    "set_alert": _PARTIES,
    "list_alerts": _PARTIES,
    "end_alert": _PARTIES,
    "read_alert_events": _PARTIES,
    **dict.fromkeys(
        ("add_alert_webhook", "list_alert_webhooks", "remove_alert_webhook", "wake_alert_webhook"), _PARTIES
    ),
    "file_price_report": _REPORTERS,
    "file_price_table": _REPORTERS,
    "list_price_reports": _REPORTERS,
    "read_price_report": _REPORTERS,
    "retract_price_report": _REPORTERS,
    # Of the region in the token, by row-level security.
    "list_price_reviews": _STEWARDS,
    "read_price_review": _STEWARDS,
    "decide_price_review": _STEWARDS,
    "relate_parties": _STEWARDS,
    "list_related_parties": _STEWARDS,
    "estimate_price": {"public": "any"},
    "snapshot_price_book": _STEWARDS,
    "read_price_pack": {"public": "any"},
    "list_log_rules": {"public": "any"},
    "list_red_flags": {"public": "any"},
}
