"""The pages, an area a file. Each asks a service, renders, answers; nothing is kept."""

from services.portal.pages import (
    certifier,
    evidence,
    lots,
    lotteries,
    operator,
    packages,
    plans,
    public,
    session,
    stumps,
)

routers = [
    public.router, session.router, lots.router, stumps.router, evidence.router, plans.router, lotteries.router,
    packages.router, certifier.router, operator.router,
]  # fmt: skip
