"""Alembic environment: see shared.web.db.migrate."""

from shared.web.db import run_migrations

run_migrations()
