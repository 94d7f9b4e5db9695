"""Signed webhooks: who is told, and the telling."""
