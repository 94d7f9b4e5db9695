"""Settings, key, state, application: `python -m services.witness.main serve`."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from services.witness.access import ACCESS
from services.witness.api import Witness, router
from services.witness.store import State
from shared.refusal import Malformed
from shared.tlog.note import ED25519, Signer, Verifier
from shared.tlog.policy import Policy
from shared.tlog.witness import MAX_BYTES
from shared.web.app import Unhealthy, make_app
from shared.web.runtime import run
from shared.web.settings import ServiceSettings

KEY = "witness.key"


class WitnessSettings(ServiceSettings):
    """``policy`` names the logs that are watched, as the `log` lines of a tlog-policy; `keys_dir` holds the key,
    `data_dir` the state."""

    policy: Path | None = None

    def logs(self) -> tuple[Verifier, ...]:
        """The keys of the logs; a missing or bad file, or one without a log, stops the start."""
        file = self.policy or self.data_dir / "policy.txt"
        found = tuple(log.verifier for log in Policy.parse(file.read_bytes()).logs)
        if not found:
            raise Malformed(str(file), "names no log to watch")
        return found

    def signer(self) -> Signer:
        """The cosigning key; a missing file, a key of another kind or a log's own key stops the start."""
        signer = Signer.parse((self.keys_dir / KEY).read_text().strip())
        if signer.kind == ED25519:
            raise Malformed(KEY, "a log's key (type 0x01), not a cosigner's")
        if any(log.public_key == signer.verifier.public_key for log in self.logs()):
            raise Malformed(KEY, "the key of a log cannot witness it")
        return signer


def build(settings: WitnessSettings) -> FastAPI:
    """The application, its state opened; the lifespan closes it."""
    witness = Witness(settings.signer(), settings.logs(), State(settings.data_dir))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            witness.state.close()

    async def health() -> Mapping[str, Any]:
        found = await asyncio.to_thread(_facts, witness)
        if found["lost"]:
            raise Unhealthy(found)
        return found

    app = make_app(
        "Trozalog witness", service="witness", routers=[router], access=ACCESS, verifier=None, lifespan=lifespan,
        health=health, max_body_bytes=MAX_BYTES,
    )  # fmt: skip
    app.state.witness = witness
    return app


def _facts(witness: Witness) -> dict[str, Any]:
    """The key that clients need, how far each log was cosigned, how much speaks against it, and where the state proved
    to have been set back."""
    state, origins = witness.state, sorted({log.name for log in witness.logs})
    newest = {origin: state.newest(origin) for origin in origins}
    return {
        "vkey": witness.signer.verifier.vkey,
        "logs": {origin: None if last is None else last.checkpoint.size for origin, last in newest.items()},
        "evidence": {origin: state.evidence_count(origin) for origin in origins},
        "lost": [origin for origin in origins if state.lost(origin) is not None],
    }


if __name__ == "__main__":
    run("witness", WitnessSettings, build)
