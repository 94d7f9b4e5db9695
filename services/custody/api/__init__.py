"""The HTTP door of custody: writing, reading, and the log itself."""

from services.custody.api import (
    closed,
    disclosures,
    erasures,
    extraction,
    feed,
    findings,
    gossip,
    grants,
    mass_balance,
    reading,
    records,
    registers,
    tlog,
    traces,
    webhooks,
)

routers = (
    records.router, feed.router, reading.router, registers.router, findings.router, traces.router, mass_balance.router, extraction.router, webhooks.router,
    tlog.router, closed.router, gossip.router, disclosures.router, grants.router, erasures.router,
)  # fmt: skip
