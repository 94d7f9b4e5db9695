"""Act 2: tree 501, from the census to a sold lot that anybody can verify without asking us."""

from deploy.demo import lots
from deploy.demo.story import Story, m3
from deploy.demo.wood import Teller
from deploy.seed import sample
from deploy.seed.house import House, Json
from deploy.seed.pieces import piece_id
from shared.timber.measure import census_dm3, mean_of_ends_dm3

CODE = "501"
LOT = "LOTE-501"
EXPIRES_ON, ARRIVED_AT, SAWN_ON, SOLD_ON = "2025-09-20", "2025-09-15T17:00:00Z", "2025-09-22", "2025-09-29"
BOARDS, BOARDS_DM3 = 120, 2_700  # 5 x 20 x 225 cm: 22.5 litres each


def tell(story: Story, house: House) -> None:
    """Census, felling, cross-cutting, guide, journey, sawing, sale, and the verdict of who was not there."""
    story.act("tree-501", "2. El árbol 501: del censo a la venta", "2. Tree 501: from the census to the sale")
    tree = sample.trees()[CODE]
    forest = Teller(story, house.person("comunidad"), sample.TREE_PERMIT, sample.TREE_PLAN)
    mill = Teller(story, house.person("comprador"), sample.TREE_PERMIT, sample.TREE_PLAN)
    _census(story, house, tree)
    felled = forest.fell(tree)
    cut = forest.cut(CODE, tree.parcel, tree.logs, felled)
    _judged(story, house, felled, cut, tree)
    guide = _travel(forest, mill, tree, cut)
    sold = _saw_and_sell(mill, tree, guide)
    _told_by_the_house(story, house, tree, sold)
    lots.check(story, house, LOT, "CONSISTENT")


def _census(story: Story, house: House, tree: sample.SampleTree) -> None:
    path = f"/v1/plans/{sample.TREE_PLAN}/trees/{CODE}"
    listed = house.person("regente").get(path, parcel=tree.parcel)
    computed = census_dm3(listed["dbh_mm"], listed["height_mm"], 650)
    story.step(
        "census-501", "listed",
        f"Censo: {listed['species']}, DAP 80 cm, altura 18 m: {m3(listed['volume_dm3'])} m³",
        f"Census: {listed['species']}, DBH 80 cm, height 18 m: {m3(listed['volume_dm3'])} m³",
        volume_dm3=listed["volume_dm3"],
    )  # fmt: skip
    story.expect(
        listed["volume_dm3"] == computed == 5881,
        f"el censo da {m3(listed['volume_dm3'])} m³ y no 5.881", f"the census gives {m3(listed['volume_dm3'])} m3, not 5.881",
    )  # fmt: skip


def _judged(story: Story, house: House, felled: Json, cut: Json, tree: sample.SampleTree) -> None:
    """The house keeps the official volumes, and no rule objects."""
    for piece, expected in ((tree.felling, 5643), (tree.logs[0], 5192)):
        name = piece.code
        item = next(item["item"] for item in story.items if item["code"] == name)
        kept = house.public.get(f"/v1/items/{item}")["item"]
        measured = mean_of_ends_dm3(kept["diameter_large_mm"], kept["diameter_small_mm"], kept["length_mm"])
        story.expect(
            kept["volume_dm3"] == measured == expected,
            f"{name}: {m3(kept['volume_dm3'])} m³ registrados, {m3(measured)} calculados, {m3(expected)} oficiales",
            f"{name}: {m3(kept['volume_dm3'])} m3 recorded, {m3(measured)} computed, {m3(expected)} official",
        )
    story.expect(
        not felled["findings"] and not cut["findings"],
        "una regla observó la tala o el trozado", "a rule objected to the felling or the cross-cutting",
    )  # fmt: skip
    story.note(
        "Las medidas dan exactamente los volúmenes oficiales: censo 5.881, tala 5.643, troza 5.192 m³.",
        "The measures give the official volumes exactly: census 5.881, felling 5.643, log 5.192 m³.",
    )


def _travel(forest: Teller, mill: Teller, tree: sample.SampleTree, cut: Json) -> Json:
    log = tree.logs[0]
    number, day = tree.guides[log.code]
    loaded = {"item": piece_id(sample.TREE_PLAN, log.code), "volume_dm3": log.volume_dm3}
    line = {"parcel": tree.parcel, "species": log.species, "product": "roundwood", "volume_dm3": log.volume_dm3}
    of_guide = {"guide": number, "form": "own"}
    issued = forest.record(
        f"guide-{number}", "guide.issued", day,
        {
            **of_guide, "permit": sample.TREE_PERMIT, "addressee": sample.MILL, "issued_on": day,
            "expires_on": EXPIRES_ON, "lines": [line], "items": [loaded],
        },
        f"Guía {number} emitida: {log.code}, {m3(log.volume_dm3)} m³ para {sample.MILL}",
        f"Guide {number} issued: {log.code}, {m3(log.volume_dm3)} m³ to {sample.MILL}",
        [cut["sid"]],
    )  # fmt: skip
    left = forest.record(
        f"departed-{number}", "guide.departed", day, {**of_guide, "at": f"{day}T17:00:00Z"},
        "La carga sale del bosque", "The load leaves the forest", [issued["sid"]],
    )  # fmt: skip
    arrived = mill.record(
        f"received-{number}", "guide.received", ARRIVED_AT,
        {**of_guide, "at": ARRIVED_AT, "items": [loaded], "volume_dm3": log.volume_dm3},
        "El aserradero la recibe: la segunda firma del traspaso", "The mill receives it: the second signature of the hand-over",
        [left["sid"]],
    )  # fmt: skip
    forest.story.guides.append({"guide": number, "form": "own", "index": issued.get("index"), "state": "received"})
    return arrived


def _saw_and_sell(mill: Teller, tree: sample.SampleTree, arrived: Json) -> Json:
    log = tree.logs[0]
    boards = piece_id(sample.TREE_PLAN, f"{log.code}/boards")
    sawn = mill.record(
        f"sawn-{CODE}", "mill.processed", SAWN_ON, _sawing(log, boards),
        f"Aserrío: {m3(BOARDS_DM3)} m³ de {m3(log.volume_dm3)} m³, {BOARDS_DM3 / log.volume_dm3 * 100:.1f} % (techo 56 %)",
        f"Sawn: {m3(BOARDS_DM3)} m³ out of {m3(log.volume_dm3)} m³, {BOARDS_DM3 / log.volume_dm3 * 100:.1f} % (ceiling 56 %)",
        [arrived["sid"]],
    )  # fmt: skip
    mill.story.items.append(
        {"code": f"{log.code} ({BOARDS})", "item": boards, "kind": "product", "volume_dm3": BOARDS_DM3}
    )
    composed = mill.record(
        f"composed-{LOT}", "lot.composed", SOLD_ON, {"lot": LOT, "items": [boards]},
        f"Lote {LOT}: {BOARDS} tablas", f"Lot {LOT}: {BOARDS} boards", [sawn["sid"]],
    )  # fmt: skip
    return mill.record(
        f"sold-{LOT}", "lot.sold", SOLD_ON, {"lot": LOT, "buyer": sample.BUYER},
        f"Vendido a {sample.BUYER}", f"Sold to {sample.BUYER}", [composed["sid"]],
    )  # fmt: skip


def _sawing(log: sample.Piece, boards: str) -> Json:
    out = {
        "item": boards, "product": "sawn", "species": log.species, "volume_dm3": BOARDS_DM3, "pieces": BOARDS,
        "thickness_mm": 50, "width_mm": 200, "length_mm": 2250,
    }  # fmt: skip
    stock = {
        "species": log.species, "opening_dm3": 0, "in_dm3": log.volume_dm3, "consumed_dm3": log.volume_dm3,
        "closing_dm3": 0,
    }  # fmt: skip
    return {"inputs": [piece_id(sample.TREE_PLAN, log.code)], "outputs": [out], "stock": [stock]}


def _told_by_the_house(story: Story, house: House, tree: sample.SampleTree, sold: Json) -> None:
    """Anybody may ask where the boards came from."""
    told = house.public.get(f"/v1/lots/{LOT}")
    stumps = [item["code"] for item in told["trees"]]
    story.expect(
        told["lot"]["buyer"] == sample.BUYER and told["lot"]["sold_index"] == sold["index"],
        "el lote no figura como vendido", "the lot does not stand as sold",
    )  # fmt: skip
    story.expect(stumps == [tree.code], f"el lote sale de los árboles {stumps}", f"the lot comes from trees {stumps}")
