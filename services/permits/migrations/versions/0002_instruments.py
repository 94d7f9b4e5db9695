"""Kinds and courses of plans, measures and extensions of permits, assembly acts, delegations, members, documents.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

from shared.web.db import app_role

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# An approved plan still never changes: what becomes of it afterwards are acts, which are only added.
PLANS = """
ALTER TABLE plans DROP CONSTRAINT plans_state_check;
ALTER TABLE plans ADD CONSTRAINT plans_state_check
    CHECK (state IN ('draft', 'submitted', 'observed', 'inspected', 'rejected', 'approved'));
ALTER TABLE plans
    ADD COLUMN kind text NOT NULL DEFAULT 'PO' CHECK (kind IN ('PGMF', 'PMFI', 'DEMA', 'PO')),
    ADD COLUMN parent text REFERENCES plans CHECK (parent IS NULL OR kind = 'PO'),
    ADD COLUMN supersedes text REFERENCES plans,
    ADD COLUMN cycle_years int CHECK (cycle_years BETWEEN 1 AND 60),
    ADD COLUMN zones jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN delegate text REFERENCES organisations;
CREATE INDEX plans_of_delegate ON plans (delegate, id) WHERE delegate IS NOT NULL;
CREATE TABLE plan_acts (
    plan text NOT NULL REFERENCES plans,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    act text NOT NULL,
    person text NOT NULL,
    org text NOT NULL REFERENCES organisations,
    at timestamptz NOT NULL,
    reason text NOT NULL,
    state text NOT NULL,
    documents jsonb NOT NULL,
    facts jsonb NOT NULL,
    PRIMARY KEY (plan, seq)
);
"""

PERMITS = """
ALTER TABLE permits
    ADD COLUMN measure text CHECK (measure IN ('suspension', 'plan', 'precautionary', 'caducity')),
    ADD COLUMN measure_by text,
    ADD COLUMN reentries jsonb NOT NULL DEFAULT '[]';
ALTER TABLE permit_acts DROP CONSTRAINT permit_acts_kind_check;
ALTER TABLE permit_acts ADD CONSTRAINT permit_acts_kind_check CHECK (kind IN (
    'issued', 'amended', 'suspended', 'reinstated', 'revoked', 'precautionary', 'caducity', 'reentry',
    'balance_mobilisation', 'appealed', 'appeal_upheld', 'appeal_dismissed'));
ALTER TABLE permit_acts ALTER COLUMN sid DROP NOT NULL;
-- An appeal is heard by the authorities; the log hears of what they decide.
ALTER TABLE permit_acts ADD CONSTRAINT announced CHECK (
    sid IS NOT NULL OR kind IN ('appealed', 'appeal_upheld', 'appeal_dismissed'));
CREATE TABLE permit_extensions (
    permit text NOT NULL REFERENCES permits,
    id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('reentry', 'balance_mobilisation')),
    harvest_from date,
    harvest_to date,
    move_to date NOT NULL,
    reason text NOT NULL,
    documents jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('requested', 'approved', 'refused')),
    requested_by text NOT NULL,
    decided_by text,
    resolution text,
    PRIMARY KEY (permit, id),
    CHECK ((kind = 'reentry') = (harvest_from IS NOT NULL AND harvest_to IS NOT NULL)),
    CHECK (harvest_from <= harvest_to AND harvest_to <= move_to),
    CHECK ((state = 'requested') = (decided_by IS NULL)),
    CONSTRAINT decided_by_another_person CHECK (decided_by IS NULL OR decided_by <> requested_by)
);
CREATE TABLE permit_appeals (
    permit text NOT NULL REFERENCES permits,
    id text NOT NULL,
    ground text NOT NULL,
    documents jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'upheld', 'dismissed')),
    filed_by text NOT NULL,
    against text NOT NULL,
    decided_by text,
    resolution text,
    PRIMARY KEY (permit, id),
    CHECK ((state = 'open') = (decided_by IS NULL)),
    CONSTRAINT decided_by_another_person CHECK (
        decided_by IS NULL OR (decided_by <> filed_by AND decided_by <> against))
);
CREATE UNIQUE INDEX one_open_appeal ON permit_appeals (permit) WHERE state = 'open';
"""

# Files live beside their facts: one backup, one commit, and the database itself says that a file is what its name says.
DOCUMENTS = """
CREATE TABLE document_contents (
    sha256 text PRIMARY KEY,
    content bytea NOT NULL,
    CONSTRAINT named_by_its_content CHECK (sha256 = encode(sha256(content), 'hex'))
);
ALTER TABLE document_contents ALTER COLUMN content SET STORAGE EXTERNAL;
CREATE TABLE documents (
    sha256 text NOT NULL REFERENCES document_contents,
    org text NOT NULL REFERENCES organisations,
    region text,
    kind text NOT NULL,
    media_type text NOT NULL,
    size_bytes int NOT NULL CHECK (size_bytes > 0),
    stored_by text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (org, sha256)
);
CREATE INDEX documents_by_content ON documents (sha256);
CREATE TABLE document_grants (
    org text NOT NULL,
    sha256 text NOT NULL,
    reader text NOT NULL REFERENCES organisations,
    until date NOT NULL,
    granted_by text NOT NULL,
    PRIMARY KEY (org, sha256, reader),
    FOREIGN KEY (org, sha256) REFERENCES documents
);
CREATE INDEX grants_of_reader ON document_grants (reader, sha256);
"""

ASSEMBLIES = """
CREATE TABLE assembly_acts (
    org text NOT NULL REFERENCES organisations,
    number text NOT NULL,
    region text,
    purpose text NOT NULL CHECK (purpose IN ('plan', 'delegation', 'membership', 'contract')),
    plan text,
    held_on date NOT NULL,
    present int NOT NULL CHECK (present BETWEEN 1 AND members),
    members int NOT NULL,
    quorum_permille int NOT NULL,
    norm text NOT NULL,
    agreement text NOT NULL,
    third_parties jsonb NOT NULL,
    document text NOT NULL,
    recorded_by text NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (org, number),
    FOREIGN KEY (org, document) REFERENCES documents (org, sha256),
    CHECK (present * 1000 >= members * quorum_permille),
    CHECK (purpose NOT IN ('plan', 'delegation') OR plan IS NOT NULL)
);
CREATE TABLE delegations (
    org text NOT NULL REFERENCES organisations,
    number text NOT NULL,
    region text,
    delegate text NOT NULL REFERENCES organisations,
    person text,
    plan text NOT NULL,
    acts jsonb NOT NULL,
    species jsonb,
    cap_dm3 bigint CHECK (cap_dm3 > 0),
    valid_from date NOT NULL,
    valid_to date NOT NULL,
    assembly_act text NOT NULL,
    given_by text NOT NULL,
    at timestamptz NOT NULL,
    revoked_at timestamptz,
    revoked_by text,
    revoked_reason text,
    PRIMARY KEY (org, number),
    FOREIGN KEY (org, assembly_act) REFERENCES assembly_acts,
    CHECK (delegate <> org),
    CHECK (valid_from <= valid_to)
);
CREATE INDEX delegations_of_plan ON delegations (plan, delegate);
CREATE TABLE memberships (
    org text NOT NULL REFERENCES organisations,
    member text NOT NULL REFERENCES organisations,
    since date NOT NULL,
    until date,
    assembly_act text NOT NULL,
    PRIMARY KEY (org, member, since),
    FOREIGN KEY (member, assembly_act) REFERENCES assembly_acts,
    CHECK (org <> member),
    CHECK (since <= until)
);
CREATE UNIQUE INDEX one_open_membership ON memberships (org, member) WHERE until IS NULL;
"""

# `app_office`: an officer where the party is; a party of no territory is open to officers of any region, not to those of none.
POLICIES = """
CREATE FUNCTION app_office(territory text) RETURNS boolean LANGUAGE sql STABLE
    AS $$ SELECT app_is('authority', 'supervisor')
        AND app_in(coalesce(territory, nullif(current_setting('app.region', true), ''))) $$;

DROP POLICY plans_read ON plans;
CREATE POLICY plans_read ON plans FOR SELECT USING (
    state = 'approved' OR app_org() IN (org, regent, delegate)
    OR (app_is('authority', 'supervisor') AND app_in(region)));
DROP POLICY plans_add ON plans;
CREATE POLICY plans_add ON plans FOR INSERT WITH CHECK (state = 'draft' AND (
    (org = app_org() AND app_is('manager')) OR (delegate = app_org() AND app_is('regent', 'company')
        AND EXISTS (SELECT FROM delegations d WHERE d.org = plans.org AND d.plan = plans.id
                    AND d.delegate = app_org() AND d.revoked_at IS NULL AND d.acts ? 'draft_plan'))));
DROP POLICY plans_change ON plans;
CREATE POLICY plans_change ON plans FOR UPDATE
    USING (state <> 'approved' AND (app_org() IN (org, regent, delegate) OR (app_is('authority') AND app_in(region))))
    WITH CHECK (state NOT IN ('approved', 'inspected', 'rejected') OR (app_is('authority') AND app_in(region)));
ALTER TABLE plan_acts ENABLE ROW LEVEL SECURITY;
ALTER TABLE plan_acts FORCE ROW LEVEL SECURITY;
CREATE POLICY acts_read ON plan_acts FOR SELECT USING (EXISTS (SELECT FROM plans WHERE plans.id = plan_acts.plan));
CREATE POLICY acts_add ON plan_acts FOR INSERT WITH CHECK (EXISTS (
    SELECT FROM plans p WHERE p.id = plan_acts.plan AND (app_org() IN (p.org, p.regent, p.delegate)
        OR (app_is('authority', 'supervisor') AND app_in(p.region)))));

DROP POLICY trees_add ON census_trees;
CREATE POLICY trees_add ON census_trees FOR INSERT WITH CHECK (
    EXISTS (SELECT FROM plans WHERE plans.id = census_trees.plan AND plans.state IN ('draft', 'observed')));
DROP POLICY trees_remove ON census_trees;
CREATE POLICY trees_remove ON census_trees FOR DELETE USING (
    EXISTS (SELECT FROM plans WHERE plans.id = census_trees.plan AND plans.state IN ('draft', 'observed')));
DROP POLICY lines_read ON census_lines;
CREATE POLICY lines_read ON census_lines FOR SELECT USING (
    app_org() IN (org, regent) OR (app_is('authority', 'supervisor') AND app_in(region))
    OR EXISTS (SELECT FROM plans WHERE plans.id = census_lines.plan AND plans.delegate = app_org()));
DROP POLICY lines_add ON census_lines;
CREATE POLICY lines_add ON census_lines FOR INSERT WITH CHECK (app_org() IN (org, regent)
    OR EXISTS (SELECT FROM plans WHERE plans.id = census_lines.plan AND plans.delegate = app_org()));
DROP POLICY lines_remove ON census_lines;
CREATE POLICY lines_remove ON census_lines FOR DELETE USING (app_org() IN (org, regent)
    OR EXISTS (SELECT FROM plans WHERE plans.id = census_lines.plan AND plans.delegate = app_org()));

ALTER TABLE permit_extensions ENABLE ROW LEVEL SECURITY;
ALTER TABLE permit_extensions FORCE ROW LEVEL SECURITY;
CREATE POLICY extensions_read ON permit_extensions FOR SELECT USING (state = 'approved' OR EXISTS (
    SELECT FROM permits p WHERE p.number = permit_extensions.permit
    AND (app_org() IN (p.org, p.holder, p.regent) OR (app_is('authority', 'supervisor') AND app_in(p.region)))));
CREATE POLICY extensions_add ON permit_extensions FOR INSERT WITH CHECK (EXISTS (
    SELECT FROM permits p WHERE p.number = permit_extensions.permit
    AND ((p.org = app_org() AND app_is('manager')) OR (app_is('authority') AND app_in(p.region)))));
CREATE POLICY extensions_decide ON permit_extensions FOR UPDATE USING (app_is('authority') AND EXISTS (
    SELECT FROM permits p WHERE p.number = permit_extensions.permit AND app_in(p.region)));

ALTER TABLE permit_appeals ENABLE ROW LEVEL SECURITY;
ALTER TABLE permit_appeals FORCE ROW LEVEL SECURITY;
CREATE POLICY appeals_read ON permit_appeals FOR SELECT USING (EXISTS (
    SELECT FROM permits p WHERE p.number = permit_appeals.permit
    AND (app_org() IN (p.org, p.holder, p.regent) OR (app_is('authority', 'supervisor') AND app_in(p.region)))));
CREATE POLICY appeals_add ON permit_appeals FOR INSERT WITH CHECK (app_is('manager') AND EXISTS (
    SELECT FROM permits p WHERE p.number = permit_appeals.permit AND app_org() IN (p.org, p.holder)));
CREATE POLICY appeals_decide ON permit_appeals FOR UPDATE USING (app_is('authority', 'supervisor') AND EXISTS (
    SELECT FROM permits p WHERE p.number = permit_appeals.permit AND app_in(p.region)));

ALTER TABLE document_grants ENABLE ROW LEVEL SECURITY;
ALTER TABLE document_grants FORCE ROW LEVEL SECURITY;
CREATE POLICY grants_read ON document_grants FOR SELECT USING (app_org() IN (org, reader));
CREATE POLICY grants_add ON document_grants FOR INSERT WITH CHECK (org = app_org());
CREATE POLICY grants_change ON document_grants FOR UPDATE USING (org = app_org());
ALTER TABLE documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE documents FORCE ROW LEVEL SECURITY;
CREATE POLICY documents_read ON documents FOR SELECT USING (
    org = app_org() OR app_office(region) OR EXISTS (
        SELECT FROM document_grants g WHERE g.org = documents.org AND g.sha256 = documents.sha256
        AND g.reader = app_org() AND g.until >= current_date));
CREATE POLICY documents_add ON documents FOR INSERT WITH CHECK (org = app_org());
ALTER TABLE document_contents ENABLE ROW LEVEL SECURITY;
ALTER TABLE document_contents FORCE ROW LEVEL SECURITY;
CREATE POLICY contents_read ON document_contents FOR SELECT USING (
    EXISTS (SELECT FROM documents d WHERE d.sha256 = document_contents.sha256));
CREATE POLICY contents_add ON document_contents FOR INSERT WITH CHECK (app_org() IS NOT NULL);

ALTER TABLE assembly_acts ENABLE ROW LEVEL SECURITY;
ALTER TABLE assembly_acts FORCE ROW LEVEL SECURITY;
CREATE POLICY assemblies_read ON assembly_acts FOR SELECT USING (org = app_org() OR app_office(region));
CREATE POLICY assemblies_add ON assembly_acts FOR INSERT WITH CHECK (org = app_org() AND app_is('manager'));
ALTER TABLE delegations ENABLE ROW LEVEL SECURITY;
ALTER TABLE delegations FORCE ROW LEVEL SECURITY;
CREATE POLICY delegations_read ON delegations FOR SELECT USING (app_org() IN (org, delegate) OR app_office(region));
CREATE POLICY delegations_add ON delegations FOR INSERT WITH CHECK (org = app_org() AND app_is('manager'));
CREATE POLICY delegations_revoke ON delegations FOR UPDATE USING (org = app_org() AND app_is('manager'));
"""

GRANTS = """
GRANT SELECT, INSERT ON plan_acts, documents, document_contents, assembly_acts TO :app;
GRANT SELECT, INSERT, UPDATE ON permit_extensions, permit_appeals, document_grants TO :app;
GRANT SELECT, INSERT ON delegations, memberships TO :app;
GRANT UPDATE (until) ON memberships TO :app;
GRANT UPDATE (revoked_at, revoked_by, revoked_reason) ON delegations TO :app;
"""


def upgrade() -> None:
    """Add everything; run by the owner, in one transaction."""
    grants = GRANTS.replace(":app", app_role())
    for script in (PLANS, PERMITS, DOCUMENTS, ASSEMBLIES, POLICIES, grants):
        for statement in (part.strip() for part in script.split(";\n")):
            if statement:
                op.execute(statement)
