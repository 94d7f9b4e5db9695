"""Decisions over current facts: no clock, no network, no database, no randomness."""
