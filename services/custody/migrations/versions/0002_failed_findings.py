"""What rules found and nobody may overlook is counted and read from the newest back, by severity."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.execute("CREATE INDEX finding_failed ON finding (log_id, severity, idx, n) WHERE status = 'FAIL'")
