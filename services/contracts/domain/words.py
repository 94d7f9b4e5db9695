"""Words for people, each in Spanish and in English."""

from dataclasses import dataclass

from services.contracts.domain.price import PaidRule, PointOfSale


@dataclass(frozen=True, slots=True)
class Both:
    """The same thing said in both languages."""

    es: str
    en: str


RULES: dict[PaidRule, Both] = {
    PaidRule.MEAN_OF_ENDS: Both("oficial, promedio de diámetros", "official, mean of ends"),
    PaidRule.SMALIAN: Both("Smalian", "Smalian"),
    PaidRule.HUBER: Both("Huber", "Huber"),
    PaidRule.NEWTON: Both("Newton", "Newton"),
    PaidRule.DOYLE: Both("Doyle", "Doyle"),
    PaidRule.OXAPAMPINA: Both("Oxapampina", "Oxapampina"),
    PaidRule.INTERNATIONAL_QUARTER: Both("Internacional 1/4", "International 1/4"),
    PaidRule.SCRIBNER: Both("Scribner", "Scribner"),
    PaidRule.SAWN: Both("de madera aserrada", "of sawn wood"),
}

POINTS: dict[PointOfSale, Both] = {
    PointOfSale.STUMP: Both("en el tocón", "at the stump"),
    PointOfSale.ROADSIDE: Both("al borde del camino", "at the roadside"),
    PointOfSale.RIVER_PORT: Both("en el puerto", "at the river port"),
    PointOfSale.MILL_GATE: Both("puesta en el aserradero", "at the mill gate"),
    PointOfSale.WHOLESALE_LIMA: Both("puesta en Lima", "in Lima"),
    PointOfSale.FOB: Both("puesta a bordo (FOB)", "on board (FOB)"),
}

VERDICTS: dict[str, Both] = {
    "no_answer": Both("todavía sin respuesta", "no answer yet"),
    "far_below": Both("muy por debajo de lo justo", "far below fair value"),
    "below": Both("por debajo de lo justo", "below fair value"),
    "low_in_range": Both("dentro de lo justo, en la parte baja", "within fair value, in its lower part"),
    "fair": Both("llega a lo justo", "reaches fair value"),
}

CAUSES: dict[str, Both] = {
    "price": Both("el precio", "the price"),
    "rule": Both("la regla de medida", "the log rule"),
    "delay": Both("la espera del pago", "the wait for payment"),
    "point_of_sale": Both("llevar la madera hasta el punto de venta", "bringing the wood to the point of sale"),
    "deductions": Both("los descuentos", "the deductions"),
    "advances": Both("los adelantos", "the advances"),
}
