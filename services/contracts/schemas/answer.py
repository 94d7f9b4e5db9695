"""What every answer of the HTTP door has in common."""

from pydantic import BaseModel, ConfigDict


class Out(BaseModel):
    """An answer. It has no default values: every field is always there."""

    model_config = ConfigDict(frozen=True, extra="forbid")
