"""Why a field was not accepted, said to a person in Spanish and in English."""

from collections.abc import Mapping
from typing import Any

SPANISH: dict[str, str] = {
    "missing": "falta este campo",
    "extra_forbidden": "este campo no existe aquí",
    "string_type": "debe ser texto",
    "string_too_short": "debe tener al menos {min_length} caracteres",
    "string_too_long": "debe tener como máximo {max_length} caracteres",
    "string_pattern_mismatch": "no tiene la forma esperada ({pattern})",
    "int_type": "debe ser un número entero",
    "int_parsing": "debe ser un número entero",
    "int_from_float": "debe ser un número entero",
    "float_type": "debe ser un número",
    "float_parsing": "debe ser un número",
    "bool_type": "debe ser verdadero o falso",
    "bool_parsing": "debe ser verdadero o falso",
    "decimal_parsing": 'debe ser un número decimal escrito como texto, como "12.50"',
    "decimal_type": 'debe ser un número decimal escrito como texto, como "12.50"',
    "decimal_max_places": "debe tener como máximo {decimal_places} decimales",
    "decimal_max_digits": "debe tener como máximo {max_digits} cifras",
    "greater_than": "debe ser mayor que {gt}",
    "greater_than_equal": "debe ser mayor o igual que {ge}",
    "less_than": "debe ser menor que {lt}",
    "less_than_equal": "debe ser menor o igual que {le}",
    "finite_number": "debe ser un número finito",
    "list_type": "debe ser una lista",
    "dict_type": "debe ser un objeto",
    "model_attributes_type": "debe ser un objeto",
    "model_type": "debe ser un objeto",
    "too_short": "debe tener al menos {min_length} elementos",
    "too_long": "debe tener como máximo {max_length} elementos",
    "literal_error": "debe ser uno de: {expected}",
    "enum": "debe ser uno de: {expected}",
    "uuid_parsing": "debe ser un identificador UUID",
    "uuid_type": "debe ser un identificador UUID",
    "date_parsing": "debe ser una fecha AAAA-MM-DD",
    "date_type": "debe ser una fecha AAAA-MM-DD",
    "date_from_datetime_parsing": "debe ser una fecha AAAA-MM-DD",
    "datetime_parsing": "debe ser fecha y hora",
    "datetime_type": "debe ser fecha y hora",
    "timezone_aware": "la hora debe llevar su zona",
    "url_parsing": "debe ser una dirección web",
    "union_tag_invalid": "debe ser uno de: {expected_tags}",
    "union_tag_not_found": "falta el campo que dice de qué clase es",
}


def reason_es(error: Mapping[str, Any]) -> str:
    """The reason of one pydantic error in Spanish; a rule of our own keeps the words it raised with."""
    template = SPANISH.get(error["type"])
    if template is None:
        return _own(error)[0] if error["type"] == "value_error" else "valor no válido"
    said = {name: _listed(value) for name, value in error.get("ctx", {}).items()}
    return template.format(**said)


def _listed(value: Any) -> Any:
    """What pydantic lists, `'m3' or 'pt'`, without its English word."""
    return value.replace("' or '", "' o '") if isinstance(value, str) else value


def reason_en(error: Mapping[str, Any]) -> str:
    """The reason in English, as pydantic says it; of a rule of our own its English words."""
    return _own(error)[1]


def _own(error: Mapping[str, Any]) -> tuple[str, str]:
    """What a rule of our own raised with, ``en español / in English``, in each; words without a second half are those of both."""
    said = str(error["msg"]).removeprefix("Value error, ")
    spanish, _, english = said.partition(" / ")
    return (spanish, english) if error["type"] == "value_error" and english else (said, said)
