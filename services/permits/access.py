"""Who may ask permits for what. ``own`` is the caller's organisation; finer rules stand in the routes.

``any`` of an officer ends at the border of the region in the officer's token (``territory``).

Separation of duties (``domain``): who drafts, uploads or submits a plan does not approve or inspect it; who proposes
a permit, an amendment or a key does not approve it, and who asks for a key does neither; who ends a key says no second
word on that. Who makes or approves a plan
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
# What row-level security shows to those concerned with a title or plan, and to no machine.
_CONCERNED: dict[str, Scope] = {"member": "own", "manager": "own", "regent": "own", **_OFFICERS}
# Who reads only by a grant of the organisation it concerns (`api/reach.py`), beside the parties.
_READERS: dict[str, Scope] = {**_PARTIES, "machine": "own", "certifier": "own", "auditor": "own"}
# The census as a file: those concerned, a firm under a delegation that counts, and whom the community lets read its census.
_EXPORTERS: dict[str, Scope] = {**_CONCERNED, "company": "own", "certifier": "own", "auditor": "own"}
_CERTIFIERS: dict[str, Scope] = {"certifier": "own"}
_KEY_HOLDERS: dict[str, Scope] = {
    "manager": "own", "regent": "own", "company": "own", "certifier": "own", "authority": "any",
}  # fmt: skip
_KEY_ENDERS: dict[str, Scope] = {**_KEY_HOLDERS, "supervisor": "any", "operator": "any"}
# Who is not of the community acts under a delegation of its assembly (`delegated`).
_DRAFTERS: dict[str, Scope] = {"manager": "own", "regent": "own", "company": "own"}
_KEEPERS: dict[str, Scope] = {
    "member": "own", "manager": "own", "regent": "own", "company": "own", "certifier": "own", "authority": "own",
    "supervisor": "own",
}  # fmt: skip
_VAULT_READERS: dict[str, Scope] = {**_KEEPERS, **_OFFICERS, "auditor": "own"}
_AUTHORITY: dict[str, Scope] = {"authority": "any"}
_SUPERVISOR: dict[str, Scope] = {"supervisor": "any"}
_COMMUNITY: dict[str, Scope] = {"manager": "own"}

ACCESS: Table = {
    "register_organisation": {"authority": "any", "operator": "any"},
    "list_organisations": {"public": "any"},
    "read_organisation": {"public": "any"},
    "add_key": _KEY_HOLDERS,
    "propose_key": {"authority": "any"},
    "approve_key": {"authority": "any"},
    **dict.fromkeys(("revoke_key", "confirm_revocation", "contest_revocation"), _KEY_ENDERS),
    "list_keys": {"public": "any"},
    "list_revocations": {"public": "any"},
    "read_key": {"public": "any"},
    "register_title": {"authority": "any"},
    "list_titles": {"public": "any"},
    "read_title": {"public": "any", **_READERS},
    "preview_title": {"manager": "any", "regent": "any", "authority": "any"},
    "preview_zone": {"manager": "own", "authority": "any"},
    "register_zone": {"manager": "own", "authority": "any"},
    "withdraw_zone": {"manager": "own", "authority": "any"},
    "list_zones": _CONCERNED,
    "draft_plan": _DRAFTERS,
    "preview_shape": {"manager": "own", "regent": "own"},
    "upload_shape": {"manager": "own", "regent": "own"},
    "read_shape": _CONCERNED,
    "check_land": _CONCERNED,
    "upload_census": _DRAFTERS,
    "preview_census": _DRAFTERS,
    "annotate_census": _DRAFTERS,
    "import_census": _DRAFTERS,
    "read_import": {**_CONCERNED, "company": "own"},
    "export_csv": _EXPORTERS,
    "export_xlsx": _EXPORTERS,
    "submit_plan": {"manager": "own"},
    "approve_plan": {"authority": "any"},
    "list_plans": {"public": "any", **_READERS},
    "read_plan": {"public": "any", **_READERS},
    "list_trees": {"public": "any", **_READERS},
    "read_tree": {"public": "any", **_READERS},
    "propose_permit": {"manager": "own", "regent": "own", "authority": "any"},
    "approve_permit": {"authority": "any"},
    "suspend_permit": _OFFICERS,
    "reinstate_permit": _OFFICERS,
    "revoke_permit": _OFFICERS,
    "propose_amendment": {"authority": "any"},
    "approve_amendment": {"authority": "any"},
    "list_permits": _READERS,
    "read_permit": _READERS,
    "verify_permit": {"public": "any"},
    "report_inspection": _OFFICERS,
    "list_inspections": {"public": "any"},
    "read_inspection": {"public": "any"},
    "open_verification": _OFFICERS,
    "draw_verification": _OFFICERS,
    "list_verifications": {"public": "any", **_READERS},
    "read_verification": {"public": "any", **_READERS},
    "read_draw": {"public": "any", **_READERS},
    "list_sample": {"public": "any", **_READERS},
    "record_verification": _OFFICERS,
    "close_verification": _OFFICERS,
    "open_supervision": {"supervisor": "any"},
    "record_supervision": {"supervisor": "any"},
    "set_volumes": {"supervisor": "any"},
    "set_documents": {"supervisor": "any"},
    "notify_supervision": {"supervisor": "any"},
    "answer_supervision": {"manager": "own"},
    "close_supervision": {"supervisor": "any"},
    "decide_volume": {"supervisor": "any"},
    "appeal_volume": {"manager": "own", "regent": "own", "company": "own"},
    "close_volume": {"supervisor": "any"},
    "list_supervisions": {"public": "any", **_READERS},
    "read_supervision": {"public": "any", **_READERS},
    "list_supervised_trees": {"public": "any", **_READERS},
    "raise_finding": _OFFICERS,
    "resolve_finding": _OFFICERS,
    "read_lifecycle": {"public": "any"},
    "inspect_plan": _AUTHORITY,
    "observe_plan": _AUTHORITY,
    "reject_plan": _AUTHORITY,
    "suspend_plan": _OFFICERS,
    "reinstate_plan": _OFFICERS,
    "caducate_plan": _SUPERVISOR,
    "close_plan": _AUTHORITY,
    "list_plan_acts": _PARTIES,
    "plan_standing": {"public": "any", **_PARTIES},
    "request_extension": {"manager": "own", "authority": "any"},
    "approve_extension": _AUTHORITY,
    "refuse_extension": _AUTHORITY,
    "read_course": _PARTIES,
    "order_precautionary_measure": _SUPERVISOR,
    "declare_caducity": _SUPERVISOR,
    "confirm_caducity": _SUPERVISOR,
    "file_appeal": _COMMUNITY,
    "decide_appeal": _OFFICERS,
    "store_document": _KEEPERS,
    "list_documents": _VAULT_READERS,
    "read_document": _VAULT_READERS,
    "download_document": _VAULT_READERS,
    "let_read": _KEEPERS,
    "list_readers": _KEEPERS,
    "record_assembly_act": _COMMUNITY,
    "list_assembly_acts": _VAULT_READERS,
    "delegate": _COMMUNITY,
    "revoke_delegation": _COMMUNITY,
    "list_delegations": _VAULT_READERS,
    "join": _COMMUNITY,
    "leave": _COMMUNITY,
    "list_members": {"public": "any"},
    "list_norms": {"public": "any"},
    "list_species": {"public": "any"},
    "register_certificate": _CERTIFIERS,
    "amend_certificate": _CERTIFIERS,
    "suspend_certificate": _CERTIFIERS,
    "reinstate_certificate": _CERTIFIERS,
    "end_certificate": _CERTIFIERS,
    "add_read_grant": {"manager": "own"},
    "revoke_read_grant": {"manager": "own"},
    "list_read_grants": dict.fromkeys(("member", "manager", "regent", "company", "certifier", "auditor"), "own"),
    # All of an organisation's for its manager, for officers of the region and for whom it lets; else one's own acts.
    "read_audit": {
        **dict.fromkeys(("member", "manager", "regent", "company", "certifier", "auditor"), "own"),
        **_OFFICERS,
        "operator": "any",
    },
    "read_indicators": {"public": "any", **_OFFICERS},
    "list_certificates": {"public": "any"},
    "read_certificate": {"public": "any"},
    "review_plan": _OFFICERS,
    "attach_crowns": {"manager": "own", "regent": "own", **_OFFICERS},
    "list_crowns": _PARTIES,
    "list_plan_findings": {"public": "any", **_PARTIES},
    "explain_finding": {"manager": "own", "regent": "own"},
    "decide_finding": _OFFICERS,
    "appeal_finding": {"manager": "own", "regent": "own"},
    "close_finding": _OFFICERS,
    "register_licence": _AUTHORITY,
    "change_licence": _AUTHORITY,
    "list_licences": {"public": "any"},
    "register_cites_paper": _AUTHORITY,
    "change_cites_paper": _AUTHORITY,
    "list_cites_papers": {"public": "any", **_READERS},
    "read_track_record": {"manager": "own", "regent": "own", "company": "own", **_OFFICERS},
    "list_publications": {"authority": "any", "supervisor": "any", "operator": "any", "service": "any"},
}
