"""Who may call what at custody (roles of docs/operate.md). What a record may say follows from its signature, not from
the token of whoever uploads it."""

from shared.web.access import Table

ACCESS: Table = {
    "add_records": {
        "member": "any", "manager": "any", "regent": "any", "company": "any", "machine": "any", "service": "any",
    },
    "add_statements": {"member": "own", "manager": "own", "company": "own", "machine": "own"},
    "read_record": {"public": "any"},
    "read_item": {"public": "any"},
    "read_guide": {"public": "any"},
    "read_lot": {"public": "any"},
    "read_bundle": {"public": "any"},
    "list_logs": {"public": "any"},
    "read_checkpoint": {"public": "any"},
    "read_tile": {"public": "any"},
    "list_balances": {
        "member": "own", "manager": "own", "machine": "own", "authority": "any", "supervisor": "any",
        "certifier": "any", "auditor": "any", "service": "any",
    },
    "list_findings": {
        "member": "own", "manager": "own", "machine": "own", "authority": "any", "supervisor": "any",
        "certifier": "any", "auditor": "any", "service": "any",
    },
}  # fmt: skip
