"""What stewards keep: signatures under cost books, indices, exchange rates, sanction lists; and alerts with their events."""

from alembic import op

from shared.web.db import app_role

revision = "0004"
down_revision = "0003"

# A second person signs exactly the version that was published: the key of the book names who published it, and nobody
# signs what is their own.
BOOK = (
    "ALTER TABLE book ADD COLUMN valid_to date CHECK (valid_to >= as_of)",
    "ALTER TABLE book ADD CONSTRAINT book_as_published UNIQUE (kind, id, version, sha256, published_by)",
)
SIGNATURE = """
CREATE TABLE cost_signature (
    kind text NOT NULL DEFAULT 'cost' CHECK (kind = 'cost'),
    book_id text NOT NULL,
    version integer NOT NULL,
    book_sha256 text NOT NULL,
    published_by text NOT NULL,
    signed_by text NOT NULL CHECK (signed_by <> published_by),
    signed_by_org text NOT NULL,
    name text NOT NULL,
    licence text NOT NULL,
    signed_on date NOT NULL,
    signed_at timestamptz NOT NULL DEFAULT now(),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    PRIMARY KEY (book_id, version, signed_by),
    FOREIGN KEY (kind, book_id, version, book_sha256, published_by) REFERENCES book (kind, id, version, sha256, published_by)
)"""

SERIES = """
CREATE TABLE series (
    kind text NOT NULL CHECK (kind IN ('index', 'fx')),
    id text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    title text NOT NULL,
    as_of date NOT NULL,
    content bytea NOT NULL CHECK (octet_length(content) BETWEEN 2 AND 1048576),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    published_by_org text NOT NULL,
    published_by text NOT NULL,
    published_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, id, version),
    UNIQUE (kind, id, sha256)
)"""

SANCTION_LIST = """
CREATE TABLE sanction_list (
    id text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    title text NOT NULL,
    as_of date NOT NULL,
    valid_days integer NOT NULL CHECK (valid_days > 0),
    source text NOT NULL,
    document_sha256 text NOT NULL CHECK (document_sha256 ~ '^[0-9a-f]{64}$'),
    entries integer NOT NULL CHECK (entries >= 0),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    published_by_org text NOT NULL,
    published_by text NOT NULL,
    published_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, version),
    UNIQUE (id, sha256)
)"""
SANCTION = """
CREATE TABLE sanction (
    list_id text NOT NULL,
    version integer NOT NULL,
    place integer NOT NULL,
    ruc text NOT NULL CHECK (ruc ~ '^[0-9]{11}$'),
    reason text NOT NULL,
    resolution text NOT NULL,
    since date NOT NULL,
    until date CHECK (until >= since),
    PRIMARY KEY (list_id, version, place),
    FOREIGN KEY (list_id, version) REFERENCES sanction_list
)"""

ALERT = """
CREATE TABLE alert (
    id text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{32}$'),
    org text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('price_moved', 'payment_overdue', 'permit_expiring', 'buyer_sanctioned')),
    about bytea NOT NULL CHECK (octet_length(about) BETWEEN 2 AND 4096),
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    state text NOT NULL DEFAULT 'unknown' CHECK (state IN ('raised', 'clear', 'unknown')),
    seen bytea,
    looked_at timestamptz
)"""
# `key` names what happened, so that the same thing is told once however often somebody looks.
EVENT = """
CREATE TABLE alert_event (
    alert_id text NOT NULL REFERENCES alert,
    place integer NOT NULL CHECK (place > 0),
    key text NOT NULL,
    org text NOT NULL,
    facts bytea NOT NULL,
    es text NOT NULL,
    en text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (alert_id, place),
    UNIQUE (alert_id, key)
)"""

INDEXES = (
    "CREATE INDEX sanction_ruc ON sanction (ruc, list_id, version)",
    "CREATE INDEX alert_org ON alert (org, created_at DESC, id DESC) WHERE ended_at IS NULL",
    "CREATE UNIQUE INDEX alert_once ON alert (org, about) WHERE ended_at IS NULL",
    "CREATE INDEX alert_to_look ON alert (looked_at NULLS FIRST, id) WHERE ended_at IS NULL",
)

ORG = "nullif(current_setting('app.org', true), '')"
SUB = "nullif(current_setting('app.sub', true), '')"
ROLES = "string_to_array(current_setting('app.roles', true), ',')"
STEWARD = f"{ROLES} && ARRAY['operator', 'authority']"
FORESTER = f"{ROLES} && ARRAY['operator', 'authority', 'regent']"
# The pass over the alerts is the house's own: it has this role, which no token carries.
WATCHER = f"{ROLES} && ARRAY['watcher']"
POLICIES = (
    "CREATE POLICY everyone ON cost_signature FOR SELECT USING (true)",
    f"CREATE POLICY foresters ON cost_signature FOR INSERT WITH CHECK ({FORESTER} AND {ORG} = signed_by_org AND {SUB} = signed_by)",
    "CREATE POLICY everyone ON series FOR SELECT USING (true)",
    f"CREATE POLICY stewards ON series FOR INSERT WITH CHECK ({STEWARD} AND {ORG} = published_by_org)",
    "CREATE POLICY everyone ON sanction_list FOR SELECT USING (true)",
    f"CREATE POLICY stewards ON sanction_list FOR INSERT WITH CHECK ({STEWARD} AND {ORG} = published_by_org)",
    "CREATE POLICY everyone ON sanction FOR SELECT USING (true)",
    f"CREATE POLICY stewards ON sanction FOR INSERT WITH CHECK ({STEWARD})",
    f"CREATE POLICY own ON alert USING ({ORG} = org OR {WATCHER}) WITH CHECK ({ORG} = org OR {WATCHER})",
    f"CREATE POLICY own ON alert_event FOR SELECT USING ({ORG} = org OR {WATCHER})",
    f"CREATE POLICY watcher ON alert_event FOR INSERT WITH CHECK ({WATCHER})",
)


def upgrade() -> None:
    app = app_role()
    for statement in (*BOOK, SIGNATURE, SERIES, SANCTION_LIST, SANCTION, ALERT, EVENT, *INDEXES):
        op.execute(statement)
    for table in ("cost_signature", "series", "sanction_list", "sanction", "alert", "alert_event"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {app}")
    op.execute(f"GRANT UPDATE (ended_at, state, seen, looked_at) ON alert TO {app}")
    for policy in POLICIES:
        op.execute(policy)
