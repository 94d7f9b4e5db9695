"""Who may call what: one table a service, default deny, checked at the start in both directions.

``ACCESS = {"operation": {"public": "any", "member": "own", "authority": "any"}}``. ``any`` sees every organisation,
``own`` only the caller's. An operation with a ``public`` entry answers without a token; a token that is sent must
still be good. Finer rules (a region, an engagement) are the service's, after it has loaded the thing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from fastapi import Depends, Request

from shared.refusal import Missing, NotAllowed
from shared.web.auth import Caller, TokenVerifier
from shared.web.problems import TokenInvalid, Unauthenticated

ROLES = (
    "member", "manager", "regent", "authority", "supervisor", "certifier", "auditor", "company", "operator", "machine",
    "service",
)  # fmt: skip
PUBLIC = "public"
# The claim ``region`` of an officer of the whole country.
NATIONAL = "*"
Scope = Literal["any", "own"]
Table = Mapping[str, Mapping[str, Scope]]


class TableRefused(Exception):  # noqa: N818
    """The access table and the routes disagree; the application does not start."""


@dataclass(eq=False)
class RoleNotIncluded(NotAllowed):
    """None of the caller's roles has this operation in its row."""

    slug: ClassVar[str] = "role-not-allowed"
    es: ClassVar[str] = "Ninguna de sus funciones permite esta operación: {action}."
    en: ClassVar[str] = "None of your roles allows this operation: {action}."
    reason: str = "role"


@dataclass(eq=False)
class OtherOrganisation(NotAllowed):
    """The caller sees the thing, but it belongs to another organisation."""

    slug: ClassVar[str] = "other-organisation"
    es: ClassVar[str] = "Solo la organización titular puede hacer esto: {action}."
    en: ClassVar[str] = "Only the organisation it belongs to may do this: {action}."
    reason: str = "organisation"


@dataclass(eq=False)
class OtherRegion(NotAllowed):
    """An officer acts in the region of the token's claim, in all with ``*``, without the claim in none."""

    slug: ClassVar[str] = "other-region"
    es: ClassVar[str] = "Su región es {own}; esto es de {region}."
    en: ClassVar[str] = "Your region is {own}; this is of {region}."
    own: str
    region: str


@dataclass(frozen=True, slots=True)
class Grant:
    """What the table gives this caller on this operation."""

    caller: Caller | None
    scope: Scope | None
    public: bool

    def in_full(self, org: str) -> bool:
        """Whether private fields of this organisation's things may be shown."""
        return self.scope == "any" or (self.caller is not None and self.scope == "own" and self.caller.org == org)

    def sees(self, *orgs: str) -> bool:
        """Whether a thing of these organisations exists for the caller, be it in its public form."""
        return self.public or any(self.in_full(org) for org in orgs)

    def require(self, *orgs: str, kind: str, key: str) -> None:
        """Refuse as if the thing did not exist when the caller may not see it."""
        if not self.sees(*orgs):
            raise Missing(kind, key)

    def require_full(self, *orgs: str, kind: str, key: str, action: str) -> None:
        """For changes: 404 when not visible, 403 when visible but of another organisation."""
        self.require(*orgs, kind=kind, key=key)
        if not any(self.in_full(org) for org in orgs):
            raise OtherOrganisation(action)

    @property
    def known(self) -> Caller:
        """The caller, on an operation that has no public entry."""
        if self.caller is None:
            raise Unauthenticated()
        return self.caller


class Guard:
    """The access table at work, before the body of a request is read."""

    def __init__(self, table: Table, verifier: TokenVerifier | None) -> None:
        self.table, self.verifier = table, verifier

    async def admit(self, operation: str, authorization: str | None) -> Grant:
        """The grant of this request, 401 without a good token, 403 for a role without a row."""
        if authorization is None or (self.verifier is None and PUBLIC in self.table[operation]):
            return self.grant(operation, None)
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer":
            raise TokenInvalid("not a bearer token")
        assert self.verifier is not None, "the lifespan sets it before the first request"
        return self.grant(operation, await self.verifier.verify(token.strip()))

    def grant(self, operation: str, caller: Caller | None) -> Grant:
        """What the table gives a caller who is known already; 401 for nobody where somebody is needed, else 403."""
        row = self.table[operation]
        public = PUBLIC in row
        if caller is None:
            if not public:
                raise Unauthenticated()
            return Grant(None, None, public=True)
        scopes = {row[role] for role in caller.roles if role in row and role != PUBLIC}
        if not scopes and not public:
            raise RoleNotIncluded(operation)
        return Grant(caller, "any" if "any" in scopes else "own" if scopes else None, public)


def check_table(table: Table, operations: Iterable[str]) -> None:
    """Stop the start unless every route has a row, every row a route, and every role and scope exists."""
    names = list(operations)
    wrong = [f"two routes named {n}" for n in sorted(set(names)) if names.count(n) > 1]
    wrong += [f"route without row: {n}" for n in sorted(set(names) - set(table))]
    wrong += [f"row without route: {n}" for n in sorted(set(table) - set(names))]
    for operation, row in table.items():
        wrong += [f"{operation}: unknown role {role}" for role in row if role not in (*ROLES, PUBLIC)]
        wrong += [f"{operation}: unknown scope {scope}" for scope in row.values() if scope not in ("any", "own")]
        wrong += [f"{operation}: public has no own organisation"] if row.get(PUBLIC) == "own" else []
        wrong += [f"{operation}: nobody may call it"] if not row else []
    if wrong:
        raise TableRefused("; ".join(wrong))


async def _grant(request: Request) -> Grant:  # async: a plain function would cost a thread hop
    grant: Grant = request.scope["trozalog.grant"]
    return grant


GrantDep = Annotated[Grant, Depends(_grant)]
