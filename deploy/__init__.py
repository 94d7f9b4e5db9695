"""Starts and ships the house: the launcher's verbs, the table of processes, PostgreSQL, keys, gateway."""
