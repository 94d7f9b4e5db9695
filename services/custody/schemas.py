"""Bodies and answers of custody that are not records."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class StatementIn(BaseModel):
    """One unsigned statement of the caller's organisation; the fields of `body` follow from `type` (docs/format.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str = Field(max_length=40)
    time: str = Field(max_length=20, description="When it happened, UTC, as 2026-11-22T14:33:00Z")
    body: dict[str, Any]
    prev: list[str] = Field(default=[], max_length=200, description="sids of the statements it builds on")
    nonce: str | None = Field(default=None, max_length=22, description="Only to record the same fact twice")
    private: dict[str, Any] = Field(
        default={}, max_length=16, description="Private fields (docs/format.md 6.4): kept here, never in the log"
    )
    persons: dict[str, str] = Field(
        default={},
        max_length=16,
        description="For private fields about a person: a pseudonym, under which they can be erased by themselves",
    )


class StatementsIn(BaseModel):
    """1 to 500 statements to be signed with the hosted key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    statements: list[StatementIn] = Field(min_length=1, max_length=500)


class RecordResult(BaseModel):
    """What became of one record: `logged` with its index, now or from before, or `refused` with the problem."""

    sid: str | None = Field(default=None, description="absent when the entry could not be read")
    status: Literal["logged", "refused"]
    index: int | None = Field(default=None, description="when logged")
    findings: list[dict[str, Any]] | None = Field(default=None, description="when logged: what the rules found")
    problem: dict[str, Any] | None = Field(default=None, description="when refused")
    proof: list[str] | None = Field(default=None, description="when logged and awaited: inclusion proof, base64")


class BatchAnswer(BaseModel):
    """One result for each record, in the order sent."""

    origin: str
    results: list[RecordResult]
    checkpoint: str | None = Field(default=None, description="when inclusion was awaited")


class ClosedLog(BaseModel):
    """A log that ended, and goes on as another."""

    origin: str
    size: int
    base_url: str


class LogInfo(BaseModel):
    """A log and all a stranger needs to check it."""

    origin: str
    vkey: str
    base_url: str
    size: int
    policy: str
    frozen: str | None = Field(description="why nothing new is signed or recorded; null when all is well")
    before: list[ClosedLog] = Field(description="the closed logs that this one continues, the oldest first")


class Logs(BaseModel):
    """Every log this custody keeps."""

    logs: list[LogInfo]


class Consistency(BaseModel):
    """That the log of `from` entries is a prefix of that of `to`, as signed in `checkpoint`."""

    origin: str
    start: int = Field(alias="from")
    to: int
    proof: list[str] = Field(description="RFC 6962 consistency proof, base64")
    checkpoint: str


class FirstCheckpoint(BaseModel):
    """The first checkpoint of more than `after` entries; where the log's own policy names witnesses, the first that one of
    them cosigned, with the earliest such line."""

    origin: str
    after: int
    size: int
    checkpoint: str
    cosignature: str | None


class CheckpointAnswer(Consistency):
    """What a checkpoint that somebody else saw says: `from` is its size, `to` and `checkpoint` are ours."""

    outcome: Literal["consistent", "fork", "ahead"]
