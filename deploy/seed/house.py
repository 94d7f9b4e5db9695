"""The house as its users see it: the gateway, and somebody signed in. Nothing here knows a service or a database."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from deploy.instance import Instance
from deploy.verbs import access_token
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.checkpoint import parse as parse_checkpoint
from shared.tlog.note import split_note

PATIENCE_S = 60.0
TOKEN_S = 480.0  # of the ten minutes a token lives
MOST_STATEMENTS = 500

Json = dict[str, Any]


class Problem(Exception):  # noqa: N818
    """The house said no: status, stable slug and the whole RFC 9457 problem."""

    def __init__(self, method: str, path: str, status: int, problem: Mapping[str, Any]) -> None:
        self.status = status
        self.problem = dict(problem)
        self.slug = str(problem.get("slug", ""))
        super().__init__(f"{method} {path}: {status} {self.slug} {problem.get('detail', '')}".strip())


class NotInTime(Exception):  # noqa: N818
    """Something that should have happened by itself did not."""


class House:
    """One gateway. `person(name)` signs in at first use; tokens are kept until they are about to expire."""

    def __init__(self, instance: Instance, language: str = "es") -> None:
        self.instance = instance
        self.http = httpx.Client(
            base_url=instance.base_url, timeout=PATIENCE_S, trust_env=False, headers={"Accept-Language": language}
        )
        self.public = Person(self, None)
        self._people: dict[str, Person] = {}

    def person(self, name: str) -> "Person":
        """A user or machine of the sample data."""
        return self._people.setdefault(name, Person(self, name))

    def close(self) -> None:
        """Let go of the connections."""
        self.http.close()


@contextmanager
def opened(instance: Instance, language: str = "es") -> Iterator[House]:
    """A house whose connections are closed at the end."""
    house = House(instance, language)
    try:
        yield house
    finally:
        house.close()


class Person:
    """Somebody at the gateway; nobody in particular when without a name."""

    def __init__(self, house: House, name: str | None) -> None:
        self._house = house
        self._name = name
        self._token = ""
        self._good_until = 0.0

    def get(self, path: str, **query: str | int) -> Any:
        """The JSON at an address. Raises Problem."""
        return self._send("GET", path, params=query).json()

    def download(self, path: str) -> bytes:
        """The bytes at an address. Raises Problem."""
        return self._send("GET", path).content

    def post(self, path: str, body: Any) -> Any:
        """The answer to a JSON body. Raises Problem."""
        return self._send("POST", path, json=body).json()

    def upload(self, path: str, data: bytes, media_type: str) -> Any:
        """The answer to a file. Raises Problem."""
        return self._send("POST", path, content=data, headers={"Content-Type": media_type}).json()

    def pages(self, path: str, member: str, **query: str | int) -> list[Json]:
        """All items of a list, page by page."""
        found: list[Json] = []
        cursor: str | None = None
        while True:
            page = self.get(path, **query, **({"cursor": cursor} if cursor else {}))
            found += page[member]
            cursor = page["next"]
            if cursor is None:
                return found

    def state(self, *statements: Json) -> list[Json]:
        """Put statements of this person's organisation into the log, signed with the key custody holds for it.

        Answers a result each, `logged` with its index or `refused` with the problem. May be repeated.
        """
        results: list[Json] = []
        for at in range(0, len(statements), MOST_STATEMENTS):
            part: Sequence[Json] = statements[at : at + MOST_STATEMENTS]
            results += self.post("/v1/statements", {"statements": list(part)})["results"]
        return results

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = dict(options.pop("headers", {}))
        if self._name is not None:
            headers["Authorization"] = f"Bearer {self._signed_in()}"
        answer = self._house.http.request(method, path, headers=headers, **options)
        if answer.is_success:
            return answer
        try:
            problem = answer.json()
        except ValueError:
            problem = {"slug": "no-problem-document", "detail": answer.text[:200]}
        raise Problem(method, path, answer.status_code, problem)

    def _signed_in(self) -> str:
        if time.monotonic() > self._good_until:
            assert self._name is not None
            self._token = access_token(self._house.instance, self._name)
            self._good_until = time.monotonic() + TOKEN_S
        return self._token


def checkpoint_of(house: House) -> Checkpoint:
    """The newest checkpoint, unverified."""
    return parse_checkpoint(split_note(house.public.download("/log/checkpoint"))[0])


def until_covered(house: House, size: int) -> bool:
    """Wait until the published checkpoint covers so many entries; whether it came to that."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if checkpoint_of(house).size >= size:
            return True
        time.sleep(0.05)
    return False


def until_logged(person: Person, path: str) -> Json:
    """The thing at this address once its statement is in the log. Raises Problem when custody refused it."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        thing: Json = person.get(path)
        log = thing["log"] or {"state": "pending"}
        if log["state"] == "in_log":
            return thing
        if log["state"] == "refused":
            raise Problem("GET", path, 409, log["problem"] or {})
        time.sleep(0.05)
    raise NotInTime(f"{path} is not in the log after {PATIENCE_S:.0f} s")
