"""The scrub also says what is damaged beside the entries, without freezing: signed rows, and files of the archive."""

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE scrub ADD COLUMN aside text NOT NULL DEFAULT '', ADD COLUMN aside_at bigint NOT NULL DEFAULT -1, "
        "ADD COLUMN mended bigint NOT NULL DEFAULT 0"
    )
