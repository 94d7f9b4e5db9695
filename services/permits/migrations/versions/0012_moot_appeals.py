"""An appeal whose measure was lifted while it was open is moot: nobody decided it, and who lifted the measure may be who ordered it.

Revision ID: 0012
Revises: 0011
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

STATEMENTS = (
    "ALTER TABLE permit_appeals DROP CONSTRAINT permit_appeals_state_check",
    "ALTER TABLE permit_appeals ADD CONSTRAINT permit_appeals_state_check"
    " CHECK (state IN ('open', 'upheld', 'dismissed', 'moot'))",
    "ALTER TABLE permit_appeals DROP CONSTRAINT decided_by_another_person",
    "ALTER TABLE permit_appeals ADD CONSTRAINT decided_by_another_person"
    " CHECK (decided_by IS NULL OR state = 'moot' OR (decided_by <> filed_by AND decided_by <> against))",
    "ALTER TABLE permit_acts DROP CONSTRAINT permit_acts_kind_check",
    "ALTER TABLE permit_acts ADD CONSTRAINT permit_acts_kind_check CHECK (kind IN ("
    "'issued', 'amended', 'suspended', 'reinstated', 'revoked', 'precautionary', 'caducity', 'reentry',"
    " 'balance_mobilisation', 'appealed', 'appeal_upheld', 'appeal_dismissed', 'appeal_moot'))",
    "ALTER TABLE permit_acts DROP CONSTRAINT announced",
    "ALTER TABLE permit_acts ADD CONSTRAINT announced CHECK ("
    "sid IS NOT NULL OR kind IN ('appealed', 'appeal_upheld', 'appeal_dismissed', 'appeal_moot'))",
)


def upgrade() -> None:
    """Allow the state; run by the owner, in one transaction."""
    for statement in STATEMENTS:
        op.execute(statement)
