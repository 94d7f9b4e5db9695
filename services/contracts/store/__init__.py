"""What contracts remembers, by noun. Every question names the organisations it is asked for.

Row-level security repeats those names (migrations/0001): a forgotten condition shows nothing, not everything.
"""

from shared.web.db import Database


class Store:
    """The database that every question is asked of."""

    def __init__(self, db: Database) -> None:
        self.db = db
