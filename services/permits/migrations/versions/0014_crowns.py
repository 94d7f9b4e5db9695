"""Which crowns somebody saw from above, and in which image (F14).

Revision ID: 0014
Revises: 0013
"""

from alembic import op

from shared.web.db import app_role

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# One look of an organisation at one image of a plan; never changed. The image is a paper of the vault.
TABLE = """
CREATE TABLE crown_looks (
    plan text NOT NULL REFERENCES plans,
    image text NOT NULL CHECK (length(image) = 64),
    by_org text NOT NULL REFERENCES organisations,
    taken_on date NOT NULL,
    device text NOT NULL CHECK (device IN ('drone', 'aircraft', 'satellite')),
    trees jsonb NOT NULL,
    note text,
    by_sub text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (plan, image, by_org)
);
"""
POLICIES = (
    "ALTER TABLE crown_looks ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE crown_looks FORCE ROW LEVEL SECURITY",
    "CREATE POLICY crowns_read ON crown_looks FOR SELECT USING (concerned_in(plan))",
    "CREATE POLICY crowns_add ON crown_looks FOR INSERT WITH CHECK (by_org = app_org() AND concerned_in(plan))",
)


def upgrade() -> None:
    """Add the table; run by the owner, in one transaction."""
    op.execute(TABLE)
    for statement in (*POLICIES, f"GRANT SELECT, INSERT ON crown_looks TO {app_role()}"):
        op.execute(statement)
