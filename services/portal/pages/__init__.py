"""The pages, an area a file. Each asks a service, renders, answers; nothing is kept."""

from services.portal.pages import public, session

routers = [public.router, session.router]
