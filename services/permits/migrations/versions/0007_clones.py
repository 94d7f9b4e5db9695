"""What each census is recognised by; delegations that end also for readers; regents' licences and CITES papers.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

from shared.web.db import app_role

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# A census as it was handed in, once for each root. `marks` holds places: the service's own role may write it and never
# read it, but through `censuses_alike`. Erasing the place of a tree (census_lines) has to erase the marks too.
PRINTS = """
CREATE TABLE census_prints (
    no bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plan text NOT NULL REFERENCES plans,
    org text NOT NULL,
    region text NOT NULL,
    root text NOT NULL,
    trees int NOT NULL CHECK (trees > 0),
    keys int NOT NULL CHECK (keys >= 0),
    handed_in_at timestamptz NOT NULL,
    current boolean NOT NULL,
    marks bytea,
    UNIQUE (plan, root),
    CHECK (NOT current OR marks IS NOT NULL)
);
CREATE UNIQUE INDEX one_current_print ON census_prints (plan) WHERE current;
CREATE TABLE census_keys (
    key int NOT NULL,
    no bigint NOT NULL REFERENCES census_prints,
    PRIMARY KEY (key, no)
);
CREATE INDEX census_keys_of ON census_keys (no);
"""

# Which censuses share more keys with the asker's than chance gives plans of their size: the best of its region and the
# best of elsewhere, so the work after it is bounded. Trees are compared with trees their comparer may not look at; only
# the review asks this, and tells how many agree, never where they stand.
ALIKE = """
CREATE FUNCTION censuses_alike(asked int[], but text[], territory text, most int)
    RETURNS TABLE (no bigint, plan text, handed_in_at timestamptz, marks bytea)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH hits AS (
        SELECT p.no, p.plan, p.region, p.handed_in_at, p.keys, count(*) AS n
        FROM census_keys k JOIN census_prints p ON p.no = k.no AND p.current
        WHERE k.key = ANY(asked) AND p.plan <> ALL(but) GROUP BY p.no
    ), chance AS (
        SELECT h.*, h.keys * (sum(h.n) OVER () / sum(h.keys) OVER ()) AS expected FROM hits h
    ), ranked AS (
        SELECT c.no, c.plan, c.handed_in_at, row_number() OVER (
            PARTITION BY c.region = territory ORDER BY (c.n - c.expected) / sqrt(c.expected + 1) DESC, c.no) AS place
        FROM chance c
    )
    SELECT r.no, r.plan, r.handed_in_at, p.marks FROM ranked r JOIN census_prints p ON p.no = r.no
    WHERE r.place <= most ORDER BY r.no
    $$;
CREATE FUNCTION censuses_known(but text[]) RETURNS bigint
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
    AS $$ SELECT count(*) FROM census_prints p WHERE p.current AND p.plan <> ALL(but) $$;
REVOKE EXECUTE ON FUNCTION censuses_alike(int[], text[], text, int) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION censuses_known(text[]) FROM PUBLIC;
"""

# Not FORCE: the two functions above are the owner's.
PRINT_POLICIES = """
ALTER TABLE census_prints ENABLE ROW LEVEL SECURITY;
CREATE POLICY prints_read ON census_prints FOR SELECT
    USING (EXISTS (SELECT FROM plans WHERE plans.id = census_prints.plan));
CREATE POLICY prints_add ON census_prints FOR INSERT WITH CHECK (concerned_in(plan));
CREATE POLICY prints_change ON census_prints FOR UPDATE USING (concerned_in(plan));
ALTER TABLE census_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY keys_read ON census_keys FOR SELECT USING (EXISTS (
    SELECT FROM census_prints p WHERE p.no = census_keys.no AND concerned_in(p.plan)));
CREATE POLICY keys_add ON census_keys FOR INSERT WITH CHECK (EXISTS (
    SELECT FROM census_prints p WHERE p.no = census_keys.no AND concerned_in(p.plan)));
CREATE POLICY keys_remove ON census_keys FOR DELETE USING (EXISTS (
    SELECT FROM census_prints p WHERE p.no = census_keys.no AND concerned_in(p.plan)));
"""

# Who drafted a plan for a community reads it for as long as a delegation of the community counts, and no longer.
# `holds_delegation` asks no plan, so the policy of `plans` may ask it.
DELEGATIONS = """
CREATE INDEX delegations_held ON delegations (delegate, plan) WHERE revoked_at IS NULL;
CREATE FUNCTION holds_delegation(whose text, wanted text) RETURNS boolean LANGUAGE sql STABLE
    AS $$ SELECT EXISTS (SELECT FROM delegations d WHERE d.delegate = app_org() AND d.org = whose AND d.plan = wanted
        AND d.revoked_at IS NULL AND (now() AT TIME ZONE 'UTC')::date BETWEEN d.valid_from AND d.valid_to) $$;
CREATE OR REPLACE FUNCTION delegated_to(wanted text) RETURNS boolean LANGUAGE sql STABLE
    AS $$ SELECT EXISTS (SELECT FROM plans p WHERE p.id = wanted AND p.delegate = app_org()
        AND holds_delegation(p.org, p.id)) $$;
CREATE OR REPLACE FUNCTION concerned_in(wanted text) RETURNS boolean LANGUAGE sql STABLE
    AS $$ SELECT EXISTS (SELECT FROM plans p WHERE p.id = wanted AND (app_org() IN (p.org, p.regent)
        OR (p.delegate = app_org() AND holds_delegation(p.org, p.id))
        OR (app_is('authority', 'supervisor') AND app_in(p.region)))) $$;

DROP POLICY plans_read ON plans;
CREATE POLICY plans_read ON plans FOR SELECT USING (
    state = 'approved' OR app_org() IN (org, regent) OR (delegate = app_org() AND holds_delegation(org, id))
    OR (app_is('authority', 'supervisor') AND app_in(region)));
DROP POLICY plans_add ON plans;
CREATE POLICY plans_add ON plans FOR INSERT WITH CHECK (state = 'draft' AND (
    (org = app_org() AND app_is('manager')) OR (delegate = app_org() AND app_is('regent', 'company')
        AND EXISTS (SELECT FROM delegations d WHERE d.org = plans.org AND d.plan = plans.id
                    AND d.delegate = app_org() AND d.acts ? 'draft_plan') AND holds_delegation(org, id))));
DROP POLICY plans_change ON plans;
CREATE POLICY plans_change ON plans FOR UPDATE
    USING (state <> 'approved' AND (app_org() IN (org, regent) OR (delegate = app_org() AND holds_delegation(org, id))
        OR (app_is('authority') AND app_in(region))))
    WITH CHECK (state NOT IN ('approved', 'inspected', 'rejected') OR (app_is('authority') AND app_in(region)));
DROP POLICY acts_add ON plan_acts;
CREATE POLICY acts_add ON plan_acts FOR INSERT WITH CHECK (concerned_in(plan));
DROP POLICY lines_read ON census_lines;
CREATE POLICY lines_read ON census_lines FOR SELECT USING (
    app_org() IN (org, regent) OR (app_is('authority', 'supervisor') AND app_in(region)) OR delegated_to(plan));
DROP POLICY lines_add ON census_lines;
CREATE POLICY lines_add ON census_lines FOR INSERT WITH CHECK (app_org() IN (org, regent) OR delegated_to(plan));
DROP POLICY lines_remove ON census_lines;
CREATE POLICY lines_remove ON census_lines FOR DELETE USING (app_org() IN (org, regent) OR delegated_to(plan));
"""

# Both are acts of an authority, on a paper of its own; nothing of them is unsaid.
PAPERS = """
CREATE TABLE licences (
    org text NOT NULL REFERENCES organisations,
    number text NOT NULL,
    valid_from date NOT NULL,
    valid_to date NOT NULL,
    registered_by text NOT NULL,
    by_org text NOT NULL REFERENCES organisations,
    at timestamptz NOT NULL,
    PRIMARY KEY (org, number),
    CHECK (valid_from <= valid_to)
);
CREATE TABLE cites_papers (
    plan text NOT NULL REFERENCES plans,
    species text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('quota', 'non_detriment_finding')),
    number text NOT NULL,
    registered_by text NOT NULL,
    by_org text NOT NULL REFERENCES organisations,
    at timestamptz NOT NULL,
    PRIMARY KEY (plan, species, number)
);
ALTER TABLE licences ENABLE ROW LEVEL SECURITY;
ALTER TABLE licences FORCE ROW LEVEL SECURITY;
CREATE POLICY licences_read ON licences FOR SELECT USING (true);
CREATE POLICY licences_add ON licences FOR INSERT WITH CHECK (app_is('authority') AND by_org = app_org());
ALTER TABLE cites_papers ENABLE ROW LEVEL SECURITY;
ALTER TABLE cites_papers FORCE ROW LEVEL SECURITY;
CREATE POLICY cites_read ON cites_papers FOR SELECT
    USING (EXISTS (SELECT FROM plans WHERE plans.id = cites_papers.plan));
CREATE POLICY cites_add ON cites_papers FOR INSERT WITH CHECK (app_is('authority') AND by_org = app_org() AND EXISTS (
    SELECT FROM plans p WHERE p.id = cites_papers.plan AND app_in(p.region)));
"""

GRANTS = """
GRANT INSERT ON census_prints TO :app;
GRANT SELECT (no, plan, org, region, root, trees, keys, handed_in_at, current) ON census_prints TO :app;
GRANT UPDATE (current, marks) ON census_prints TO :app;
GRANT SELECT, INSERT, DELETE ON census_keys TO :app;
GRANT EXECUTE ON FUNCTION censuses_alike(int[], text[], text, int) TO :app;
GRANT EXECUTE ON FUNCTION censuses_known(text[]) TO :app;
GRANT SELECT, INSERT ON licences, cites_papers TO :app;
"""


def upgrade() -> None:
    """Make everything; run by the owner, in one transaction."""
    grants = GRANTS.replace(":app", app_role())
    for script in (PRINTS, DELEGATIONS, PRINT_POLICIES, PAPERS):
        _run(script)
    _run(ALIKE)
    _run(grants)


def _run(script: str) -> None:
    """asyncpg prepares one statement at a time; none of these has a semicolon at the end of a line inside it."""
    for statement in (part.strip() for part in script.split(";\n")):
        if statement:
            op.execute(statement)
