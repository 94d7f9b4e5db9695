"""`python -m deploy.gateway FILE`: the one-time step of docker compose that writes the gateway's final configuration.

It reads the variables that the services read and refuses what they refuse; the gateway starts only after it has ended.
"""

import sys
from pathlib import Path

from pydantic import Field

from deploy.gateway import write_for_containers
from deploy.gateway.site import DEVELOPMENT_JWKS_URL, Site
from shared.web.runtime import command_settings
from shared.web.settings import ServiceSettings


class GatewaySettings(ServiceSettings):
    """``trusted_proxies``: how many proxies stand before the gateway and add the caller's address to what they send."""

    jwks_url: str = DEVELOPMENT_JWKS_URL
    trusted_proxies: int = Field(default=0, ge=0, le=16)


def main() -> None:
    """Check, then write."""
    settings = command_settings("gateway", GatewaySettings)
    site = Site(settings.issuer, settings.jwks_url, settings.audience, settings.trusted_proxies)
    write_for_containers(site, Path(sys.argv[1]))
    tokens = "the development issuer" if site.development else f"{site.issuer}, keys at {site.jwks_url}"
    print(f"gateway: {sys.argv[1]} is written; tokens of {tokens}")


if __name__ == "__main__":
    main()
