"""Act 4: the official extraction balance, reproduced to the litre, and the next guide on an exhausted line refused."""

from dataclasses import replace

from deploy.demo.story import Story, m3
from deploy.demo.wood import Teller
from deploy.seed import sample
from deploy.seed.house import House, Json
from deploy.seed.pieces import piece_id
from deploy.seed.sample import BalanceLine, Piece

PARCEL, SPECIES = "PC 03", "Dipteryx ferrea"
FELLED_ON, GUIDE = "2026-06-11", "DEMO-REFUSED-1"
SUMMARY_SIGNER = "comunidad"


def tell(story: Story, house: House) -> None:
    """What was extracted becomes facts; balances, the finding, the refusal, and why the official report misleads."""
    story.act("balance", "4. El balance de extracción: 96 líneas", "4. The extraction balance: 96 lines")
    lines = sample.balance()
    _record_extraction(story, house, lines)
    kept = {(b["parcel"], b["species"], b["product"]): b for b in _balances(house)}
    _same_to_the_litre(story, lines, kept)
    _firewood(story, lines, kept)
    _dipteryx(story, lines)
    _finding(story, house)
    _refused_guide(story, house)


def _record_extraction(story: Story, house: House, lines: list[BalanceLine]) -> None:
    """One summary guide of the official book for each round-wood line that moved."""
    moved = [line for line in lines if line.product == "roundwood" and line.extracted_dm3 > 0]
    results = house.person(SUMMARY_SIGNER).state(*(_summary(line) for line in moved))
    logged = [result for result in results if result["status"] == "logged"]
    story.expect(
        len(logged) == len(moved) == 78,
        f"{len(logged)} de {len(moved)} guías registradas", f"{len(logged)} of {len(moved)} guides recorded",
    )  # fmt: skip
    indices = sorted(result["index"] for result in logged)
    total = sum(line.extracted_dm3 for line in moved)
    story.step(
        "extraction", "logged",
        f"{len(logged)} guías oficiales resumen lo extraído: {m3(total)} m³ (entradas {indices[0]} a {indices[-1]})",
        f"{len(logged)} official guides sum up what was extracted: {m3(total)} m³ (entries {indices[0]} to {indices[-1]})",
        indices[0], indices=indices, volume_dm3=total,
    )  # fmt: skip
    for line, result in zip(moved, results, strict=True):
        story.guides.append(
            {"guide": _number(line), "form": "official", "index": result.get("index"), "state": "issued"}
        )


def _number(line: BalanceLine) -> str:
    return f"BALANCE-2025-{line.number:02d}"


def _summary(line: BalanceLine) -> Json:
    body = {
        "guide": _number(line), "form": "official", "permit": sample.BALANCE_PERMIT, "addressee": sample.MILL,
        "issued_on": sample.CONSULTED_ON, "expires_on": sample.CONSULTED_ON,
        "lines": [
            {"parcel": line.parcel, "species": line.species, "product": line.product, "volume_dm3": line.extracted_dm3}
        ],
    }  # fmt: skip
    return {"type": "guide.issued", "time": f"{sample.CONSULTED_ON}T17:00:00Z", "body": body}


def _balances(house: House) -> list[Json]:
    return house.person("comunidad").pages("/v1/balances", "balances", permit=sample.BALANCE_PERMIT)


def _same_to_the_litre(story: Story, lines: list[BalanceLine], kept: dict[tuple[str, str, str], Json]) -> None:
    """Authorised and drawn of every round-wood line are those of the official report."""
    round_wood = [line for line in lines if line.product == "roundwood"]
    other = [
        line.number for line in round_wood
        if line.key not in kept
        or (kept[line.key]["authorised_dm3"], kept[line.key]["drawn_dm3"]) != (line.authorised_dm3, line.extracted_dm3)
    ]  # fmt: skip
    story.expect(len(kept) == 96, f"hay {len(kept)} líneas y no 96", f"there are {len(kept)} lines, not 96")
    story.expect(not other and len(round_wood) == 81, f"difieren las líneas {other}", f"lines {other} differ")
    story.step(
        "balances", "equal", "GET /v1/balances: las 81 líneas de madera rolliza iguales al litro",
        "GET /v1/balances: all 81 round-wood lines equal to the litre", lines=len(kept), round_wood=len(round_wood),
    )  # fmt: skip


def _firewood(story: Story, lines: list[BalanceLine], kept: dict[tuple[str, str, str], Json]) -> None:
    """The official report repeats the round wood of a species under its firewood; we show what moved as firewood."""
    firewood = [line for line in lines if line.product == "branch_firewood"]
    round_wood = {(line.parcel, line.species): line for line in lines if line.product == "roundwood"}
    repeated = [line for line in firewood if round_wood[line.parcel, line.species].extracted_dm3 == line.extracted_dm3]
    drawn = sum(kept[line.key]["drawn_dm3"] for line in firewood)
    negative = [line for line in lines if line.extracted_dm3 > line.authorised_dm3]
    false_alarms = [line for line in negative if line.product == "branch_firewood"]
    story.expect(
        len(repeated) == len(firewood) == 15 and drawn == 0,
        "la leña de rama no es lo que se movió", "branch firewood is not what was moved",
    )  # fmt: skip
    story.step(
        "firewood", "different",
        "Las 15 líneas de leña de rama muestran 0.000 m³: bajo ese producto no se registró ninguna guía",
        "The 15 branch-firewood lines show 0.000 m³: no guide was recorded under that product",
        lines=[
            {"parcel": line.parcel, "species": line.species, "official_dm3": line.extracted_dm3,
             "ours_dm3": kept[line.key]["drawn_dm3"]} for line in firewood
        ],
    )  # fmt: skip
    story.note(
        "Difieren porque el reporte oficial repite en la leña la madera rolliza de la misma especie; un saldo es de un producto.",
        "They differ because the official report repeats the species' round wood under firewood; a balance is of one product.",
    )
    story.note(
        f"De sus {len(negative)} saldos negativos, {len(false_alarms)} nacen de esa repetición y {len(negative) - len(false_alarms)} es real.",
        f"Of its {len(negative)} negative balances {len(false_alarms)} come from that repetition and {len(negative) - len(false_alarms)} is real.",
    )
    story.expect(
        (len(negative), len(false_alarms)) == (6, 5),
        "los saldos negativos no son 6 y 5",
        "negative balances are not 6 and 5",
    )


def _dipteryx(story: Story, lines: list[BalanceLine]) -> None:
    """Which figure it is: one line of one parcel, not a sum."""
    of_species = [line for line in lines if line.species == SPECIES and line.product == "roundwood"]
    [line] = [line for line in of_species if line.parcel == PARCEL]
    authorised, extracted = sum(x.authorised_dm3 for x in of_species), sum(x.extracted_dm3 for x in of_species)
    story.expect(
        (line.authorised_dm3, line.extracted_dm3) == (3_197_063, 3_400_174),
        "la línea no es la esperada",
        "not the expected line",
    )
    story.step(
        "dipteryx", "below-zero",
        f"{SPECIES}, rolliza, {PARCEL}: {m3(line.extracted_dm3)} extraídos de {m3(line.authorised_dm3)} m³ "
        f"({line.extracted_dm3 / line.authorised_dm3 * 100:.1f} %), especie CITES",
        f"{SPECIES}, round wood, {PARCEL}: {m3(line.extracted_dm3)} extracted of {m3(line.authorised_dm3)} m³ "
        f"({line.extracted_dm3 / line.authorised_dm3 * 100:.1f} %), a CITES species",
        authorised_dm3=line.authorised_dm3, drawn_dm3=line.extracted_dm3,
    )  # fmt: skip
    story.note(
        f"Es una sola línea de una parcela. La suma de las tres parcelas no pasa: {m3(extracted)} de {m3(authorised)} m³.",
        f"It is one line of one parcel. The sum of the three parcels does not pass: {m3(extracted)} of {m3(authorised)} m³.",
    )


def _finding(story: Story, house: House) -> None:
    found = house.person("supervisor").pages("/v1/findings", "findings", permit=sample.BALANCE_PERMIT, rule="B01")
    failed = [one for one in found if one["finding"]["status"] == "FAIL"]
    story.expect(len(failed) == 1, f"B01 observó {len(failed)} guías", f"B01 reported {len(failed)} guides")
    for one in failed:
        finding = one["finding"]
        story.step(
            "finding-B01", "finding", f"B01 {finding['severity']}: {finding['text_es']}",
            f"B01 {finding['severity']}: {finding['text_en']}", one["index"], severity=finding["severity"],
        )  # fmt: skip


def _refused_guide(story: Story, house: House) -> None:
    """A synthetic shihuahuaco is felled and cut, which is recorded; the guide that would certify it is not issued."""
    forest = Teller(story, house.person("comunidad"), sample.BALANCE_PERMIT, sample.BALANCE_PLAN)
    stem = Piece(sample.SYNTHETIC_TREE, FELLED_ON, SPECIES, 800, 700, 15_000, 6_627)
    log = replace(stem, code=f"{stem.code}/A")
    tree = sample.SampleTree(stem.code, PARCEL, {}, 8_270, stem, None, (log,), {}, SPECIES)
    felled = forest.fell(tree)
    cut = forest.cut(stem.code, PARCEL, [log], felled)
    [result] = house.person("comunidad").state(_asked_guide(log, cut))
    problem = result.get("problem") or {}
    facts = problem.get("facts", {})
    figures = tuple(facts.get(f"{name}_dm3") for name in ("authorised", "drawn", "asked"))
    story.expect(
        (result["status"], problem.get("slug")) == ("refused", "balance-exceeded"),
        f"la guía no se rechazó por saldo: {result}", f"the guide was not refused for its balance: {result}",
    )  # fmt: skip
    story.expect(figures == (3_197_063, 3_400_174, log.volume_dm3), f"cifras {figures}", f"figures {figures}")
    story.step(
        f"guide-{GUIDE}", "refused", problem.get("detail_es", ""), problem.get("detail_en", ""),
        authorised_dm3=figures[0], drawn_dm3=figures[1], asked_dm3=figures[2],
    )  # fmt: skip
    story.note(
        "La tala y la troza quedaron registradas: se niega certificar, no se borra el hecho.",
        "The felling and the log stay recorded: what is refused is to certify, not the fact.",
    )


def _asked_guide(log: Piece, cut: Json) -> Json:
    body = {
        "guide": GUIDE, "form": "own", "permit": sample.BALANCE_PERMIT, "addressee": sample.MILL,
        "issued_on": FELLED_ON, "expires_on": "2026-06-18",
        "lines": [{"parcel": PARCEL, "species": SPECIES, "product": "roundwood", "volume_dm3": log.volume_dm3}],
        "items": [{"item": piece_id(sample.BALANCE_PLAN, log.code), "volume_dm3": log.volume_dm3}],
    }  # fmt: skip
    return {"type": "guide.issued", "time": f"{FELLED_ON}T17:00:00Z", "body": body, "prev": [cut["sid"]]}
