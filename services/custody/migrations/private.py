"""What private fields need beside the log: values under keys, who may read them, who read them, what was erased."""

from alembic import op

# A key for each subject: an organisation (`person` empty), or a person it names by a pseudonym. Wrapped by a key that is
# not in this database. Deleting the row is the erasure: what lies under the key can be read no more.
DATA_KEY = """
CREATE TABLE data_key (
    log_id smallint NOT NULL,
    key_id uuid NOT NULL,
    owner text COLLATE "C" NOT NULL,
    person text COLLATE "C" NOT NULL,
    wrapped_by text NOT NULL,
    wrapped bytea NOT NULL CHECK (octet_length(wrapped) = 60),
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (log_id, key_id),
    UNIQUE (log_id, owner, person)
)"""

# The disclosures of records (docs/format.md 2.1), each sealed under a data key. The row stays when its key is gone: it
# keeps what was erased from being taken in again.
DISCLOSURE = """
CREATE TABLE disclosure (
    log_id smallint NOT NULL,
    sid bytea NOT NULL CHECK (octet_length(sid) = 32),
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    key_id uuid NOT NULL,
    ciphertext bytea NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (log_id, sid, digest)
)"""

# Whom an owner lets read what. A revoked one stays, so that who could read what when can be told.
ACCESS_GRANT = """
CREATE TABLE access_grant (
    log_id smallint NOT NULL,
    id uuid NOT NULL,
    owner text COLLATE "C" NOT NULL,
    to_org text COLLATE "C" NOT NULL,
    to_person text,
    everything boolean NOT NULL,
    items text[] NOT NULL,
    lots text[] NOT NULL,
    permits text[] NOT NULL,
    types text[] NOT NULL,
    fields text[] NOT NULL,
    purpose text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL CHECK (valid_until > valid_from),
    made_by text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    revoked_by text,
    revoked_at timestamptz,
    PRIMARY KEY (log_id, id),
    CHECK (everything = (cardinality(items) + cardinality(lots) + cardinality(permits) = 0))
)"""

# Who read which private fields of which record, on what ground. Never the values.
DISCLOSURE_READ = """
CREATE TABLE disclosure_read (
    log_id smallint NOT NULL,
    n bigint GENERATED ALWAYS AS IDENTITY,
    at timestamptz NOT NULL DEFAULT now(),
    owner text COLLATE "C" NOT NULL,
    sid bytea NOT NULL CHECK (octet_length(sid) = 32),
    names text[] NOT NULL CHECK (cardinality(names) > 0),
    reader text NOT NULL,
    reader_org text NOT NULL,
    ground text NOT NULL CHECK (ground IN ('own', 'grant', 'office')),
    grant_id uuid CHECK ((grant_id IS NOT NULL) = (ground = 'grant')),
    purpose text,
    way text NOT NULL CHECK (way IN ('record', 'bundle')),
    PRIMARY KEY (log_id, n)
)"""

ERASURE = """
CREATE TABLE erasure (
    log_id smallint NOT NULL,
    id uuid NOT NULL,
    owner text COLLATE "C" NOT NULL,
    person text COLLATE "C" NOT NULL,
    reason text NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL DEFAULT 'asked' CHECK (state IN ('asked', 'withdrawn', 'done')),
    ended_by text CHECK ((ended_by IS NULL) = (state = 'asked')),
    ended_at timestamptz CHECK ((ended_at IS NULL) = (state = 'asked')),
    fields bigint,
    PRIMARY KEY (log_id, id)
)"""

APPEND_ONLY = ("disclosure", "disclosure_read")
# Row-level security: who asks is in `app.org`, set with each transaction. Unset, nothing is seen.
ME = "nullif(current_setting('app.org', true), '')"
POLICIES = {
    "access_grant": (f"FOR SELECT USING (owner = {ME} OR to_org = {ME})", f"FOR INSERT WITH CHECK (owner = {ME})",
                     f"FOR UPDATE USING (owner = {ME}) WITH CHECK (owner = {ME})"),
    "disclosure_read": (f"FOR SELECT USING (owner = {ME})", f"FOR INSERT WITH CHECK (reader_org = {ME})"),
    "erasure": (f"USING (owner = {ME}) WITH CHECK (owner = {ME})",),
}  # fmt: skip


def upgrade(app: str) -> None:
    """Makes the tables; `app` is the role that serves. After `refuse_change()` is there."""
    for statement in (DATA_KEY, DISCLOSURE, ACCESS_GRANT, DISCLOSURE_READ, ERASURE):
        op.execute(statement)
    op.execute("CREATE INDEX disclosure_key ON disclosure (log_id, key_id)")
    op.execute("CREATE INDEX access_grant_owner ON access_grant (log_id, owner, made_at, id)")
    op.execute("CREATE INDEX access_grant_to ON access_grant (log_id, to_org, made_at, id)")
    op.execute("CREATE INDEX disclosure_read_owner ON disclosure_read (log_id, owner, n)")
    op.execute("CREATE UNIQUE INDEX erasure_asked ON erasure (log_id, owner, person) WHERE state = 'asked'")
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {app}")
    for table, policies in POLICIES.items():
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        for n, policy in enumerate(policies):
            op.execute(f"CREATE POLICY {table}_{n} ON {table} {policy}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON data_key TO {app}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON access_grant, erasure TO {app}")
