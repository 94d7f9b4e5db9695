"""Reviews of plans, their findings and what is done about them; the plan's own minimum diameter of each tree.

Revision ID: 0006
Revises: 0001
"""

from alembic import op

from shared.web.db import app_role

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE findings (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    plan text NOT NULL REFERENCES plans,
    digest bytea NOT NULL CHECK (length(digest) = 32),
    rule text NOT NULL,
    status text NOT NULL CHECK (status IN ('PASS', 'FAIL', 'NOT_EVALUATED')),
    severity text NOT NULL CHECK (severity IN ('', 'S1', 'S2', 'S3', 'S4')),
    kind text NOT NULL,
    numeral text NOT NULL,
    false_data boolean NOT NULL,
    subject text NOT NULL,
    computed jsonb NOT NULL,
    threshold jsonb NOT NULL,
    norm text NOT NULL,
    source text NOT NULL,
    es text NOT NULL,
    en text NOT NULL,
    opened_at timestamptz NOT NULL,
    UNIQUE (plan, digest),
    CHECK ((status = 'FAIL') = (severity <> ''))
);
CREATE TABLE plan_reviews (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    plan text NOT NULL REFERENCES plans,
    at timestamptz NOT NULL,
    by_sub text NOT NULL,
    by_org text NOT NULL,
    norms text NOT NULL,
    census_root text NOT NULL,
    findings uuid[] NOT NULL
);
CREATE INDEX reviews_of_plan ON plan_reviews (plan, id);
CREATE TABLE finding_acts (
    finding uuid NOT NULL REFERENCES findings,
    seq int NOT NULL CHECK (seq > 0),
    act text NOT NULL CHECK (act IN ('explain', 'accept', 'uphold', 'appeal', 'close')),
    state text NOT NULL CHECK (state IN ('explained', 'accepted', 'upheld', 'appealed', 'closed')),
    outcome text NOT NULL CHECK (outcome IN ('', 'accepted', 'upheld', 'lifted')),
    at timestamptz NOT NULL,
    by_sub text NOT NULL,
    by_org text NOT NULL,
    PRIMARY KEY (finding, seq),
    CHECK ((state = 'closed') = (outcome <> ''))
);
-- Evidence (seq 0) may say where trees stand, and people write what they like: for those concerned.
CREATE TABLE finding_papers (
    finding uuid NOT NULL REFERENCES findings,
    seq int NOT NULL CHECK (seq >= 0),
    org text NOT NULL,
    regent text,
    region text NOT NULL,
    document jsonb NOT NULL,
    PRIMARY KEY (finding, seq)
);
"""

# A plan's summary no longer repeats what its review says. FORCE binds the owner too, so it is lifted for the one UPDATE.
SUMMARIES = """
ALTER TABLE plans NO FORCE ROW LEVEL SECURITY;
UPDATE plans SET census = census - 'checks';
ALTER TABLE plans FORCE ROW LEVEL SECURITY;
"""

# Whoever sees a plan sees what was found in it; of a draft or a plan handed in that is those concerned.
# Not FORCE: `record_of` is the owner's.
POLICIES = """
CREATE FUNCTION concerned_in(wanted text) RETURNS boolean LANGUAGE sql STABLE
    AS $$ SELECT EXISTS (SELECT FROM plans p WHERE p.id = wanted AND (app_org() IN (p.org, p.regent, p.delegate)
        OR (app_is('authority', 'supervisor') AND app_in(p.region)))) $$;

ALTER TABLE findings ENABLE ROW LEVEL SECURITY;
CREATE POLICY findings_read ON findings FOR SELECT USING (EXISTS (SELECT FROM plans WHERE plans.id = findings.plan));
CREATE POLICY findings_add ON findings FOR INSERT WITH CHECK (concerned_in(plan));

ALTER TABLE plan_reviews ENABLE ROW LEVEL SECURITY;
CREATE POLICY reviews_read ON plan_reviews FOR SELECT
    USING (EXISTS (SELECT FROM plans WHERE plans.id = plan_reviews.plan));
CREATE POLICY reviews_add ON plan_reviews FOR INSERT WITH CHECK (concerned_in(plan));

ALTER TABLE finding_acts ENABLE ROW LEVEL SECURITY;
CREATE POLICY finding_acts_read ON finding_acts FOR SELECT
    USING (EXISTS (SELECT FROM findings f WHERE f.id = finding_acts.finding));
CREATE POLICY finding_acts_add ON finding_acts FOR INSERT WITH CHECK (by_org = app_org() AND EXISTS (
    SELECT FROM findings f WHERE f.id = finding_acts.finding AND f.status = 'FAIL' AND concerned_in(f.plan)));

ALTER TABLE finding_papers ENABLE ROW LEVEL SECURITY;
CREATE POLICY papers_read ON finding_papers FOR SELECT USING (
    org = app_org() OR regent = app_org()
    OR EXISTS (SELECT FROM findings f WHERE f.id = finding_papers.finding AND delegated_to(f.plan)) OR (app_is('authority', 'supervisor') AND app_in(region)));
CREATE POLICY papers_add ON finding_papers FOR INSERT WITH CHECK (
    org = app_org() OR regent = app_org() OR (app_is('authority', 'supervisor') AND app_in(region)));
"""

# The record of a firm crosses regions and includes plans that were refused, so it is asked of the owner, who answers
# with these few columns only. FORCE binds the owner on these two tables; nobody serves under the owner's role.
RECORD = """
CREATE POLICY plans_of_record ON plans FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY permits_of_record ON permits FOR SELECT TO CURRENT_USER USING (true);
CREATE FUNCTION record_of(firm text)
    RETURNS TABLE (plan text, part text, org text, signed_on date, confirmed jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH parts AS (
        SELECT p.id, 'regent' AS part, p.org FROM plans p WHERE p.regent = firm
        UNION
        SELECT p.id, 'holder', p.org FROM permits m JOIN plans p ON p.id = m.plan
        WHERE m.holder = firm AND m.state <> 'proposed' AND p.org <> firm
    ), confirmed AS (
        SELECT f.plan, jsonb_agg(jsonb_build_object('id', f.id, 'rule', f.rule, 'subject', f.subject)
                                 ORDER BY f.rule, f.subject, f.id) AS found
        FROM findings f JOIN LATERAL (
            SELECT a.state, a.outcome FROM finding_acts a WHERE a.finding = f.id ORDER BY a.seq DESC LIMIT 1
        ) last ON last.state = 'upheld' OR last.outcome = 'upheld'
        WHERE f.false_data AND f.plan IN (SELECT id FROM parts) GROUP BY f.plan
    )
    SELECT parts.id, parts.part, parts.org, min((r.at AT TIME ZONE 'UTC')::date), coalesce(c.found, '[]'::jsonb)
    FROM parts JOIN plan_reviews r ON r.plan = parts.id LEFT JOIN confirmed c ON c.plan = parts.id
    GROUP BY parts.id, parts.part, parts.org, c.found
    $$;
REVOKE EXECUTE ON FUNCTION record_of(text) FROM PUBLIC;
"""

# Nothing of this is ever unsaid.
GRANTS = """
GRANT SELECT, INSERT ON findings, plan_reviews, finding_acts, finding_papers TO :app;
GRANT EXECUTE ON FUNCTION record_of(text) TO :app;
"""


def upgrade() -> None:
    """Make everything; run by the owner, in one transaction."""
    grants = GRANTS.replace(":app", app_role())
    for script in (TABLES, SUMMARIES, POLICIES, RECORD, grants):
        for statement in _statements(script):
            op.execute(statement)


def _statements(script: str) -> list[str]:
    """asyncpg prepares one statement at a time; none of ours has a semicolon at the end of a line inside it."""
    return [part.strip() for part in script.split(";\n") if part.strip()]
