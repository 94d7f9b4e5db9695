"""Who may call what at custody (roles of docs/operate.md). What a record may say follows from its signature, not from
the token of whoever uploads it."""

from shared.web.access import Table

ACCESS: Table = {
    "add_records": {
        "member": "any", "manager": "any", "regent": "any", "company": "any", "machine": "any", "service": "any",
    },
    # `service`: contracts says for the operator which price books were published.
    "add_statements": {"member": "own", "manager": "own", "company": "own", "machine": "own", "service": "own"},
    "read_record": {"public": "any"},
    "read_item": {"public": "any"},
    "read_guide": {"public": "any"},
    "read_lot": {"public": "any"},
    "read_bundle": {"public": "any"},
    "list_logs": {"public": "any"},
    "read_checkpoint": {"public": "any"},
    "read_witnessed": {"public": "any"},
    "read_tile": {"public": "any"},
    "read_closed_checkpoint": {"public": "any"},
    "read_closed_tile": {"public": "any"},
    "read_consistency": {"public": "any"},
    "read_first_checkpoint": {"public": "any"},
    "report_checkpoint": {"public": "any"},
    "trace_back": {"public": "any"},
    "trace_lot": {"public": "any"},
    "trace_forward": {"public": "any"},
    "read_custody": {"public": "any"},
    "read_content": {"public": "any"},
    "find_items": {"public": "any"},
    # The log is public under /log/; what is asked of one organisation, permit or key is for it and for who sees all.
    "list_records": {
        "public": "any", "member": "own", "manager": "own", "company": "own", "machine": "own", "authority": "any",
        "supervisor": "any", "certifier": "any", "auditor": "any", "service": "any",
    },
    "read_mass_balance": {
        "member": "own", "manager": "own", "company": "own", "machine": "own", "authority": "any",
        "supervisor": "any", "certifier": "any", "auditor": "any", "service": "any",
    },
    # `any`: about every organisation's records. The subscription itself is always of the caller's organisation.
    "add_webhook": {
        "manager": "own", "company": "own", "machine": "own", "authority": "any", "supervisor": "any",
        "certifier": "any", "auditor": "any",
    },
    **dict.fromkeys(("list_webhooks", "read_webhook", "remove_webhook", "replay_webhook"), dict.fromkeys(
        ("manager", "company", "machine", "authority", "supervisor", "certifier", "auditor"), "own"
    )),
    "add_disclosures": {"member": "own", "manager": "own", "company": "own", "machine": "own"},
    # Which fields, and whose, is decided by domain/reach.py: one's own, by a grant, or by office in one's region.
    "read_disclosures": dict.fromkeys(
        ("member", "manager", "regent", "company", "machine", "authority", "supervisor", "certifier", "auditor"), "own"
    ),
    "list_disclosure_reads": dict.fromkeys(("member", "manager", "company", "machine", "authority", "supervisor"), "own"),
    "list_grants": dict.fromkeys(
        ("member", "manager", "regent", "company", "machine", "authority", "supervisor", "certifier", "auditor"), "own"
    ),
    # A machine neither allows nor forgets.
    **{operation: {"manager": "own", "company": "own"} for operation in (
        "add_grant", "revoke_grant", "ask_erasure", "list_erasures", "confirm_erasure", "withdraw_erasure",
    )},
    # A company reads no balances: they are the community's.
    **{operation: {
        "member": "own", "manager": "own", "machine": "own", "authority": "any", "supervisor": "any",
        "certifier": "any", "auditor": "any", "service": "any",
    } for operation in ("list_balances", "report_balances")},
    **{operation: {
        "member": "own", "manager": "own", "machine": "own", "authority": "any", "supervisor": "any",
        "certifier": "any", "auditor": "any", "service": "any",
    } for operation in ("list_findings", "count_findings")},
    # Everything in them stands in the public log; what is asked of one organisation is for it and for who sees all.
    **{operation: {
        "member": "own", "manager": "own", "company": "own", "machine": "own", "authority": "any", "supervisor": "any",
        "certifier": "any", "auditor": "any", "service": "any",
    } for operation in ("list_lots", "list_authorisations")},
}  # fmt: skip
