"""The pages, an area a file. Each asks a service, renders, answers; nothing is kept."""

from services.portal.pages import community, offers, papers, public, recording, session

routers = [
    papers.router, public.router, session.router, community.router, recording.router, offers.router,
]  # fmt: skip
