"""Group certificates; grants by which an organisation lets another read; and the trail of who read and changed what.

Revision ID: 0005
Revises: 0001
"""

from alembic import op

from shared.web.db import app_role

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

CERTIFICATES = """
CREATE TABLE certificates (
    number text PRIMARY KEY CHECK (number ~ '^[A-Z0-9][A-Z0-9.-]{1,39}$'),
    code text NOT NULL UNIQUE,
    prefix text NOT NULL,
    scheme text NOT NULL CHECK (scheme IN ('fsc')),
    scope text NOT NULL CHECK (scope IN ('fm', 'coc', 'fm_coc')),
    licence text,
    certifier text NOT NULL REFERENCES organisations,
    holder text NOT NULL REFERENCES organisations,
    valid_from date NOT NULL,
    valid_to date NOT NULL,
    area_m2 bigint CHECK (area_m2 > 0),
    state text NOT NULL CHECK (state IN ('in_force', 'suspended', 'ended')),
    sid text NOT NULL,
    last_sid text NOT NULL,
    CHECK (valid_from <= valid_to),
    CONSTRAINT certified_by_another CHECK (certifier <> holder)
);
CREATE INDEX certificates_of_holder ON certificates (holder, number);
CREATE INDEX certificates_by_prefix ON certificates (prefix) WHERE state <> 'ended';
CREATE TABLE certificate_members (
    certificate text NOT NULL REFERENCES certificates,
    org text NOT NULL REFERENCES organisations,
    first_day date NOT NULL,
    last_day date,
    state text NOT NULL CHECK (state IN ('in_force', 'suspended')),
    PRIMARY KEY (certificate, org),
    CHECK (last_day IS NULL OR first_day <= last_day)
);
CREATE INDEX certificates_of_member ON certificate_members (org, certificate);
CREATE TABLE certificate_acts (
    certificate text NOT NULL REFERENCES certificates,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    kind text NOT NULL CHECK (kind IN ('registered', 'amended', 'suspended', 'reinstated', 'ended')),
    member text,
    at timestamptz NOT NULL,
    reason text NOT NULL,
    sid text NOT NULL,
    PRIMARY KEY (certificate, seq)
);
"""

# What one organisation lets another read of its own, from a moment to a moment, for a purpose. `audit`: this trail.
GRANTS = """
CREATE TABLE read_grants (
    id uuid PRIMARY KEY,
    n bigint GENERATED ALWAYS AS IDENTITY,
    owner text NOT NULL REFERENCES organisations,
    to_org text NOT NULL REFERENCES organisations,
    scope text[] NOT NULL CHECK (cardinality(scope) > 0
        AND scope <@ ARRAY['plans', 'census', 'permits', 'territory', 'audit']),
    purpose text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_until timestamptz NOT NULL CHECK (valid_until > valid_from),
    made_by text NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    revoked_by text,
    revoked_at timestamptz,
    CHECK (owner <> to_org),
    CHECK ((revoked_by IS NULL) = (revoked_at IS NULL))
);
CREATE INDEX read_grants_made ON read_grants (owner, n);
CREATE INDEX read_grants_given ON read_grants (to_org, n);
-- Runs as the caller: it sees the grants that the caller's organisation made or was given, which are those it asks for.
CREATE FUNCTION granted(whose text, what text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM read_grants g WHERE g.owner = whose AND g.to_org = app_org() AND what = ANY(g.scope)
        AND g.revoked_at IS NULL AND g.valid_from <= now() AND now() < g.valid_until) $$;
"""

# `org` is whose matter it is; who acted is `actor` of `actor_org`. Readings are written by the routes that answer them,
# changes by the triggers below, so that no route can forget one.
AUDIT = """
CREATE TABLE audit (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    org text NOT NULL,
    region text NOT NULL,
    actor text NOT NULL,
    actor_org text NOT NULL,
    act text NOT NULL CHECK (act IN ('read', 'added', 'changed')),
    what text NOT NULL,
    thing text NOT NULL,
    ground text NOT NULL CHECK (ground IN ('own', 'party', 'grant', 'office', 'service')),
    grant_id uuid REFERENCES read_grants,
    detail text NOT NULL DEFAULT ''
);
CREATE INDEX audit_of_org ON audit (org, n);
CREATE INDEX audit_of_actor ON audit (actor_org, actor, n);
"""

CHANGE = """
CREATE FUNCTION audit_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    row jsonb := to_jsonb(NEW);
    actor_org text := coalesce(app_org(), '');
    state text := coalesce(row->>'state', '');
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF row = to_jsonb(OLD) THEN RETURN NEW; END IF;
        IF to_jsonb(OLD)->>'state' <> state THEN state := (to_jsonb(OLD)->>'state') || ' > ' || state; END IF;
    END IF;
    INSERT INTO audit (org, region, actor, actor_org, act, what, thing, ground, detail) VALUES (
        row->>'org', row->>'region', coalesce(current_setting('app.sub', true), ''), actor_org,
        CASE TG_OP WHEN 'INSERT' THEN 'added' ELSE 'changed' END, TG_ARGV[0], row->>TG_ARGV[1],
        CASE WHEN actor_org = row->>'org' THEN 'own' WHEN app_is('authority', 'supervisor') THEN 'office'
             WHEN actor_org = '' THEN 'service' ELSE 'party' END, state);
    RETURN NEW;
END $$
"""

TRIGGERS = """
CREATE TRIGGER plans_audit AFTER INSERT OR UPDATE ON plans FOR EACH ROW EXECUTE FUNCTION audit_change('plan', 'id');
CREATE TRIGGER permits_audit AFTER INSERT OR UPDATE ON permits
    FOR EACH ROW EXECUTE FUNCTION audit_change('permit', 'number');
CREATE TRIGGER titles_audit AFTER INSERT ON titles FOR EACH ROW EXECUTE FUNCTION audit_change('title', 'number');
"""

# Permissive policies add to those of the tables: what the owner, the regent and the officers see stays as it was.
POLICIES = """
CREATE POLICY polygons_granted ON title_polygons FOR SELECT USING (granted(org, 'territory'));
CREATE POLICY plans_granted ON plans FOR SELECT USING (granted(org, 'plans'));
CREATE POLICY lines_granted ON census_lines FOR SELECT USING (granted(org, 'census'));
CREATE POLICY permits_granted ON permits FOR SELECT USING (granted(org, 'permits'));
CREATE POLICY amendments_granted ON permit_amendments FOR SELECT USING (EXISTS (
    SELECT FROM permits p WHERE p.number = permit_amendments.permit AND granted(p.org, 'permits')));

ALTER TABLE certificates ENABLE ROW LEVEL SECURITY;
ALTER TABLE certificates FORCE ROW LEVEL SECURITY;
CREATE POLICY certificates_read ON certificates FOR SELECT USING (true);
CREATE POLICY certificates_add ON certificates FOR INSERT WITH CHECK (certifier = app_org() AND app_is('certifier'));
CREATE POLICY certificates_change ON certificates FOR UPDATE
    USING (certifier = app_org() AND app_is('certifier')) WITH CHECK (certifier = app_org());
ALTER TABLE certificate_members ENABLE ROW LEVEL SECURITY;
ALTER TABLE certificate_members FORCE ROW LEVEL SECURITY;
CREATE POLICY members_read ON certificate_members FOR SELECT USING (true);
CREATE POLICY members_add ON certificate_members FOR INSERT WITH CHECK (app_is('certifier') AND EXISTS (
    SELECT FROM certificates c WHERE c.number = certificate AND c.certifier = app_org()));
CREATE POLICY members_change ON certificate_members FOR UPDATE USING (app_is('certifier') AND EXISTS (
    SELECT FROM certificates c WHERE c.number = certificate AND c.certifier = app_org()));
ALTER TABLE certificate_acts ENABLE ROW LEVEL SECURITY;
ALTER TABLE certificate_acts FORCE ROW LEVEL SECURITY;
CREATE POLICY certificate_acts_read ON certificate_acts FOR SELECT USING (true);
CREATE POLICY certificate_acts_add ON certificate_acts FOR INSERT WITH CHECK (app_is('certifier') AND EXISTS (
    SELECT FROM certificates c WHERE c.number = certificate AND c.certifier = app_org()));

ALTER TABLE read_grants ENABLE ROW LEVEL SECURITY;
ALTER TABLE read_grants FORCE ROW LEVEL SECURITY;
CREATE POLICY grants_read ON read_grants FOR SELECT USING (app_org() IN (owner, to_org));
CREATE POLICY grants_add ON read_grants FOR INSERT WITH CHECK (owner = app_org() AND app_is('manager'));
CREATE POLICY grants_end ON read_grants FOR UPDATE USING (owner = app_org() AND app_is('manager'));

-- The organisation, its auditors, the officers of the region; everybody their own acts. An operator sees that there are
-- lines, and the route says no more of them.
ALTER TABLE audit ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit FORCE ROW LEVEL SECURITY;
CREATE POLICY audit_read ON audit FOR SELECT USING (
    org = app_org() OR granted(org, 'audit') OR (app_is('authority', 'supervisor') AND app_in(region)) OR app_is('operator')
    OR (actor_org = app_org() AND actor = current_setting('app.sub', true)));
CREATE POLICY audit_add ON audit FOR INSERT WITH CHECK (actor_org = coalesce(app_org(), ''));
"""

# Nothing that was said is taken back: a grant ends, a certificate changes its state, a line of the trail stays.
RIGHTS = """
GRANT SELECT, INSERT ON audit, certificate_acts TO :app;
GRANT SELECT, INSERT, UPDATE ON certificates, certificate_members TO :app;
GRANT SELECT, INSERT ON read_grants TO :app;
GRANT UPDATE (revoked_by, revoked_at) ON read_grants TO :app;
"""


def upgrade() -> None:
    """Make everything; run by the owner, in one transaction."""
    for script in (CERTIFICATES, GRANTS, AUDIT):
        _run(script)
    op.execute(CHANGE)
    for script in (TRIGGERS, POLICIES, RIGHTS.replace(":app", app_role())):
        _run(script)


def _run(script: str) -> None:
    """asyncpg prepares one statement at a time; none of these has a semicolon at the end of a line inside it."""
    for statement in (part.strip() for part in script.split(";\n")):
        if statement:
            op.execute(statement)
