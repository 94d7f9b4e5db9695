"""What each outcome says to a person, in Spanish and English, with its figures.

A figure named ``x_dm3`` is written as ``{x}`` in cubic metres with three decimals, ``x_permille`` as ``{x}`` in per
cent with one. The words legal and illegal are never used: a finding is a question with evidence.
"""

import re
from typing import Any

from shared.timber.rules.watch_texts import WATCH_TEXTS

TEXTS: dict[tuple[str, str], tuple[str, str]] = {
    ("C01", "unknown"): (
        "El árbol {tree} de {parcel} no está en el censo del plan.",
        "Tree {tree} of {parcel} is not in the census of the plan.",
    ),
    ("C01", "condition"): (
        "El árbol {tree} de {parcel} figura en el censo como {condition}, no como aprovechable.",
        "Tree {tree} of {parcel} is listed in the census as {condition}, not as harvestable.",
    ),
    ("C02", "again"): (
        "El árbol {tree} ya tenía un registro de tala (entrada {first_index}); este es el número {fellings}.",
        "Tree {tree} already had a felling record (entry {first_index}); this one is number {fellings}.",
    ),
    ("C03", "window"): (
        "La tala del {felled_on} queda fuera de la vigencia del {harvest_from} al {harvest_to}.",
        "The felling of {felled_on} is outside the harvest window from {harvest_from} to {harvest_to}.",
    ),
    ("C03", "status"): (
        "El permiso {permit} no estaba en vigor ({status} desde la entrada {status_index}) al registrar la tala.",
        "Permit {permit} was not in force ({status} since entry {status_index}) when the felling was recorded.",
    ),
    ("C03", "status_claimed_before"): (
        "La tala se registró con el permiso {permit} ya {status}, pero se declara del {felled_on}, antes de esa medida.",
        "The felling was recorded with permit {permit} already {status}, but is claimed for {felled_on}, before that.",
    ),
    ("C05", "differs"): (
        "Se registró {species}; antes figuraba {was}.",
        "{species} was recorded; it was listed as {was}.",
    ),
    ("C05", "not_in_plan"): (
        "Se registró {species}, que no está autorizada en la parcela; antes figuraba {was}.",
        "{species} was recorded, which is not authorised in the parcel; it was listed as {was}.",
    ),
    ("C05", "no_census"): (
        "Sin el árbol en el censo no se puede comparar la especie {species}.",
        "Without the tree in the census the species {species} cannot be compared.",
    ),
    ("C07", "over"): (
        "El volumen talado, {felled} m³, supera en {over} % el del censo, {census} m³.",
        "The felled volume, {felled} m³, exceeds that of the census, {census} m³, by {over} %.",
    ),
    ("C07", "no_census"): (
        "Sin el árbol en el censo no se puede comparar el volumen talado, {felled} m³.",
        "Without the tree in the census the felled volume, {felled} m³, cannot be compared.",
    ),
    ("C08", "over"): (
        "Lo trozado (sin las ramas del árbol) suma {cut} m³, {over} % más que la pieza de origen, {whole} m³.",
        "What was cut (the branches of a tree apart) adds up to {cut} m³, {over} % more than the piece it came from, "
        "{whole} m³.",
    ),
    ("C08", "ends"): (
        "La troza {upper} empieza con {upper_mm} mm y la anterior, {lower}, termina con {lower_mm} mm.",
        "Log {upper} begins with {upper_mm} mm and the one before, {lower}, ends with {lower_mm} mm.",
    ),
    ("C09", "stem"): (
        "De la troza del fuste {parent} se registró madera de rama ({codes}): la rama sale del árbol, no de una troza.",
        "From the stem log {parent} wood of branches was recorded ({codes}): a branch comes from the tree, not from a log.",
    ),
    ("C09", "over"): (
        "Las ramas del árbol {parent} suman {branch} m³; el fuste tiene {stem} m³ y se admite hasta {of_stem} % de él.",
        "The branches of tree {parent} add up to {branch} m³; its stem has {stem} m³ and up to {of_stem} % of it is taken.",
    ),
    ("C10", "not_child"): (
        "El código {code} no corresponde a la pieza de origen {parent}.",
        "Code {code} does not belong to the piece it came from, {parent}.",
    ),
    ("C10", "repeated"): (
        "El código {code} ya se usó en otra troza de {parent}.",
        "Code {code} was already used for another log of {parent}.",
    ),
    ("C10", "gap"): (
        "Entre las trozas de {parent} falta alguna letra: {codes}.",
        "Among the logs of {parent} a letter is missing: {codes}.",
    ),
    ("C10", "in_transit"): (
        "La pieza {parent} se trozó mientras figuraba en la guía {guide}, aún abierta.",
        "Piece {parent} was cut while it was listed on guide {guide}, still open.",
    ),
    ("C11", "not_cut"): (
        "La guía {guide} lleva {count} pieza(s) sin registro de trozado.",
        "Guide {guide} carries {count} piece(s) without a cross-cutting record.",
    ),
    ("C11", "no_list"): (
        "La guía {guide} no trae lista de trozas: no se sabe qué piezas llevó.",
        "Guide {guide} has no log list: which pieces it carried is not known.",
    ),
    ("C13", "inversion"): (
        "Según los registros, {later} ({later_at}) es anterior a {earlier} ({earlier_at}) en {count} pieza(s).",
        "By the records, {later} ({later_at}) comes before {earlier} ({earlier_at}) in {count} piece(s).",
    ),
    ("C13", "in_transit"): (
        "Se procesaron {count} pieza(s) que seguían en una guía abierta ({guide}).",
        "{count} piece(s) were processed while still on an open guide ({guide}).",
    ),
    ("C17", "over"): (
        "En {line} se despacharon {dispatched} m³ con lista y solo hay {cut} m³ trozados.",
        "On {line} {dispatched} m³ were dispatched by list and only {cut} m³ cross-cut.",
    ),
    ("C17", "no_list"): (
        "La guía {guide} no trae lista de trozas: no se compara con lo trozado.",
        "Guide {guide} has no log list: it is not compared with what was cross-cut.",
    ),
    ("B01", "over"): (
        "En {line} se movieron {drawn} m³ de {authorised} m³ autorizados ({over} % de exceso).",
        "On {line} {drawn} m³ were moved of {authorised} m³ authorised ({over} % over).",
    ),
    ("B01", "not_listed"): (
        "En {line} se movieron {drawn} m³ sin volumen autorizado.",
        "On {line} {drawn} m³ were moved with no authorised volume.",
    ),
    ("B01", "never_drawn"): (
        "{count} pieza(s) no se descontaron de ningún saldo: no se comparan con lo autorizado.",
        "{count} piece(s) were never drawn from a balance: they are not compared with what was authorised.",
    ),
    ("B02", "over"): (
        "En {line} se despacharon {dispatched} m³ con lista y los árboles talados suman {felled} m³.",
        "On {line} {dispatched} m³ were dispatched by list and the felled trees add up to {felled} m³.",
    ),
    ("B02", "no_list"): (
        "La guía {guide} no trae lista de trozas: no se compara con lo talado.",
        "Guide {guide} has no log list: it is not compared with what was felled.",
    ),
    ("T01", "other_permit"): (
        "La guía {guide} es del permiso {permit} y lleva {count} pieza(s) de otro: {others}.",
        "Guide {guide} is of permit {permit} and carries {count} piece(s) of another: {others}.",
    ),
    ("T01", "void"): (
        "La guía {guide} está anulada (entrada {voided_index}) y se usó después.",
        "Guide {guide} is void (entry {voided_index}) and was used afterwards.",
    ),
    ("T01", "void_after_use"): (
        "La guía {guide} se anuló después de haber salido, haberse visto en ruta o llegado: su volumen no vuelve al saldo.",
        "Guide {guide} was voided after it had departed, been seen on the road or arrived: its volume does not return to "
        "the balance.",
    ),
    ("T02", "expires_before"): (
        "La guía {guide} vence el {expires_on}, antes de emitirse el {issued_on}.",
        "Guide {guide} expires on {expires_on}, before it was issued on {issued_on}.",
    ),
    ("T02", "outside"): (
        "La guía {guide} rige del {issued_on} al {expires_on} y se usó el {at}.",
        "Guide {guide} is valid from {issued_on} to {expires_on} and was used at {at}.",
    ),
    ("T02", "late"): (
        "La guía {guide} venció el {expires_on} y la carga llegó el {at}.",
        "Guide {guide} expired on {expires_on} and the load arrived at {at}.",
    ),
    ("T02", "before_departure"): (
        "La guía {guide} figura el {at}, antes de su salida del {departed_at}.",
        "Guide {guide} appears at {at}, before its departure at {departed_at}.",
    ),
    ("T02", "no_departure"): (
        "La guía {guide} llegó el {at} sin registro de salida.",
        "Guide {guide} arrived at {at} without a departure record.",
    ),
    ("T03", "total"): (
        "Las líneas de la guía {guide} dicen {lines} m³ y su lista suma {listed} m³ (parcela y especie: {group}).",
        "The lines of guide {guide} say {lines} m³ and its list adds up to {listed} m³ (parcel and species: {group}).",
    ),
    ("T03", "multiple"): (
        "Las líneas de la guía {guide} dicen {lines} m³, {times} veces lo de su lista ({listed} m³): "
        "parece un error de conteo.",
        "The lines of guide {guide} say {lines} m³, {times} times its list ({listed} m³): it looks like a count error.",
    ),
    ("T03", "item"): (
        "La guía {guide} da {stated} m³ a la pieza {item}, registrada con {recorded} m³.",
        "Guide {guide} gives piece {item} {stated} m³; it was recorded with {recorded} m³.",
    ),
    ("T03", "measures"): (
        "La pieza {item} figura con {recorded} m³ y sus medidas dan {computed} m³.",
        "Piece {item} is recorded with {recorded} m³ and its measures give {computed} m³.",
    ),
    ("T03", "no_list"): (
        "La guía {guide} no trae lista de trozas: su volumen no se puede comprobar.",
        "Guide {guide} has no log list: its volume cannot be checked.",
    ),
    ("T03", "received"): (
        "La guía {guide} amparaba {sent} m³ y se recibieron {received} m³.",
        "Guide {guide} covered {sent} m³ and {received} m³ were received.",
    ),
    ("T03", "received_extra"): (
        "Con la guía {guide} llegaron {count} pieza(s) que no estaban en ella.",
        "With guide {guide} {count} piece(s) arrived that were not on it.",
    ),
    ("T04", "on_open_guide"): (
        "{count} pieza(s) de la guía {guide} seguían en otra guía abierta: {other}.",
        "{count} piece(s) of guide {guide} were still on another open guide: {other}.",
    ),
    ("T04", "already_left"): (
        "{count} pieza(s) de la guía {guide} ya habían salido con la guía {other}.",
        "{count} piece(s) of guide {guide} had already left with guide {other}.",
    ),
    ("T04", "after_arrival"): (
        "La guía {guide} se usó el {at}, después de su llegada del {received_at}.",
        "Guide {guide} was used at {at}, after its arrival at {received_at}.",
    ),
    ("M01", "over"): (
        "De {inputs} m³ de {species} salieron {outputs} m³ de {product} ({yield} %); el techo es {ceiling} %.",
        "From {inputs} m³ of {species} came {outputs} m³ of {product} ({yield} %); the ceiling is {ceiling} %.",
    ),
    ("M01", "no_ceiling"): (
        "De {inputs} m³ de {species} salieron {outputs} m³ de {product} ({yield} %); no hay techo contra que medirlo.",
        "From {inputs} m³ of {species} came {outputs} m³ of {product} ({yield} %); there is no ceiling to set it against.",
    ),
    ("M01", "no_shared"): (
        "No salió ninguna especie de las que entraron ({consumed}): no hay rendimiento que calcular.",
        "No species came out of those that went in ({consumed}): there is no yield to work out.",
    ),
    ("M04", "differs"): (
        "Existencias de {species}: {opening} + {entered} − {consumed} m³ debían dejar {expected} m³ y se declaran {closing} m³.",
        "Stock of {species}: {opening} + {entered} − {consumed} m³ should leave {expected} m³ and {closing} m³ are declared.",
    ),
    ("M04", "no_stock"): ("No se declararon existencias.", "No stock was declared."),
    ("D05", "declared"): (
        "La clave {kid} de {org} está en duda desde la entrada {from_index}; fue revocada en la entrada {until_index}.",
        "Key {kid} of {org} is in doubt from entry {from_index} on; it was revoked at entry {until_index}.",
    ),
    ("D05", "signed"): (
        "La clave {kid} de {org}, en duda desde la entrada {from_index}, firmó {count} registro(s) de los que esto depende: "
        "entradas {entries}.",
        "Key {kid} of {org}, in doubt from entry {from_index} on, signed {count} record(s) that this rests on: "
        "entries {entries}.",
    ),
    ("D06", "unknown"): (
        "La venta nombra el certificado {certificate}, que no está registrado.",
        "The sale names certificate {certificate}, which is not registered.",
    ),
    ("D06", "window"): (
        "La venta es del {day}; el certificado {certificate} vale del {valid_from} al {valid_to}.",
        "The sale is of {day}; certificate {certificate} is valid from {valid_from} to {valid_to}.",
    ),
    ("D06", "status"): (
        "El certificado {certificate} está {status} desde la entrada {status_index}.",
        "Certificate {certificate} is {status} since entry {status_index}.",
    ),
    ("D06", "not_member"): (
        "{seller} no es titular del certificado {certificate} ni miembro de su grupo el {day}.",
        "{seller} is neither the holder of certificate {certificate} nor a member of its group on {day}.",
    ),
    ("D06", "member_status"): (
        "{seller}, miembro del certificado {certificate}, está {status} desde la entrada {status_index}.",
        "{seller}, a member of certificate {certificate}, is {status} since entry {status_index}.",
    ),
    ("H01", "raised"): ("Observación de {by}: {text}", "Finding by {by}: {text}"),
    ("M06", "other_species"): (
        "Salió {species}, que no estaba entre las especies consumidas: {consumed}.",
        "{species} came out, which was not among the species consumed: {consumed}.",
    ),
    **WATCH_TEXTS,
}  # fmt: skip

# Words of the format that appear inside sentences, for readers of Spanish.
_SPANISH = {
    "suspended": "suspendido", "revoked": "revocado", "in_force": "en vigor", "ended": "terminado",
    "harvestable": "aprovechable", "seed": "semillero", "future": "futura cosecha", "protected": "protegido",
    "felling": "la tala", "making": "el registro de la pieza", "cross-cutting": "el trozado", "processing": "el proceso",
    "issue of the guide": "la emisión de la guía",
    "roundwood": "madera rolliza", "branch_firewood": "leña de ramas", "sawn": "madera aserrada",
    "flooring_blank": "tablillas para piso", "other": "otros productos",
}  # fmt: skip
# A word of the format, not a part of a key id or of somebody's own number.
_WORD = re.compile(r"(?<![\w-])[a-z]+(?:_[a-z]+)+(?![\w-])")
_PASS = ("Regla {rule}: sin observación.", "Rule {rule}: nothing to observe.")


def volume(dm3: int) -> str:
    """Litres as cubic metres with three decimals."""
    sign = "-" if dm3 < 0 else ""
    return f"{sign}{abs(dm3) // 1000}.{abs(dm3) % 1000:03d}"


def percent(permille: int) -> str:
    """Thousandths as per cent with one decimal."""
    sign = "-" if permille < 0 else ""
    return f"{sign}{abs(permille) // 10}.{abs(permille) % 10}"


def readable(language: str, value: str) -> str:
    """Keys of guides and balances as people write them, words of the format in the reader's language."""
    if value.startswith("guide:"):
        _, form, number = value.split(":", 2)
        return number if form == "own" else f"{number} ({'official book' if language == 'en' else 'talonario oficial'})"
    if "|" in value:
        return ", ".join(readable(language, part) for part in value.split("|"))
    return _SPANISH.get(value, value) if language == "es" else _WORD.sub(lambda word: word[0].replace("_", " "), value)


def sentence(language: str, rule: str, case: str, *figures: dict[str, Any]) -> str:
    """The sentence of an outcome. Figures of later dictionaries do not hide those of earlier ones."""
    words: dict[str, Any] = {}
    for values in reversed(figures):
        for name, value in values.items():
            if name == "text":  # somebody's own words
                words[name] = value
            elif isinstance(value, str):
                words[name] = readable(language, value)
            elif isinstance(value, list):
                words[name] = ", ".join(str(one) for one in value)
            elif name.endswith("_dm3"):
                words[name[:-4]] = volume(value)
            elif name.endswith("_permille"):
                words[name[:-9]] = percent(value) if isinstance(value, int) else value
            else:
                words[name] = value
    words["rule"] = rule
    pair = TEXTS.get((rule, case), _PASS)
    return pair[language == "en"].format(**words)
