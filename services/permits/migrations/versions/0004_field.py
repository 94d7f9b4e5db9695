"""Field work: verifications by public lottery, supervisions, and what was found tree by tree.

Revision ID: 0004
Revises: 0001
"""

from alembic import op

from shared.web.db import app_role

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

VISITS = """
-- What verifications and supervisions have in common; one number for both, so that what they report to the log has one.
CREATE TABLE field_visits (
    number text PRIMARY KEY CHECK (number ~ '^[A-Z0-9][A-Z0-9.-]{1,33}$'),
    kind text NOT NULL CHECK (kind IN ('verification', 'supervision')),
    plan text NOT NULL REFERENCES plans,
    title text NOT NULL REFERENCES titles,
    org text NOT NULL REFERENCES organisations,
    regent text,
    region text NOT NULL,
    visitor text NOT NULL REFERENCES organisations,
    tolerances jsonb NOT NULL,
    opened_by text NOT NULL,
    opened_at timestamptz NOT NULL,
    closed_by text,
    closed_at timestamptz,
    CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CHECK (visitor <> org AND visitor <> coalesce(regent, ''))
);
CREATE INDEX outbox_census ON outbox (subject) WHERE type IN ('plan.approved', 'census.listed');
CREATE INDEX field_visits_of_plan ON field_visits (plan, number);
CREATE INDEX field_visits_of_title ON field_visits (title, number);
-- Never changed: a corrected result is another row, and the last one counts.
CREATE TABLE field_results (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    visit text NOT NULL REFERENCES field_visits,
    parcel text NOT NULL,
    code text NOT NULL,
    facts jsonb NOT NULL,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX field_results_of_tree ON field_results (visit, parcel, code, seq);
-- Where the tree was looked for, and what the visitor wrote of it, or of why an earlier result does not stand: for those
-- concerned.
CREATE TABLE field_places (
    seq bigint PRIMARY KEY REFERENCES field_results,
    org text NOT NULL,
    region text NOT NULL,
    visitor text NOT NULL,
    zone text,
    easting_dm int,
    northing_dm int,
    observation text,
    reason text,
    CHECK (num_nonnulls(zone, easting_dm, northing_dm) IN (0, 3))
);
"""

VERIFICATIONS = """
-- What the seed of a plan follows from at one stage, fixed by the first verification: a second basis would be a choice
-- among draws. Later verifications, by others, draw the same trees.
CREATE TABLE draw_bases (
    plan text NOT NULL REFERENCES plans,
    stage text NOT NULL CHECK (stage IN ('submitted', 'approved')),
    origin text NOT NULL,
    after_size bigint NOT NULL CHECK (after_size >= 0),
    first_entry bigint,
    last_entry bigint,
    CONSTRAINT one_draw_a_stage PRIMARY KEY (plan, stage),
    CHECK ((stage = 'approved') = (first_entry IS NOT NULL AND last_entry IS NOT NULL))
);
CREATE TABLE verifications (
    number text PRIMARY KEY REFERENCES field_visits,
    plan text NOT NULL REFERENCES plans,
    stage text NOT NULL CHECK (stage IN ('submitted', 'approved')),
    census_root text NOT NULL CHECK (length(census_root) = 64),
    listing_root text NOT NULL CHECK (length(listing_root) = 64),
    verifier text NOT NULL REFERENCES organisations,
    design jsonb NOT NULL,
    cites text[] NOT NULL,
    note bytea,
    cosignature text,
    seed text CHECK (length(seed) = 64),
    strata jsonb,
    drawn_at timestamptz,
    FOREIGN KEY (plan, stage) REFERENCES draw_bases,
    UNIQUE (plan, stage, verifier),
    CHECK (num_nonnulls(note, seed, strata, drawn_at) IN (0, 4))
);
CREATE TABLE verification_trees (
    verification text NOT NULL REFERENCES verifications,
    parcel text NOT NULL,
    code text NOT NULL,
    stratum text NOT NULL CHECK (stratum IN ('cites', 'high_value', 'other')),
    rank int NOT NULL CHECK (rank > 0),
    ticket text NOT NULL CHECK (length(ticket) = 64),
    PRIMARY KEY (verification, parcel, code),
    UNIQUE (verification, stratum, rank)
);
"""

SUPERVISIONS = """
CREATE TABLE supervisions (
    number text PRIMARY KEY REFERENCES field_visits,
    plan text NOT NULL REFERENCES plans,
    permit text REFERENCES permits,
    visited_from date NOT NULL,
    visited_to date NOT NULL,
    notified_at timestamptz,
    conclusion text,
    moved jsonb,
    CHECK (visited_from <= visited_to)
);
CREATE INDEX supervisions_of_plan ON supervisions (plan, number);
-- Volumes that the supervisor finds fault with: of a known tree that was not allowed, or moved without a tree.
CREATE TABLE supervision_volumes (
    supervision text NOT NULL REFERENCES supervisions,
    parcel text NOT NULL,
    species text NOT NULL,
    numeral int NOT NULL,
    kind text NOT NULL CHECK (kind IN ('unauthorised', 'unjustified')),
    volume_dm3 bigint NOT NULL CHECK (volume_dm3 > 0),
    trees int CHECK (trees > 0),
    reason text NOT NULL,
    PRIMARY KEY (supervision, parcel, species, numeral)
);
CREATE TABLE supervision_documents (
    supervision text NOT NULL REFERENCES supervisions,
    document text NOT NULL,
    state text NOT NULL CHECK (state IN ('present', 'absent', 'not_applicable')),
    sha256 text CHECK (length(sha256) = 64),
    PRIMARY KEY (supervision, document),
    CHECK (sha256 IS NULL OR state = 'present')
);
CREATE TABLE supervision_answers (
    supervision text NOT NULL REFERENCES supervisions,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    answer text NOT NULL,
    attachments jsonb NOT NULL,
    by_org text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (supervision, seq)
);
"""

# A draw is public from its opening. A supervision is for those concerned until it is closed.
POLICIES = """
ALTER TABLE field_visits ENABLE ROW LEVEL SECURITY;
ALTER TABLE field_visits FORCE ROW LEVEL SECURITY;
CREATE POLICY visits_read ON field_visits FOR SELECT USING (
    kind = 'verification' OR closed_at IS NOT NULL OR app_org() IN (org, regent, visitor)
    OR (app_is('authority', 'supervisor') AND app_in(region)));
CREATE POLICY visits_add ON field_visits FOR INSERT WITH CHECK (
    app_in(region) AND closed_at IS NULL
    AND ((kind = 'verification' AND app_is('authority', 'supervisor'))
         OR (kind = 'supervision' AND app_is('supervisor') AND visitor = app_org())));
CREATE POLICY visits_close ON field_visits FOR UPDATE
    USING (closed_at IS NULL AND visitor = app_org() AND app_is('authority', 'supervisor') AND app_in(region))
    WITH CHECK (visitor = app_org());

ALTER TABLE field_results ENABLE ROW LEVEL SECURITY;
ALTER TABLE field_results FORCE ROW LEVEL SECURITY;
CREATE POLICY results_read ON field_results FOR SELECT USING (
    EXISTS (SELECT FROM field_visits v WHERE v.number = field_results.visit));
CREATE POLICY results_add ON field_results FOR INSERT WITH CHECK (
    EXISTS (SELECT FROM field_visits v WHERE v.number = field_results.visit AND v.visitor = app_org()
            AND v.closed_at IS NULL AND app_in(v.region)));

ALTER TABLE field_places ENABLE ROW LEVEL SECURITY;
ALTER TABLE field_places FORCE ROW LEVEL SECURITY;
CREATE POLICY places_read ON field_places FOR SELECT USING (
    app_org() IN (org, visitor) OR (app_is('authority', 'supervisor') AND app_in(region)));
CREATE POLICY places_add ON field_places FOR INSERT WITH CHECK (visitor = app_org() AND app_in(region));

ALTER TABLE draw_bases ENABLE ROW LEVEL SECURITY;
ALTER TABLE draw_bases FORCE ROW LEVEL SECURITY;
CREATE POLICY bases_read ON draw_bases FOR SELECT USING (true);
CREATE POLICY bases_add ON draw_bases FOR INSERT WITH CHECK (app_is('authority', 'supervisor') AND EXISTS (
    SELECT FROM plans WHERE plans.id = draw_bases.plan AND app_in(plans.region)));
ALTER TABLE verifications ENABLE ROW LEVEL SECURITY;
ALTER TABLE verifications FORCE ROW LEVEL SECURITY;
CREATE POLICY verifications_read ON verifications FOR SELECT USING (true);
CREATE POLICY verifications_add ON verifications FOR INSERT WITH CHECK (
    app_is('authority', 'supervisor') AND seed IS NULL
    AND EXISTS (SELECT FROM field_visits v WHERE v.number = verifications.number AND app_in(v.region)));
-- What was drawn stays drawn.
CREATE POLICY verifications_draw ON verifications FOR UPDATE
    USING (seed IS NULL AND EXISTS (SELECT FROM field_visits v WHERE v.number = verifications.number
                                    AND app_is('authority', 'supervisor') AND app_in(v.region)))
    WITH CHECK (seed IS NOT NULL);

ALTER TABLE supervisions ENABLE ROW LEVEL SECURITY;
ALTER TABLE supervisions FORCE ROW LEVEL SECURITY;
CREATE POLICY supervisions_read ON supervisions FOR SELECT USING (
    EXISTS (SELECT FROM field_visits v WHERE v.number = supervisions.number));
CREATE POLICY supervisions_add ON supervisions FOR INSERT WITH CHECK (app_is('supervisor'));
CREATE POLICY supervisions_change ON supervisions FOR UPDATE USING (
    EXISTS (SELECT FROM field_visits v WHERE v.number = supervisions.number AND v.visitor = app_org()
            AND v.closed_at IS NULL AND app_is('supervisor')));

ALTER TABLE supervision_volumes ENABLE ROW LEVEL SECURITY;
ALTER TABLE supervision_volumes FORCE ROW LEVEL SECURITY;
CREATE POLICY volumes_read ON supervision_volumes FOR SELECT USING (
    EXISTS (SELECT FROM supervisions s WHERE s.number = supervision_volumes.supervision));
CREATE POLICY volumes_add ON supervision_volumes FOR INSERT WITH CHECK (
    EXISTS (SELECT FROM field_visits v WHERE v.number = supervision_volumes.supervision AND v.visitor = app_org()));
CREATE POLICY volumes_remove ON supervision_volumes FOR DELETE USING (
    EXISTS (SELECT FROM field_visits v JOIN supervisions s ON s.number = v.number
            WHERE v.number = supervision_volumes.supervision AND v.visitor = app_org() AND s.notified_at IS NULL));

ALTER TABLE supervision_documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE supervision_documents FORCE ROW LEVEL SECURITY;
CREATE POLICY documents_read ON supervision_documents FOR SELECT USING (
    EXISTS (SELECT FROM supervisions s WHERE s.number = supervision_documents.supervision));
CREATE POLICY documents_add ON supervision_documents FOR INSERT WITH CHECK (
    EXISTS (SELECT FROM field_visits v WHERE v.number = supervision_documents.supervision AND v.visitor = app_org()));
CREATE POLICY documents_remove ON supervision_documents FOR DELETE USING (
    EXISTS (SELECT FROM field_visits v JOIN supervisions s ON s.number = v.number
            WHERE v.number = supervision_documents.supervision AND v.visitor = app_org() AND s.notified_at IS NULL));

ALTER TABLE supervision_answers ENABLE ROW LEVEL SECURITY;
ALTER TABLE supervision_answers FORCE ROW LEVEL SECURITY;
CREATE POLICY answers_read ON supervision_answers FOR SELECT USING (EXISTS (
    SELECT FROM field_visits v WHERE v.number = supervision_answers.supervision
    AND (app_org() IN (v.org, v.regent, v.visitor) OR (app_is('authority', 'supervisor') AND app_in(v.region)))));
CREATE POLICY answers_add ON supervision_answers FOR INSERT WITH CHECK (by_org = app_org() AND EXISTS (
    SELECT FROM field_visits v WHERE v.number = supervision_answers.supervision AND v.org = app_org()));
"""

GRANTS = """
GRANT SELECT, INSERT ON field_results, field_places, verification_trees, supervision_answers TO :app;
GRANT SELECT, INSERT ON field_visits, draw_bases, verifications, supervisions TO :app;
GRANT UPDATE (closed_by, closed_at) ON field_visits TO :app;
GRANT UPDATE (note, cosignature, seed, strata, drawn_at) ON verifications TO :app;
GRANT UPDATE (notified_at, conclusion, moved) ON supervisions TO :app;
GRANT SELECT, INSERT, DELETE ON supervision_volumes, supervision_documents TO :app;
"""


def upgrade() -> None:
    """Make everything; run by the owner, in one transaction."""
    grants = GRANTS.replace(":app", app_role())
    for script in (VISITS, VERIFICATIONS, SUPERVISIONS, POLICIES, grants):
        for statement in script.split(";\n"):
            if statement.strip():
                op.execute(statement.strip())
