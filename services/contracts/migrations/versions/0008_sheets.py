"""Each party states its own sheet of a lot. What happens to the sheets of a lot is one sequence, so that a payment under
one, a closing of another and a third that is stated cannot pass each other.

Until now either party could replace the other's sheet, and a place in the sequence told it: that becomes an entry too.
"""

from alembic import op

revision = "0008"
down_revision = "0007"

# The owner too is held to the policies; what follows is not an act of any organisation.
OPEN, SHUT = (
    [f"ALTER TABLE {table} {force} ROW LEVEL SECURITY" for table in ("settlement", "settlement_entry")]
    for force in ("NO FORCE", "FORCE")
)
STATEMENTS = (
    "ALTER TABLE settlement ADD CONSTRAINT settlement_of_its_lot UNIQUE (id, contract_id, lot)",
    "ALTER TABLE settlement_entry ADD COLUMN contract_id text, ADD COLUMN lot text",
    "ALTER TABLE settlement_entry DROP CONSTRAINT settlement_entry_pkey",
    "ALTER TABLE settlement_entry DROP CONSTRAINT settlement_entry_seq_check",
    "ALTER TABLE settlement_entry DROP CONSTRAINT settlement_entry_kind_check",
    """
    INSERT INTO settlement_entry (settlement_id, seq, kind, content, org, by_sub, at)
    SELECT o.id, 501, 'replaced', convert_to('{"by":"' || n.id || '"}', 'UTF8'), n.stated_by_org, n.stated_by, n.stated_at
      FROM settlement o
      JOIN LATERAL (SELECT * FROM settlement l WHERE (l.contract_id, l.lot) = (o.contract_id, o.lot) AND l.seq > o.seq
                     ORDER BY l.seq LIMIT 1) n ON true
     WHERE NOT EXISTS (SELECT 1 FROM settlement_entry e WHERE e.settlement_id = o.id AND e.kind = 'replaced')""",
    """
    UPDATE settlement_entry e SET contract_id = p.contract_id, lot = p.lot, seq = p.place
      FROM (SELECT x.settlement_id, x.seq, s.contract_id, s.lot,
                   row_number() OVER (PARTITION BY s.contract_id, s.lot ORDER BY s.seq, x.seq) AS place
              FROM settlement_entry x JOIN settlement s ON s.id = x.settlement_id) p
     WHERE (e.settlement_id, e.seq) = (p.settlement_id, p.seq)""",
    "ALTER TABLE settlement_entry ALTER COLUMN contract_id SET NOT NULL, ALTER COLUMN lot SET NOT NULL",
    "ALTER TABLE settlement_entry ADD PRIMARY KEY (contract_id, lot, seq)",
    "ALTER TABLE settlement_entry ADD FOREIGN KEY (settlement_id, contract_id, lot)"
    " REFERENCES settlement (id, contract_id, lot)",
    "ALTER TABLE settlement_entry ADD CONSTRAINT settlement_entry_seq_check CHECK (seq BETWEEN 1 AND 2000)",
    "ALTER TABLE settlement_entry ADD CONSTRAINT settlement_entry_kind_check"
    " CHECK (kind IN ('payment', 'closed', 'replaced', 'beside'))",
    "DROP INDEX settlement_closed",
    "CREATE UNIQUE INDEX settlement_closed ON settlement_entry (contract_id, lot) WHERE kind = 'closed'",
    "CREATE UNIQUE INDEX settlement_replaced ON settlement_entry (settlement_id) WHERE kind = 'replaced'",
    "CREATE INDEX settlement_entry_of ON settlement_entry (settlement_id)",
)


def upgrade() -> None:
    for statement in (*OPEN, *STATEMENTS, *SHUT):
        op.execute(statement)
