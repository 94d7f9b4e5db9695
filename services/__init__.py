"""The services: each answers for one thing, talks to the others over HTTP only."""
