"""Rows as the migrations made them. They are read and written here and nowhere else."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, DateTime
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel


class OrganisationRow(SQLModel, table=True):
    """An organisation, announced as ``sid``."""

    __tablename__ = "organisations"
    id: str = Field(primary_key=True)
    name: str
    kind: str
    region: str | None
    sid: str


class KeyRow(SQLModel, table=True):
    """A key on its way to the log, or announced as ``sid``."""

    __tablename__ = "keys"
    kid: str = Field(primary_key=True)
    org: str
    public_key: str
    role: str
    proof: str
    state: str
    asked_by: str | None = None
    proposed_by: str | None = None
    approved_by: str | None = None
    sid: str | None = None


class RevocationRow(SQLModel, table=True):
    """The end of a key, announced as ``sid``; who ended it, and what a second person said of it."""

    __tablename__ = "key_revocations"
    kid: str = Field(primary_key=True)
    org: str = Field(primary_key=True)
    reason: str
    distrust_from: int | None = Field(sa_type=BigInteger)
    sid: str
    revoked_by: str | None
    second_by: str | None
    second_word: str | None
    second_reason: str | None
    second_at: datetime | None = Field(sa_column=Column(DateTime(timezone=True)))


class TitleRow(SQLModel, table=True):
    """The public facts of a title."""

    __tablename__ = "titles"
    number: str = Field(primary_key=True)
    official_number: str | None
    org: str
    region: str
    area_m2: int
    declared_area_m2: int
    polygon_sha256: str
    sid: str


class PolygonRow(SQLModel, table=True):
    """The private polygon of a title."""

    __tablename__ = "title_polygons"
    title: str = Field(primary_key=True)
    org: str
    region: str
    document: bytes
    source: bytes | None
    west_e7: int
    south_e7: int
    east_e7: int
    north_e7: int


class PlanRow(SQLModel, table=True):
    """A plan in any of its states."""

    __tablename__ = "plans"
    id: str = Field(primary_key=True)
    title: str
    org: str
    region: str
    number: str
    season: str
    regent: str | None
    parcels: list[dict[str, Any]] = Field(sa_column=Column(JSONB))
    form_factor_milli: int
    harvest_from: date
    harvest_to: date
    census_basis: str
    state: str
    created_by: str
    uploaded_by: str | None = None
    submitted_by: str | None = None
    approved_by: str | None = None
    resolution: str | None = None
    census: dict[str, Any] = Field(sa_column=Column(JSONB))
    sid: str | None = None
    kind: str
    parent: str | None
    supersedes: str | None
    cycle_years: int | None
    zones: list[dict[str, Any]] = Field(sa_column=Column(JSONB))
    delegate: str | None


class PermitRow(SQLModel, table=True):
    """A permit with its present lines."""

    __tablename__ = "permits"
    number: str = Field(primary_key=True)
    official_number: str | None
    title: str
    plan: str
    org: str
    regent: str | None
    region: str
    holder: str
    harvest_from: date
    harvest_to: date
    move_to: date
    state: str
    lines: list[dict[str, Any]] = Field(sa_column=Column(JSONB))
    p05: str
    proposed_by: str
    approved_by: str | None = None
    sid: str | None = None
    last_sid: str | None = None
    measure: str | None = None
    measure_by: str | None = None
    reentries: list[list[str]] = Field(sa_column=Column(JSONB))


class AmendmentRow(SQLModel, table=True):
    """A change of lines, proposed or approved."""

    __tablename__ = "permit_amendments"
    permit: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    reason: str
    lines: list[dict[str, Any]] = Field(sa_column=Column(JSONB))
    state: str
    proposed_by: str
    approved_by: str | None = None


class InspectionRow(SQLModel, table=True):
    """A field inspection, announced as ``sid``."""

    __tablename__ = "inspections"
    number: str = Field(primary_key=True)
    plan: str
    parcel: str
    inspector: str
    trees_sampled: int
    trees_absent: int
    trees_mismatched: int | None
    volume_dm3: int
    trees: list[str] | None = Field(sa_column=Column(JSONB(none_as_null=True)))
    sid: str


class OutboxRow(SQLModel, table=True):
    """A signed statement on its way to the log, with its fixed bytes."""

    __tablename__ = "outbox"
    seq: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    sid: str
    type: str
    subject: str
    entry: bytes
    created_at: datetime
    state: str
    origin: str | None
    log_index: int | None = Field(sa_type=BigInteger)
    attempts: int
    next_attempt_at: datetime | None
    problem: dict[str, Any] | None = Field(sa_column=Column(JSONB(none_as_null=True)))


class CertificateRow(SQLModel, table=True):
    """A certificate, announced as ``sid``."""

    __tablename__ = "certificates"
    number: str = Field(primary_key=True)
    code: str
    prefix: str
    scheme: str
    scope: str
    licence: str | None
    certifier: str
    holder: str
    valid_from: date
    valid_to: date
    area_m2: int | None = Field(sa_type=BigInteger)
    state: str
    sid: str
    last_sid: str


class MemberRow(SQLModel, table=True):
    """A member of the group of a certificate."""

    __tablename__ = "certificate_members"
    certificate: str = Field(primary_key=True)
    org: str = Field(primary_key=True)
    first_day: date
    last_day: date | None
    state: str
