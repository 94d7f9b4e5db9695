"""Which census was handed in first, by the number of its hand-in; papers, and what is done after an approval, in the trail.

Revision ID: 0010
Revises: 0009
"""

from alembic import op

from shared.web.db import app_role

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# `seq` of a plan's acts is one row of numbers over all plans, given when the act is kept and never again: the number of the
# submission says who was first, where seconds did not. Each tree keeps that of the submission it came with (in `marks`).
# A census of before there were acts was before all of them. FORCE binds the owner too, so it is lifted for the one UPDATE.
HANDED_IN = """
ALTER TABLE census_prints ADD COLUMN handed_in bigint;
ALTER TABLE plan_acts NO FORCE ROW LEVEL SECURITY;
UPDATE census_prints c SET handed_in = coalesce(
    (SELECT min(a.seq) FROM plan_acts a WHERE a.plan = c.plan AND a.act = 'submit' AND a.at = c.handed_in_at),
    (SELECT min(a.seq) FROM plan_acts a WHERE a.plan = c.plan AND a.act = 'submit'), 0);
ALTER TABLE plan_acts FORCE ROW LEVEL SECURITY;
ALTER TABLE census_prints ALTER COLUMN handed_in SET NOT NULL;
DROP FUNCTION censuses_alike(int[], text[], text, int);
ALTER TABLE census_prints DROP COLUMN handed_in_at;
"""

# `censuses_alike` as before, with the number in place of the moment. `census_marks`: a census that takes the place of an
# earlier one asks which of its trees that one had, among plans whose trees the caller may see.
FUNCTIONS = """
CREATE FUNCTION censuses_alike(asked int[], but text[], territory text, most int)
    RETURNS TABLE (no bigint, plan text, handed_in bigint, marks bytea)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH hits AS (
        SELECT p.no, p.plan, p.region, p.handed_in, p.keys, count(*) AS n
        FROM census_keys k JOIN census_prints p ON p.no = k.no AND p.current
        WHERE k.key = ANY(asked) AND p.plan <> ALL(but) GROUP BY p.no
    ), chance AS (
        SELECT h.*, h.keys * (sum(h.n) OVER () / sum(h.keys) OVER ()) AS expected FROM hits h
    ), ranked AS (
        SELECT c.no, c.plan, c.handed_in, row_number() OVER (
            PARTITION BY c.region = territory ORDER BY (c.n - c.expected) / sqrt(c.expected + 1) DESC, c.no) AS place
        FROM chance c
    )
    SELECT r.no, r.plan, r.handed_in, p.marks FROM ranked r JOIN census_prints p ON p.no = r.no
    WHERE r.place <= most ORDER BY r.no
    $$;
CREATE FUNCTION census_marks(wanted text[]) RETURNS TABLE (plan text, root text, handed_in bigint, marks bytea)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT p.plan, p.root, p.handed_in, p.marks FROM census_prints p
    WHERE p.plan = ANY(wanted) AND p.current AND concerned_in(p.plan) ORDER BY p.handed_in
    $$;
REVOKE EXECUTE ON FUNCTION censuses_alike(int[], text[], text, int) FROM PUBLIC;
REVOKE EXECUTE ON FUNCTION census_marks(text[]) FROM PUBLIC;
"""

# What `audit_change` cannot see: rows that do not say whose matter they are, and acts that leave the row of an approved plan
# as it is. Each belongs to the community of its plan; the owner looks that up, since who acts need not see every plan.
ACTED = """
CREATE FUNCTION audit_act() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    row jsonb := to_jsonb(NEW);
    detail text := coalesce(row->>'act', row->>'state', '');
    acting text := coalesce(app_org(), '');
    concerned text;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF row = to_jsonb(OLD) THEN RETURN NEW; END IF;
        detail := (to_jsonb(OLD)->>'state') || ' > ' || detail;
    END IF;
    concerned := coalesce(row->>'plan', (SELECT f.plan FROM findings f WHERE f.id = (row->>'finding')::uuid),
        (SELECT m.plan FROM permits m WHERE m.number = row->>'permit'));
    INSERT INTO audit (org, region, actor, actor_org, act, what, thing, ground, detail)
    SELECT p.org, p.region, coalesce(current_setting('app.sub', true), ''), acting,
        CASE WHEN TG_OP = 'INSERT' AND coalesce(row->>'version', '1') = '1' AND TG_ARGV[0] NOT IN ('plan', 'finding')
             THEN 'added' ELSE 'changed' END,
        TG_ARGV[0], concat_ws(' ', coalesce(row->>'permit', p.id), row->>'id', row->>'species', row->>'number', row->>'finding'),
        CASE WHEN acting = p.org THEN 'own' WHEN app_is('authority', 'supervisor') THEN 'office'
             WHEN acting = '' THEN 'service' ELSE 'party' END, detail
    FROM plans p WHERE p.id = concerned;
    RETURN NEW;
END $$
"""

# A licence is the regent's; it concerns the communities whose plans the regent signed and nobody has decided on yet.
LICENCE = """
CREATE FUNCTION audit_licence() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO audit (org, region, actor, actor_org, act, what, thing, ground, detail)
    SELECT o.org, o.region, coalesce(current_setting('app.sub', true), ''), coalesce(app_org(), ''),
        CASE WHEN NEW.version = 1 THEN 'added' ELSE 'changed' END, 'licence', NEW.org || ' ' || NEW.number,
        CASE WHEN app_is('authority', 'supervisor') THEN 'office' ELSE 'service' END, NEW.act
    FROM (SELECT g.id AS org, coalesce(g.region, '') AS region FROM organisations g WHERE g.id = NEW.org
          UNION
          SELECT p.org, p.region FROM plans p WHERE p.regent = NEW.org AND p.state NOT IN ('approved', 'rejected')) o;
    RETURN NEW;
END $$
"""

TRIGGERS = """
CREATE TRIGGER cites_papers_audit AFTER INSERT ON cites_papers FOR EACH ROW EXECUTE FUNCTION audit_act('cites_paper');
CREATE TRIGGER licences_audit AFTER INSERT ON licences FOR EACH ROW EXECUTE FUNCTION audit_licence();
CREATE TRIGGER plan_acts_audit AFTER INSERT ON plan_acts FOR EACH ROW
    WHEN (NEW.act IN ('suspend', 'reinstate', 'declare_caducity', 'reformulate', 'close'))
    EXECUTE FUNCTION audit_act('plan');
CREATE TRIGGER finding_acts_audit AFTER INSERT ON finding_acts FOR EACH ROW EXECUTE FUNCTION audit_act('finding');
CREATE TRIGGER extensions_audit AFTER INSERT OR UPDATE ON permit_extensions
    FOR EACH ROW EXECUTE FUNCTION audit_act('extension');
CREATE TRIGGER appeals_audit AFTER INSERT OR UPDATE ON permit_appeals FOR EACH ROW EXECUTE FUNCTION audit_act('appeal');
"""

GRANTS = """
GRANT SELECT (handed_in) ON census_prints TO :app;
GRANT EXECUTE ON FUNCTION censuses_alike(int[], text[], text, int) TO :app;
GRANT EXECUTE ON FUNCTION census_marks(text[]) TO :app;
"""


def upgrade() -> None:
    """Make everything; run by the owner, in one transaction."""
    _run(HANDED_IN)
    _run(FUNCTIONS)
    op.execute(ACTED)
    op.execute(LICENCE)
    _run(TRIGGERS)
    _run(GRANTS.replace(":app", app_role()))


def _run(script: str) -> None:
    """asyncpg prepares one statement at a time; none of these has a semicolon at the end of a line inside it."""
    for statement in (part.strip() for part in script.split(";\n")):
        if statement:
            op.execute(statement)
