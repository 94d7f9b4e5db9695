"""Rows of acts, extensions, appeals, documents, assemblies, delegations and members, as the migrations made them."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import Column
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


def _list() -> Any:
    return Field(sa_column=Column(JSONB))


class ExtensionRow(SQLModel, table=True):
    """Days asked for or given to a permit."""

    __tablename__ = "permit_extensions"
    permit: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    kind: str
    harvest_from: date | None
    harvest_to: date | None
    move_to: date
    reason: str
    documents: list[str] = _list()
    state: str
    requested_by: str
    decided_by: str | None = None
    resolution: str | None = None


class AppealRow(SQLModel, table=True):
    """An appeal against a measure."""

    __tablename__ = "permit_appeals"
    permit: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    ground: str
    documents: list[str] = _list()
    state: str
    filed_by: str
    against: str
    decided_by: str | None = None
    resolution: str | None = None


class DocumentRow(SQLModel, table=True):
    """The facts of a paper; its bytes are in ``document_contents``."""

    __tablename__ = "documents"
    org: str = Field(primary_key=True)
    sha256: str = Field(primary_key=True)
    region: str | None
    kind: str
    media_type: str
    size_bytes: int
    stored_by: str
    at: datetime


class AssemblyRow(SQLModel, table=True):
    """An agreement of an assembly."""

    __tablename__ = "assembly_acts"
    org: str = Field(primary_key=True)
    number: str = Field(primary_key=True)
    region: str | None
    purpose: str
    plan: str | None
    held_on: date
    present: int
    members: int
    quorum_permille: int
    norm: str
    agreement: str
    third_parties: list[str] = _list()
    document: str
    recorded_by: str
    at: datetime


class DelegationRow(SQLModel, table=True):
    """What a community lets another do for it."""

    __tablename__ = "delegations"
    org: str = Field(primary_key=True)
    number: str = Field(primary_key=True)
    region: str | None
    delegate: str
    person: str | None
    plan: str
    acts: list[str] = _list()
    species: list[str] | None = Field(sa_column=Column(JSONB(none_as_null=True)))
    cap_dm3: int | None
    valid_from: date
    valid_to: date
    assembly_act: str
    given_by: str
    at: datetime
    revoked_at: datetime | None = None
    revoked_by: str | None = None
    revoked_reason: str | None = None


class MembershipRow(SQLModel, table=True):
    """A community in a consortium, enterprise or federation."""

    __tablename__ = "memberships"
    org: str = Field(primary_key=True)
    member: str = Field(primary_key=True)
    since: date = Field(primary_key=True)
    until: date | None = None
    assembly_act: str
