"""The pages, an area a file. Each asks a service, renders, answers; nothing is kept."""

from services.portal.pages import evidence, lots, lotteries, operator, packages, plans, public, session, stumps

routers = [
    public.router, session.router, lots.router, evidence.router, plans.router, lotteries.router, packages.router,
    operator.router, stumps.router,
]  # fmt: skip
