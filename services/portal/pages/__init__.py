"""The pages, an area a file. Each asks a service, renders, answers; nothing is kept."""

from services.portal.pages import (
    auditor,
    census,
    certifier,
    certifying,
    community,
    contract_text,
    crowns,
    deals,
    desk,
    evidence,
    felling,
    found_trees,
    guides,
    lots,
    lotteries,
    offers,
    operator,
    packages,
    papers,
    plans,
    prices,
    public,
    recorded,
    sales,
    session,
    signing,
    steps,
    stumps,
    supervisions,
    vault,
)

# A guide's paper before its page: the address of the one ends in what the other takes for a number.
routers = [
    papers.router, public.router, session.router, community.router, felling.router, guides.router, sales.router,
    recorded.router, census.router, offers.router, deals.router, signing.router, desk.router, prices.router, auditor.router, lots.router, evidence.router, plans.router,
    lotteries.router, packages.router, certifying.router, certifier.router,
    operator.router, stumps.router, steps.router, supervisions.router, found_trees.router, crowns.router, vault.router, contract_text.router,
]  # fmt: skip
