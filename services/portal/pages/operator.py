"""The house itself: how it is, who is in it and with which keys, what waits in its outboxes, whom it tells of new records."""

from typing import Annotated, Any
from urllib.parse import quote, urlencode

from fastapi import Query
from starlette.datastructures import FormData
from starlette.responses import Response

from services.portal.access import KEY_HOLDERS
from services.portal.backends import all_of, or_none
from services.portal.naming import DEPARTMENTS, region_name
from services.portal.navigation import may
from services.portal.pages.house import House, HouseDep
from shared.refusal import Missing
from shared.timber.bodies import BODIES, ORG_KINDS
from shared.web.app import Router
from shared.web.client import UpstreamRefused

router = Router(tags=["operator"])
Cursor = Annotated[str | None, Query(max_length=200)]
Name = Annotated[str, Query(max_length=40)]
PAGE_LENGTH = 50
# Roles of keys that are enrolled; the others are the house's own, which its start ends.
ENROLLED = ("device", "root")


def _may(house: House, operation: str) -> bool:
    """Whether the access table lets this person do it: what they may not do is not offered."""
    return may(house.need().roles, operation)


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def _asking(path: str, **values: str | int | None) -> str:
    """The address of a question; what was left open is left out."""
    asked = {name: value for name, value in values.items() if value not in (None, "")}
    return f"{path}?{urlencode(asked)}"


@router.get("/operator", response_class=Response)
async def house_page(house: HouseDep) -> Response:
    """How the services, the log and its witnesses are."""
    health = await house.backends.health()
    outbox = await house.permits.get("/v1/publications", limit=1) if _may(house, "outbox_page") else None
    head = await house.backends.head(house.policy)
    return await house.page(
        "operator/house.html", health=health, outbox=outbox, head=head, awaiting=await _awaiting(house)
    )


@router.get("/operator/organisations", response_class=Response)
async def organisations_page(house: HouseDep, kind: Name = "", cursor: Cursor = None) -> Response:
    """Who is registered."""
    return await _organisations(house, kind, cursor)


async def _organisations(
    house: House, kind: str = "", cursor: str | None = None, refused: UpstreamRefused | None = None, **given: str
) -> Response:
    found = await house.permits.get(_asking("/v1/organisations", kind=kind, cursor=cursor, limit=PAGE_LENGTH))
    return await house.page(
        "operator/organisations.html", 200 if refused is None else refused.status,
        found=found, kind=kind, kinds=ORG_KINDS, refused=refused, given=given, registers=_may(house, "register_party"),
        region_name=region_name, departments=DEPARTMENTS,
    )  # fmt: skip


@router.post("/operator/organisations", response_class=Response)
async def register_party(house: HouseDep) -> Response:
    """Register an organisation; it is announced in the log."""
    form = await house.form()
    given = {name: _text(form, name) for name in ("id", "name", "kind", "region")}
    try:
        await house.permits.post("/v1/organisations", {name: value for name, value in given.items() if value})
    except UpstreamRefused as refused:
        return await _organisations(house, refused=refused, **given)
    return house.go("/operator/organisations", done="registered")


@router.get("/operator/keys", response_class=Response)
async def keys_page(house: HouseDep, org: Name = "", cursor: Cursor = None) -> Response:
    """Which keys sign for whom, and how far a new one has come."""
    return await _keys(house, org, cursor)


async def _keys(
    house: House, org: str = "", cursor: str | None = None, refused: UpstreamRefused | None = None, **given: str
) -> Response:
    found = await house.permits.get(_asking("/v1/keys", org=org, cursor=cursor, limit=PAGE_LENGTH))
    return await house.page(
        "operator/keys.html", 200 if refused is None else refused.status, found=found, org=org, refused=refused,
        given=given, brings=_may(house, "bring_key"), awaiting=await _awaiting(house),
    )  # fmt: skip


async def _awaiting(house: House) -> list[dict[str, Any]]:
    """The revocations on which this person may have to say the second word: of their own organisation, or of all."""
    if not _may(house, "confirm_end"):
        return []
    session = house.need()
    own = {} if "any" in {KEY_HOLDERS.get(role) for role in session.roles} else {"org": session.org}
    return await or_none(all_of(house.permits, "/v1/keys/revocations", awaiting="true", **own)) or []


@router.post("/operator/keys", response_class=Response)
async def bring_key(house: HouseDep) -> Response:
    """Bring a key with the proof of its holder."""
    form = await house.form()
    given = {name: _text(form, name) for name in ("org", "public_key", "role", "proof")}
    try:
        found = await house.permits.post("/v1/keys", given)
    except UpstreamRefused as refused:
        return await _keys(house, refused=refused, **given)
    return house.go(f"/operator/keys/{found['kid']}", done="key_brought")


@router.get("/operator/keys/{kid}", response_class=Response)
async def key_page(kid: str, house: HouseDep) -> Response:
    """One key, and what may be done with it next."""
    return await _key(house, kid)


async def _key(house: House, kid: str, refused: UpstreamRefused | None = None) -> Response:
    """The page of a key; of one that did not come through here, of which only its end is known, the list of keys."""
    key = await or_none(house.permits.get(_key_path(kid)))
    if key is None and refused is not None:
        return await _keys(house, refused=refused)
    if key is None:
        raise Missing("key", kid)
    return await house.page(
        "operator/key.html", 200 if refused is None else refused.status, key=key, refused=refused,
        takes_up=_may(house, "take_key_up"), approves=_may(house, "admit_key"), ends=_may(house, "end_key") and key["role"] in ENROLLED,
        confirms=_may(house, "confirm_end"),
    )  # fmt: skip


def _key_path(kid: str, verb: str = "") -> str:
    return f"/v1/keys/{quote(kid, safe='')}{verb}"


async def _act(house: House, kid: str, verb: str, body: dict[str, Any], done: str) -> Response:
    """``org`` is named of a key that did not come through the registry, which has no page of its own."""
    try:
        await house.permits.post(_key_path(kid, verb), body)
    except UpstreamRefused as refused:
        return await _key(house, kid, refused)
    return house.go("/operator/keys" if "org" in body else f"/operator/keys/{quote(kid, safe='')}", done=done)


@router.post("/operator/keys/{kid}/propose", response_class=Response)
async def take_key_up(kid: str, house: HouseDep) -> Response:
    """The first officer: takes up what an organisation asked for."""
    await house.form()
    return await _act(house, kid, "/propose", {}, done="key_proposed")


@router.post("/operator/keys/{kid}/approve", response_class=Response)
async def admit_key(kid: str, house: HouseDep) -> Response:
    """The second officer: from its entry in the log the key counts."""
    await house.form()
    return await _act(house, kid, "/approve", {}, done="key_approved")


@router.post("/operator/keys/{kid}/revoke", response_class=Response)
async def end_key(kid: str, house: HouseDep) -> Response:
    """End a key, at once and by one person; what it signed before may be put in doubt from an entry on."""
    form = await house.form()
    return await _act(house, kid, "/revoke", _ending(form), done="key_revoked")


@router.post("/operator/revocations", response_class=Response)
async def end_unknown_key(house: HouseDep) -> Response:
    """End a key that did not come through the registry: a root added it, or a phone named it as its successor."""
    form = await house.form()
    return await _act(house, _text(form, "kid") or "-", "/revoke", _ending(form), done="key_revoked")


def _ending(form: FormData) -> dict[str, Any]:
    since = _text(form, "distrust_from")
    body: dict[str, Any] = {"reason": _text(form, "reason")} | _of_org(form)
    if since:
        body["distrust_from"] = int(since) if since.isascii() and since.isdigit() and len(since) < 16 else since
    return body


def _of_org(form: FormData) -> dict[str, Any]:
    return {"org": _text(form, "org")} if _text(form, "org") else {}


@router.post("/operator/keys/{kid}/revoke/confirm", response_class=Response)
async def confirm_end(kid: str, house: HouseDep) -> Response:
    """The second person: the key was ended rightly."""
    form = await house.form()
    return await _act(house, kid, "/revoke/confirm", _of_org(form), done="end_confirmed")


@router.post("/operator/keys/{kid}/revoke/contest", response_class=Response)
async def contest_end(kid: str, house: HouseDep) -> Response:
    """The second person: the key was ended wrongly, and why."""
    form = await house.form()
    body = {"reason": _text(form, "reason")} | _of_org(form)
    return await _act(house, kid, "/revoke/contest", body, done="end_contested")


@router.get("/operator/outbox", response_class=Response)
async def outbox_page(
    house: HouseDep, state: Annotated[str, Query(pattern="^(pending|refused|published|)$")] = "", cursor: Cursor = None
) -> Response:
    """What permits has written and the log has taken, not yet taken, or refused."""
    found = await house.permits.get(_asking("/v1/publications", state=state, cursor=cursor, limit=PAGE_LENGTH))
    return await house.page("operator/outbox.html", found=found, state=state)


@router.get("/operator/webhooks", response_class=Response)
async def webhooks_page(house: HouseDep) -> Response:
    """Whom this organisation has told of new records, and how that fares."""
    return await _webhooks(house)


async def _webhooks(house: House, refused: UpstreamRefused | None = None, **given: Any) -> Response:
    found = await house.custody.get("/v1/webhooks")
    return await house.page(
        "operator/webhooks.html", 200 if refused is None else refused.status, found=found["webhooks"], refused=refused,
        given=given, types=sorted(BODIES),
    )  # fmt: skip


@router.post("/operator/webhooks", response_class=Response)
async def subscribe(house: HouseDep) -> Response:
    """Tell an address of new records."""
    form = await house.form()
    given: dict[str, Any] = {name: _text(form, name) for name in ("url", "permit", "org")}
    types = [value for value in form.getlist("types") if isinstance(value, str)]
    try:
        await house.custody.post("/v1/webhooks", {n: v for n, v in given.items() if v} | {"types": types})
    except UpstreamRefused as refused:
        return await _webhooks(house, refused, **given, types=types)
    return house.go("/operator/webhooks", done="subscribed")


@router.post("/operator/webhooks/{webhook_id}/replay", response_class=Response)
async def tell_again(webhook_id: str, house: HouseDep) -> Response:
    """Post again from an entry on; wakes one that was given up."""
    form = await house.form()
    path = f"/v1/webhooks/{quote(webhook_id, safe='')}/replay?from={quote(_text(form, 'from') or '0', safe='')}"
    try:
        await house.custody.post(path, {})
    except UpstreamRefused as refused:
        return await _webhooks(house, refused)
    return house.go("/operator/webhooks", done="told_again")


@router.post("/operator/webhooks/{webhook_id}/remove", response_class=Response)
async def unsubscribe(webhook_id: str, house: HouseDep) -> Response:
    """Tell it no more."""
    await house.form()
    try:
        await house.custody.delete(f"/v1/webhooks/{quote(webhook_id, safe='')}")
    except UpstreamRefused as refused:
        if refused.status != 404:  # it is gone already: the form was sent twice
            raise
    return house.go("/operator/webhooks", done="unsubscribed")
