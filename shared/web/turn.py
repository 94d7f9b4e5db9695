"""Doing by one at a time what no key and no CHECK can hold: a row that stays locked until the transaction ends.

Row locks are what every PostgreSQL has, also a distributed one; advisory locks are not. Each service has its own table `turn`, whose rows are hashes of what is done:
two things that share one wait for each other without need, and nobody's name is kept. READ COMMITTED: the statements
that follow see what those before it did.
"""

TAKE_TURN = (
    "INSERT INTO turn (what) VALUES (hashtextextended({}, 0)) ON CONFLICT (what) DO UPDATE SET what = excluded.what"
)
