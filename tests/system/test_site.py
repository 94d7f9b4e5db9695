"""The gateway of a site with an identity provider of its own: a real Envoy, and a provider that speaks TLS."""

import datetime
import http.server
import json
import shutil
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deploy import gateway
from deploy.gateway.site import Site
from deploy.topology import DEVELOPMENT_ISSUER, PARTS, Laptop
from deploy.up import any_free_port
from tests.system.conftest import PATIENCE_S, PYTHON, started, status_of, wait_until
from tests.tokens import Issuer, bearer

pytestmark = pytest.mark.system

PROVIDER = "https://id.example.org/realms/madera"
CALLER = "203.0.113.9"  # RFC 5737


class Authority:
    """A certification authority that lives as long as a test; `file` is its certificate."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "authority.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of this test")])
        certificate = self._signed(self._name, self._key.public_key(), x509.BasicConstraints(ca=True, path_length=0))
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _signed(
        self, name: x509.Name, key: ec.EllipticCurvePublicKey, what: x509.BasicConstraints | x509.SubjectAlternativeName
    ) -> x509.Certificate:
        now, number = datetime.datetime.now(datetime.UTC), x509.random_serial_number()
        since, until = now - datetime.timedelta(minutes=5), now + datetime.timedelta(hours=1)
        builder = x509.CertificateBuilder(self._name, name, key, number, since, until)
        return builder.add_extension(what, critical=False).sign(self._key, hashes.SHA256())

    def server(self, host: str) -> ssl.SSLContext:
        """What a server needs to call itself `host`."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        certificate = self._signed(name, key.public_key(), x509.SubjectAlternativeName([x509.DNSName(host)]))
        file = self.folder / f"{host}.pem"
        pem = serialization.Encoding.PEM
        private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        file.write_bytes(private + certificate.public_bytes(pem))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


@contextmanager
def provider(issuer: Issuer, tls: ssl.SSLContext) -> Iterator[int]:
    """A provider that publishes its keys over TLS on a loopback port; counts nothing, signs nothing."""
    published = json.dumps(issuer.jwks()).encode()

    class Keys(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/certs" else 404)
            self.send_header("content-length", str(len(published)))
            self.end_headers()
            self.wfile.write(published)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A handshake that the gateway breaks off is what one of the tests is about."""

    with Server(("127.0.0.1", 0), Keys) as server:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


class Door:
    """The gateway of the site, before services that say what reached them."""

    def __init__(self, folder: Path, port: int, issuer: Issuer) -> None:
        self.url, self.log, self.issuer = f"http://127.0.0.1:{port}", folder / "gateway.log", issuer

    def post(self, path: str, token: str | None = None, **headers: str) -> httpx.Response:
        with httpx.Client(base_url=self.url, trust_env=False, timeout=PATIENCE_S) as client:
            return client.post(path, content=b"{}", headers=headers | (bearer(token) if token else {}))

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, trust_env=False, timeout=PATIENCE_S)


@pytest.fixture(scope="module")
def opened() -> Iterator[Callable[[str], Door]]:
    """`opened("localhost")`: the gateway of a site whose provider's certificate is for that host."""
    folder = Path(tempfile.mkdtemp(prefix="tz", dir="/tmp"))
    authority, issuer = Authority(folder), Issuer(PROVIDER)
    doors: dict[str, Door] = {}
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)

        def start(command: list[str], log: Path) -> None:
            child = started(command, log, {})
            stack.callback(child.wait)
            stack.callback(child.kill)

        def door(host: str) -> Door:
            if host not in doors:
                place, port = Laptop(folder / host, folder, folder, ""), any_free_port()
                place.run.mkdir()
                keys_at = stack.enter_context(provider(issuer, authority.server(host)))
                site = Site(PROVIDER, f"https://localhost:{keys_at}/certs", "trozalog", 1, str(authority.file))
                gateway.write(place, port, place.run / "envoy.yaml", site)
                echoes = [str(place.socket(name)) for part in PARTS for name in part.names]
                start([*PYTHON, "-m", "tests.system.echo", *echoes], place.run / "echo.log")
                start(gateway.command(place.run / "envoy.yaml"), place.run / "gateway.log")
                doors[host] = Door(place.run, port, issuer)
                wait_until(lambda: status_of(f"{doors[host].url}/v1/logs") == 200)
            return doors[host]

        yield door


@pytest.fixture
def site(opened: Callable[[str], Door]) -> Door:
    """A site as it should be, once it has its provider's keys."""
    door = opened("localhost")
    wait_until(lambda: door.post("/v1/records", door.issuer.token("manager")).status_code == 200)
    return door


def test_a_token_of_the_sites_provider_is_good(site: Door) -> None:
    assert site.post("/v1/records", site.issuer.token("manager")).json()["service"] == "custody"
    assert site.post("/v1/records").status_code == 401
    assert site.post("/v1/records", site.issuer.expired("manager")).json()["slug"] == "token-expired"


def test_a_token_of_the_development_issuer_is_refused(site: Door) -> None:
    development = Issuer(DEVELOPMENT_ISSUER)
    posing = Issuer(PROVIDER)  # says it is the provider, signs with its own key

    for issuer in (development, posing):
        refused = site.post("/v1/records", issuer.token("manager"))
        assert (refused.status_code, refused.json()["slug"]) == (401, "token-invalid")


def test_nothing_leads_to_the_development_issuer(site: Door) -> None:
    for answer in (site.post("/v1/tokens"), site.get("/v1/tokens"), site.get("/.well-known/jwks.json")):
        assert (answer.status_code, answer.json()["slug"]) == (404, "no-route")
    assert site.get("/v1/logs").status_code == 200


def test_the_callers_address_is_the_one_that_the_trusted_proxy_saw(site: Door) -> None:
    through = {"x-forwarded-for": f"198.51.100.7, {CALLER}"}
    reached = site.post("/v1/records", site.issuer.token("manager"), **through).json()["headers"]

    assert reached["x-forwarded-for"] == CALLER  # what a service takes for the caller, not the proxy before the gateway
    wait_until(lambda: f'"from":"{CALLER}"' in site.log.read_text())
    assert '"from":"198.51.100.7"' not in site.log.read_text()


def test_keys_from_a_server_that_is_not_the_provider_count_nothing(opened: Callable[[str], Door]) -> None:
    impostor = opened("id.example.com")  # reached at localhost, where the provider should be

    wait_until(lambda: handshakes_broken_off(impostor) > 0)

    refused = impostor.post("/v1/records", impostor.issuer.token("manager"))
    assert (refused.status_code, refused.json()["slug"]) == (401, "token-invalid")


def handshakes_broken_off(door: Door) -> int:
    """How often the gateway found that the certificate of its issuer's keys names somebody else."""
    with httpx.Client(transport=httpx.HTTPTransport(uds=str(door.log.parent / "gateway-admin.sock"))) as admin:
        shown = admin.get("http://admin/stats?filter=^cluster.issuer.ssl.fail_verify_san$").text
    return int(shown.partition(": ")[2] or 0)
