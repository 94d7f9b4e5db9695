"""Shapes of parcels and zones of titles, boxes to find neighbours by, census imports as jobs, the minimum diameter of a tree.

Revision ID: 0003
Revises: 0001
"""

from alembic import op

from shared.web.db import app_role

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# Whole 1e-7 degrees, as in the documents. `source` is how the boundary arrived: datum, zone, what was repaired with
# whose consent, and its points before that.
BOX = """
    west_e7 int NOT NULL,
    south_e7 int NOT NULL,
    east_e7 int NOT NULL,
    north_e7 int NOT NULL,
    CHECK (west_e7 <= east_e7 AND south_e7 <= north_e7)"""
TABLES = """
ALTER TABLE title_polygons ADD COLUMN west_e7 int, ADD COLUMN south_e7 int, ADD COLUMN east_e7 int,
    ADD COLUMN north_e7 int, ADD COLUMN source bytea;
-- For what follows here, and for `land_near`.
ALTER TABLE title_polygons NO FORCE ROW LEVEL SECURITY;
UPDATE title_polygons SET (west_e7, south_e7, east_e7, north_e7) = (
    SELECT min(lon), min(lat), max(lon), max(lat) FROM (
        SELECT CAST(point->0 AS int) AS lon, CAST(point->1 AS int) AS lat
        FROM jsonb_path_query(convert_from(document, 'UTF8')::jsonb, 'strict $.lon_lat_e7[*][*][*]') AS point) AS points);
ALTER TABLE title_polygons ALTER COLUMN west_e7 SET NOT NULL, ALTER COLUMN south_e7 SET NOT NULL,
    ALTER COLUMN east_e7 SET NOT NULL, ALTER COLUMN north_e7 SET NOT NULL;
CREATE INDEX polygons_by_box ON title_polygons (south_e7, north_e7);
CREATE TABLE parcel_shapes (
    plan text NOT NULL REFERENCES plans,
    parcel text NOT NULL,
    title text NOT NULL REFERENCES titles,
    org text NOT NULL,
    regent text,
    region text NOT NULL,
    area_m2 bigint NOT NULL CHECK (area_m2 > 0),
    sha256 text NOT NULL CHECK (length(sha256) = 64),
    document bytea NOT NULL,
    source bytea NOT NULL,
    uploaded_by text NOT NULL,:box,
    PRIMARY KEY (plan, parcel)
);
CREATE INDEX parcel_shapes_by_box ON parcel_shapes (south_e7, north_e7);
CREATE TABLE title_zones (
    title text NOT NULL REFERENCES titles,
    code text NOT NULL CHECK (code ~ '^[A-Z0-9][A-Z0-9.-]{0,19}$'),
    kind text NOT NULL,
    org text NOT NULL,
    region text NOT NULL,
    area_m2 bigint NOT NULL CHECK (area_m2 > 0),
    sha256 text NOT NULL CHECK (length(sha256) = 64),
    document bytea NOT NULL,
    source bytea NOT NULL,
    registered_by text NOT NULL,
    registered_at timestamptz NOT NULL,
    withdrawn_by text,
    withdrawn_at timestamptz,:box,
    CHECK ((withdrawn_by IS NULL) = (withdrawn_at IS NULL)),
    PRIMARY KEY (title, code)
);
CREATE INDEX title_zones_by_box ON title_zones (south_e7, north_e7);
ALTER TABLE census_trees ADD COLUMN dmc_mm int CHECK (dmc_mm > 0);
CREATE TABLE census_jobs (
    id text PRIMARY KEY CHECK (length(id) = 22),
    plan text NOT NULL REFERENCES plans,
    org text NOT NULL,
    regent text,
    region text NOT NULL,
    caller jsonb NOT NULL,
    media_type text NOT NULL,
    file_sha256 text NOT NULL CHECK (length(file_sha256) = 64),
    file bytea,
    state text NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
    stage text NOT NULL DEFAULT '',
    rows_read int NOT NULL DEFAULT 0,
    rows_checked int NOT NULL DEFAULT 0,
    attempts int NOT NULL DEFAULT 0,
    holder text,
    until timestamptz,
    created_at timestamptz NOT NULL,
    ended_at timestamptz,
    answer bytea,
    problem jsonb,
    -- The file is kept for as long as the job may have to be begun again, and no longer.
    CHECK ((state IN ('queued', 'running')) = (file IS NOT NULL)),
    CHECK ((state IN ('done', 'failed')) = (ended_at IS NOT NULL)),
    CHECK ((state = 'done') = (answer IS NOT NULL)),
    CHECK ((state = 'failed') = (problem IS NOT NULL))
);
CREATE INDEX census_jobs_open ON census_jobs (created_at) WHERE state IN ('queued', 'running');
CREATE UNIQUE INDEX census_jobs_one_a_plan ON census_jobs (plan) WHERE state IN ('queued', 'running')
"""

# What lies in a box, whoever it belongs to: an overlap is measured with land its measurer may not look at. Only the
# routes that answer areas ask this; a polygon is shown through the tables and their policies. `plans` forces its
# policies on the owner too, so a parcel of somebody else's draft is not among them.
LAND_NEAR = """
CREATE FUNCTION land_near(west int, south int, east int, north int)
    RETURNS TABLE (kind text, title text, plan text, code text, harvest_from date, approved boolean, seen boolean,
                   document bytea)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
        SELECT 'title', p.title, NULL::text, p.title, NULL::date, true,
            coalesce(p.org = app_org(), false) OR (app_is('authority', 'supervisor') AND app_in(p.region))
                OR EXISTS (SELECT FROM plans q WHERE q.title = p.title AND q.regent = app_org()), p.document
            FROM title_polygons p
            WHERE p.west_e7 <= east AND p.east_e7 >= west AND p.south_e7 <= north AND p.north_e7 >= south
        UNION ALL
        SELECT z.kind, z.title, NULL, z.code, NULL, true,
            coalesce(z.org = app_org(), false) OR (app_is('authority', 'supervisor') AND app_in(z.region))
                OR EXISTS (SELECT FROM plans q WHERE q.title = z.title AND q.regent = app_org()), z.document
            FROM title_zones z WHERE z.withdrawn_at IS NULL
            AND z.west_e7 <= east AND z.east_e7 >= west AND z.south_e7 <= north AND z.north_e7 >= south
        UNION ALL
        SELECT 'parcel', s.title, s.plan, s.parcel, q.harvest_from, q.state = 'approved',
            coalesce(app_org() IN (s.org, s.regent), false) OR (app_is('authority', 'supervisor') AND app_in(s.region)),
            s.document
            FROM parcel_shapes s JOIN plans q ON q.id = s.plan
            WHERE q.kind <> 'PGMF' AND (q.state = 'approved' OR coalesce(app_org() IN (s.org, s.regent), false)
                   OR (app_is('authority', 'supervisor') AND app_in(s.region)))
            AND s.west_e7 <= east AND s.east_e7 >= west AND s.south_e7 <= north AND s.north_e7 >= south
    $$
"""
# The oldest import that nobody works on: queued, or left by a process that died. The worker then acts as its uploader.
TAKE_JOB = """
CREATE FUNCTION take_census_job(who text, at timestamptz, lease_s int)
    RETURNS TABLE (id text, plan text, media_type text, attempts int, caller jsonb, file bytea)
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
    AS $$
        UPDATE census_jobs j SET state = 'running', stage = 'reading', rows_read = 0, rows_checked = 0,
            attempts = j.attempts + 1, holder = who, until = at + make_interval(secs => lease_s)
        WHERE j.id = (SELECT q.id FROM census_jobs q WHERE q.state = 'queued' OR (q.state = 'running' AND q.until < at)
                      ORDER BY q.created_at, q.id LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING j.id, j.plan, j.media_type, j.attempts, j.caller, j.file
    $$
"""

# The owner reads through `land_near` and `take_census_job`, whatever the asker may see: these tables do not force
# their policies on it. The service's own role is bound by them.
POLICIES = """
CREATE FUNCTION delegated_to(wanted text) RETURNS boolean LANGUAGE sql STABLE
    AS $$ SELECT EXISTS (SELECT FROM plans p WHERE p.id = wanted AND p.delegate = app_org()) $$;
ALTER TABLE parcel_shapes ENABLE ROW LEVEL SECURITY;
CREATE POLICY parcel_shapes_read ON parcel_shapes FOR SELECT USING (
    org = app_org() OR regent = app_org() OR delegated_to(plan) OR (app_is('authority', 'supervisor') AND app_in(region)));
CREATE POLICY parcel_shapes_add ON parcel_shapes FOR INSERT WITH CHECK (
    (org = app_org() OR regent = app_org() OR delegated_to(plan))
    AND EXISTS (SELECT FROM plans WHERE plans.id = parcel_shapes.plan AND plans.state IN ('draft', 'observed')));
CREATE POLICY parcel_shapes_remove ON parcel_shapes FOR DELETE USING (
    (org = app_org() OR regent = app_org() OR delegated_to(plan))
    AND EXISTS (SELECT FROM plans WHERE plans.id = parcel_shapes.plan AND plans.state IN ('draft', 'observed')));
ALTER TABLE title_zones ENABLE ROW LEVEL SECURITY;
CREATE POLICY zones_read ON title_zones FOR SELECT USING (
    org = app_org() OR (app_is('authority', 'supervisor') AND app_in(region))
    OR EXISTS (SELECT FROM plans WHERE plans.title = title_zones.title AND plans.regent = app_org()));
CREATE POLICY zones_add ON title_zones FOR INSERT WITH CHECK (
    (org = app_org() AND app_is('manager')) OR (app_is('authority') AND app_in(region)));
CREATE POLICY zones_change ON title_zones FOR UPDATE USING (
    (org = app_org() AND app_is('manager')) OR (app_is('authority') AND app_in(region)));
ALTER TABLE census_jobs ENABLE ROW LEVEL SECURITY;
CREATE POLICY jobs_read ON census_jobs FOR SELECT USING (
    org = app_org() OR regent = app_org() OR delegated_to(plan) OR (app_is('authority', 'supervisor') AND app_in(region)));
CREATE POLICY jobs_add ON census_jobs FOR INSERT WITH CHECK (org = app_org() OR regent = app_org() OR delegated_to(plan));
CREATE POLICY jobs_change ON census_jobs FOR UPDATE USING (org = app_org() OR regent = app_org() OR delegated_to(plan))
"""
GRANTS = """
GRANT SELECT, INSERT, DELETE ON parcel_shapes TO :app;
GRANT SELECT, INSERT ON title_zones TO :app;
GRANT UPDATE (withdrawn_by, withdrawn_at) ON title_zones TO :app;
GRANT SELECT, INSERT, UPDATE ON census_jobs TO :app;
REVOKE EXECUTE ON FUNCTION land_near(int, int, int, int) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION take_census_job(text, timestamptz, int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION land_near(int, int, int, int) TO :app;
GRANT EXECUTE ON FUNCTION take_census_job(text, timestamptz, int) TO :app
"""


def upgrade() -> None:
    """Make everything; run by the owner, in one transaction."""
    for script in (TABLES.replace(":box", BOX), POLICIES, LAND_NEAR, TAKE_JOB, GRANTS.replace(":app", app_role())):
        for statement in script.split(";\n"):
            op.execute(statement.strip())
