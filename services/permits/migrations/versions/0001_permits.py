"""Organisations, keys, titles, plans with their census, permits, inspections, and the outbox to the log.

Revision ID: 0001
Revises:
"""

from alembic import op

from shared.web.db import app_role

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Row-level security is the backstop behind the access table. Unset settings show what is public, never everything.
# `app_in`: an officer's rights end with the officer's region; '*' is the country, and none is nowhere.
FUNCTIONS = """
CREATE FUNCTION app_org() RETURNS text LANGUAGE sql STABLE
    AS $$ SELECT nullif(current_setting('app.org', true), '') $$;
CREATE FUNCTION app_is(VARIADIC roles text[]) RETURNS boolean LANGUAGE sql STABLE
    AS $$ SELECT coalesce(string_to_array(current_setting('app.roles', true), ',') && roles, false) $$;
CREATE FUNCTION app_in(territory text) RETURNS boolean LANGUAGE sql STABLE
    AS $$ SELECT coalesce(current_setting('app.region', true) IN ('*', territory), false) $$;
"""

PARTIES = """
CREATE TABLE organisations (
    id text PRIMARY KEY CHECK (id ~ '^[a-z0-9][a-z0-9-]{1,39}$'),
    name text NOT NULL CHECK (length(name) BETWEEN 1 AND 160),
    kind text NOT NULL,
    region text,
    sid text NOT NULL
);
CREATE TABLE keys (
    kid text PRIMARY KEY CHECK (length(kid) = 22),
    org text NOT NULL REFERENCES organisations,
    public_key text NOT NULL UNIQUE CHECK (length(public_key) = 43),
    role text NOT NULL CHECK (role IN ('registrar', 'host', 'root', 'device')),
    proof text NOT NULL CHECK (length(proof) = 86),
    state text NOT NULL CHECK (state IN ('asked', 'proposed', 'registered')),
    asked_by text,
    proposed_by text,
    approved_by text,
    sid text,
    CHECK ((state = 'registered') = (sid IS NOT NULL)),
    CHECK ((state = 'asked') <= (asked_by IS NOT NULL)),
    CHECK ((state = 'proposed') <= (proposed_by IS NOT NULL)),
    -- The keys of the house come with its start, without persons.
    CHECK (state <> 'registered' OR role IN ('registrar', 'host') OR approved_by IS NOT NULL),
    CONSTRAINT approved_by_another_person CHECK (
        approved_by IS NULL OR (proposed_by IS NOT NULL AND approved_by <> proposed_by
                                AND approved_by <> coalesce(asked_by, ''))),
    CONSTRAINT proposed_by_another_person CHECK (proposed_by IS NULL OR proposed_by <> coalesce(asked_by, ''))
);
CREATE INDEX keys_of_org ON keys (org, kid);
-- Of any key of the log, also of those that an organisation's root added without us.
CREATE TABLE key_revocations (
    kid text NOT NULL CHECK (length(kid) = 22),
    org text NOT NULL REFERENCES organisations,
    reason text NOT NULL,
    distrust_from bigint CHECK (distrust_from >= 0),
    sid text NOT NULL,
    PRIMARY KEY (kid, org)
);
"""

TITLES = """
CREATE TABLE titles (
    number text PRIMARY KEY CHECK (number ~ '^[A-Z0-9][A-Z0-9.-]{1,39}$'),
    official_number text,
    org text NOT NULL REFERENCES organisations,
    region text NOT NULL,
    area_m2 bigint NOT NULL CHECK (area_m2 > 0),
    declared_area_m2 bigint NOT NULL CHECK (declared_area_m2 > 0),
    polygon_sha256 text NOT NULL CHECK (length(polygon_sha256) = 64),
    sid text NOT NULL
);
CREATE INDEX titles_of_org ON titles (org, number);
CREATE TABLE title_polygons (
    title text PRIMARY KEY REFERENCES titles,
    org text NOT NULL,
    region text NOT NULL,
    document bytea NOT NULL
);
"""

PLANS = """
CREATE TABLE plans (
    id text PRIMARY KEY CHECK (id ~ '^[A-Z0-9][A-Z0-9.-]{1,39}$'),
    title text NOT NULL REFERENCES titles,
    org text NOT NULL REFERENCES organisations,
    region text NOT NULL,
    number text NOT NULL,
    season text NOT NULL,
    regent text REFERENCES organisations,
    parcels jsonb NOT NULL,
    form_factor_milli int NOT NULL CHECK (form_factor_milli BETWEEN 300 AND 1000),
    harvest_from date NOT NULL,
    harvest_to date NOT NULL,
    census_basis text NOT NULL CHECK (census_basis IN ('listed', 'partial', 'not_available')),
    state text NOT NULL CHECK (state IN ('draft', 'submitted', 'approved')),
    created_by text NOT NULL,
    uploaded_by text,
    submitted_by text,
    approved_by text,
    resolution text,
    census jsonb NOT NULL,
    sid text,
    CHECK (harvest_from <= harvest_to),
    CHECK ((state = 'approved') = (sid IS NOT NULL)),
    CHECK ((state = 'approved') = (approved_by IS NOT NULL AND resolution IS NOT NULL)),
    CHECK (state = 'draft' OR submitted_by IS NOT NULL),
    CONSTRAINT approved_by_another_person CHECK (
        approved_by IS NULL OR (approved_by <> created_by AND approved_by <> submitted_by
                                AND approved_by <> coalesce(uploaded_by, '')))
);
CREATE INDEX plans_of_title ON plans (title, id);
CREATE INDEX plans_of_org ON plans (org, id);
CREATE INDEX plans_of_regent ON plans (regent, title);
CREATE TABLE census_trees (
    plan text NOT NULL REFERENCES plans,
    position int NOT NULL,
    parcel text NOT NULL,
    code text NOT NULL,
    item uuid NOT NULL,
    species text NOT NULL,
    trade_name text NOT NULL,
    dbh_mm int NOT NULL CHECK (dbh_mm > 0),
    height_mm int NOT NULL CHECK (height_mm > 0),
    volume_dm3 int NOT NULL CHECK (volume_dm3 > 0),
    condition text NOT NULL CHECK (condition IN ('harvestable', 'seed', 'future', 'protected')),
    PRIMARY KEY (plan, position),
    UNIQUE (plan, parcel, code)
);
-- Where a tree stands, and the salted line with its coordinates: what the published root commits to. Deleting a row
-- erases the place of a tree.
CREATE TABLE census_lines (
    plan text NOT NULL REFERENCES plans,
    position int NOT NULL,
    org text NOT NULL,
    regent text,
    region text NOT NULL,
    block text NOT NULL,
    line text NOT NULL,
    document bytea NOT NULL,
    PRIMARY KEY (plan, position)
);
"""

PERMITS = """
CREATE TABLE permits (
    number text PRIMARY KEY CHECK (number ~ '^[A-Z0-9][A-Z0-9.-]{1,39}$'),
    official_number text,
    title text NOT NULL REFERENCES titles,
    plan text NOT NULL REFERENCES plans,
    org text NOT NULL REFERENCES organisations,
    regent text,
    region text NOT NULL,
    holder text NOT NULL REFERENCES organisations,
    harvest_from date NOT NULL,
    harvest_to date NOT NULL,
    move_to date NOT NULL,
    state text NOT NULL CHECK (state IN ('proposed', 'in_force', 'suspended', 'revoked')),
    lines jsonb NOT NULL,
    p05 text NOT NULL CHECK (p05 IN ('PASS', 'NOT_EVALUATED')),
    proposed_by text NOT NULL,
    approved_by text,
    sid text,
    last_sid text,
    CHECK (harvest_from <= harvest_to AND harvest_to <= move_to),
    CHECK ((state = 'proposed') = (sid IS NULL)),
    CHECK ((state = 'proposed') = (approved_by IS NULL)),
    CONSTRAINT approved_by_another_person CHECK (approved_by IS NULL OR approved_by <> proposed_by)
);
CREATE INDEX permits_of_org ON permits (org, number);
CREATE INDEX permits_of_region ON permits (region, number);
CREATE INDEX permits_of_holder ON permits (holder, number);
CREATE INDEX permits_of_plan ON permits (plan, number);
CREATE INDEX permits_of_title ON permits (title, number);
CREATE INDEX permits_withheld ON permits (state, number) WHERE state IN ('suspended', 'revoked');
CREATE TABLE permit_acts (
    permit text NOT NULL REFERENCES permits,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL CHECK (kind IN ('issued', 'amended', 'suspended', 'reinstated', 'revoked')),
    at timestamptz NOT NULL,
    reason text NOT NULL,
    sid text NOT NULL,
    PRIMARY KEY (permit, seq)
);
CREATE TABLE permit_amendments (
    permit text NOT NULL REFERENCES permits,
    id text NOT NULL,
    reason text NOT NULL,
    lines jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('proposed', 'approved')),
    proposed_by text NOT NULL,
    approved_by text,
    PRIMARY KEY (permit, id),
    CONSTRAINT approved_by_another_person CHECK (approved_by IS NULL OR approved_by <> proposed_by)
);
CREATE TABLE inspections (
    number text PRIMARY KEY CHECK (number ~ '^[A-Z0-9][A-Z0-9.-]{1,39}$'),
    plan text NOT NULL REFERENCES plans,
    parcel text NOT NULL,
    inspector text NOT NULL REFERENCES organisations,
    trees_sampled int NOT NULL,
    trees_absent int NOT NULL CHECK (trees_absent <= trees_sampled),
    trees_mismatched int CHECK (trees_mismatched <= trees_sampled),
    volume_dm3 bigint NOT NULL,
    trees jsonb,
    sid text NOT NULL
);
CREATE INDEX inspections_of_plan ON inspections (plan, number);
"""

OUTBOX = """
CREATE TABLE outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sid text NOT NULL UNIQUE,
    type text NOT NULL,
    subject text NOT NULL,
    entry bytea NOT NULL,
    created_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'published', 'refused')),
    origin text,
    log_index bigint,
    attempts int NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    problem jsonb,
    CHECK ((state = 'published') = (log_index IS NOT NULL)),
    CHECK ((state = 'refused') = (problem IS NOT NULL))
);
CREATE INDEX outbox_pending ON outbox (seq) WHERE state = 'pending';
CREATE INDEX outbox_refused ON outbox (next_attempt_at) WHERE state = 'refused';
-- What may be said once: the genesis, one list of withheld permits for each day, one answer to a finding.
CREATE UNIQUE INDEX outbox_once ON outbox (subject) WHERE subject LIKE 'once:%';
CREATE TABLE publisher_lease (
    id int PRIMARY KEY CHECK (id = 1),
    holder text NOT NULL,
    until timestamptz NOT NULL
);
INSERT INTO publisher_lease VALUES (1, '', '-infinity');
-- The first answer of each command that carried an Idempotency-Key; written in the transaction of its effect.
CREATE TABLE commands (
    org text NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status int,
    answer bytea,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (org, key)
);
CREATE INDEX commands_old ON commands (created_at);
-- Phones and village offices repeat a command after weeks without network. Runs as the owner, whom the policy of the
-- table does not bind: the service itself sees the answers of its caller's organisation only, and deletes none.
CREATE FUNCTION forget_commands(at timestamptz) RETURNS void LANGUAGE sql SECURITY DEFINER
    SET search_path = public, pg_temp
    AS $$ DELETE FROM commands WHERE created_at < least(at, now()) - interval '30 days' $$;
REVOKE EXECUTE ON FUNCTION forget_commands(timestamptz) FROM PUBLIC;
"""

POLICIES = """
ALTER TABLE title_polygons ENABLE ROW LEVEL SECURITY;
ALTER TABLE title_polygons FORCE ROW LEVEL SECURITY;
CREATE POLICY polygons_read ON title_polygons FOR SELECT USING (
    org = app_org() OR (app_is('authority', 'supervisor') AND app_in(region))
    OR EXISTS (SELECT FROM plans WHERE plans.title = title_polygons.title AND plans.regent = app_org()));
CREATE POLICY polygons_write ON title_polygons FOR INSERT WITH CHECK (app_is('authority') AND app_in(region));

ALTER TABLE plans ENABLE ROW LEVEL SECURITY;
ALTER TABLE plans FORCE ROW LEVEL SECURITY;
CREATE POLICY plans_read ON plans FOR SELECT USING (
    state = 'approved' OR org = app_org() OR regent = app_org()
    OR (app_is('authority', 'supervisor') AND app_in(region)));
CREATE POLICY plans_add ON plans FOR INSERT WITH CHECK (org = app_org() AND app_is('manager') AND state = 'draft');
CREATE POLICY plans_change ON plans FOR UPDATE
    USING (state <> 'approved' AND (org = app_org() OR regent = app_org() OR (app_is('authority') AND app_in(region))))
    WITH CHECK (state <> 'approved' OR (app_is('authority') AND app_in(region)));

ALTER TABLE census_trees ENABLE ROW LEVEL SECURITY;
ALTER TABLE census_trees FORCE ROW LEVEL SECURITY;
CREATE POLICY trees_read ON census_trees FOR SELECT USING (
    EXISTS (SELECT FROM plans WHERE plans.id = census_trees.plan));
CREATE POLICY trees_add ON census_trees FOR INSERT WITH CHECK (
    EXISTS (SELECT FROM plans WHERE plans.id = census_trees.plan AND plans.state = 'draft'));
CREATE POLICY trees_remove ON census_trees FOR DELETE USING (
    EXISTS (SELECT FROM plans WHERE plans.id = census_trees.plan AND plans.state = 'draft'));

ALTER TABLE census_lines ENABLE ROW LEVEL SECURITY;
ALTER TABLE census_lines FORCE ROW LEVEL SECURITY;
CREATE POLICY lines_read ON census_lines FOR SELECT USING (
    org = app_org() OR regent = app_org() OR (app_is('authority', 'supervisor') AND app_in(region)));
CREATE POLICY lines_add ON census_lines FOR INSERT WITH CHECK (org = app_org() OR regent = app_org());
CREATE POLICY lines_remove ON census_lines FOR DELETE USING (org = app_org() OR regent = app_org());

ALTER TABLE permits ENABLE ROW LEVEL SECURITY;
ALTER TABLE permits FORCE ROW LEVEL SECURITY;
CREATE POLICY permits_read ON permits FOR SELECT USING (
    state <> 'proposed' OR org = app_org() OR holder = app_org() OR regent = app_org()
    OR (app_is('authority', 'supervisor') AND app_in(region)));
CREATE POLICY permits_add ON permits FOR INSERT WITH CHECK (
    state = 'proposed' AND ((app_is('authority') AND app_in(region)) OR (org = app_org() AND app_is('manager'))));
CREATE POLICY permits_change ON permits FOR UPDATE
    USING (app_is('authority', 'supervisor') AND app_in(region))
    WITH CHECK (app_is('authority', 'supervisor') AND app_in(region));

ALTER TABLE permit_amendments ENABLE ROW LEVEL SECURITY;
ALTER TABLE permit_amendments FORCE ROW LEVEL SECURITY;
CREATE POLICY amendments_read ON permit_amendments FOR SELECT USING (EXISTS (
    SELECT FROM permits p WHERE p.number = permit_amendments.permit
    AND (app_org() IN (p.org, p.holder, p.regent) OR (app_is('authority', 'supervisor') AND app_in(p.region)))));
CREATE POLICY amendments_write ON permit_amendments FOR INSERT WITH CHECK (app_is('authority') AND EXISTS (
    SELECT FROM permits p WHERE p.number = permit_amendments.permit AND app_in(p.region)));
CREATE POLICY amendments_change ON permit_amendments FOR UPDATE USING (app_is('authority') AND EXISTS (
    SELECT FROM permits p WHERE p.number = permit_amendments.permit AND app_in(p.region)));

-- Not FORCE: `forget_commands` is the owner's.
ALTER TABLE commands ENABLE ROW LEVEL SECURITY;
CREATE POLICY commands_own ON commands USING (org = app_org());
"""

# Nothing that was announced may be deleted; a census of a draft may be replaced, an old command forgotten.
GRANTS = """
GRANT SELECT, INSERT ON organisations, titles, title_polygons, inspections, permit_acts TO :app;
GRANT SELECT, INSERT, UPDATE ON keys, key_revocations, plans, permits, permit_amendments, outbox TO :app;
GRANT SELECT, INSERT, DELETE ON census_trees, census_lines TO :app;
GRANT SELECT, UPDATE ON publisher_lease TO :app;
GRANT SELECT, INSERT, UPDATE ON commands TO :app;
GRANT EXECUTE ON FUNCTION forget_commands(timestamptz) TO :app;
"""


def upgrade() -> None:
    """Make everything; run by the owner, in one transaction."""
    grants = GRANTS.replace(":app", app_role())
    for script in (FUNCTIONS, PARTIES, TITLES, PLANS, PERMITS, OUTBOX, POLICIES, grants):
        for statement in _statements(script):
            op.execute(statement)


def _statements(script: str) -> list[str]:
    """asyncpg prepares one statement at a time; none of ours has a semicolon at the end of a line inside it."""
    return [part.strip() for part in script.split(";\n") if part.strip()]
