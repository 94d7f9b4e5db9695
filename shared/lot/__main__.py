"""`verify-lot FILE --policy FILE`: the verdict on a lot from its proof file, without network or server.
`verify-lot split FILE DIR`: its entries as pairs of files, `N.entry` and `N.tlog-proof`, for other verifiers of C2SP logs.

Exit codes: 0 consistent, 1 not valid, 2 cannot read (the file, the policy or this version), 3 valid with things to
review. Of `split`: 0, 1 when the file does not hold together, 2 when it cannot be read or the folder not written.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson

from shared.lot.bundle import MAX_BYTES, BundleUnreadable
from shared.lot.report import NOT_VALID, UNREADABLE, Report
from shared.lot.split import split
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
    "split": "Separa el archivo de prueba de un lote en pares N.entry y N.tlog-proof (c2sp.org/tlog-proof), que comprueba "
    "cualquier programa de registros C2SP. / Takes the proof file of a lot apart into pairs N.entry and N.tlog-proof "
    "(c2sp.org/tlog-proof), which any program for C2SP logs checks.",
    "folder": "carpeta nueva o vacía / a new or empty folder",
}
_WRITTEN = {"es": "{count} entradas con su prueba en {folder}.", "en": "{count} entries with their proofs in {folder}."}
_NOT_EMPTY = {"es": "la carpeta no está vacía", "en": "the folder is not empty"}
_NOT_WRITTEN = {"es": "No se puede escribir en {folder}: {why}.", "en": "Cannot write to {folder}: {why}."}
_UNREADABLE = {"es": "No se puede leer {file}: {why}.", "en": "Cannot read {file}: {why}."}
_TOO_LONG = {"es": "es demasiado grande", "en": "it is too large"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["split"]:
        return _split(_split_parser().parse_args(words[1:]))
    options = _parser().parse_args(words)
    policy_bytes = _bytes_of(options.policy, options.lang)
    data = _bytes_of(options.file, options.lang)
    if policy_bytes is None or data is None:
        return UNREADABLE
    try:
        policy = Policy.parse(policy_bytes)
    except Refusal as refusal:
        print(refusal.text(options.lang), file=sys.stderr)
        if options.json:
            print(orjson.dumps(Report("unreadable", refusal).as_dict(), option=orjson.OPT_INDENT_2).decode())
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


def _split_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("verify-lot split", description=_HELP["split"])
    parser.add_argument("file", type=Path, help=_HELP["file"])
    parser.add_argument("folder", type=Path, help=_HELP["folder"])
    parser.add_argument("--lang", choices=("es", "en"), default="es", help=_HELP["lang"])
    return parser


def _split(options: argparse.Namespace) -> int:
    """Write the pairs. Nothing is overwritten: the folder has to be new or empty."""
    data = _bytes_of(options.file, options.lang)
    if data is None:
        return UNREADABLE
    try:
        pairs = list(split(data))
    except Refusal as refusal:
        print(refusal.text(options.lang), file=sys.stderr)
        return UNREADABLE if isinstance(refusal, BundleUnreadable) else NOT_VALID
    folder: Path = options.folder
    try:
        folder.mkdir(parents=True, exist_ok=True)
        why = _NOT_EMPTY[options.lang] if any(folder.iterdir()) else None
        for name, content in (file for pair in pairs if why is None for file in pair.files.items()):
            (folder / name).write_bytes(content)
    except OSError as error:
        why = error.strerror or type(error).__name__
    if why is not None:
        print(_NOT_WRITTEN[options.lang].format(folder=folder, why=why), file=sys.stderr)
        return UNREADABLE
    print(_WRITTEN[options.lang].format(count=len(pairs), folder=folder))
    return 0


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
