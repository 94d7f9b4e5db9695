"""What a round says of a piece that begins in it is found with the piece, not in rows of its own scattered over an index."""

from alembic import op

from shared.web.db import app_role

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.execute("ALTER TABLE fact ADD COLUMN entries bigint[] NOT NULL DEFAULT '{}'")
    app = app_role()
    op.execute(f"REVOKE UPDATE ON fact FROM {app}")  # where an entry is found is written once
    op.execute(f"GRANT UPDATE (doc) ON fact TO {app}")
