"""`verify-lot FILE --policy FILE`: the verdict on a lot from its proof file, without network or server.
`verify-lot split FILE DIR`: its entries as pairs of files, `N.entry` and `N.tlog-proof`, for other verifiers of C2SP logs.

Exit codes: 0 consistent, 1 not valid, 2 cannot read (the file, the policy or this version), 3 valid with things to
review. Of `split`: 0, 1 when the file does not hold together, 2 when it cannot be read or the folder not written.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import orjson

from shared.lot.bundle import MAX_BYTES, BundleUnreadable
from shared.lot.report import NOT_VALID, UNREADABLE, Report
from shared.lot.split import Pair, split
from shared.lot.verify import verify
from shared.refusal import Refusal, system_es
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
_NOT_EMPTY = ("la carpeta no está vacía", "the folder is not empty")
_TOO_LONG = ("es demasiado grande", "it is too large")


@dataclass(eq=False)
class CannotRead(Refusal):
    """The file or the policy cannot be read at all."""

    slug: ClassVar[str] = "cannot-read"
    es: ClassVar[str] = "No se puede leer {where}: {why_es}."
    en: ClassVar[str] = "Cannot read {where}: {why_en}."
    where: str
    why_es: str
    why_en: str


@dataclass(eq=False)
class CannotWrite(CannotRead):
    """The folder for the pairs cannot be written."""

    slug: ClassVar[str] = "cannot-write"
    es: ClassVar[str] = "No se puede escribir en {where}: {why_es}."
    en: ClassVar[str] = "Cannot write to {where}: {why_en}."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["split"]:
        return _split(_split_parser().parse_args(words[1:]))
    options = _parser().parse_args(words)
    try:
        policy = Policy.parse(_bytes_of(options.policy))
        data = _bytes_of(options.file)
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
    try:
        pairs = list(split(_bytes_of(options.file)))
        _write(options.folder, pairs)
    except Refusal as refusal:
        print(refusal.text(options.lang), file=sys.stderr)
        return UNREADABLE if isinstance(refusal, BundleUnreadable | CannotRead) else NOT_VALID
    print(_WRITTEN[options.lang].format(count=len(pairs), folder=options.folder))
    return 0


def _write(folder: Path, pairs: Sequence[Pair]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise CannotWrite(str(folder), *_NOT_EMPTY)
        for name, content in (file for pair in pairs for file in pair.files.items()):
            (folder / name).write_bytes(content)
    except OSError as error:
        raise CannotWrite(str(folder), *_said(error)) from error


def _bytes_of(path: Path) -> bytes:
    """The bytes of a file of bearable size. CannotRead."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CannotRead(str(path), *_said(error)) from error
    if len(data) > MAX_BYTES:
        raise CannotRead(str(path), *_TOO_LONG)
    return data


def _said(error: OSError) -> tuple[str, str]:
    why = error.strerror or type(error).__name__
    return system_es(why), why


if __name__ == "__main__":
    sys.exit(main())
