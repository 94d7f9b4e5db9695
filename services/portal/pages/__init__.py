"""The pages, an area a file. Each asks a service, renders, answers; nothing is kept."""

from services.portal.pages import census, community, offers, papers, public, recording, session

routers = [
    papers.router, public.router, session.router, community.router, recording.router,
    census.router, offers.router,
]  # fmt: skip
