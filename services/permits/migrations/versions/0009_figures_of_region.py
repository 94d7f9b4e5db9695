"""The findings of one rule in a plan, found at once: what P09 and P11 ask of every approved plan of a region.

Revision ID: 0009
Revises: 0007
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index; run by the owner, in one transaction."""
    op.execute("CREATE INDEX findings_of_rule ON findings (plan, rule)")
