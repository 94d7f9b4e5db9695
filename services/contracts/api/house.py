"""What the handlers share: the store, custody, and the day in Peru."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated

from fastapi import Depends, Query, Request, Response

from services.contracts.domain.border import LIMA
from services.contracts.estimates import Estimates
from services.contracts.quick_limit import Bucket
from services.contracts.store import Store
from shared.web.client import ServiceClient
from shared.web.workbook import XLSX_TYPE


@dataclass(frozen=True, slots=True)
class House:
    """The other services this one asks. ``custody_as_caller`` carries the caller's own token, where there is one: what custody
    tells of a community it tells them."""

    custody: ServiceClient
    permits: ServiceClient
    custody_as_caller: ServiceClient | None


def _store(request: Request) -> Store:
    store: Store = request.app.state.store
    return store


def _house(request: Request) -> House:
    custody: ServiceClient = request.app.state.custody
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    as_caller = custody.bearing(token.strip()) if kind.lower() == "bearer" else None
    return House(custody, request.app.state.permits, as_caller)


def _bucket(request: Request) -> Bucket:
    bucket: Bucket = request.app.state.quick_limit
    return bucket


def _estimates(request: Request) -> Estimates:
    estimates: Estimates = request.app.state.estimates
    return estimates


def day_in_peru(at: datetime) -> date:
    """The day that it was in Peru at a moment."""
    return at.astimezone(LIMA).date()


def today() -> date:
    """The day in Peru."""
    return day_in_peru(datetime.now(UTC))


def workbook(book: bytes, name: str) -> Response:
    """A workbook to keep; what it says is for whoever asked."""
    headers = {"content-disposition": f'attachment; filename="{name}"', "cache-control": "private, no-store"}
    return Response(book, media_type=XLSX_TYPE, headers=headers)


StoreDep = Annotated[Store, Depends(_store)]
HouseDep = Annotated[House, Depends(_house)]
EstimatesDep = Annotated[Estimates, Depends(_estimates)]
BucketDep = Annotated[Bucket, Depends(_bucket)]
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=200)]
