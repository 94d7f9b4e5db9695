"""A log and those who watch it: real witnesses on real ports, and scripts that pretend to be one."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from deploy.up import any_free_port
from services.custody.outside.published import Published
from services.custody.witnesses.asking import Pace, Witnesses
from services.witness.main import build
from shared.tlog import checkpoint as checkpoints
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.note import COSIGNATURE, Signer, split_note
from tests.custody.conftest import ORIGIN, Custody, Keys, genesis, permit_acts
from tests.custody.set_back import PATIENCE_S, until
from tests.witness.conftest import settle
from tests.witness.foreign import cosigned_at
from tests.witness.serving import Answer, Script, served

DOWN = "http://127.0.0.1:9"  # the discard port: nobody listens
LOG_PATHS = ("/log/checkpoint", "/log/witnessed")
NOT_FOUND: Answer = (404, "text/plain", b"")


@dataclass
class Watched:
    """A log and those who watch it: real witnesses, and scripts that pretend to be one."""

    folder: Path
    stack: AsyncExitStack
    open_custody: Any
    keys: Keys = field(default_factory=Keys)
    signers: dict[str, Signer] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    running: dict[str, AsyncExitStack] = field(default_factory=dict)

    async def real(self, name: str) -> None:
        """A witness of ours on a port of its own; with the key, port and memory it had before if it ran before."""
        stack = self.running[name] = await self.stack.enter_async_context(AsyncExitStack())
        app = build(settle(self.folder / name, self.key(name), self.keys.log.verifier.vkey))
        port = int(self.addresses[name].rpartition(":")[2]) if name in self.addresses else any_free_port()
        self.addresses[name] = await stack.enter_async_context(served(app, port))

    async def stop(self, name: str) -> None:
        await self.running.pop(name).aclose()

    async def script(self, name: str, answer: Callable[[str, bytes], Awaitable[Answer]]) -> Script:
        """A stranger that answers what it likes under this name."""
        self.key(name)
        script = Script(answer)
        self.addresses[name] = await self.stack.enter_async_context(served(script))
        return script

    def down(self, name: str) -> None:
        """A witness that does not run."""
        self.key(name)
        self.addresses[name] = DOWN

    def key(self, name: str) -> Signer:
        return self.signers.setdefault(name, Signer.generate(f"{name}.example/w", COSIGNATURE))

    def policy(self, rest: str = "quorum none") -> str:
        known = [f"witness {name} {self.key(name).verifier.vkey} {url}" for name, url in self.addresses.items()]
        return "\n".join([f"log {self.keys.log.verifier.vkey}", *known, rest, ""])

    async def custody(self, rest: str = "quorum none", again: Custody | None = None, **more: Any) -> Custody:
        """Custody with these witnesses in its policy, its log grown by what comes before a felling."""
        opened: Custody = await self.open_custody(again, keys=self.keys, policy=self.policy(rest), **more)
        if again is None:
            await until(lambda: open_for_records(opened))
            papers = permit_acts(opened, [str(code) for code in range(501, 511)])
            await opened.send(
                *genesis(opened), *papers, **({} if more.get("only_witnessed") else {"wait": "inclusion"})
            )
        return opened

    def cosigners(self, note: bytes) -> set[str]:
        """Whose cosignatures stand under a note, each verified as a stranger would."""
        text, signatures = split_note(note)
        names = {signer.name: name for name, signer in self.signers.items()}
        assert signatures[0].name == ORIGIN
        for signature in signatures[1:]:
            cosigned_at(signature.line, text, self.signers[names[signature.name]].verifier.vkey)
        return {names[signature.name] for signature in signatures[1:]}

    async def pushing(
        self, custody: Custody, published: Published | None = None, answer_s: float = PATIENCE_S
    ) -> Witnesses:
        """Another process of this custody, which pushes whenever it is told to; what it knows to be published is given,
        or what this one knows. It waits for answers longer than the two seconds of the real one."""
        running = custody.app.state.custody
        found = Witnesses(
            running.store, published or running.published, running.witnesses.policy, running.keys.verifiers, lambda *_: None,
            lambda *_: None, Pace(grown_s=0, fresh_s=0, answer_s=answer_s),
        )  # fmt: skip
        for name, url in self.addresses.items():
            [witness] = [w for w in found.policy.witnesses if w.name == name]
            http = httpx.AsyncClient(trust_env=False, timeout=answer_s)
            found.ask(witness, await self.stack.enter_async_context(http), url)
        return found


async def note_of(custody: Custody, path: str = "/log/checkpoint") -> bytes:
    note: bytes = await custody.get(path)
    return note


def point(note: bytes) -> Checkpoint:
    return checkpoints.parse(split_note(note)[0])


async def health(custody: Custody) -> Any:
    return await custody.get("/healthz")


async def problems(custody: Custody) -> dict[str, str | None]:
    return {one["name"]: one["problem"] for one in (await health(custody))["witnesses"]}


async def open_for_records(custody: Custody) -> bool:
    """Whether nothing is frozen."""
    return (await health(custody))["frozen"] is None


async def witnessed(custody: Custody) -> bool:
    """Whether anything has been witnessed yet."""
    return (await custody.http.get("/log/witnessed")).status_code == 200


async def rows(custody: Custody, question: str) -> list[Any]:
    connection = await asyncpg.connect(custody.database.admin_dsn)
    try:
        found: list[Any] = await connection.fetch(question)
        return found
    finally:
        await connection.close()
