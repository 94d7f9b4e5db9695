"""What a steward decides about a report names what was read of it, by its hash. Decisions of before name nothing."""

from alembic import op

revision = "0009"
down_revision = "0008"

STATEMENTS = (
    "ALTER TABLE price_report_act ADD COLUMN seen_sha256 text CHECK (seen_sha256 ~ '^[0-9a-f]{64}$')",
    # Of rows that are added from now on: those that stand are not touched.
    "ALTER TABLE price_report_act ADD CONSTRAINT price_report_act_names_what_was_seen CHECK"
    " ((act IN ('released', 'upheld') OR coalesce(reason, '') = 'by_hand') = (seen_sha256 IS NOT NULL)) NOT VALID",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
