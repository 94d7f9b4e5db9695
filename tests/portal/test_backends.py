"""What the pages ask the services: a list is read to its end."""

from services.portal.backends import MOST_PAGES, PAGE, all_of
from tests.portal.conftest import Listed, Written, a_client_of


async def test_a_list_is_read_to_its_end_and_an_endless_one_is_not() -> None:
    whole, endless = Listed(list(range(PAGE + 1)), "balances"), Listed(list(range(2 * MOST_PAGES)))
    client = a_client_of("permits", Written({"/whole": whole, "/endless": endless}))

    assert await all_of(client, "/whole", "balances", org="comunidad-a") == whole.items
    assert whole.asked == [
        {"org": "comunidad-a", "limit": str(PAGE)},
        {"org": "comunidad-a", "limit": str(PAGE), "cursor": str(PAGE)},
    ]
    assert await all_of(client, "/endless", limit=1) == endless.items[:MOST_PAGES]
    assert await all_of(client, "/endless", "items", 3, limit=1) == endless.items[:3]
