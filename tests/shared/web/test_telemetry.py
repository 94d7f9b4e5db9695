"""A log line is one JSON object that names an operation, and nothing a person typed."""

import json
import subprocess
import sys

SCRIPT = """
import asyncio, logging
from shared.web.telemetry import start_logging, logger
from tests.shared.web.example import a_client, an_app
from tests.tokens import Issuer

async def ill():
    raise ConnectionError

async def main():
    issuer = Issuer()
    async with a_client(an_app(issuer)) as api:
        await api.get("/v1/logs/A?name=maria", headers=issuer.headers("member"))
        await api.post("/v1/upload", content=b"body-of-maria", headers={"accept-language": "maria"})
        await api.get("/v1/fail/boom")
        await api.get("/healthz")
    async with a_client(an_app(issuer, health=ill)) as api:
        await api.get("/healthz")
    logger.debug("too fine")
    logging.getLogger("sqlalchemy").warning("a library speaks of %s", {"a": 1})

start_logging("example")
asyncio.run(main())
"""


def test_log_lines_are_json_without_bodies_queries_or_tokens() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)

    lines = [json.loads(line) for line in done.stdout.splitlines()]
    requests = [line for line in lines if line["event"] == "request"]

    assert [(r["operation"], r["status"]) for r in requests] == [
        ("read_log", 200), ("upload", 200), ("fail", 500), ("healthz", 503),
    ]  # fmt: skip
    assert {"service", "request_id", "ms", "level", "timestamp", "method"} < requests[0].keys()
    assert [line["event"] for line in lines if "library" in line["event"]] == ["a library speaks of {'a': 1}"]
    assert "maria" not in done.stdout
    assert "eyJ" not in done.stdout
    assert "secret detail boom" in next(line for line in lines if line["event"] == "unexpected")["exception"]


COMMAND = """
from shared.web.telemetry import logger
logger.info("too fine")
logger.warning("beside_it")
print("the answer")
"""


def test_what_a_command_answers_stands_alone_on_its_output() -> None:
    done = subprocess.run([sys.executable, "-c", COMMAND], capture_output=True, text=True, check=True)

    assert (done.stdout, "beside_it" in done.stderr, "too fine" in done.stderr) == ("the answer\n", True, False)
