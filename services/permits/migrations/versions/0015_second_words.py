"""Who ended a key, and what a second person said of it.

Revision ID: 0015
Revises: 0014
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# Of a revocation of before nobody is named: it was not kept. The start of the house ends its own keys, without persons.
COLUMNS = """
ALTER TABLE key_revocations
    ADD revoked_by text,
    ADD second_by text,
    ADD second_word text CHECK (second_word IN ('confirmed', 'contested')),
    ADD second_reason text,
    ADD second_at timestamptz,
    ADD CHECK ((second_word IS NULL) = (second_by IS NULL)),
    ADD CHECK ((second_word IS NULL) = (second_at IS NULL)),
    ADD CHECK ((second_word IS NOT DISTINCT FROM 'contested') = (second_reason IS NOT NULL)),
    ADD CONSTRAINT seconded_by_another_person CHECK (second_by IS NULL OR second_by <> coalesce(revoked_by, ''));
"""
INDEX = "CREATE INDEX revocations_awaiting ON key_revocations (revoked_by) WHERE second_word IS NULL"


def upgrade() -> None:
    """Add the columns; run by the owner, in one transaction."""
    op.execute(COLUMNS)
    op.execute(INDEX)
