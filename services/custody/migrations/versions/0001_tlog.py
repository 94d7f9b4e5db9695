"""The tlog, what is derived from it, and the grants that keep entries as they were appended."""

from alembic import op

revision = "0001"
down_revision = None

# One row a log. `edge` is the compact range (RFC 6962 roots of the complete subtrees, left to right, 32 bytes each):
# with `size` it is the whole Merkle state an appender needs.
TLOG = """
CREATE TABLE tlog (
    log_id smallint PRIMARY KEY,
    origin text NOT NULL UNIQUE,
    size bigint NOT NULL DEFAULT 0 CHECK (size >= 0),
    edge bytea NOT NULL DEFAULT ''
)"""

# No foreign keys to tlog below: each would cost a look-up for every row of a round that holds the head row locked
# anyway.
ENTRY = """
CREATE TABLE entry (
    log_id smallint NOT NULL,
    idx bigint NOT NULL CHECK (idx >= 0),
    sid bytea NOT NULL CHECK (octet_length(sid) = 32),
    leaf_hash bytea NOT NULL CHECK (octet_length(leaf_hash) = 32),
    body bytea NOT NULL CHECK (octet_length(body) BETWEEN 2 AND 60000),
    PRIMARY KEY (log_id, idx),
    UNIQUE (log_id, sid)
)"""

# Full tiles only (256 hashes); `root` is the hash this tile contributes to the level above. Partial tiles are
# prefixes, cut when they are asked for.
TILE = """
CREATE TABLE tile (
    log_id smallint NOT NULL,
    level smallint NOT NULL CHECK (level BETWEEN 0 AND 7),
    n bigint NOT NULL CHECK (n >= 0),
    hashes bytea NOT NULL CHECK (octet_length(hashes) = 8192),
    root bytea NOT NULL CHECK (octet_length(root) = 32),
    PRIMARY KEY (log_id, level, n)
)"""

# Every checkpoint ever signed, with the edge at its size, so that the next one can be checked against it.
CHECKPOINT = """
CREATE TABLE checkpoint (
    log_id smallint NOT NULL,
    size bigint NOT NULL,
    edge bytea NOT NULL,
    note bytea NOT NULL,
    signed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (log_id, size)
)"""

# Derived from the entries and rebuildable from them: the documents of shared/timber/facts.py under their keys.
FACT = """
CREATE TABLE fact (
    log_id smallint NOT NULL,
    key text COLLATE "C" NOT NULL,
    doc bytea NOT NULL,
    PRIMARY KEY (log_id, key)
)"""

# Under which names an entry is found: first 64 bits of SHA-256 of the name. A reader checks the name again.
MENTION = """
CREATE TABLE mention (
    log_id smallint NOT NULL,
    ref bigint NOT NULL,
    idx bigint NOT NULL,
    PRIMARY KEY (log_id, ref, idx)
)"""

# A piece of wood is used up once. The rules say so first; this key says so if they ever fail to.
SPENT = """
CREATE TABLE spent (
    log_id smallint NOT NULL,
    item uuid NOT NULL,
    idx bigint NOT NULL,
    PRIMARY KEY (log_id, item)
)"""

FINDING = """
CREATE TABLE finding (
    log_id smallint NOT NULL,
    idx bigint NOT NULL,
    n smallint NOT NULL,
    rule text NOT NULL,
    status text NOT NULL CHECK (status IN ('FAIL', 'NOT_EVALUATED')),
    severity text NOT NULL CHECK (severity IN ('', 'S1', 'S2', 'S3', 'S4')),
    subject text NOT NULL,
    org text NOT NULL,
    permit text NOT NULL,
    doc bytea NOT NULL,
    PRIMARY KEY (log_id, idx, n)
)"""

# Keys custody holds for members who upload without a device; the private half is sealed under a key outside the
# database.
HOSTED_KEY = """
CREATE TABLE hosted_key (
    log_id smallint NOT NULL,
    org text NOT NULL,
    kid text NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (log_id, org)
)"""

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: what was appended stays as it was', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$"""

APPEND_ONLY = ("entry", "tile", "checkpoint", "spent")


def upgrade() -> None:
    for statement in (TLOG, ENTRY, TILE, CHECKPOINT, FACT, MENTION, SPENT, FINDING, HOSTED_KEY, REFUSE_CHANGE):
        op.execute(statement)
    op.execute("CREATE INDEX finding_permit ON finding (log_id, permit, idx)")
    op.execute("CREATE INDEX finding_subject ON finding (log_id, subject, idx)")
    op.execute("CREATE INDEX finding_org ON finding (log_id, org, idx)")
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute(f"GRANT SELECT, INSERT ON {table} TO custody_app")
    op.execute("GRANT SELECT, INSERT, UPDATE ON tlog, fact TO custody_app")
    op.execute("GRANT SELECT, INSERT ON mention, finding, hosted_key TO custody_app")
