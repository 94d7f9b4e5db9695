"""`verify-lot FILE --policy FILE`: the verdict on a lot from its proof file, without network or server.

Exit codes: 0 consistent, 1 not valid, 2 cannot read (the file, the policy or this version), 3 valid with things to
review.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson

from shared.lot.bundle import MAX_BYTES
from shared.lot.report import UNREADABLE
from shared.lot.verify import verify
from shared.refusal import Refusal
from shared.tlog.policy import Policy

_HELP = {
    "about": "Verifica un lote de madera sin red: firmas, inclusión en el registro público, cadena hasta los árboles "
    "y reglas. / Verifies a lot of timber offline: signatures, inclusion in the public log, chain down to the trees "
    "and rules.",
    "codes": "Códigos de salida / exit codes: 0 CONSISTENT, 1 no válido / not valid, 2 no se puede leer / cannot read, "
    "3 válido, por revisar / valid, to review.",
    "file": "archivo de prueba del lote / proof file of the lot",
    "policy": "política de confianza propia, en formato tlog-policy / your own trust policy, as tlog-policy text",
    "json": "informe completo para programas / full report for programs",
    "lang": "idioma / language",
}
_UNREADABLE = {"es": "No se puede leer {file}: {why}.", "en": "Cannot read {file}: {why}."}
_TOO_LONG = {"es": "es demasiado grande", "en": "it is too large"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    policy_bytes = _bytes_of(options.policy, options.lang)
    data = _bytes_of(options.file, options.lang)
    if policy_bytes is None or data is None:
        return UNREADABLE
    try:
        policy = Policy.parse(policy_bytes)
    except Refusal as refusal:
        print(refusal.text(options.lang), file=sys.stderr)
        return UNREADABLE
    report = verify(data, policy)
    if options.json:
        print(orjson.dumps(report.as_dict(), option=orjson.OPT_INDENT_2).decode())
    else:
        print(report.text(options.lang))
    return report.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("verify-lot", description=_HELP["about"], epilog=_HELP["codes"])
    parser.add_argument("file", type=Path, help=_HELP["file"])
    parser.add_argument("--policy", type=Path, required=True, help=_HELP["policy"])
    parser.add_argument("--json", action="store_true", help=_HELP["json"])
    parser.add_argument("--lang", choices=("es", "en"), default="es", help=_HELP["lang"])
    return parser


def _bytes_of(path: Path, language: str) -> bytes | None:
    """The bytes of a file of bearable size; otherwise None, and the reason on the error channel."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        why = _TOO_LONG[language] if len(data) > MAX_BYTES else None
    except OSError as error:
        data, why = b"", error.strerror or type(error).__name__
    if why is None:
        return data
    print(_UNREADABLE[language].format(file=path, why=why), file=sys.stderr)
    return None


if __name__ == "__main__":
    sys.exit(main())
