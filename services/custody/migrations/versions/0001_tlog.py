"""The tlog, what is derived from it, and the grants that keep entries as they were appended."""

from alembic import op

from services.custody.migrations import private
from shared.web.db import app_role

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

# What witnesses answered: their signature lines under our checkpoints, each verified before it was kept. `at` is the time
# that the witness states, `key` the SHA-256 of its vkey.
COSIGNATURE = """
CREATE TABLE cosignature (
    log_id smallint NOT NULL,
    key bytea NOT NULL CHECK (octet_length(key) = 32),
    size bigint NOT NULL CHECK (size >= 0),
    at bigint NOT NULL CHECK (at >= 0),
    line text NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (log_id, key, size, at)
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

# Where the entries under a name stand: of one stretch of the log, the first and the distances from it. Rebuildable.
POSTING = """
CREATE TABLE posting (
    log_id smallint NOT NULL,
    name text COLLATE "C" NOT NULL,
    first bigint NOT NULL,
    offsets smallint[] NOT NULL CHECK (offsets[1] = 0 AND offsets[cardinality(offsets)] < 1024),
    PRIMARY KEY (log_id, name, first)
)"""

# What each record moved into, within or out of whose hands. `at` is the claimed time of the record. Found
# by way of posting, so that one key, filled at its end, is all an append pays for. Rebuildable.
MOVEMENT = """
CREATE TABLE movement (
    log_id smallint NOT NULL,
    idx bigint NOT NULL,
    n smallint NOT NULL,
    at timestamptz NOT NULL,
    org text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    species text COLLATE "C" NOT NULL,
    product text COLLATE "C" NOT NULL,
    permit text COLLATE "C" NOT NULL,
    claim text COLLATE "C" NOT NULL,
    volume_dm3 bigint NOT NULL CHECK (volume_dm3 >= 0),
    measured_dm3 bigint NOT NULL CHECK (measured_dm3 >= 0),
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

# Checkpoints under the log's own key that somebody showed us and that do not fit what is published, with ours.
FORK_EVIDENCE = """
CREATE TABLE fork_evidence (
    log_id smallint NOT NULL,
    size bigint NOT NULL,
    root bytea NOT NULL CHECK (octet_length(root) = 32),
    outcome text NOT NULL CHECK (outcome IN ('fork', 'ahead')),
    theirs bytea NOT NULL,
    ours bytea NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (log_id, size, root)
)"""

# Subscriptions. What is still to be sent is the log from `next_index` on. `spec` is the hash of address and filter;
# `asked_from` is where a replay begins, until a sender takes it up.
WEBHOOK = """
CREATE TABLE webhook (
    log_id smallint NOT NULL,
    id uuid NOT NULL,
    org text NOT NULL,
    url text NOT NULL,
    filter_org text,
    filter_permit text,
    types text[] NOT NULL,
    spec bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    next_index bigint NOT NULL CHECK (next_index >= 0),
    asked_from bigint CHECK (asked_from >= 0),
    delivered bigint NOT NULL DEFAULT 0,
    delivered_at timestamptz,
    failures integer NOT NULL DEFAULT 0,
    failing_since timestamptz,
    last_error text,
    due_at timestamptz NOT NULL DEFAULT now(),
    lease uuid,
    lease_until timestamptz,
    disabled_at timestamptz,
    disabled_why text,
    PRIMARY KEY (log_id, id),
    UNIQUE (log_id, org, spec)
)"""

# Where the slow second reading of the log stands: the next bundle of this pass, and the damage it found, '' when none.
SCRUB = """
CREATE TABLE scrub (
    log_id smallint PRIMARY KEY,
    bundle bigint NOT NULL DEFAULT 0 CHECK (bundle >= 0),
    began_at timestamptz NOT NULL DEFAULT now(),
    passes bigint NOT NULL DEFAULT 0,
    damage text NOT NULL DEFAULT ''
)"""

REFUSE_CHANGE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: what was appended stays as it was', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$"""

APPEND_ONLY = ("entry", "tile", "checkpoint", "cosignature", "spent", "fork_evidence")


def upgrade() -> None:
    app = app_role()
    for statement in (
        TLOG, ENTRY, TILE, CHECKPOINT, COSIGNATURE, FACT, MENTION, SPENT, FINDING, POSTING, MOVEMENT, HOSTED_KEY, WEBHOOK, FORK_EVIDENCE,
        SCRUB, REFUSE_CHANGE,
    ):  # fmt: skip
        op.execute(statement)
    op.execute("CREATE INDEX cosignature_size ON cosignature (log_id, size)")
    op.execute("CREATE INDEX finding_permit ON finding (log_id, permit, idx)")
    op.execute("CREATE INDEX finding_subject ON finding (log_id, subject, idx)")
    op.execute("CREATE INDEX finding_org ON finding (log_id, org, idx)")
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {app}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON tlog, fact, scrub TO {app}")
    op.execute(f"GRANT SELECT, INSERT ON mention, finding, posting, movement, hosted_key TO {app}")
    op.execute(f"GRANT UPDATE (sealed) ON hosted_key TO {app}")  # when the host key changes
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON webhook TO {app}")
    private.upgrade(app)
