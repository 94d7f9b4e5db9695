"""A contract has a random id for the world, and alerts are posted to addresses that an organisation names.

What is still to be posted is a row for each event and address, written with the event. The seeds of the keys that sign are
in a table of their own, which only the sender reads.
"""

from alembic import op

from shared.web.db import app_role

revision = "0007"
down_revision = "0006"

# `id` is the hash of an offer, by which its price could be guessed: it does not leave the house.
OCDS_ID = (
    "ALTER TABLE contract ADD COLUMN ocds_id text NOT NULL UNIQUE DEFAULT replace(gen_random_uuid()::text, '-', '')"
    " CHECK (ocds_id ~ '^[0-9a-f]{32}$')"
)

WEBHOOK = """
CREATE TABLE alert_webhook (
    id uuid PRIMARY KEY,
    org text NOT NULL,
    url text NOT NULL CHECK (length(url) <= 500),
    verification_key text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    delivered integer NOT NULL DEFAULT 0,
    delivered_at timestamptz,
    failures integer NOT NULL DEFAULT 0,
    failing_since timestamptz,
    last_error text,
    due_at timestamptz NOT NULL DEFAULT now(),
    lease uuid,
    lease_until timestamptz,
    disabled_at timestamptz,
    disabled_why text,
    UNIQUE (org, url)
)"""
SEED = """
CREATE TABLE alert_webhook_seed (
    webhook_id uuid PRIMARY KEY REFERENCES alert_webhook ON DELETE CASCADE,
    org text NOT NULL,
    seed bytea NOT NULL CHECK (octet_length(seed) = 32)
)"""
DELIVERY = """
CREATE TABLE alert_delivery (
    webhook_id uuid NOT NULL REFERENCES alert_webhook ON DELETE CASCADE,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    alert_id text NOT NULL,
    place integer NOT NULL,
    PRIMARY KEY (webhook_id, alert_id, place),
    FOREIGN KEY (alert_id, place) REFERENCES alert_event
)"""
INDEXES = (
    "CREATE INDEX alert_delivery_next ON alert_delivery (webhook_id, seq)",
    "CREATE INDEX settlement_of_lot ON settlement (lot)",
)

ORG = "nullif(current_setting('app.org', true), '')"
WATCHER = "string_to_array(current_setting('app.roles', true), ',') && ARRAY['watcher']"
POLICIES = (
    f"CREATE POLICY own ON alert_webhook USING ({ORG} = org OR {WATCHER}) WITH CHECK ({ORG} = org OR {WATCHER})",
    f"CREATE POLICY sender ON alert_webhook_seed FOR SELECT USING ({WATCHER})",
    f"CREATE POLICY own ON alert_webhook_seed FOR INSERT WITH CHECK ({ORG} = org)",
    f"CREATE POLICY sender ON alert_delivery USING ({WATCHER}) WITH CHECK ({WATCHER})",
)
STATE = "due_at, lease, lease_until, delivered, delivered_at, failures, failing_since, last_error, disabled_at, disabled_why"


def upgrade() -> None:
    app = app_role()
    for statement in (OCDS_ID, WEBHOOK, SEED, DELIVERY, *INDEXES):
        op.execute(statement)
    for table in ("alert_webhook", "alert_webhook_seed", "alert_delivery"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {app}")
    op.execute(f"GRANT DELETE, UPDATE ({STATE}) ON alert_webhook TO {app}")
    op.execute(f"GRANT DELETE ON alert_delivery TO {app}")
    for policy in POLICIES:
        op.execute(policy)
