"""A delivery of the contract in test_versions: its wood in custody, its sheet, its payments."""

from typing import Any

from tests.contracts.builders import TORNILLO, Json, an_offer, pen
from tests.contracts.conftest import BUYER, Contracts
from tests.contracts.test_versions import a_text, signed

LOT = "LOTE-1"
COMMUNITY = "comunidad-a"
RULE = "mean_of_ends"


def item_id(number: int) -> str:
    """An id as custody gives them."""
    return f"00000000-0000-5000-8000-{number:012}"


def kept(logs: int = 10, litres: int = 1_000, species: str = TORNILLO, **more: Any) -> Json:
    """A lot as custody answers it: so many logs of so many litres, sold by the community to the buyer."""
    return {
        "lot": {"id": LOT, "buyer": BUYER, "holder": BUYER},
        "items": [],
        "logs": [
            {"id": item_id(n), "code": f"{500 + n // 2}/{'AB'[n % 2]}", "parcel": "PC 01", "tree": item_id(900 + n // 2),
             "species": species, "product": "roundwood", "diameter_large_mm": 460, "diameter_small_mm": 420,
             "length_mm": 6_577, "volume_dm3": litres}
            for n in range(logs)
        ],
        "trees": [],
        "history": [{"type": "lot.composed", "actor": COMMUNITY}, {"type": "lot.sold", "actor": COMMUNITY}],
        "complete": True, "guides": [], "guides_complete": True,
    } | more  # fmt: skip


def a_sheet(volumes: list[str] | None = None, rule: str = RULE, unit: str = "m3", species: str = TORNILLO) -> Json:
    """The sheet of those logs: what custody has, unless volumes are given."""
    volumes = volumes or ["1.000"] * 10
    return {
        "rule": rule,
        "unit": unit,
        "logs": [
            {"code": f"{500 + n // 2}/{'AB'[n % 2]}", "species": species, "volume": volume}
            for n, volume in enumerate(volumes)
        ],
    }


def a_statement(contract: str, **more: Any) -> Json:
    return {
        "contract": contract, "version": 1, "lot": LOT, "delivered_on": "2026-07-20", "sheet": a_sheet(),
    } | more  # fmt: skip


def a_payment(amount: str, on: str, receipt: str = "aa", **more: Any) -> Json:
    paper = {"sha256": receipt * 32, "name": "Recibo", "media_type": "image/jpeg"}
    return {"paid_on": on, "amount": pen(amount), "receipt": paper} | more


async def a_signed_contract(
    contracts: Contracts, text: Json | None = None, community: str = COMMUNITY, **offer: Any
) -> str:
    """A contract that both have signed, and its wood in custody. Two of them need offers that differ."""
    contracts.custody.lots[LOT] = kept()
    stored = await contracts.post("/v1/contracts", an_offer(community=community, **offer), org=community)
    await signed(contracts, stored["id"], text or a_text(), community)
    return str(stored["id"])


async def settled(contracts: Contracts, text: Json | None = None, expect: int = 201, **more: Any) -> Json:
    """A settlement of that contract's lot."""
    contract = await a_signed_contract(contracts, text)
    found: Json = await contracts.post("/v1/settlements", a_statement(contract, **more), expect)
    return found


async def pay(contracts: Contracts, settlement: Json, payment: Json, expect: int | None = 201, **who: Any) -> Json:
    done: Json = await contracts.post(f"/v1/settlements/{settlement['id']}/payments", payment, expect, **who)
    return done


async def reconciled(contracts: Contracts, settlement: Json, on: str = "2027-01-01", **who: Any) -> Json:
    path = f"/v1/settlements/{settlement['id']}/reconciliation?on={on}"
    found: Json = await contracts.get(path, **who)
    return found
