"""A plan is superseded once, and found by those it follows; reviews count what had changed before them; a volume found fault with is
appealed by whomever it is held against; a regent proposes permits by delegation.

Revision ID: 0016
Revises: 0015
"""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

# Whom a volume is held against: the community, its regent firm, the holder of the permit.
HELD_AGAINST = (
    "EXISTS (SELECT FROM supervisions s JOIN field_visits v ON v.number = s.number LEFT JOIN permits p ON p.number = s.permit"
    " WHERE s.number = {}.supervision AND app_org() IN (v.org, v.regent, p.holder))"
)
SUPERVISOR = (
    "EXISTS (SELECT FROM field_visits v WHERE v.number = {}.supervision AND app_is('supervisor') AND app_in(v.region))"
)
STATEMENTS = (
    "CREATE INDEX plans_of_parent ON plans (parent) WHERE parent IS NOT NULL",
    "CREATE INDEX plans_superseding ON plans (supersedes) WHERE supersedes IS NOT NULL",
    "CREATE UNIQUE INDEX superseded_once ON plans (supersedes) WHERE state = 'approved'",
    "ALTER TABLE plan_reviews ADD COLUMN changes bigint CHECK (changes >= 0)",
    "DROP POLICY permits_add ON permits",
    "CREATE POLICY permits_add ON permits FOR INSERT WITH CHECK (state = 'proposed' AND ((app_is('authority') AND app_in(region))"
    " OR (org = app_org() AND app_is('manager')) OR (regent = app_org() AND app_is('regent') AND EXISTS (SELECT FROM delegations d"
    " WHERE d.org = permits.org AND d.plan = permits.plan AND d.delegate = app_org() AND d.revoked_at IS NULL"
    " AND d.acts ? 'propose_permit'))))",
    "DROP POLICY volume_acts_add ON supervision_volume_acts",
    "CREATE POLICY volume_acts_add ON supervision_volume_acts FOR INSERT WITH CHECK (by_org = app_org() AND CASE WHEN act = 'appeal'"
    f" THEN {HELD_AGAINST.format('supervision_volume_acts')} ELSE {SUPERVISOR.format('supervision_volume_acts')} END)",
    "DROP POLICY volume_words_add ON supervision_volume_words",
    "CREATE POLICY volume_words_add ON supervision_volume_words FOR INSERT WITH CHECK (by_org = app_org() AND"
    f" ({HELD_AGAINST.format('supervision_volume_words')} OR {SUPERVISOR.format('supervision_volume_words')}))",
)


def upgrade() -> None:
    """Add the column and the indexes; run by the owner, in one transaction."""
    for statement in STATEMENTS:
        op.execute(statement)
