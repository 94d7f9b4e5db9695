"""Contracts as versions that both sides sign, settlements, benefit ledgers, and the outbox to the log.

Everything but the outbox is only ever added to. Where two callers meet, a number of a key is taken once: who comes second
adds nothing, reads again and decides again, or is told to.
"""

from alembic import op

from shared.web.db import app_role

revision = "0003"
down_revision = "0002"

# What the parties wrote. A version that both have signed has a seal; no other can be signed by anybody after it.
VERSION = """
CREATE TABLE contract_version (
    contract_id text NOT NULL REFERENCES contract,
    number integer NOT NULL CHECK (number BETWEEN 1 AND 99),
    content bytea NOT NULL CHECK (octet_length(content) BETWEEN 2 AND 1048576),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    written_by_org text NOT NULL,
    written_by text NOT NULL,
    written_at timestamptz NOT NULL,
    PRIMARY KEY (contract_id, number)
)"""

# Two places, so that the second of two who sign at once sees the first.
SIGNATURE = """
CREATE TABLE contract_signature (
    contract_id text NOT NULL,
    number integer NOT NULL,
    place integer NOT NULL CHECK (place IN (1, 2)),
    org text NOT NULL,
    signed_by text NOT NULL,
    signed_at timestamptz NOT NULL,
    PRIMARY KEY (contract_id, number, place),
    UNIQUE (contract_id, number, org),
    FOREIGN KEY (contract_id, number) REFERENCES contract_version
)"""

# The document that a commitment in the log stands for, and the salt that opens it. Kept for the parties alone.
SEAL = """
CREATE TABLE seal (
    subject text PRIMARY KEY,
    contract_id text NOT NULL REFERENCES contract,
    document bytea NOT NULL CHECK (octet_length(document) BETWEEN 2 AND 8388608),
    salt bytea NOT NULL CHECK (octet_length(salt) = 32),
    commitment text NOT NULL UNIQUE CHECK (commitment ~ '^[0-9a-f]{64}$'),
    sid text NOT NULL UNIQUE CHECK (sid ~ '^[0-9a-f]{64}$')
)"""

# The settlements of a contract, one after another, so that what is agreed once is not taken off twice. Of a lot the last
# one counts.
SETTLEMENT = """
CREATE TABLE settlement (
    id text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{32}$'),
    contract_id text NOT NULL,
    version integer NOT NULL,
    lot text NOT NULL,
    seq integer NOT NULL CHECK (seq BETWEEN 1 AND 500),
    content bytea NOT NULL CHECK (octet_length(content) BETWEEN 2 AND 4194304),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    stated_by_org text NOT NULL,
    stated_by text NOT NULL,
    stated_at timestamptz NOT NULL,
    UNIQUE (contract_id, seq),
    FOREIGN KEY (contract_id, version) REFERENCES contract_version
)"""

# What happens to a settlement, one thing after another: payments, and its closing.
SETTLEMENT_ENTRY = """
CREATE TABLE settlement_entry (
    settlement_id text NOT NULL REFERENCES settlement,
    seq integer NOT NULL CHECK (seq BETWEEN 1 AND 500),
    kind text NOT NULL CHECK (kind IN ('payment', 'closed')),
    content bytea NOT NULL CHECK (octet_length(content) BETWEEN 2 AND 262144),
    org text NOT NULL,
    by_sub text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (settlement_id, seq)
)"""
CLOSED_ONCE = "CREATE UNIQUE INDEX settlement_closed ON settlement_entry (settlement_id) WHERE kind = 'closed'"

# The book of an enterprise of several communities: who shares by which act, what was distributed, what arrived.
LEDGER_ENTRY = """
CREATE TABLE ledger_entry (
    enterprise text NOT NULL,
    seq integer NOT NULL CHECK (seq BETWEEN 1 AND 100000),
    kind text NOT NULL CHECK (kind IN ('agreement', 'distribution', 'receipt')),
    content bytea NOT NULL CHECK (octet_length(content) BETWEEN 2 AND 262144),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    org text NOT NULL,
    by_sub text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (enterprise, seq),
    CHECK ((kind = 'receipt') OR org = enterprise)
)"""
# Who was ever a member reads the book. Its policy asks nothing of the book, so that the book's may ask it.
LEDGER_MEMBER = """
CREATE TABLE ledger_member (
    enterprise text NOT NULL,
    org text NOT NULL CHECK (org <> enterprise),
    PRIMARY KEY (enterprise, org)
)"""

# As permits' (services/permits/migrations/0001), for books, contracts and settlements alike. `statement` is signed by
# custody with the key it holds for the house.
OUTBOX = """
CREATE TABLE outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sid text NOT NULL UNIQUE CHECK (sid ~ '^[0-9a-f]{64}$'),
    type text NOT NULL,
    subject text NOT NULL,
    statement bytea NOT NULL CHECK (octet_length(statement) BETWEEN 2 AND 16384),
    created_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'published', 'refused')),
    origin text,
    log_index bigint,
    attempts int NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    problem jsonb,
    CHECK ((state = 'published') = (log_index IS NOT NULL)),
    CHECK ((state = 'refused') = (problem IS NOT NULL))
)"""
LEASE = """
CREATE TABLE publisher_lease (
    id int PRIMARY KEY CHECK (id = 1),
    holder text NOT NULL,
    until timestamptz NOT NULL
)"""
FREE = "INSERT INTO publisher_lease VALUES (1, '', '-infinity')"

INDEXES = (
    "CREATE INDEX seal_contract ON seal (contract_id)",
    "CREATE INDEX settlement_lot ON settlement (contract_id, lot, seq DESC)",
    "CREATE INDEX ledger_member_org ON ledger_member (org)",
    "CREATE UNIQUE INDEX outbox_subject ON outbox (subject)",
    "CREATE INDEX outbox_pending ON outbox (seq) WHERE state = 'pending'",
    "CREATE INDEX outbox_refused ON outbox (next_attempt_at) WHERE state = 'refused'",
)

ORG = "nullif(current_setting('app.org', true), '')"
# The contract's own policy decides who sees it; these tables show what belongs to a contract that is seen.
OF_CONTRACT = "EXISTS (SELECT 1 FROM contract c WHERE c.id = contract_id)"
OF_SETTLEMENT = "EXISTS (SELECT 1 FROM settlement s WHERE s.id = settlement_id)"
A_MEMBER = "SELECT 1 FROM ledger_member m WHERE m.enterprise = ledger_entry.enterprise AND m.org ="
OF_BOOK = f"({ORG} = enterprise OR EXISTS ({A_MEMBER} {ORG}))"
POLICIES = (
    f"CREATE POLICY parties ON contract_version USING ({OF_CONTRACT}) WITH CHECK ({OF_CONTRACT} AND {ORG} = written_by_org)",
    f"CREATE POLICY parties ON contract_signature USING ({OF_CONTRACT}) WITH CHECK ({OF_CONTRACT} AND {ORG} = org)",
    f"CREATE POLICY parties ON seal USING ({OF_CONTRACT}) WITH CHECK ({OF_CONTRACT})",
    f"CREATE POLICY parties ON settlement USING ({OF_CONTRACT}) WITH CHECK ({OF_CONTRACT} AND {ORG} = stated_by_org)",
    f"CREATE POLICY parties ON settlement_entry USING ({OF_SETTLEMENT}) WITH CHECK ({OF_SETTLEMENT} AND {ORG} = org)",
    f"CREATE POLICY members ON ledger_entry USING ({OF_BOOK}) WITH CHECK ({OF_BOOK} AND {ORG} = org)",
    f"CREATE POLICY members ON ledger_member USING ({ORG} IN (enterprise, org)) WITH CHECK ({ORG} = enterprise)",
)
KEPT = (
    "contract_version", "contract_signature", "seal", "settlement", "settlement_entry", "ledger_entry", "ledger_member",
)  # fmt: skip


def upgrade() -> None:
    app = app_role()
    for statement in (
        VERSION, SIGNATURE, SEAL, SETTLEMENT, SETTLEMENT_ENTRY, CLOSED_ONCE, LEDGER_ENTRY, LEDGER_MEMBER, OUTBOX, LEASE, FREE,
        *INDEXES,
    ):  # fmt: skip
        op.execute(statement)
    for table in KEPT:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {app}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON outbox TO {app}")
    op.execute(f"GRANT SELECT, UPDATE ON publisher_lease TO {app}")
    for policy in POLICIES:
        op.execute(policy)
