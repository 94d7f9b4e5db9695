"""What the outcomes of a monitor say to a person, in Spanish and English, in the way of `shared.timber.rules.texts`."""

WATCH_TEXTS: dict[tuple[str, str], tuple[str, str]] = {
    ("C14", "entered_late"): (
        "El hecho se declara del {claimed} y entró en la bitácora después del {after}: al menos {days} días más tarde.",
        "The fact is claimed for {claimed} and entered the log after {after}: at least {days} days later.",
    ),
    ("C14", "made_late"): (
        "El hecho se declara del {claimed} y quien lo firmó ya había visto la bitácora del {after}: se escribió al menos "
        "{days} días más tarde.",
        "The fact is claimed for {claimed} and its signer had already seen the log of {after}: it was written at least "
        "{days} days later.",
    ),
    ("C14", "ahead"): (
        "El hecho se declara del {claimed}, pero el registro ya estaba en la bitácora el {seen_at}.",
        "The fact is claimed for {claimed}, but the record stood in the log on {seen_at}.",
    ),
    ("L01", "refused"): (
        "Las reglas no admiten esta entrada, y está en la bitácora: {reason_es}",
        "The rules do not admit this entry, and it stands in the log: {reason_en}",
    ),
    ("L01", "predecessor"): (
        "La entrada se apoya en el registro {prev}, que no está antes que ella en la bitácora.",
        "The entry builds on record {prev}, which does not stand before it in the log.",
    ),
    ("L01", "repeated"): (
        "El mismo registro ya estaba en la entrada {first_index}.",
        "The same record stood already at entry {first_index}.",
    ),
    ("L01", "unknown_type"): (
        "Esta versión no conoce el tipo de este registro y no lo juzga: {reason_es}",
        "This version does not know the type of this record and does not judge it: {reason_en}",
    ),
    ("L02", "ahead"): (
        "El registro dice que su equipo había visto {size} entradas; antes de él solo había {index}.",
        "The record says that its device had seen {size} entries; only {index} stood before it.",
    ),
    ("L02", "other_root"): (
        "El equipo vio otra bitácora: con {size} entradas su raíz era {seen_root}, y en esta es {root}.",
        "The device saw another log: at {size} entries its root was {seen_root}, and in this one it is {root}.",
    ),
    ("L03", "twice"): (
        "La clave {device} firmó dos registros distintos con el número {seq}; el primero está en la entrada {first_index}.",
        "Key {device} signed two different records under number {seq}; the first stands at entry {first_index}.",
    ),
    ("L04", "gap"): (
        "De la clave {device} faltan los números del {first} al {last}: esos registros no llegaron a la bitácora.",
        "Numbers {first} to {last} of key {device} are missing: those records did not reach the log.",
    ),
    ("L05", "noted"): (
        "El registro {refused} quiso usar otra vez {subject}, que ya había usado el registro {first}.",
        "Record {refused} tried to use {subject} again, which record {first} had used already.",
    ),
    ("L06", "other_root"): (
        "Dice que continúa {before}, cuya raíz con {size} entradas era {said_root}; en esta bitácora es {root}.",
        "It says that it continues {before}, whose root at {size} entries was {said_root}; in this log it is {root}.",
    ),
    ("L07", "goes_on"): (
        "La bitácora dijo en la entrada {closed_at} que ahí terminaba, y sigue con esta entrada.",
        "At entry {closed_at} the log said that it ended there, and it goes on with this entry.",
    ),
    ("L07", "other_before"): (
        "La bitácora terminó en la entrada {closed_at}; la que sigue dice continuar {before}, y ese no era su nombre.",
        "The log ended at entry {closed_at}; what follows says that it continues {before}, which was not its name.",
    ),
    ("L07", "name_again"): (
        "La bitácora terminó en la entrada {closed_at} y sigue como {next}, un nombre que ya había llevado.",
        "The log ended at entry {closed_at} and goes on as {next}, a name that it had borne before.",
    ),
    ("L07", "other_next"): (
        "La bitácora terminó en la entrada {closed_at} y dijo que seguiría como {next}; la constancia es de {origin}.",
        "The log ended at entry {closed_at} and said that it would go on as {next}; the checkpoint is of {origin}.",
    ),
    ("L07", "known_before"): (
        "{origin} ya había firmado {size} entradas cuando, según la entrada {closed_at}, todavía no había empezado: lo que "
        "sigue viene después de su propio fin.",
        "{origin} had signed {size} entries already when, by entry {closed_at}, it had not begun yet: what follows comes "
        "after its own end.",
    ),
    ("L08", "other_census"): (
        "El plan {plan} se aprobó con otro censo que el que se presentó: en la entrada {committed_at}, {committed_trees} árboles "
        "y raíz {committed_root}; aquí, {trees} árboles y raíz {root}.",
        "Plan {plan} was approved over another census than it was handed in with: in entry {committed_at} {committed_trees} "
        "trees and root {committed_root}; here {trees} trees and root {root}.",
    ),
    ("L08", "other_trees"): (
        "Los árboles que la bitácora lista del plan {plan} no son los que se presentaron (entrada {committed_at}): "
        "{committed_trees} árboles, {committed_harvestable} m³ aprovechables y raíz {committed_listing_root}; listados, "
        "{trees}, {harvestable} m³ y {listing_root}.",
        "The trees that the log lists of plan {plan} are not those it was handed in with (entry {committed_at}): "
        "{committed_trees} trees, {committed_harvestable} m³ harvestable and root {committed_listing_root}; listed are "
        "{trees}, {harvestable} m³ and {listing_root}.",
    ),
    ("L08", "uncommitted"): (
        "El plan {plan} se aprobó con {trees} árboles y la bitácora no dice antes con qué censo se presentó. De un plan que se "
        "presentó cuando su registro todavía no lo decía, tampoco lo dice.",
        "Plan {plan} was approved over {trees} trees, and the log does not say before with which census it was handed in. Of "
        "a plan that was handed in when its registry did not say so yet, it does not say either.",
    ),
    ("L08", "committed_late"): (
        "Lo que aquí se dice del censo con que se presentó el plan {plan} viene después de su aprobación (entrada "
        "{approved_at}): ya no obliga a nadie.",
        "What is said here of the census that plan {plan} was handed in with comes after its approval (entry {approved_at}): "
        "it binds nobody any more.",
    ),
    ("L08", "not_told"): (
        "Cuando se aprobó el plan {plan} la bitácora todavía no decía con qué censo se presentan los planes.",
        "When plan {plan} was approved, the log did not say yet with which census plans are handed in.",
    ),
}
