"""Who may ask permits for what. ``own`` is the caller's organisation; finer rules stand in the routes.

``any`` of an officer ends at the border of the region in the officer's token (``territory``).

Separation of duties (``domain``): who drafts, uploads or submits a plan does not approve or inspect it; who proposes
a permit, an amendment or a key does not approve it, and who asks for a key does neither. Who makes or approves a plan
decides none of its findings, and who decides one hears no appeal against it (``finding_life.STEPS``).
"""

from shared.web.access import Scope, Table

_OFFICERS: dict[str, Scope] = {"authority": "any", "supervisor": "any"}
_PARTIES: dict[str, Scope] = {
    "member": "own",
    "manager": "own",
    "regent": "own",
    "company": "own",
    **_OFFICERS,
    "service": "any",
}
_KEY_HOLDERS: dict[str, Scope] = {
    "manager": "own", "regent": "own", "company": "own", "certifier": "own", "authority": "any",
}  # fmt: skip

ACCESS: Table = {
    "register_organisation": {"authority": "any", "operator": "any"},
    "list_organisations": {"public": "any"},
    "read_organisation": {"public": "any"},
    "add_key": _KEY_HOLDERS,
    "propose_key": {"authority": "any"},
    "approve_key": {"authority": "any"},
    "revoke_key": {**_KEY_HOLDERS, "supervisor": "any", "operator": "any"},
    "list_keys": {"public": "any"},
    "read_key": {"public": "any"},
    "register_title": {"authority": "any"},
    "list_titles": {"public": "any"},
    "read_title": {"public": "any"},
    "draft_plan": {"manager": "own"},
    "upload_census": {"manager": "own", "regent": "own"},
    "submit_plan": {"manager": "own"},
    "approve_plan": {"authority": "any"},
    "list_plans": {"public": "any", **_PARTIES},
    "read_plan": {"public": "any", **_PARTIES},
    "list_trees": {"public": "any", **_PARTIES},
    "read_tree": {"public": "any", **_PARTIES},
    "propose_permit": {"manager": "own", "authority": "any"},
    "approve_permit": {"authority": "any"},
    "suspend_permit": _OFFICERS,
    "reinstate_permit": _OFFICERS,
    "revoke_permit": _OFFICERS,
    "propose_amendment": {"authority": "any"},
    "approve_amendment": {"authority": "any"},
    "list_permits": _PARTIES,
    "read_permit": _PARTIES,
    "verify_permit": {"public": "any"},
    "report_inspection": _OFFICERS,
    "list_inspections": {"public": "any"},
    "read_inspection": {"public": "any"},
    "raise_finding": _OFFICERS,
    "resolve_finding": _OFFICERS,
    "review_plan": _OFFICERS,
    "list_plan_findings": {"public": "any", **_PARTIES},
    "explain_finding": {"manager": "own", "regent": "own"},
    "decide_finding": _OFFICERS,
    "appeal_finding": {"manager": "own", "regent": "own"},
    "close_finding": _OFFICERS,
    "read_track_record": {"manager": "own", "regent": "own", "company": "own", **_OFFICERS},
    "list_publications": {"authority": "any", "supervisor": "any", "operator": "any", "service": "any"},
}
