"""The example service with a client."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from shared.web import deadline
from tests.shared.web.example import a_client, an_app
from tests.tokens import Issuer


@pytest.fixture(scope="session")
def issuer() -> Issuer:
    """One issuer for all tests."""
    return Issuer()


@pytest.fixture
async def api(issuer: Issuer) -> AsyncIterator[httpx.AsyncClient]:
    """The example service, without a token."""
    async with a_client(an_app(issuer)) as client:
        yield client


@pytest.fixture(autouse=True)
def _fresh_deadline() -> Iterator[None]:
    """The deadline of one test is not the next one's, nor that of any other test of this process."""
    deadline.begin(None)
    yield
    deadline.forget()
