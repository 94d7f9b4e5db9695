"""What is done by one at a time waits for a row, not for an advisory lock (`shared.web.turn`)."""

from alembic import op

from shared.web.db import app_role

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.execute("CREATE TABLE turn (what bigint PRIMARY KEY)")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON turn TO {app_role()}")
