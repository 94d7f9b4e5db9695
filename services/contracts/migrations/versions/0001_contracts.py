"""Contracts and appraisals seen by their parties only; books that anyone reads and nobody rewrites."""

from alembic import op

from shared.web.db import app_role

revision = "0001"
down_revision = None

# `id` is the hash of the offer, so the same offer stored twice is one row.
CONTRACT = """
CREATE TABLE contract (
    id text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{32}$'),
    community text NOT NULL,
    buyer text CHECK (buyer <> community),
    title text NOT NULL,
    region text NOT NULL,
    offered_on date NOT NULL,
    offer bytea NOT NULL CHECK (octet_length(offer) BETWEEN 2 AND 1048576),
    offer_sha256 text NOT NULL CHECK (offer_sha256 ~ '^[0-9a-f]{64}$' AND left(offer_sha256, 32) = id),
    created_by_org text NOT NULL CHECK (created_by_org = community OR created_by_org = buyer),
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
)"""

# What the wood is worth to the community is the community's to know: the buyer's organisation is not in this table.
APPRAISAL = """
CREATE TABLE appraisal (
    id text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{32}$'),
    contract_id text NOT NULL REFERENCES contract,
    community text NOT NULL,
    appraised_on date NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('no_answer', 'far_below', 'below', 'low_in_range', 'fair')),
    body bytea NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
)"""

BOOK = """
CREATE TABLE book (
    kind text NOT NULL CHECK (kind IN ('price', 'cost')),
    id text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    title text NOT NULL,
    region text NOT NULL,
    as_of date NOT NULL,
    content bytea NOT NULL CHECK (octet_length(content) BETWEEN 2 AND 1048576),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    published_by_org text NOT NULL,
    published_by text NOT NULL,
    published_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, id, version),
    UNIQUE (kind, id, sha256)
)"""

INDEXES = (
    "CREATE INDEX contract_community ON contract (community, created_at DESC, id DESC)",
    "CREATE INDEX contract_buyer ON contract (buyer, created_at DESC, id DESC)",
    "CREATE INDEX appraisal_contract ON appraisal (contract_id, created_at DESC, id DESC)",
    "CREATE INDEX book_region ON book (kind, region, as_of DESC)",
)

ORG = "nullif(current_setting('app.org', true), '')"
STEWARD = "string_to_array(current_setting('app.roles', true), ',') && ARRAY['operator', 'authority']"
POLICIES = (
    f"CREATE POLICY parties ON contract USING ({ORG} IN (community, buyer)) WITH CHECK ({ORG} = created_by_org)",
    f"CREATE POLICY community ON appraisal USING ({ORG} = community) WITH CHECK ({ORG} = community)",
    "CREATE POLICY everyone ON book FOR SELECT USING (true)",
    f"CREATE POLICY stewards ON book FOR INSERT WITH CHECK ({STEWARD} AND {ORG} = published_by_org)",
)


def upgrade() -> None:
    app = app_role()
    for statement in (CONTRACT, APPRAISAL, BOOK, *INDEXES):
        op.execute(statement)
    for table in ("contract", "appraisal", "book"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {app}")
    for policy in POLICIES:
        op.execute(policy)
