"""Act 6: what fifty soles a tree are really worth, with the plan's own mean volume of a tree."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from deploy.demo.story import Story
from deploy.seed import sample
from deploy.seed.house import House, Json

TREES = 100
PRICE_PER_TREE = "50.00"
ILLUSTRATIVE = "cifra de ejemplo / example figure"
COSTS = {
    "milling": "95", "river_transport": "60", "skidding": "70", "felling": "28", "planning": "18", "fees": "6", "overhead": "15",
}  # fmt: skip


def tell(story: Story, house: House) -> None:
    """The public quick appraisal: verdict, price for each cubic metre, loss, in words a community can use."""
    story.act("offer", "6. Una oferta: S/ 50 por árbol", "6. An offer: S/ 50 a tree")
    mean = _mean_of_a_tree()
    story.note(
        f"El plan autoriza {mean} m³ por árbol en promedio ({sample.AUTHORISED_TREES} árboles).",
        f"The plan authorises {mean} m³ a tree on average ({sample.AUTHORISED_TREES} trees).",
    )
    story.expect(mean == Decimal("6.39"), f"el promedio es {mean}", f"the mean is {mean}")
    appraisal = house.public.post("/v1/appraisals/quick", {"offer": _offer(mean), "basis": _basis()})
    total = appraisal["total"]
    story.expect(
        appraisal["verdict"] == "far_below",
        f"el veredicto es {appraisal['verdict']}",
        f"the verdict is {appraisal['verdict']}",
    )
    story.expect(_amount(total["net_m3"]) == Decimal("7.82"), f"neto {total['net_m3']}", f"net {total['net_m3']}")
    story.expect(
        _amount(total["loss_mid"]) > 0 and total["loss_mid"]["currency"] == "PEN",
        f"pérdida {total['loss_mid']}", f"loss {total['loss_mid']}",
    )  # fmt: skip
    text = appraisal["text"]
    story.step(
        "appraisal", appraisal["verdict"], text["es"]["headline"], text["en"]["headline"],
        net_m3=total["net_m3"], fair_mid_m3=total["fair_mid_m3"], loss_mid=total["loss_mid"], loss_tree=total["loss_tree"],
        sentences=text[story.language]["sentences"],
    )  # fmt: skip
    for es, en in zip(text["es"]["sentences"], text["en"]["sentences"], strict=False):
        story.note(es, en)


def _mean_of_a_tree() -> Decimal:
    """Authorised round wood over authorised trees, to the hundredth."""
    dm3 = sum(line.authorised_dm3 for line in sample.balance() if line.product == "roundwood")
    return (Decimal(dm3) / 1000 / sample.AUTHORISED_TREES).quantize(Decimal("0.01"), ROUND_HALF_UP)


def _amount(money: Any) -> Decimal:
    return Decimal(money["amount"] if isinstance(money, dict) else money)


def _offer(mean: Decimal) -> Json:
    volume = f"{mean * TREES:.3f}"
    return {
        "title": sample.TITLE, "community": sample.COMMUNITY, "buyer": None, "buyer_name": "Comprador de ejemplo",
        "region": sample.REGION, "offered_on": sample.CONSULTED_ON,
        "lines": [
            {
                "kind": "per_tree", "species": "any", "price": {"amount": PRICE_PER_TREE, "currency": "PEN"},
                "product": "standing", "point_of_sale": "stump",
            }
        ],
        "lot": {"basis": "declared", "species": [{"species": "Dipteryx ferrea", "volume_m3": volume, "trees": TREES}]},
    }  # fmt: skip


def _basis() -> Json:
    def soles(amount: str) -> Json:
        return {"amount": amount, "currency": "PEN"}

    prices = {
        "id": "demo-prices", "title": "Precio de ejemplo", "region": sample.REGION, "as_of": sample.CONSULTED_ON,
        "source": ILLUSTRATIVE, "licence": "CC0-1.0",
        "entries": [
            {
                "species": "any", "product": "sawn", "unit": "pt", "rule": "sawn", "point_of_sale": "mill_gate",
                "mid": soles("3.20"), "grade": "given", "observed_on": sample.CONSULTED_ON, "source": ILLUSTRATIVE,
            }
        ],
    }  # fmt: skip
    costs = {
        "id": "demo-costs", "title": "Costos de ejemplo", "region": sample.REGION, "as_of": sample.CONSULTED_ON,
        "source": ILLUSTRATIVE, "recovery_milli": {"mid": 520}, "margin_milli": {"mid": 200},
        "lines": [
            {"step": step, "mid": soles(amount), "source": ILLUSTRATIVE, "on": sample.CONSULTED_ON}
            for step, amount in COSTS.items()
        ],
        "signed_by": {"name": "Forestal de ejemplo / example forester", "licence": ILLUSTRATIVE, "on": sample.CONSULTED_ON},
    }  # fmt: skip
    return {"on": sample.CONSULTED_ON, "rate_milli": 180, "prices": prices, "costs": costs}
