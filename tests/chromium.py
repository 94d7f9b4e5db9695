"""A real browser for tests: Debian's Chromium, spoken to over a pipe by the DevTools protocol. No network, no driver.

https://chromedevtools.github.io/devtools-protocol/: one JSON message after another, each ended by a NUL byte.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-extensions", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND", "--remote-debugging-pipe",
)  # fmt: skip
# The browser reads from descriptor 3 and writes to 4, whatever numbers the pipes have here.
LAUNCH = (
    "import fcntl, os, sys;"
    "r, w = (fcntl.fcntl(int(n), fcntl.F_DUPFD, 20) for n in sys.argv[1:3]);"
    "os.dup2(r, 3); os.dup2(w, 4); os.execv(sys.argv[3], sys.argv[3:])"
)
DEADLINE_S = 60.0


def found() -> str:
    """The path of the browser. Where there is none, the test is skipped; in CI it fails."""
    path = next((path for name in NAMES if (path := shutil.which(name))), None)
    if path is None:
        raise (pytest.fail if os.environ.get("CI") else pytest.skip).Exception("no chromium on the PATH")
    return path


class Chromium:
    """One browser with one tab; a context manager. Commands wait for their answer."""

    def __init__(self) -> None:
        self.path = found()

    def __enter__(self) -> "Chromium":
        self._folder = tempfile.mkdtemp(prefix="tz-chromium")
        (read_here, write_there), (read_there, write_here) = os.pipe(), os.pipe()
        command = [
            sys.executable, "-c", LAUNCH, str(read_there), str(write_there), self.path, *OPTIONS,
            f"--user-data-dir={self._folder}", "about:blank",
        ]  # fmt: skip
        self._log = (Path(self._folder) / "log").open("wb")
        self._process = subprocess.Popen(
            command,
            pass_fds=(read_there, write_there),
            stdout=self._log,
            stderr=self._log,
            env=os.environ | {"HOME": self._folder},
        )
        os.close(read_there)
        os.close(write_there)
        self._in: IO[bytes] = os.fdopen(read_here, "rb")
        self._out: IO[bytes] = os.fdopen(write_here, "wb", buffering=0)
        self._number = 0
        self._rest = b""
        self.events: list[dict[str, Any]] = []
        self._session = ""
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "DOM"):
            self.send(f"{domain}.enable")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._out.close()
        self._in.close()
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self, method: str, **params: Any) -> int:
        """Give a command whose answer is not waited for; its number."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._out.write(json.dumps(message).encode() + b"\0")
        return self._number

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """The result of a command; an error of the browser, or its silence, fails the test."""
        number = self.start(method, **params)
        while (answer := self._next()).get("id") != number:
            self.events.append(answer)
        assert "error" not in answer, (method, answer["error"])
        result: dict[str, Any] = answer["result"]
        return result

    def _next(self) -> dict[str, Any]:
        watch = threading.Timer(DEADLINE_S, self._process.kill)
        watch.start()
        try:
            while b"\0" not in self._rest:
                block = os.read(self._in.fileno(), 1 << 20)
                assert block, f"chromium ended: {(Path(self._folder) / 'log').read_text()[-2000:]}"
                self._rest += block
        finally:
            watch.cancel()
        message, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def wait_for(self, method: str) -> dict[str, Any]:
        """The next event of this name, those already heard included."""
        while True:
            for event in self.events:
                if event.get("method") == method:
                    self.events.remove(event)
                    params: dict[str, Any] = event["params"]
                    return params
            self.events.append(self._next())

    def open(self, url: str) -> None:
        """Go there and wait until it is loaded."""
        self.events = [event for event in self.events if event.get("method") != "Page.loadEventFired"]
        self.send("Page.navigate", url=url)
        self.wait_for("Page.loadEventFired")

    def run(self, code: str) -> Any:
        """What a piece of script answers in the page; a promise is awaited, an exception fails the test."""
        answer = self.send("Runtime.evaluate", expression=code, awaitPromise=True, returnByValue=True, userGesture=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def choose(self, selector: str, *files: Path) -> None:
        """Choose files in a file input."""
        root = self.send("DOM.getDocument")["root"]["nodeId"]
        node = self.send("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.send("DOM.setFileInputFiles", nodeId=node, files=[str(file) for file in files])

    def press(self, key: str, **more: Any) -> None:
        """One key, down and up."""
        self.send("Input.dispatchKeyEvent", type="keyDown", key=key, **more)
        self.send("Input.dispatchKeyEvent", type="keyUp", key=key, **more)

    def asked_for(self) -> list[str]:
        """Every address the page has asked for so far."""
        return [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]

    def complaints(self) -> list[str]:
        """What the browser has complained about so far: script errors, breaches of the page's policy."""
        said = [e["params"]["entry"]["text"] for e in self.events if e.get("method") == "Log.entryAdded"]
        thrown = [str(e["params"]) for e in self.events if e.get("method") == "Runtime.exceptionThrown"]
        return said + thrown
