"""Custody: admits signed records, keeps the chain from stump to sale, owns the tlog."""
