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
}
