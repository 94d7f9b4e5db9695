"""How much of the log was signed at a day and hour is answered by key, in a log of millions of checkpoints, too."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.execute("CREATE INDEX checkpoint_signed ON checkpoint (log_id, signed_at, size)")
