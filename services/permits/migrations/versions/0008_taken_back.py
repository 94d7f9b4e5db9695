"""The entry that commits to a census; papers that are corrected, ended or revoked; days; supervisions by grant.

Revision ID: 0008
Revises: 0007
"""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# Bases of before have none: their plans were handed in before submissions were told to the log.
COMMITMENT = """
ALTER TABLE draw_bases ADD COLUMN committed_entry bigint
    CONSTRAINT committed_before_the_seed CHECK (committed_entry BETWEEN 0 AND after_size - 1);
"""

# A paper is only added to: the version with the highest number says how it stands, those before say how it stood.
PAPERS = """
ALTER TABLE licences
    ADD COLUMN version int NOT NULL DEFAULT 1 CHECK (version > 0),
    ADD COLUMN act text NOT NULL DEFAULT 'registered',
    ADD COLUMN no_more_from date,
    ADD COLUMN reason text NOT NULL DEFAULT '',
    ADD CHECK ((version = 1) = (act = 'registered')),
    ADD CHECK (act IN ('registered', 'corrected', 'ended', 'revoked')),
    ADD CHECK ((act IN ('ended', 'revoked')) = (no_more_from IS NOT NULL)),
    DROP CONSTRAINT licences_pkey,
    ADD PRIMARY KEY (org, number, version);
ALTER TABLE cites_papers
    ADD COLUMN version int NOT NULL DEFAULT 1 CHECK (version > 0),
    ADD COLUMN act text NOT NULL DEFAULT 'registered',
    ADD COLUMN no_more_from date,
    ADD COLUMN reason text NOT NULL DEFAULT '',
    ADD CHECK ((version = 1) = (act = 'registered')),
    ADD CHECK (act IN ('registered', 'corrected', 'ended', 'revoked')),
    ADD CHECK ((act IN ('ended', 'revoked')) = (no_more_from IS NOT NULL)),
    DROP CONSTRAINT cites_papers_pkey,
    ADD PRIMARY KEY (plan, species, number, version);
"""

# The day a tree was measured, where the census says so: how many a crew wrote in a day (F10).
SURVEYED = """
ALTER TABLE census_trees ADD COLUMN surveyed_on date;
"""

# As `services/permits/domain/day.py`: no daylight saving. A delegation ends with the day in Peru, not five hours earlier.
DAYS = """
CREATE FUNCTION peru_day(at timestamptz) RETURNS date LANGUAGE sql IMMUTABLE
    AS $$ SELECT (at AT TIME ZONE INTERVAL '-05:00')::date $$;
CREATE OR REPLACE FUNCTION holds_delegation(whose text, wanted text) RETURNS boolean LANGUAGE sql STABLE
    AS $$ SELECT EXISTS (SELECT FROM delegations d WHERE d.delegate = app_org() AND d.org = whose AND d.plan = wanted
        AND d.revoked_at IS NULL AND peru_day(now()) BETWEEN d.valid_from AND d.valid_to) $$;
"""

# As before, and of each finding the day on which it was upheld last: a record looks back so far and no further.
RECORD = """
CREATE OR REPLACE FUNCTION record_of(firm text)
    RETURNS TABLE (plan text, part text, org text, signed_on date, confirmed jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH parts AS (
        SELECT p.id, 'regent' AS part, p.org FROM plans p WHERE p.regent = firm
        UNION
        SELECT p.id, 'holder', p.org FROM permits m JOIN plans p ON p.id = m.plan
        WHERE m.holder = firm AND m.state <> 'proposed' AND p.org <> firm
    ), confirmed AS (
        SELECT f.plan, jsonb_agg(jsonb_build_object('id', f.id, 'rule', f.rule, 'subject', f.subject,
                                                    'upheld_on', peru_day(last.at)) ORDER BY f.rule, f.subject, f.id) AS found
        FROM findings f JOIN LATERAL (
            SELECT a.state, a.outcome, a.at FROM finding_acts a WHERE a.finding = f.id ORDER BY a.seq DESC LIMIT 1
        ) last ON last.state = 'upheld' OR last.outcome = 'upheld'
        WHERE f.false_data AND f.plan IN (SELECT id FROM parts) GROUP BY f.plan
    )
    SELECT parts.id, parts.part, parts.org, min(peru_day(r.at)), coalesce(c.found, '[]'::jsonb)
    FROM parts JOIN plan_reviews r ON r.plan = parts.id LEFT JOIN confirmed c ON c.plan = parts.id
    GROUP BY parts.id, parts.part, parts.org, c.found
    $$;
"""

# Before it is closed a supervision is read by grant; places, observations and answers of any field visit too.
BY_GRANT = """
ALTER TABLE read_grants DROP CONSTRAINT read_grants_scope_check, ADD CONSTRAINT read_grants_scope_check CHECK (
    cardinality(scope) > 0 AND scope <@ ARRAY['plans', 'census', 'permits', 'territory', 'audit', 'inspections']);
CREATE POLICY visits_granted ON field_visits FOR SELECT USING (granted(org, 'inspections'));
CREATE POLICY places_granted ON field_places FOR SELECT USING (granted(org, 'inspections'));
CREATE POLICY answers_granted ON supervision_answers FOR SELECT USING (EXISTS (
    SELECT FROM field_visits v WHERE v.number = supervision_answers.supervision AND granted(v.org, 'inspections')));
"""


def upgrade() -> None:
    """Make everything; run by the owner, in one transaction."""
    for script in (COMMITMENT, PAPERS, SURVEYED, DAYS, RECORD, BY_GRANT):
        for statement in _statements(script):
            op.execute(statement)


def _statements(script: str) -> list[str]:
    """asyncpg prepares one statement at a time; none of ours has a semicolon at the end of a line inside it."""
    return [part.strip() for part in script.split(";\n") if part.strip()]
