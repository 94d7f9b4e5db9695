"""What docker compose writes for the gateway out of a site's variables, and what it refuses to write."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import gateway
from deploy.instance import CHECKOUT
from deploy.topology import AUTHORIZE_PATH, DEVELOPMENT_ISSUER, JWKS_PATH, TCP_PORT, Laptop

STEP = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())["services"]["gateway-config"]
PRODUCTION = {
    "TROZALOG_ENV": "production",
    "TROZALOG_PUBLIC_URL": "https://madera.example.org",
    "TROZALOG_ISSUER": "https://id.example.org/realms/madera",
    "TROZALOG_JWKS_URL": "https://id.example.org:8443/realms/madera/certs",
    "TROZALOG_TRUSTED_PROXIES": "1",
}


def written_by_compose(target: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    """What the one-time step of compose writes; what is not given has the default that compose gives it."""
    given = STEP["environment"]
    defaults = {name: str(value).partition(":-")[2].rstrip("}") for name, value in given.items()}
    return subprocess.run(
        [sys.executable, "-P", "-m", "deploy.gateway", str(target)], capture_output=True, text=True, check=False,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT)} | defaults | variables, cwd=target.parent,
    )  # fmt: skip


def test_without_variables_compose_runs_what_is_shipped(tmp_path: Path) -> None:
    written = written_by_compose(tmp_path / "envoy.yaml")

    assert written.returncode == 0, written.stderr
    assert yaml.safe_load((tmp_path / "envoy.yaml").read_text()) == gateway.shipped()


def test_in_production_only_the_sites_provider_is_left(tmp_path: Path) -> None:
    written = written_by_compose(tmp_path / "envoy.yaml", **PRODUCTION)

    assert written.returncode == 0, written.stderr
    text = (tmp_path / "envoy.yaml").read_text()
    site, shipped = yaml.safe_load(text), gateway.shipped()
    assert DEVELOPMENT_ISSUER not in text
    assert f"issuer:{TCP_PORT}" not in text
    assert dropped(site, shipped) == ["/v1/tokens", AUTHORIZE_PATH, JWKS_PATH]
    (cluster,) = (each for each in site["static_resources"]["clusters"] if each["name"] == "issuer")
    (endpoint,) = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    tls = cluster["transport_socket"]["typed_config"]
    checks = tls["common_tls_context"]["validation_context"]
    assert endpoint["endpoint"]["address"]["socket_address"] == {"address": "id.example.org", "port_value": 8443}
    assert tls["sni"] == "id.example.org"
    assert checks["trusted_ca"] == {"filename": "/etc/ssl/certs/ca-certificates.crt"}
    assert checks["match_typed_subject_alt_names"] == [{"san_type": "DNS", "matcher": {"exact": "id.example.org"}}]
    assert manager_of(site)["xff_num_trusted_hops"] == 1


def manager_of(config: dict[str, Any]) -> dict[str, Any]:
    """The part of the gateway's configuration that knows HTTP."""
    (listener,) = config["static_resources"]["listeners"]
    found: dict[str, Any] = listener["filter_chains"][0]["filters"][0]["typed_config"]
    return found


def dropped(site: dict[str, Any], shipped: dict[str, Any]) -> list[str]:
    """The routes that a site does not have."""
    (there,), (all_of_them,) = (manager_of(each)["route_config"]["virtual_hosts"] for each in (site, shipped))
    return [route["match"]["path"] for route in all_of_them["routes"] if route not in there["routes"]]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("TROZALOG_JWKS_URL", "http://issuer:8000/.well-known/jwks.json", "jwks_url"),
        ("TROZALOG_JWKS_URL", "http://id.example.org/certs", "jwks_url"),
        ("TROZALOG_ISSUER", DEVELOPMENT_ISSUER, "issuer"),
        ("TROZALOG_PUBLIC_URL", "http://127.0.0.1:8080", "public_url"),
        ("TROZALOG_ISSUERS", "https://id.example.org", "TROZALOG_ISSUERS"),
        ("TROZALOG_TRUSTED_PROXIES", "-1", "trusted_proxies"),
    ],
)
def test_what_production_refuses_stops_the_gateway_with_its_name(
    name: str, value: str, said: str, tmp_path: Path
) -> None:
    written = written_by_compose(tmp_path / "envoy.yaml", **PRODUCTION | {name: value})

    assert written.returncode == 1
    assert written.stderr.startswith("gateway: the settings (TROZALOG_*) cannot be used")
    assert said in written.stderr
    assert not (tmp_path / "envoy.yaml").exists()


@pytest.mark.parametrize("kind", ["laptop", "compose development", "compose production"])
def test_envoy_accepts_the_configuration(kind: str, tmp_path: Path) -> None:
    config = tmp_path / "envoy.yaml"
    if kind == "laptop":
        gateway.write(Laptop(tmp_path, tmp_path, tmp_path, ""), 8081, config)
    else:
        written = written_by_compose(config, **({} if kind == "compose development" else PRODUCTION))
        assert written.returncode == 0, written.stderr
    command = [gateway.find_envoy(), "--mode", "validate", "-c", str(config), "--log-level", "warning"]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "Deprecated" not in done.stderr
