"""Signed posts to addresses of other people: Standard Webhooks 1.0.0 with asymmetric signatures, to the open net alone."""
