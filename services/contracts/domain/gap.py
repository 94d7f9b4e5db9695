"""What an appraisal lacks: said with the answer, never filled in by guessing."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that is missing, by a stable name and in words."""

    what: str
    es: str
    en: str


class Lacking(Exception):  # noqa: N818
    """Raised inside the engine where a figure cannot be computed; the appraisal collects the gaps."""

    def __init__(self, *gaps: Gap) -> None:
        super().__init__(", ".join(gap.what for gap in gaps))
        self.gaps = gaps


FX = Gap("fx", "el tipo de cambio del dólar de ese día", "the exchange rate of the dollar on that day")
INDEX = Gap(
    "index",
    "el índice con que la oferta actualiza el precio, en su día de partida y hoy",
    "the index by which the offer updates the price, on its first day and today",
)
COST_BOOK = Gap(
    "cost_book",
    "un libro de costos (talar, arrastrar, transportar, aserrar)",
    "a cost book (felling, skidding, transport, milling)",
)
LADDER = Gap(
    "cost_steps",
    "el costo de llevar la madera hasta el punto de venta",
    "the cost of bringing the wood to the point of sale",
)
PRICE_BOOK = Gap(
    "price", "un precio de referencia de madera aserrada o en pie", "a reference price of sawn or standing wood"
)
PRICE_GRADE = Gap(
    "price_grade",
    "un precio de referencia con respaldo suficiente (grado C o mejor)",
    "a reference price with enough support (grade C or better)",
)
SUPPORT = Gap(
    "support",
    "un libro de costos de la región, vigente ese día y firmado por un forestal, o un precio de madera en pie de grado C"
    " o mejor",
    "a cost book of the region, valid on that day and signed by a forester, or a price of standing wood of grade C or"
    " better",
)
RULE_FACTOR = Gap(
    "diameters",
    "la lista de trozas o los diámetros, para convertir pies tablares a m³",
    "the log list or the diameters, to convert board feet to m³",
)
RECOVERY = Gap(
    "recovery",
    "el rendimiento del aserradero, para convertir pies aserrados a m³ en rollo",
    "the recovery of the mill, to convert sawn board feet to round m³",
)
VOLUME = Gap("volume", "el volumen de las especies de la oferta", "the volume of the species of the offer")
TREES = Gap("trees", "el número de árboles de la oferta", "the number of trees of the offer")
CUSTODY_DOWN = Gap(
    "custody",
    "la lista de trozas del lote: custodia no respondió",
    "the log list of the lot: custody did not answer",
)
LOT_UNKNOWN = Gap(
    "custody_lot",
    "la lista de trozas del lote: custodia no conoce ese lote",
    "the log list of the lot: custody does not know that lot",
)
NO_VALUE = Gap(
    "harvest_does_not_pay",
    "a estos costos la madera no paga su cosecha: no hay valor en pie con que comparar",
    "at these costs the wood does not pay its harvest: there is no standing value to compare with",
)
