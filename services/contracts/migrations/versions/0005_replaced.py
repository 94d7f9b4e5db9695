"""That a settlement was replaced is an entry of it, so that a closing, a payment and a replacement cannot pass each other."""

from alembic import op

revision = "0005"
down_revision = "0004"

STATEMENTS = (
    "ALTER TABLE settlement_entry DROP CONSTRAINT settlement_entry_kind_check",
    "ALTER TABLE settlement_entry ADD CONSTRAINT settlement_entry_kind_check"
    " CHECK (kind IN ('payment', 'closed', 'replaced'))",
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)
