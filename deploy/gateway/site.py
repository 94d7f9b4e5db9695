"""What differs from site to site at the gateway: whose tokens count, where their keys are, how many proxies stand before it.

The rest of envoy.yaml is the same everywhere. The values are those of the services' own variables.
"""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from deploy.topology import DEVELOPMENT_ISSUER, JWKS_PATH, TCP_PORT

DEVELOPMENT_JWKS_URL = f"http://issuer:{TCP_PORT}{JWKS_PATH}"
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"  # where the image envoyproxy/envoy keeps the public ones
# A provider on the Internet: its name, its handshake and its answer may each take a while.
FAR = {"type": "LOGICAL_DNS", "dns_lookup_family": "ALL", "connect_timeout": "3s"}
FAR_ANSWER = "5s"


@dataclass(frozen=True)
class Site:
    """Without arguments the site of the development issuer, as envoy.yaml is written."""

    issuer: str = DEVELOPMENT_ISSUER
    jwks_url: str = DEVELOPMENT_JWKS_URL
    audience: str = "trozalog"
    trusted_proxies: int = 0
    authorities: str = AUTHORITIES

    @property
    def development(self) -> bool:
        """Whether the development issuer of the house signs the tokens; only then is it reached from outside."""
        return self.jwks_url == DEVELOPMENT_JWKS_URL


def of_site(config: dict[str, Any], site: Site) -> dict[str, Any]:
    """The shipped configuration with this site's issuer. `config` is changed and answered."""
    (listener,) = config["static_resources"]["listeners"]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    if site.trusted_proxies:
        manager["xff_num_trusted_hops"] = site.trusted_proxies
    (provider,) = (
        filter_["typed_config"]["providers"]["issuer"]
        for filter_ in manager["http_filters"]
        if filter_["name"] == "envoy.filters.http.jwt_authn"
    )
    provider["issuer"], provider["audiences"] = site.issuer, [site.audience]
    provider["remote_jwks"]["http_uri"]["uri"] = site.jwks_url
    if not site.development:
        provider["remote_jwks"]["http_uri"]["timeout"] = FAR_ANSWER
        (house,) = manager["route_config"]["virtual_hosts"]
        house["routes"] = [route for route in house["routes"] if route.get("route", {}).get("cluster") != "issuer"]
        _reach(config, site)
    return config


def _reach(config: dict[str, Any], site: Site) -> None:
    """Point the cluster `issuer` at the site's provider; over TLS its certificate must name it."""
    parts = urlsplit(site.jwks_url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    (cluster,) = (each for each in config["static_resources"]["clusters"] if each["name"] == "issuer")
    cluster |= FAR
    address = {"socket_address": {"address": host, "port_value": parts.port or (443 if secure else 80)}}
    cluster["load_assignment"]["endpoints"] = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
    if secure:
        cluster["transport_socket"] = _tls(host, site.authorities)


def _tls(host: str, authorities: str) -> dict[str, Any]:
    """TLS as a browser does it: SNI, a chain to an authority, the host's name in the certificate (RFC 9525)."""
    number = _is_number(host)
    named = {"san_type": "IP_ADDRESS" if number else "DNS", "matcher": {"exact": host}}
    checks = {"trusted_ca": {"filename": authorities}, "match_typed_subject_alt_names": [named]}
    context = {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "common_tls_context": {"validation_context": checks},
    } | ({} if number else {"sni": host})
    return {"name": "envoy.transport_sockets.tls", "typed_config": context}


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
