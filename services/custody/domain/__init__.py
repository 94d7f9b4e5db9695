"""Decisions of custody over current facts; no I/O."""
