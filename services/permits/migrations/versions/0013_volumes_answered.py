"""What becomes of a volume that a supervision finds fault with: accepted, upheld, appealed, closed.

Revision ID: 0013
Revises: 0012
"""

from alembic import op

from shared.web.db import app_role

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

# Never changed: the last act of a volume says how it stands. Words and papers lie apart, for those concerned.
TABLES = """
CREATE TABLE supervision_volume_acts (
    supervision text NOT NULL,
    parcel text NOT NULL,
    species text NOT NULL,
    numeral int NOT NULL,
    seq int NOT NULL CHECK (seq > 0),
    act text NOT NULL CHECK (act IN ('accept', 'uphold', 'appeal', 'close')),
    state text NOT NULL CHECK (state IN ('accepted', 'upheld', 'appealed', 'closed')),
    outcome text NOT NULL CHECK (outcome IN ('', 'accepted', 'upheld', 'lifted')),
    at timestamptz NOT NULL,
    by_sub text NOT NULL,
    by_org text NOT NULL,
    PRIMARY KEY (supervision, parcel, species, numeral, seq),
    FOREIGN KEY (supervision, parcel, species, numeral) REFERENCES supervision_volumes,
    CHECK ((state = 'closed') = (outcome <> ''))
);
CREATE TABLE supervision_volume_words (
    supervision text NOT NULL,
    parcel text NOT NULL,
    species text NOT NULL,
    numeral int NOT NULL,
    seq int NOT NULL,
    said text NOT NULL,
    documents text[] NOT NULL,
    by_org text NOT NULL,
    PRIMARY KEY (supervision, parcel, species, numeral, seq),
    FOREIGN KEY (supervision, parcel, species, numeral, seq) REFERENCES supervision_volume_acts
);
"""

# Who sees a supervision sees how its volumes stand; only its holder appeals, and only supervisors of its region decide.
POLICIES = """
ALTER TABLE supervision_volume_acts ENABLE ROW LEVEL SECURITY;
ALTER TABLE supervision_volume_acts FORCE ROW LEVEL SECURITY;
CREATE POLICY volume_acts_read ON supervision_volume_acts FOR SELECT USING (
    EXISTS (SELECT FROM supervisions s WHERE s.number = supervision_volume_acts.supervision));
CREATE POLICY volume_acts_add ON supervision_volume_acts FOR INSERT WITH CHECK (by_org = app_org() AND EXISTS (
    SELECT FROM field_visits v WHERE v.number = supervision_volume_acts.supervision
    AND CASE WHEN act = 'appeal' THEN v.org = app_org() ELSE app_is('supervisor') AND app_in(v.region) END));
ALTER TABLE supervision_volume_words ENABLE ROW LEVEL SECURITY;
ALTER TABLE supervision_volume_words FORCE ROW LEVEL SECURITY;
CREATE POLICY volume_words_read ON supervision_volume_words FOR SELECT USING (EXISTS (
    SELECT FROM field_visits v WHERE v.number = supervision_volume_words.supervision
    AND (app_org() IN (v.org, v.regent, v.visitor) OR (app_is('authority', 'supervisor') AND app_in(v.region))
         OR granted(v.org, 'inspections'))));
CREATE POLICY volume_words_add ON supervision_volume_words FOR INSERT WITH CHECK (by_org = app_org() AND EXISTS (
    SELECT FROM field_visits v WHERE v.number = supervision_volume_words.supervision
    AND (v.org = app_org() OR (app_is('supervisor') AND app_in(v.region)))));
"""

AUDIT = """
CREATE FUNCTION audit_volume_act() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    acting text := coalesce(app_org(), '');
BEGIN
    INSERT INTO audit (org, region, actor, actor_org, act, what, thing, ground, detail)
    SELECT v.org, v.region, coalesce(current_setting('app.sub', true), ''), acting, 'changed', 'supervision',
        concat_ws(' ', NEW.supervision, NEW.parcel, NEW.species, NEW.numeral),
        CASE WHEN acting = v.org THEN 'own' WHEN app_is('authority', 'supervisor') THEN 'office'
             WHEN acting = '' THEN 'service' ELSE 'party' END, NEW.act
    FROM field_visits v WHERE v.number = NEW.supervision;
    RETURN NEW;
END $$
"""

TRIGGER = (
    "CREATE TRIGGER volume_acts_audit AFTER INSERT ON supervision_volume_acts"
    " FOR EACH ROW EXECUTE FUNCTION audit_volume_act()"
)
# The trigger is the owner's, and field_visits binds its owner too: it looks up whose visit it is.
OWNER = "CREATE POLICY visits_of_trail ON field_visits FOR SELECT TO CURRENT_USER USING (true)"
GRANTS = "GRANT SELECT, INSERT ON supervision_volume_acts, supervision_volume_words TO :app"


def upgrade() -> None:
    """Add the tables; run by the owner, in one transaction."""
    for script in (TABLES, POLICIES):
        for statement in script.split(";\n"):
            if statement.strip():
                op.execute(statement.strip())
    for statement in (AUDIT, TRIGGER, OWNER, GRANTS.replace(":app", app_role())):
        op.execute(statement)
