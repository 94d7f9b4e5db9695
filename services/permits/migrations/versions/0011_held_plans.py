"""An approved plan is held while an act on it is decided: of two acts in one moment the second sees the first.

Revision ID: 0011
Revises: 0010
"""

from alembic import op

from shared.web.db import app_role

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# An approved plan is changed by nobody, so nobody may lock its row either: the owner does, who serves no request and
# through this function changes nothing.
STATEMENTS = (
    "CREATE POLICY plans_held ON plans FOR UPDATE TO CURRENT_USER USING (true) WITH CHECK (false)",
    """
    CREATE FUNCTION hold_plan(wanted text) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
        AS $$ SELECT 1 FROM plans WHERE id = wanted FOR NO KEY UPDATE $$
    """,
    "REVOKE EXECUTE ON FUNCTION hold_plan(text) FROM PUBLIC",
    "GRANT EXECUTE ON FUNCTION hold_plan(text) TO :app",
)


def upgrade() -> None:
    """Add the function; run by the owner, in one transaction."""
    for statement in STATEMENTS:
        op.execute(statement.replace(":app", app_role()).strip())
