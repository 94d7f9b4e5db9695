"""Reports of prices, what was done to them, related parties, and the way of a price book into the log."""

from alembic import op

from shared.web.db import app_role

revision = "0002"
down_revision = "0001"

# One row, made here and readable by nobody but the functions below: without it a pseudonym is undone by trying names.
SALT = "CREATE TABLE reporter_salt (salt text NOT NULL)"
PEPPER = "INSERT INTO reporter_salt VALUES (gen_random_uuid()::text || gen_random_uuid()::text)"

# `id` is the hash of organisation and the reporter's own id; `sha256` of the report without that id.
REPORT = """
CREATE TABLE price_report (
    id text PRIMARY KEY CHECK (id ~ '^[0-9a-f]{32}$'),
    client_id text NOT NULL,
    org text NOT NULL,
    reporter text NOT NULL CHECK (reporter ~ '^[0-9a-f]{16}$'),
    side text NOT NULL CHECK (side IN ('seller', 'buyer', 'mill', 'authority', 'bulletin')),
    species text NOT NULL,
    product text NOT NULL CHECK (product IN ('standing', 'log', 'sawn')),
    point_of_sale text NOT NULL
        CHECK (point_of_sale IN ('stump', 'roadside', 'river_port', 'mill_gate', 'wholesale_lima', 'fob')),
    region text NOT NULL,
    unit text NOT NULL CHECK (unit IN ('m3', 'pt')),
    rule text NOT NULL,
    amount numeric(16, 4) NOT NULL CHECK (amount > 0),
    currency text NOT NULL CHECK (currency IN ('PEN', 'USD')),
    pen_m3 numeric(16, 2) CHECK (pen_m3 > 0),
    cash_pen_m3 numeric(16, 2) CHECK (cash_pen_m3 > 0),
    factor numeric(18, 6),
    factor_source text,
    fx_on date,
    fx_source text,
    terms_version text,
    missing text[] NOT NULL,
    sale_kind text NOT NULL CHECK (sale_kind IN ('negotiated', 'auction', 'tender', 'related_party')),
    observed_on date NOT NULL,
    received_on date NOT NULL,
    tier text NOT NULL CHECK (tier IN ('sealed', 'receipt', 'contract', 'bulletin', 'witnessed', 'oral')),
    evidence_sha256 text CHECK (evidence_sha256 ~ '^[0-9a-f]{64}$'),
    counterpart_sha256 text CHECK (counterpart_sha256 ~ '^[0-9a-f]{64}$'),
    content bytea NOT NULL CHECK (octet_length(content) BETWEEN 2 AND 262144),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (org, sha256),
    CHECK ((product = 'standing') = (point_of_sale = 'stump')),
    CHECK ((product = 'sawn') = (rule = 'sawn')),
    CHECK (observed_on <= received_on),
    CHECK (tier NOT IN ('sealed', 'receipt', 'contract', 'witnessed') OR evidence_sha256 IS NOT NULL),
    CHECK ((pen_m3 IS NULL) = (cardinality(missing) > 0)),
    CHECK ((pen_m3 IS NULL) = (cash_pen_m3 IS NULL) AND (pen_m3 IS NULL) = (factor IS NULL)
           AND (pen_m3 IS NULL) = (factor_source IS NULL) AND (pen_m3 IS NULL) = (terms_version IS NULL)),
    CHECK (pen_m3 IS NULL OR (currency = 'USD') = (fx_on IS NOT NULL))
)"""

ACT = """
CREATE TABLE price_report_act (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    report_id text NOT NULL REFERENCES price_report,
    act text NOT NULL CHECK (act IN ('review_opened', 'released', 'upheld', 'retracted')),
    reason text CHECK (reason IN ('sides_differ', 'influence', 'by_hand')),
    facts jsonb NOT NULL,
    note text,
    by_org text NOT NULL,
    by_sub text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    CHECK ((act = 'review_opened') = (reason IS NOT NULL)),
    CHECK (act = 'review_opened' OR note IS NOT NULL)
)"""

# One row for each sale that two sides may report: who holds it compares the two.
SALE = """
CREATE TABLE reported_sale (pair_sha256 text PRIMARY KEY CHECK (pair_sha256 ~ '^[0-9a-f]{64}$'))"""

# Who is whose: the last word of a pair counts.
RELATED = """
CREATE TABLE related_party (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org text NOT NULL,
    other text NOT NULL CHECK (org < other),
    linked boolean NOT NULL,
    reason text NOT NULL,
    by_org text NOT NULL,
    by_sub text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
)"""

# The reports a snapshot was made of; and what is still to be said to the log of each book.
BOOK_REPORTS = """
CREATE TABLE book_reports (
    kind text NOT NULL,
    book_id text NOT NULL,
    version integer NOT NULL,
    report_ids text[] NOT NULL,
    parameters text NOT NULL,
    FOREIGN KEY (kind, book_id, version) REFERENCES book,
    PRIMARY KEY (kind, book_id, version)
)"""
INDEXES = (
    "CREATE INDEX price_report_own ON price_report (org, created_at DESC, id DESC)",
    "CREATE INDEX price_report_pair ON price_report (counterpart_sha256) WHERE counterpart_sha256 IS NOT NULL",
    "CREATE INDEX price_report_market ON price_report (product, point_of_sale, observed_on)",
    "CREATE INDEX price_report_act_of ON price_report_act (report_id, seq)",
)

# What the service asks across organisations, as the owner, whom the policies below do not bind: figures, and entities
# under a pseudonym. No answer names an organisation.
FUNCTIONS = (
    """
    CREATE FUNCTION reporter_pseudonym(organisation text, period text) RETURNS text
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
        AS $$ SELECT left(encode(sha256(convert_to(s.salt || '/' || period || '/' || organisation, 'UTF8')), 'hex'), 16)
              FROM reporter_salt s $$
    """,
    """
    CREATE FUNCTION price_observations(opened date, closed date)
        RETURNS TABLE (id text, entity text, side text, tier text, species text, product text, point_of_sale text,
                       region text, cash_pen_m3 numeric, observed_on date, counterpart_sha256 text, acts jsonb)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
        AS $$ SELECT r.id, reporter_pseudonym(r.org, ''), r.side, r.tier, r.species, r.product, r.point_of_sale,
                     r.region, r.cash_pen_m3, r.observed_on, r.counterpart_sha256,
                     (SELECT jsonb_agg(jsonb_build_object('act', a.act, 'reason', a.reason, 'at', a.at) ORDER BY a.seq)
                      FROM price_report_act a WHERE a.report_id = r.id)
              FROM price_report r
              WHERE r.cash_pen_m3 IS NOT NULL AND r.sale_kind <> 'related_party'
                AND r.observed_on >= opened AND r.observed_on < closed
              ORDER BY r.observed_on, r.id $$
    """,
    """
    CREATE FUNCTION related_entities() RETURNS TABLE (entity text, other text)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
        AS $$ SELECT reporter_pseudonym(p.org, ''), reporter_pseudonym(p.other, '')
              FROM (SELECT DISTINCT ON (org, other) org, other, linked FROM related_party
                    ORDER BY org, other, seq DESC) p WHERE p.linked $$
    """,
    # Changes with everything that the estimates of one market on one day rest on.
    """
    CREATE FUNCTION market_version(sold text, place text, opened date, closed date) RETURNS text
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
        AS $$ SELECT count(DISTINCT r.id) || '/' || coalesce(max(a.seq), 0) || '/'
                     || (SELECT coalesce(max(p.seq), 0) FROM related_party p)
              FROM price_report r LEFT JOIN price_report_act a ON a.report_id = r.id
              WHERE r.product = sold AND r.point_of_sale = place AND r.observed_on >= opened AND r.observed_on < closed $$
    """,
    """
    CREATE FUNCTION other_side(blind text, organisation text)
        RETURNS TABLE (id text, side text, species text, product text, point_of_sale text, unit text, rule text,
                       currency text, amount numeric, pen_m3 numeric, acts jsonb)
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
        AS $$ SELECT r.id, r.side, r.species, r.product, r.point_of_sale, r.unit, r.rule, r.currency, r.amount, r.pen_m3,
                     (SELECT jsonb_agg(jsonb_build_object('act', a.act, 'reason', a.reason, 'at', a.at) ORDER BY a.seq)
                      FROM price_report_act a WHERE a.report_id = r.id)
              FROM price_report r WHERE r.counterpart_sha256 = blind AND r.org <> organisation ORDER BY r.id $$
    """,
)

ORG = "nullif(current_setting('app.org', true), '')"
ROLES = "coalesce(string_to_array(current_setting('app.roles', true), ','), ARRAY[]::text[])"
REGION = "coalesce(current_setting('app.region', true), '')"
STEWARD = f"{ROLES} && ARRAY['operator', 'authority']"
# The house stands for every region; an officer for the own one, with '*' for all.
STEWARD_HERE = f"(({ROLES} && ARRAY['operator'] AND {REGION} = '') OR ({STEWARD} AND {REGION} IN ('*', region)))"
SEEN = "EXISTS (SELECT 1 FROM price_report r WHERE r.id = report_id {more})"
POLICIES = (
    f"CREATE POLICY own_or_steward ON price_report FOR SELECT USING ({ORG} = org OR {STEWARD_HERE})",
    # A settlement is closed by either party, in one transaction with the report of the seller that it seals.
    f"CREATE POLICY reporters ON price_report FOR INSERT WITH CHECK ({ORG} = org OR ({ORG} IS NOT NULL AND tier = 'sealed'))",
    f"CREATE POLICY own_or_steward ON price_report_act FOR SELECT USING ({SEEN.format(more='')})",
    f"""CREATE POLICY actors ON price_report_act FOR INSERT WITH CHECK ({ORG} = by_org AND (
        act = 'review_opened'
        OR (act = 'retracted' AND {SEEN.format(more=f"AND r.org = {ORG}")})
        OR (act IN ('released', 'upheld') AND {STEWARD} AND {SEEN.format(more=f"AND r.org <> {ORG}")})))""",
    f"CREATE POLICY stewards ON related_party USING ({STEWARD}) WITH CHECK ({STEWARD} AND {ORG} = by_org)",
    f"CREATE POLICY stewards ON book_reports USING ({STEWARD}) WITH CHECK ({STEWARD})",
)


def upgrade() -> None:
    """Make everything; run by the owner, in one transaction."""
    app = app_role()
    for statement in (SALT, PEPPER, REPORT, ACT, SALE, RELATED, BOOK_REPORTS, *INDEXES, *FUNCTIONS):
        op.execute(statement)
    for table in ("price_report", "price_report_act", "related_party", "book_reports"):
        # Not FORCE: the functions above read as the owner, who serves no request.
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"GRANT SELECT, INSERT ON {table} TO {app}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON reported_sale TO {app}")
    for function in (
        "reporter_pseudonym(text, text)", "price_observations(date, date)", "related_entities()",
        "market_version(text, text, date, date)", "other_side(text, text)",
    ):  # fmt: skip
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {app}")
    for policy in POLICIES:
        op.execute(policy)
