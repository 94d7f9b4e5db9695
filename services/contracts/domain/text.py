"""What an appraisal says to people: one text model in Spanish and English, and a short message for a phone.

It states ranges, causes and what is missing. It never says to sign or not to sign.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from services.contracts.domain.fair import Fair
from services.contracts.domain.flags import Flag
from services.contracts.domain.floor import Floor
from services.contracts.domain.judged import Case, Judged, JudgedLine
from services.contracts.domain.lot import FactorSource
from services.contracts.domain.money import Money, shown
from services.contracts.domain.price import (
    AnyLine,
    InKind,
    LumpSum,
    PaidRule,
    PerTree,
    PerVolume,
    Product,
    ShareOfProfit,
    ShareOfRevenue,
    ShareOfVolume,
)
from services.contracts.domain.verdict import Verdict
from services.contracts.domain.words import CAUSES, POINTS, RULES, Both
from shared.timber.measure import Unit, half_up
from shared.timber.species import catalogue

SMS_CHARACTERS = 480
LINES_TOLD = 3
CAUSES_TOLD = 3
SPECIES_TOLD = 3

HEADLINES = {
    Verdict.NO_ANSWER: Both("Todavía no se puede comparar esta oferta.", "This offer cannot be compared yet."),
    Verdict.FAR_BELOW: Both("La oferta está muy por debajo de lo justo.", "The offer is far below fair value."),
    Verdict.BELOW: Both("La oferta está por debajo de lo justo.", "The offer is below fair value."),
    Verdict.LOW_IN_RANGE: Both(
        "La oferta está dentro de lo justo, en la parte baja.", "The offer is within fair value, in its lower part."
    ),
    Verdict.FAIR: Both("La oferta llega a lo justo.", "The offer reaches fair value."),
}
SHARES = {
    "share_of_volume": Both("la madera", "the wood"),
    "share_of_revenue": Both("las ventas", "the sales"),
    "share_of_profit": Both("la ganancia", "the profit"),
}
GRADES = {
    "A": Both("alta", "high"),
    "B": Both("buena", "good"),
    "C": Both("media", "medium"),
    "given": Both("depende de las cifras que usted dio", "it rests on the figures you gave"),
}
FACTOR_SOURCES: dict[FactorSource, Both] = {
    "custody": Both("Con sus trozas registradas", "With your recorded logs"),
    "logs": Both("Con sus trozas", "With your logs"),
    "distribution": Both("Con los diámetros indicados", "With the stated diameters"),
    "recovery": Both("Con el rendimiento del aserradero", "With the recovery of the mill"),
    "taken_equal": Both("Por metro cúbico de madera en rollo", "By cubic metre of round wood"),
    "same_rule": Both("Por metro cúbico de madera en rollo", "By cubic metre of round wood"),
    "volume": Both("Con el volumen de su lista", "With the volume of your list"),
}


@dataclass(frozen=True, slots=True)
class Spoken:
    """The text in one language."""

    headline: str
    sentences: tuple[str, ...]
    sms: str


def speak(case: Case, flags: Sequence[Flag], floors: Sequence[Floor | None]) -> tuple[Spoken, Spoken]:
    """The text in Spanish and in English."""
    headline = HEADLINES[case.total.verdict]
    sentences = [
        *(_offered(line, case) for line in case.lines[:LINES_TOLD]),
        *_more_lines(case),
        *_indexed(case),
        *_net(case),
        *_range(case.total),
        *_loss(case),
        *_causes(case.total),
        *tell_floors(case, floors),
        *_flagged(flags),
        *_missing(case.total),
        *_confidence(case),
    ]
    short = _sms(case, flags, floors)
    return (
        Spoken(headline.es, tuple(one.es for one in sentences), _cut(short.es)),
        Spoken(headline.en, tuple(one.en for one in sentences), _cut(short.en)),
    )


def _m3(volume: Decimal) -> str:
    return f"{half_up(volume, Decimal('0.01')):,}".removesuffix(".00")


def _price(line: AnyLine, alone: bool = True) -> Both:
    """The price in the words of the offer; a sum is for the whole lot only where no other line prices a part of it."""
    match line:
        case PerVolume(unit=Unit.PT):
            rule = RULES[line.rule]
            return Both(f"{line.price} por pie tablar ({rule.es})", f"{line.price} per board foot ({rule.en})")
        case PerVolume():
            rule = RULES[line.rule]
            return Both(f"{line.price} por m³ ({rule.es})", f"{line.price} per m³ ({rule.en})")
        case PerTree():
            return Both(f"{line.price} por árbol", f"{line.price} per tree")
        case LumpSum():
            what = Both("todo el lote", "the whole lot") if alone else Both("toda esa madera", "all of that wood")
            return Both(f"{line.price} por {what.es}", f"{line.price} for {what.en}")
        case InKind():
            return Both(f"mercadería que vale {line.price}", f"goods worth {line.price}")
        case ShareOfVolume() | ShareOfRevenue() | ShareOfProfit():
            part, of = f"{Decimal(line.share_milli) / 10:f}".removesuffix(".0"), SHARES[line.kind]
            return Both(f"{part} % de {of.es}", f"{part} % of {of.en}")


def _of_which(line: JudgedLine, case: Case) -> Both:
    """Which wood a line is about, where an offer has several; nothing where it has one."""
    if len(case.lines) == 1:
        return Both("", "")
    if line.line.species == "any":
        return Both("Por las demás especies ", "For the other species ")
    names = [catalogue().accepted(name).trade_name.lower() for name in line.line.species]
    more = len(names) - SPECIES_TOLD
    shown_names = names[:SPECIES_TOLD] if more > 0 else names
    es = [*shown_names, f"{more} más"] if more > 0 else shown_names
    en = [*shown_names, f"{more} more"] if more > 0 else shown_names
    return Both(f"Por {_listed(es, 'y')} ", f"For {_listed(en, 'and')} ")


def _offered(line: JudgedLine, case: Case) -> Both:
    price, point = _price(line.line, len(case.lines) == 1), POINTS[line.line.point_of_sale]
    if line.line.product is Product.STANDING:
        point = Both("en pie", "standing")
    which = _of_which(line, case)
    return Both(
        _begun(f"{which.es}le ofrecen {price.es}, {point.es}."),
        _begun(f"{which.en}you are offered {price.en}, {point.en}."),
    )


def _begun(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]


def _more_lines(case: Case) -> list[Both]:
    more = len(case.lines) - LINES_TOLD
    if more == 1:
        return [Both("Y un precio más.", "And one more price.")]
    return [Both(f"Y {more} precios más.", f"And {more} more prices.")] if more > 0 else []


def _indexed(case: Case) -> list[Both]:
    """What an index clause has made of the prices that are written."""
    if case.basis.index is None:
        return []
    moved = half_up((case.basis.index.factor - 1) * 100, Decimal("0.1"))
    if moved == 0:
        return [
            Both(
                "El índice no se ha movido: valen los precios escritos.",
                "The index has not moved: prices are as written.",
            )
        ]
    part = f"{abs(moved):f}".removesuffix(".0")
    es, en = ("más", "more") if moved > 0 else ("menos", "less")
    return [
        Both(
            f"Por la cláusula de índice, hoy cada precio vale {part} % {es} de lo que está escrito.",
            f"By the index clause each price is worth {part} % {en} today than what is written.",
        )
    ]


def _net(case: Case) -> list[Both]:
    net = case.total.net_m3
    if net is None:
        return []
    how = Both("En conjunto", "All together")
    if len(case.lines) == 1:
        line = case.lines[0]
        how = FACTOR_SOURCES[line.factor_source] if line.factor_source else how
        if line.factor_source == "volume" and case.offer.lot.basis == "census":
            how = Both("Con el volumen de su censo", "With the volume of your census")
        if isinstance(line.line, PerTree) and line.trees and line.volume_m3:
            each = _m3(line.volume_m3 / line.trees)
            how = Both(f"{how.es} ({each} m³ por árbol)", f"{how.en} ({each} m³ a tree)")
    taken = _taken_off(case)
    return [
        Both(
            f"{how.es} eso es {shown(net)} por m³ en pie{taken.es}.",
            f"{how.en} that is {shown(net)} per m³ standing{taken.en}.",
        )
    ]


def _taken_off(case: Case) -> Both:
    moved = {cause.cause for cause in case.total.causes or ()} & {"delay", "point_of_sale", "deductions", "advances"}
    amounts = {cause.cause: cause.amount for cause in case.total.causes}
    names = [name for name in ("delay", "point_of_sale", "deductions", "advances") if name in moved and amounts[name]]
    if not names:
        return Both("", "")
    es, en = _listed([CAUSES[name].es for name in names], "y"), _listed([CAUSES[name].en for name in names], "and")
    return Both(f", contando ya {es}", f", counting {en}")


def _listed(words: Sequence[str], last: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def _range(total: Judged) -> list[Both]:
    if total.fair_m3 is None:
        return []
    low, mid, high = (shown(amount) for amount in total.fair_m3)
    if not (total.fair and total.fair.supported):
        return [_by_unsigned_figures(low, mid, high)]
    if low == high:
        return [
            Both(f"Lo justo hoy es cerca de {mid} por m³ en pie.", f"Fair value today is about {mid} per m³ standing.")
        ]
    return [
        Both(
            f"Lo justo hoy está entre {low} y {high} por m³ en pie, cerca de {mid}.",
            f"Fair value today is between {low} and {high} per m³ standing, about {mid}.",
        )
    ]


def _by_unsigned_figures(low: str, mid: str, high: str) -> Both:
    """What the figures come to that nobody answers for: never said as what is fair."""
    es, en = ("", "") if low == high else (f", entre {low} y {high}", f", between {low} and {high}")
    return Both(
        f"Con cifras que nadie ha respaldado, lo justo sería cerca de {mid} por m³ en pie{es}.",
        f"By figures that nobody answers for, fair value would be about {mid} per m³ standing{en}.",
    )


def _loss(case: Case) -> list[Both]:
    total, losses = case.total, case.total.losses
    if losses is None or losses[1] <= 0 or total.volume_m3 is None:
        return []
    per_hundred, volume = shown(losses[1] / total.volume_m3 * 100), _m3(total.volume_m3)
    said = [
        Both(
            f"Por cada 100 m³ se pierde cerca de {per_hundred}; en los {volume} m³, {shown(losses[1])}.",
            f"For every 100 m³ about {per_hundred} are lost; over the {volume} m³, {shown(losses[1])}.",
        )
    ]
    each: list[Both] = []
    if total.trees:
        each.append(Both(f"{shown(losses[1] / total.trees)} por árbol", f"{shown(losses[1] / total.trees)} per tree"))
    if case.offer.families:
        share = shown(losses[1] / case.offer.families)
        each.append(Both(f"{share} por familia", f"{share} per family"))
    if each:
        es, en = _listed([one.es for one in each], "y"), _listed([one.en for one in each], "and")
        said.append(Both(f"Eso es {es}.", f"That is {en}."))
    return said


def _causes(total: Judged) -> list[Both]:
    takers = sorted((cause for cause in total.causes if cause.amount > 0), key=lambda cause: -cause.amount)
    if total.verdict is Verdict.FAIR or not takers:
        return []
    es = [f"{CAUSES[c.cause].es} ({shown(c.amount)} por m³)" for c in takers[:CAUSES_TOLD]]
    en = [f"{CAUSES[c.cause].en} ({shown(c.amount)} per m³)" for c in takers[:CAUSES_TOLD]]
    return [Both(f"Causas: {_listed(es, 'y')}.", f"Causes: {_listed(en, 'and')}.")]


def tell_floors(case: Case, floors: Sequence[Floor | None]) -> list[Both]:
    """The counter-offer in the buyer's own unit, where the offer stays below it."""
    said: list[Both] = []
    for line, floor in list(zip(case.lines, floors, strict=True))[:LINES_TOLD]:
        if floor is None or line.net_m3 is None or line.net_m3 >= floor.target_m3:
            continue
        base = Both(
            f"{Money.pen(floor.base_m3)} por m³ con la regla {RULES[PaidRule(case.wood.base.value)].es}",
            f"{Money.pen(floor.base_m3)} per m³ by the {RULES[PaidRule(case.wood.base.value)].en} rule",
        )
        own = base
        if floor.price is not None:
            price = _price(line.line.model_copy(update={"price": floor.price}), len(case.lines) == 1)
            own = Both(f"{price.es}, o {base.es}", f"{price.en}, or {base.en}")
        which = _of_which(line, case)
        said.append(Both(_begun(f"{which.es}pida al menos {own.es}."), _begun(f"{which.en}ask for at least {own.en}.")))
        if floor.deal is False:
            said.append(NO_DEAL)
    return said


NO_DEAL = Both(
    "A estos costos y con la ganancia más baja de un comprador, ese precio no le alcanza: revise los costos.",
    "At these costs and with the lowest profit of a buyer that price is out of reach: look at the costs again.",
)


def _flagged(flags: Sequence[Flag]) -> list[Both]:
    return [Both(flag.text("es"), flag.text("en")) for flag in flags if flag.outcome.state == "raised"]


def _missing(total: Judged) -> list[Both]:
    if not total.gaps:
        return []
    es, en = "; ".join(gap.es for gap in total.gaps), "; ".join(gap.en for gap in total.gaps)
    return [Both(f"Falta saber: {es}.", f"Missing: {en}.")]


def _weakest(case: Case) -> Fair | None:
    order = {"A": 0, "B": 1, "C": 2, "given": 3}
    return max(case.fairs.values(), key=lambda fair: order.get(fair.entry.grade, 4), default=None)


def _confidence(case: Case) -> list[Both]:
    fair = _weakest(case)
    if fair is None or case.total.verdict is Verdict.NO_ANSWER:
        return []
    grade = GRADES[fair.entry.grade]
    age = _age(max((case.basis.on - fair.entry.observed_on).days // 30, 0))
    who = Both("", "")
    if fair.entry.reporters is not None:
        who = Both(f"{fair.entry.reporters} informantes, ", f"{fair.entry.reporters} reporters, ")
    return [Both(f"Confianza: {grade.es} ({who.es}{age.es}).", f"Confidence: {grade.en} ({who.en}{age.en}).")]


def _age(months: int) -> Both:
    if months == 0:
        return Both("precios de este mes", "prices of this month")
    if months == 1:
        return Both("precios de hace un mes", "prices one month old")
    return Both(f"precios de hace {months} meses", f"prices {months} months old")


def _sms(case: Case, flags: Sequence[Flag], floors: Sequence[Floor | None]) -> Both:
    total = case.total
    # Of several prices none speaks for all of them: the message says how many there are.
    number = len(case.lines)
    price = _price(case.lines[0].line) if number == 1 else Both(f"{number} precios", f"{number} prices")
    es, en = [HEADLINES[total.verdict].es, f"Oferta: {price.es}"], [HEADLINES[total.verdict].en, f"Offer: {price.en}"]
    if total.net_m3 is not None:
        es[-1] += f" = {shown(total.net_m3)} por m³."
        en[-1] += f" = {shown(total.net_m3)} per m³."
    if total.fair_m3 is not None:
        low, mid, high = (shown(amount) for amount in total.fair_m3)
        sure = total.fair is not None and total.fair.supported
        fair = Both("Justo", "Fair") if sure else Both("Sin respaldo, justo sería", "Unsupported, fair would be")
        es.append(f"{fair.es}: {mid}." if low == high else f"{fair.es}: {mid} ({low} a {high}).")
        en.append(f"{fair.en}: {mid}." if low == high else f"{fair.en}: {mid} ({low} to {high}).")
    if total.losses is not None and total.losses[1] > 0 and total.volume_m3 is not None:
        es.append(f"Se pierde {shown(total.losses[1])} en {_m3(total.volume_m3)} m³.")
        en.append(f"{shown(total.losses[1])} lost over {_m3(total.volume_m3)} m³.")
    for one in (*tell_floors(case, floors)[:1], *_missing(total)):
        es.append(one.es)
        en.append(one.en)
    # The gravest first: what does not fit into a message is the least of them.
    raised = sorted(
        (flag for flag in flags if flag.outcome.state == "raised"), key=lambda flag: "SHMI".index(flag.severity)
    )
    if raised:
        es.append("Alertas: " + "; ".join(flag.spec.es["title"].lower() for flag in raised) + ".")
        en.append("Alerts: " + "; ".join(flag.spec.en["title"].lower() for flag in raised) + ".")
    return Both(" ".join(es), " ".join(en))


def _cut(text: str) -> str:
    """At most 480 characters, cut at a word."""
    if len(text) <= SMS_CHARACTERS:
        return text
    return text[: SMS_CHARACTERS - 1].rsplit(" ", 1)[0] + "…"
