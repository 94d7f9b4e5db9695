"""The verifiers side by side: Python's, and the script of `verify.html` in Node and in a browser."""

import json
import os
import shutil
import subprocess
from base64 import b64encode
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Protocol, Self

import orjson
import pytest

from shared.lot.report import Report
from shared.lot.verify import verify
from shared.refusal import Refusal
from shared.tlog.policy import Policy
from tests.chromium import NAMES, Chromium
from tests.shared.lot.page import PAGE

RUNNER = Path(__file__).parent / "runner.mjs"


def by_python(bundle: bytes, policy: bytes) -> dict[str, Any]:
    """The report of `python -m shared.lot --json`, as a program reads it."""
    try:
        trusted = Policy.parse(policy)
    except Refusal as refusal:
        report = Report("unreadable", refusal)
    else:
        report = verify(bundle, trusted)
    found: dict[str, Any] = json.loads(orjson.dumps(report.as_dict()))
    return found


class Verifier(Protocol):
    """Something that runs the script of the page."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def verify(self, bundle: bytes, policy: bytes) -> dict[str, Any]:
        """The report; a script that throws fails the test."""
        ...

    def reason(self, document: bytes) -> str:
        """Why the bytes are no canonical document; an empty text when they are one."""
        ...

    def signed(self, public_key: bytes, signature: bytes, message: bytes) -> bool | str:
        """Whether the signature is right, or the reason why the key is none."""
        ...


class Node:
    """The script in Node. `hand` verifies signatures without WebCrypto, as an old browser does."""

    def __init__(self, *words: str) -> None:
        self._command = ["node", "--no-warnings", str(RUNNER), str(PAGE), *words]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=120)

    def _ask(self, **request: bytes) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        sent: IO[bytes] = self._process.stdin
        sent.write(json.dumps({name: b64encode(value).decode() for name, value in request.items()}).encode() + b"\n")
        sent.flush()
        answer = json.loads(self._process.stdout.readline())
        assert "crash" not in answer, answer["crash"]
        return answer["answer"]

    def verify(self, bundle: bytes, policy: bytes) -> dict[str, Any]:
        """The report of the page's script."""
        found: dict[str, Any] = self._ask(bundle=bundle, policy=policy)
        return found

    def reason(self, document: bytes) -> str:
        """Why the script refuses a document."""
        return str(self._ask(document=document))

    def signed(self, public_key: bytes, signature: bytes, message: bytes) -> bool | str:
        """What the script says of a signature."""
        found: bool | str = self._ask(key=public_key, signature=signature, message=message)
        return found


class Browser:
    """The page itself, opened from disk in Chromium."""

    def __enter__(self) -> Self:
        self.tab = Chromium().__enter__()
        self.tab.open(PAGE.as_uri())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.tab.__exit__(kind, error, trace)

    def verify(self, bundle: bytes, policy: bytes) -> dict[str, Any]:
        """The report of the page's script."""
        text = self.tab.run(f"verify({_bytes(bundle)}, {_bytes(policy)}).then(reportText)")
        found: dict[str, Any] = json.loads(text)
        return found

    def reason(self, document: bytes) -> str:
        """Why the script refuses a document."""
        read = f"decode({_bytes(document)}, 16384, 8)"
        return str(
            self.tab.run(f"(() => {{ try {{ {read}; return ''; }} catch (no) {{ return no.facts.reason; }} }})()")
        )

    def signed(self, public_key: bytes, signature: bytes, message: bytes) -> bool | str:
        """What the script says of a signature."""
        words = ", ".join(_bytes(value) for value in (public_key, signature, message))
        found: bool | str = self.tab.run(f"verifyEd25519({words}).catch((refusal) => refusal.facts.reason)")
        return found


def _bytes(value: bytes) -> str:
    return f'strictBase64("{b64encode(value).decode()}")'


def quickest() -> Verifier:
    """Node where it is installed, else the browser. Where there is neither the test is skipped; in CI it fails."""
    if shutil.which("node"):
        return Node()
    if any(shutil.which(name) for name in NAMES):
        return Browser()
    raise (pytest.fail if os.environ.get("CI") else pytest.skip).Exception("neither node nor chromium is on the PATH")


def differences(one: Any, other: Any, path: str = "report") -> list[str]:
    """Where two reports are not the same."""
    if type(one) is not type(other):
        return [f"{path}: {one!r:.200} != {other!r:.200}"]
    if isinstance(one, dict):
        names = sorted(one.keys() | other.keys())
        absent = "(absent)"
        return [line for n in names for line in differences(one.get(n, absent), other.get(n, absent), f"{path}.{n}")]
    if isinstance(one, list):
        found = [] if len(one) == len(other) else [f"{path}: {len(one)} != {len(other)} elements"]
        for at, (a, b) in enumerate(zip(one, other, strict=False)):
            found += differences(a, b, f"{path}[{at}]")
        return found
    return [] if one == other else [f"{path}: {one!r:.200} != {other!r:.200}"]
