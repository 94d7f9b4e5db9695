"""An instance of its own for measuring: empty, synced to disk, on a free port, gone afterwards. The user's is never touched."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey

from deploy.bench.forest import Forest, Registrar
from deploy.instance import CHECKOUT, Instance
from deploy.issuer import Doorkeeper, Login
from deploy.seed.house import House, Problem, checkpoint_of, opened
from deploy.topology import DEVELOPMENT_ISSUER
from shared.tlog.tile import decode_entries, entries_path
from shared.web.settings import ServiceSettings

PAPERS_AT_ONCE = 100
PATIENCE_S = 60.0


@contextmanager
def fresh_instance(
    *, sample: bool = False, before: Callable[[Path], object] | None = None
) -> Iterator[Instance]:  # fmt: skip
    """Started empty (or with sample data) and stopped and deleted at the end. `before` is shown the folder first, and may
    raise."""
    # /var/tmp survives a reboot, so it is on a disk; /tmp may be memory, where syncing costs nothing.
    place = "/var/tmp" if os.access("/var/tmp", os.W_OK) else None  # noqa: S108  (a fresh private folder in it)
    data = Path(tempfile.mkdtemp(prefix="timber-", dir=place))
    instance = Instance(data)
    try:
        if before is not None:
            before(data)
        up(instance, sample=sample)
        yield instance
    finally:
        launcher("reset", "--yes", "--data", str(data), check=False)
        shutil.rmtree(data, ignore_errors=True)


def up(instance: Instance, *, sample: bool = False) -> float:
    """Start it in the background; seconds until it was ready. Raises RuntimeError with what the launcher said."""
    begun = time.monotonic()
    port = instance.port if instance.status else 0
    launcher("up", "-d", "--port", str(port), "--data", str(instance.data), *([] if sample else ["--empty"]))
    return time.monotonic() - begun


def down(instance: Instance) -> None:
    """Stop it."""
    launcher("down", "--data", str(instance.data))


def launcher(*arguments: str, check: bool = True) -> str:
    """One verb of `./timber`, as a process. A DATABASE_URL names somebody's server and is left out."""
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "deploy", *arguments], capture_output=True, text=True, check=False,
        env=environment | {"PYTHONPATH": str(CHECKOUT)}, timeout=300,
    )  # fmt: skip
    if check and done.returncode != 0:
        raise RuntimeError(f"timber {arguments[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def status_of(instance: Instance) -> dict[str, Any]:
    """What `./timber status --json` says."""
    found: dict[str, Any] = json.loads(launcher("status", "--json", "--data", str(instance.data), check=False))
    return found


def machine_tokens(instance: Instance, count: int) -> list[str]:
    """Access tokens of `count` organisations' machines, signed with the instance's own token key."""
    key = ECKey.import_key((instance.keys / "token.key").read_bytes())
    key = ECKey.import_key(key.as_dict(private=True) | {"kid": key.thumbprint(), "alg": "ES256", "use": "sig"})
    audience = str(ServiceSettings.model_fields["audience"].default)
    issuer = Doorkeeper(key, {}, DEVELOPMENT_ISSUER, audience, clients={})
    logins = [
        Login(
            name=f"bench-{n}",
            sub=f"bench-{n}",
            org=f"carrier-{n}",
            roles=["machine"],
            kind="machine",
            secret="00:00",  # noqa: S106  (nobody signs in with it)
        )
        for n in range(count)
    ]
    return [issuer.token(login).access_token for login in logins]


def registrar_of(house: House) -> Registrar:
    """The registrar under the organisation that the first entry of the log names, once there is one."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with suppress(Problem):  # no checkpoint yet
            if checkpoint_of(house).size > 0:
                break
        time.sleep(0.1)
    [first] = decode_entries(house.public.download(f"/log/{entries_path(0, 1)}"))
    return Registrar.of(house.instance.keys, json.loads(first)["stmt"]["body"]["org"])


def plant(instance: Instance, forest: Forest, token: str) -> None:
    """Put a forest's papers into the log. May be repeated. Raises RuntimeError when one is refused."""
    with opened(instance) as house:
        papers = list(forest.papers(registrar_of(house)))
    record(instance, papers, token)


def record(instance: Instance, entries: Sequence[bytes], token: str) -> None:
    """Put entries into the log, in this order. May be repeated. Raises RuntimeError when one is refused."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/x-ndjson"}
    with opened(instance) as house:
        for at in range(0, len(entries), PAPERS_AT_ONCE):
            body = b"\n".join(entries[at : at + PAPERS_AT_ONCE])
            answer = house.http.post("/v1/records", content=body, headers=headers).json()
            refused = [one for one in answer.get("results", [answer]) if one.get("status") != "logged"]
            if refused:
                raise RuntimeError(f"refused: {refused[0]}")
