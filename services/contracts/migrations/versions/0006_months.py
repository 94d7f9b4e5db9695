"""The market looks at reports by the later of their two days; its version is a hash of all it rests on; who may relate whom."""

from alembic import op

from shared.web.db import app_role

revision = "0006"
down_revision = "0005"

FUNCTIONS = (
    # A report of an old sale that arrives today would show at once what its reporter was paid: it waits like a new one.
    "DROP FUNCTION price_observations(date, date)",
    """
    CREATE FUNCTION price_observations(opened date, closed date)
        RETURNS TABLE (id text, entity text, side text, tier text, species text, product text, point_of_sale text,
                       region text, cash_pen_m3 numeric, observed_on date, received_on date, counterpart_sha256 text,
                       evidence_sha256 text, acts jsonb)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
        AS $$ SELECT r.id, reporter_pseudonym(r.org, ''), r.side, r.tier, r.species, r.product, r.point_of_sale,
                     r.region, r.cash_pen_m3, r.observed_on, r.received_on, r.counterpart_sha256, r.evidence_sha256,
                     (SELECT jsonb_agg(jsonb_build_object('act', a.act, 'reason', a.reason, 'at', a.at) ORDER BY a.seq)
                      FROM price_report_act a WHERE a.report_id = r.id)
              FROM price_report r
              WHERE r.cash_pen_m3 IS NOT NULL AND r.sale_kind <> 'related_party'
                AND r.observed_on >= opened AND greatest(r.observed_on, r.received_on) < closed
              ORDER BY r.observed_on, r.id $$
    """,
    # A hash of every report of the market with each of its acts, and of who is whose. The highest number of an act would
    # not do: numbers are given before their transactions end, and a row that is gone leaves the highest where it was.
    # The salt keeps anybody from trying out which relations would give the hash that is published.
    """
    CREATE OR REPLACE FUNCTION market_version(sold text, place text, opened date, closed date) RETURNS text
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
        AS $$ SELECT left(encode(sha256(convert_to(concat_ws(E'\\n',
                  (SELECT s.salt FROM reporter_salt s),
                  (SELECT string_agg(concat_ws(' ', r.id, r.sha256, r.cash_pen_m3, r.sale_kind,
                              (SELECT string_agg(a.seq || a.act, ',' ORDER BY a.seq)
                               FROM price_report_act a WHERE a.report_id = r.id)), E'\\n' ORDER BY r.id)
                   FROM price_report r
                   WHERE r.product = sold AND r.point_of_sale = place
                     AND r.observed_on >= opened AND greatest(r.observed_on, r.received_on) < closed),
                  (SELECT string_agg(p.org || ' ' || p.other, E'\\n' ORDER BY p.org, p.other)
                   FROM (SELECT DISTINCT ON (org, other) org, other, linked FROM related_party
                         ORDER BY org, other, seq DESC) p WHERE p.linked)), 'UTF8')), 'hex'), 32) $$
    """,
    # Two sides are compared by everything that makes a number a price, not by the amount alone.
    "DROP FUNCTION other_side(text, text)",
    """
    CREATE FUNCTION other_side(blind text, organisation text)
        RETURNS TABLE (id text, side text, species text, observed_on date, product text, point_of_sale text, region text,
                       unit text, rule text, currency text, bark text, amount numeric, pen_m3 numeric, acts jsonb)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
        AS $$ SELECT r.id, r.side, r.species, r.observed_on, r.product, r.point_of_sale, r.region, r.unit, r.rule,
                     r.currency, coalesce(convert_from(r.content, 'UTF8')::jsonb ->> 'bark', 'under'), r.amount, r.pen_m3,
                     (SELECT jsonb_agg(jsonb_build_object('act', a.act, 'reason', a.reason, 'at', a.at) ORDER BY a.seq)
                      FROM price_report_act a WHERE a.report_id = r.id)
              FROM price_report r WHERE r.counterpart_sha256 = blind AND r.org <> organisation ORDER BY r.id $$
    """,
    """
    CREATE FUNCTION reports_in(organisation text, place text) RETURNS boolean
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
        AS $$ SELECT EXISTS (SELECT 1 FROM price_report r WHERE r.org = organisation AND r.region = place) $$
    """,
    """
    CREATE FUNCTION reports_only_in(organisation text, place text) RETURNS boolean
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
        AS $$ SELECT coalesce((SELECT bool_and(r.region = place) FROM price_report r WHERE r.org = organisation), false) $$
    """,
)

ORG = "nullif(current_setting('app.org', true), '')"
ROLES = "coalesce(string_to_array(current_setting('app.roles', true), ','), ARRAY[]::text[])"
REGION = "coalesce(current_setting('app.region', true), '')"
STEWARD = f"{ROLES} && ARRAY['operator', 'authority']"
EVERYWHERE = f"(({ROLES} && ARRAY['operator'] AND {REGION} = '') OR ({STEWARD} AND {REGION} = '*'))"
# An officer sees relations of those who report in the own region, and relates those who report nowhere else: a relation
# counts in every market of both.
POLICIES = (
    "DROP POLICY stewards ON related_party",
    f"""CREATE POLICY seen ON related_party FOR SELECT USING ({EVERYWHERE} OR
        ({STEWARD} AND (reports_in(org, {REGION}) OR reports_in(other, {REGION}))))""",
    f"""CREATE POLICY said ON related_party FOR INSERT WITH CHECK ({ORG} = by_org AND ({EVERYWHERE} OR
        ({STEWARD} AND reports_only_in(org, {REGION}) AND reports_only_in(other, {REGION}))))""",
)


def upgrade() -> None:
    """Replace what is asked across organisations, and narrow who relates whom."""
    app = app_role()
    for statement in FUNCTIONS:
        op.execute(statement)
    for function in (
        "price_observations(date, date)",
        "other_side(text, text)",
        "reports_in(text, text)",
        "reports_only_in(text, text)",
    ):
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {app}")
    for policy in POLICIES:
        op.execute(policy)
