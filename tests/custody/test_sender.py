"""Receivers that are down, slow, broken or hostile, and several senders at once: nothing is lost, nobody is held up."""

import asyncio
import ssl
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import asyncpg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from deploy.up import any_free_port
from services.custody.domain.webhook import Filter, signing_key
from services.custody.keys.hosted import HostKey
from services.custody.outside.published import Published
from services.custody.store import Store
from services.custody.webhooks import kept as webhook_store
from services.custody.webhooks.kept import Webhook
from services.custody.webhooks.sender import Sender
from shared.timber.event import parse_entry
from shared.web.db import asyncpg_dsn
from shared.web.webhooks.destination import Address, Destinations
from shared.web.webhooks.post import Pace
from shared.web.webhooks.signing import verification_key
from tests.custody.conftest import ORIGIN, Custody, felling
from tests.custody.test_webhooks import CHECK, until, until_told
from tests.receivers import OK, Receiver, listening, status

ORG = "comunidad-a"
QUICK = Pace(
    lease_s=120.0, burst_s=30.0, answer_s=60.0, connect_s=60.0, idle_s=0.05, first_pause_s=0.05, longest_pause_s=0.2
)
EVERYTHING = Filter(None, None, ("tree.felled",))
HOST = "receiver.example"


async def this_machine(host: str, _: int) -> list[Address]:
    """A name that leads here, and is known to nobody else."""
    assert host == HOST
    return [ip_address("127.0.0.1")]


@dataclass
class Office:
    """A log whose custody has stopped, and senders of our own over its database."""

    store: Store
    published: Published
    host: HostKey
    sids: list[str]

    async def subscribe(self, url: str, about: Filter = EVERYTHING) -> uuid.UUID:
        async with self.store.transaction() as tx:
            kept = await webhook_store.add(tx, uuid.uuid4(), ORG, url, about, 0, 100)
        assert kept is not None
        return kept.id

    async def look(self, id_: uuid.UUID) -> Webhook:
        async with self.store.snapshot() as tx:
            found = await webhook_store.one(tx, ORG, id_)
        assert found is not None
        return found

    def sender(
        self, pace: Pace = QUICK, tls: ssl.SSLContext | None = None, destinations: Destinations | None = None
    ) -> Sender:
        where = destinations or Destinations(loopback=True)
        return Sender(self.store, self.published, self.host, ORIGIN, "http://custody.test", where, pace, tls)

    async def until_failed(self, id_: uuid.UUID, times: int = 1) -> Webhook:
        async def failed() -> bool:
            return (await self.look(id_)).failures >= times

        await until_told(failed)
        return await self.look(id_)

    async def until_sent(self, id_: uuid.UUID, count: int) -> Webhook:
        async def sent() -> bool:
            return (await self.look(id_)).delivered >= count

        await until_told(sent)
        return await self.look(id_)


@asynccontextmanager
async def at_work(*senders: Sender) -> AsyncIterator[None]:
    """These senders, until the end of the block."""
    tasks = [asyncio.create_task(sender.run()) for sender in senders]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def office(ready: Custody) -> AsyncIterator[Office]:
    """Ten fellings to tell of."""
    entries = [felling(ready, str(code)) for code in range(501, 511)]
    await ready.send(*entries, wait="inclusion")
    host = ready.app.state.custody.host
    await ready.stop()
    async with asyncpg.create_pool(asyncpg_dsn(ready.database.app_url), min_size=1, max_size=8) as pool:
        store, published = Store(pool, 1), Published()
        async with store.snapshot() as tx:
            last = await tx.last_checkpoint()
        assert last is not None
        await published.announce(last)
        yield Office(store, published, host, [parse_entry(entry).sid for entry in entries])


async def test_a_receiver_that_was_down_gets_everything_when_it_is_back(office: Office) -> None:
    port = any_free_port()
    id_ = await office.subscribe(f"http://127.0.0.1:{port}/")
    async with at_work(office.sender()):
        down = await office.until_failed(id_, 2)
        assert "ConnectError" in (down.last_error or "")
        assert down.failing_since is not None
        assert down.delivered == 0
        async with listening(Receiver(), port) as receiver:
            up = await office.until_sent(id_, 10)

    assert receiver.ids == office.sids
    assert (up.failures, up.failing_since, up.last_error) == (0, None, None)


async def test_a_receiver_that_is_silent_is_given_up_for_now_and_holds_up_nobody(office: Office) -> None:
    async with listening(Receiver([None])) as silent, listening(Receiver()) as other:
        stuck = await office.subscribe(f"http://127.0.0.1:{silent.port}/")
        id_ = await office.subscribe(f"http://127.0.0.1:{other.port}/")
        async with at_work(office.sender(replace(QUICK, answer_s=0.5))):
            await office.until_sent(id_, 10)
            found = await office.until_failed(stuck)

    assert found.last_error == "no answer within 0.5 s"
    assert (
        list(dict.fromkeys(other.ids)) == office.sids
    )  # on a busy machine half a second may be too short for this one, too
    assert set(silent.ids) == {office.sids[0]}


async def test_an_event_that_fails_is_sent_again_until_it_is_taken_and_before_the_next(office: Office) -> None:
    async with listening(Receiver([OK, status(500), status(503), status(404), OK])) as receiver:
        id_ = await office.subscribe(f"http://127.0.0.1:{receiver.port}/")
        async with at_work(office.sender()):
            await office.until_sent(id_, 10)

    first, second, *rest = office.sids
    assert receiver.ids == [first, second, second, second, second, *rest]
    stamps = [int(event.headers["webhook-timestamp"]) for event in receiver.events]
    assert stamps == sorted(stamps)


async def test_a_redirect_is_not_followed(office: Office) -> None:
    async with listening(Receiver()) as inside:
        to = f"location: http://127.0.0.1:{inside.port}/"
        async with listening(Receiver([status(302, to)])) as receiver:
            id_ = await office.subscribe(f"http://127.0.0.1:{receiver.port}/")
            async with at_work(office.sender()):
                found = await office.until_failed(id_)

    assert found.last_error == "answered 302; redirects are not followed"
    assert inside.events == []


async def test_gone_is_gone(office: Office) -> None:
    async with listening(Receiver([OK, status(410)])) as receiver:
        id_ = await office.subscribe(f"http://127.0.0.1:{receiver.port}/")
        async with at_work(office.sender()):
            found = await office.until_failed(id_)
            await asyncio.sleep(0.5)

    assert found.disabled_at is not None
    assert (found.disabled_why, found.delivered) == ("answered 410", 1)
    assert receiver.ids == office.sids[:2]


async def test_a_receiver_that_fails_for_too_long_is_disabled_with_the_reason(office: Office) -> None:
    pace = replace(QUICK, give_up_s=0.3)
    async with listening(Receiver([status(500)])) as receiver:
        id_ = await office.subscribe(f"http://127.0.0.1:{receiver.port}/")

        async def disabled() -> bool:
            return (await office.look(id_)).disabled_at is not None

        async with at_work(office.sender(pace)):
            await until_told(disabled)
            tries = len(receiver.events)
            await asyncio.sleep(0.5)

    assert (await office.look(id_)).disabled_why == "answered 500"
    assert len(receiver.events) == tries > 1


async def test_a_receiver_that_asks_for_time_gets_it(office: Office) -> None:
    async with listening(Receiver([status(429, "retry-after: 3600"), OK])) as receiver:
        id_ = await office.subscribe(f"http://127.0.0.1:{receiver.port}/")
        async with at_work(office.sender()):
            found = await office.until_failed(id_)
            await asyncio.sleep(0.5)

    assert len(receiver.events) == 1
    assert found.due_at - datetime.now(UTC) > timedelta(minutes=50)


async def test_pauses_double_with_jitter_up_to_a_bound(office: Office) -> None:
    pauses: dict[int, set[float]] = {}
    id_ = await office.subscribe("http://127.0.0.1:1/")
    pace = Pace()
    for _ in range(3):
        async with office.store.transaction() as tx:
            await tx.execute("UPDATE webhook SET failures = 0, failing_since = NULL, due_at = now()")
        for failure in range(1, 15):
            async with office.store.transaction() as tx:
                await tx.execute("UPDATE webhook SET due_at = now(), lease_until = NULL")
                [held] = await webhook_store.claim(tx, uuid.uuid4(), 60, 1000, 5)
                await webhook_store.note_failed(tx, held, 0, 0, "no", pace, gone=False, retry_after_s=0)
                [(left,)] = await tx.fetch("SELECT extract(epoch FROM due_at - now())::float FROM webhook")
            pauses.setdefault(failure, set()).add(left)
    await office.look(id_)

    for failure, seen in pauses.items():
        whole = min(5 * 2 ** (failure - 1), 3600)
        assert all(whole / 2 <= pause <= whole for pause in seen), (failure, seen)
        assert len(seen) > 1


async def test_while_the_host_key_changes_the_old_verification_key_still_counts(office: Office) -> None:
    older = office.host
    fresh = Ed25519PrivateKey.generate()
    office.host = replace(older, private=fresh, before=older)
    async with listening(Receiver()) as receiver:
        id_ = await office.subscribe(f"http://127.0.0.1:{receiver.port}/")
        async with at_work(office.sender()):
            await office.until_sent(id_, 10)

    event = receiver.events[0]
    for key in (fresh, older.private):
        CHECK(event.headers, event.body, verification_key(signing_key(key, id_)))
    with pytest.raises(ValueError, match="no signature"):
        CHECK(event.headers, event.body, verification_key(signing_key(Ed25519PrivateKey.generate(), id_)))


async def test_an_endless_answer_is_not_read(office: Office) -> None:
    class Endless(Receiver):
        async def _answer(self, event: object, writer: asyncio.StreamWriter) -> None:
            self.events.append(event)  # type: ignore[arg-type]
            writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            while True:
                writer.write(b"10000\r\n" + bytes(0x10000) + b"\r\n")
                await writer.drain()

    async with listening(Endless()) as receiver:
        id_ = await office.subscribe(f"http://127.0.0.1:{receiver.port}/")
        async with at_work(office.sender()):
            await office.until_sent(id_, 10)

    assert receiver.ids == office.sids


async def test_two_senders_tell_each_event_once_and_never_at_the_same_time(office: Office) -> None:
    async with AsyncExitStack() as stack:
        receivers = [await stack.enter_async_context(listening(Receiver(pause_s=0.01))) for _ in range(6)]
        ids = [await office.subscribe(f"http://127.0.0.1:{receiver.port}/") for receiver in receivers]
        async with at_work(*(office.sender() for _ in range(3))):
            for id_ in ids:
                await office.until_sent(id_, 10)

        for receiver in receivers:
            assert receiver.ids == office.sids
            assert receiver.most_busy == 1


async def test_what_a_killed_sender_had_begun_is_sent_again_by_another(office: Office) -> None:
    async with listening(Receiver([OK, OK, OK, OK, None])) as receiver:
        id_ = await office.subscribe(f"http://127.0.0.1:{receiver.port}/")
        async with at_work(office.sender(replace(QUICK, lease_s=0.6))):
            await until(lambda: len(receiver.events) >= 5)  # four are taken, the fifth is not answered
        assert (await office.look(id_)).delivered == 0
        receiver.answers = [OK]
        async with at_work(office.sender()):
            await office.until_sent(id_, 10)

    assert list(dict.fromkeys(receiver.ids)) == office.sids
    assert receiver.ids[-10:] == office.sids


async def test_a_name_that_moved_inside_after_it_was_subscribed_is_not_followed(office: Office) -> None:
    async with listening(Receiver()) as receiver:
        id_ = await office.subscribe(f"https://{HOST}:{receiver.port}/")
        async with at_work(office.sender(destinations=Destinations(loopback=False, look_up=this_machine))):
            found = await office.until_failed(id_)

    assert found.last_error == "No events are sent to that address: it leads into a private network."
    assert receiver.events == []


async def test_the_address_that_was_judged_is_the_one_connected_to(office: Office) -> None:
    async with listening(Receiver()) as receiver:
        id_ = await office.subscribe(f"http://{HOST}:{receiver.port}/hook?a=1")
        async with at_work(office.sender(destinations=Destinations(loopback=True, look_up=this_machine))):
            await office.until_sent(id_, 10)

    assert receiver.events[0].path == "/hook?a=1"
    assert receiver.events[0].headers["host"] == f"{HOST}:{receiver.port}"


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's side and a client's side of a certificate for this name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(pem + private)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem")
    return server, ssl.create_default_context(cadata=pem.decode())


@pytest.mark.parametrize(("name", "taken"), [(HOST, True), ("another.example", False)])
async def test_the_certificate_must_be_that_of_the_name(office: Office, tmp_path: Path, name: str, taken: bool) -> None:
    server, client = certificate(tmp_path, name)
    async with listening(Receiver(), tls=server) as receiver:
        id_ = await office.subscribe(f"https://{HOST}:{receiver.port}/")
        sender = office.sender(tls=client, destinations=Destinations(loopback=True, look_up=this_machine))
        async with at_work(sender):
            found = await (office.until_sent(id_, 10) if taken else office.until_failed(id_))

    if taken:
        assert receiver.ids == office.sids
    else:
        assert receiver.events == []
        assert "certificate" in (found.last_error or "")


async def test_a_certificate_of_nobody_known_is_refused(office: Office, tmp_path: Path) -> None:
    server, _ = certificate(tmp_path, HOST)
    async with listening(Receiver(), tls=server) as receiver:
        id_ = await office.subscribe(f"https://{HOST}:{receiver.port}/")
        async with at_work(office.sender(destinations=Destinations(loopback=True, look_up=this_machine))):
            found = await office.until_failed(id_)

    assert receiver.events == []
    assert "certificate" in (found.last_error or "").lower()
