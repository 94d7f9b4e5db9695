"""`audit-log mirror|fsck|monitor|succession|draw`: copy, re-hash and watch a log that somebody else operates; recompute a
lottery of trees that took its seed from it.

Exit codes: 0 nothing to say, 1 the log is not valid (fork, damage, or a signature the policy does not accept), 2 cannot
read or write, 3 findings.
"""

import argparse
import asyncio
import gc
import os
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from shared.audit.draw import Held, hold_against, signed_by
from shared.audit.fsck import first_damage
from shared.audit.kept import Kept, continue_history, newest
from shared.audit.mirror import OWN, Mirror, held
from shared.audit.monitor import Monitor
from shared.audit.refusals import CannotListen, CannotRead, CannotWrite, NotOfPolicy, OtherLog
from shared.audit.report import Report
from shared.audit.source import Source, file_bytes, opened
from shared.audit.succession import seam
from shared.audit.tree import Tree
from shared.refusal import Refusal
from shared.timber.draw_file import MAX_BYTES, DrawUnreadable, recompute
from shared.tlog.policy import BadPolicy, Policy, QuorumNotMet

SOUND, NOT_VALID, UNREADABLE, FINDINGS = 0, 1, 2, 3
_POLICY_BYTES = 1_000_000
_HELP = {
    "about": "Herramientas de auditoría de una bitácora ajena. / Tools to audit a log that somebody else operates.",
    "codes": "Códigos de salida / exit codes: 0 nada que decir / nothing to say, 1 bitácora no válida / log not valid, "
    "2 no se puede leer o escribir / cannot read or write, 3 hallazgos / findings.",
    "source": "dirección http de la bitácora (…/log/) o carpeta / http address of the log (…/log/) or folder",
    "policy": "política de confianza propia, en formato tlog-policy / your own trust policy, as tlog-policy text",
    "lang": "idioma / language",
    "mirror": "copiar la bitácora a una carpeta, verificada / copy the log into a folder, verified",
    "fsck": "volver a calcular toda la bitácora contra su raíz firmada / hash the whole log again against its signed root",
    "monitor": "repasar los registros con las reglas y decir qué no cuadra / replay the records by the rules and say what "
    "does not hold",
    "succession": "comprobar que una bitácora cerrada continúa como otra / check that a closed log goes on as another",
    "next": "la bitácora que la continúa / the log that continues it",
    "folder": "carpeta de la copia / folder of the copy",
    "check": "recalcular también lo ya copiado, y traer lo que falte / hash again what was copied before too, and fetch what "
    "is missing",
    "state": "carpeta del estado: última constancia verificada y evidencia / folder of the state: last verified checkpoint "
    "and evidence",
    "follow": "seguir hasta que se interrumpa / go on until interrupted",
    "every": "segundos entre consultas con --follow (10) / seconds between looks with --follow (10)",
    "json": "para programas / for programs",
    "new": "solo lo hallado en esta pasada / only what this run found",
    "least": "solo hallazgos de esta gravedad o mayor / only findings of this severity or graver",
    "draw": "recalcular un sorteo público de árboles / recompute a public lottery of trees",
    "draw_file": "documento del sorteo / draw document",
    "log": "bitácora con que comparar: dirección http (…/log/) o carpeta / log to compare with: http address or folder",
    "listen": "con --follow: recibir constancias de otros / with --follow: take in checkpoints that others saw",
}  # fmt: skip


def main(arguments: Sequence[str] | None = None, prog: str = "audit-log") -> int:
    """Run one command and return its exit code."""
    parser = _parser(prog)
    options = parser.parse_args(arguments)
    if getattr(options, "listen", None) is not None and not options.follow:
        parser.error("--listen: --follow")
    if getattr(options, "log", None) is not None and options.policy is None:
        parser.error("--log: --policy")
    report = Report(options.lang, json=getattr(options, "json", False), least=getattr(options, "least", "S1"))
    try:
        return asyncio.run(draw(options, report) if options.command == "draw" else _run(options, report))
    except KeyboardInterrupt:
        return 130
    except Refusal as refusal:
        report.refusal(refusal)
        return (
            UNREADABLE
            if isinstance(
                refusal, CannotListen | CannotRead | CannotWrite | OtherLog | NotOfPolicy | BadPolicy | DrawUnreadable
            )
            else NOT_VALID
        )


async def _run(options: argparse.Namespace, report: Report) -> int:
    policy = Policy.parse(file_bytes(options.policy, _POLICY_BYTES))
    work: Callable[[argparse.Namespace, Source, Policy, Report], Awaitable[int]] = options.work
    async with opened(options.source) as source:
        return await work(options, source, policy, report)


async def draw(options: argparse.Namespace, report: Report) -> int:
    """Recompute a draw from its document; with a policy its signatures, with a log its census and checkpoint too."""
    again = recompute(file_bytes(options.file, MAX_BYTES))
    policy = None if options.policy is None else Policy.parse(file_bytes(options.policy, _POLICY_BYTES))
    witnesses = None if policy is None else signed_by(again, policy)
    compared = Held(witnesses, None, None, None)
    if options.log is not None and policy is not None:
        async with opened(options.log) as source:
            compared = await hold_against(again, source, policy, witnesses)
    report.drawn(again, compared)
    unwitnessed = policy is not None and bool(policy.witnesses) and not witnesses
    return FINDINGS if unwitnessed or not again.of_norms else SOUND


async def mirror(options: argparse.Namespace, source: Source, policy: Policy, report: Report) -> int:
    """Copy once, or again and again."""
    with held(options.folder / OWN):
        copy, check = Mirror(source, options.folder, policy), options.check

        async def once() -> None:
            nonlocal check
            checkpoint = await copy.pull(report.progress, check=check)
            check = False
            if checkpoint is not None or not options.follow:
                report.copied(checkpoint)

        await _repeat(once, options, report)
    return SOUND


async def fsck(options: argparse.Namespace, source: Source, policy: Policy, report: Report) -> int:
    """Hash everything again."""
    note, checkpoint = await newest(source, policy)
    if options.state is not None:
        kept = Kept(options.state)
        kept.refuse_after_fork()
        await continue_history(kept, policy, note, Tree(source, checkpoint))
    damage = await first_damage(source, checkpoint, report.progress)
    report.checked(checkpoint, damage)
    return SOUND if damage is None else NOT_VALID


async def monitor(options: argparse.Namespace, source: Source, policy: Policy, report: Report) -> int:
    """Judge once, or again and again, and tell what was found."""
    # A bundle makes thousands of objects that die with it: looking for cycles among them costs a sixth of the time.
    gc.set_threshold(100_000, 50, 100)
    with held(options.state):
        watching = Monitor(source, policy, options.state)
        if watching.ledger.begun_again:
            report.begun_again()
        told, behind = watching.ledger.size if options.new else 0, False

        async def once() -> None:
            nonlocal told, behind
            checkpoint = await watching.round(report.progress)
            if watching.behind is not None and not behind:  # said once, and again when it has come up and falls behind
                report.behind(watching.behind, watching.ledger.size)
            behind = watching.behind is not None
            told = await watching.tell(told, report.finding)
            if checkpoint is not None or not options.follow:
                report.judged(watching.ledger.origin or "", told)

        try:
            if options.listen is None:
                await _repeat(once, options, report)
            else:
                await _listening(watching, options, lambda: _repeat(once, options, report))
        finally:
            watching.ledger.close()
    return FINDINGS if report.found else SOUND


async def succession(options: argparse.Namespace, source: Source, policy: Policy, report: Report) -> int:
    """Whether the log goes on as another."""
    async with opened(options.next) as new:
        report.continued(await seam(source, new, policy))
    return SOUND


async def _repeat(once: Callable[[], Awaitable[None]], options: argparse.Namespace, report: Report) -> None:
    """Once, or with `--follow` for ever: what cannot be read now, or lacks cosignatures yet, is asked for again."""
    while True:
        try:
            await once()
        except (CannotRead, QuorumNotMet) as refusal:
            if not options.follow:
                raise
            report.refusal(refusal)
        if not options.follow:
            return
        await asyncio.sleep(options.every)


async def _listening(watching: Monitor, options: argparse.Namespace, work: Callable[[], Awaitable[None]]) -> None:
    """Serve the door of the monitor while it works; both end together. CannotListen."""
    from shared.audit.listen import server

    door, (host, port) = server(watching, *options.listen), options.listen
    try:  # here, because the server leaves the process where it cannot
        place = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise CannotListen(f"{host}:{port}", os.strerror(error.errno or 0)) from error
    serving, working = asyncio.ensure_future(door.serve([place])), asyncio.ensure_future(work())
    await asyncio.wait({serving, working}, return_when=asyncio.FIRST_COMPLETED)
    door.should_exit = True
    working.cancel()
    done = await asyncio.gather(serving, working, return_exceptions=True)
    for outcome in done:
        if isinstance(outcome, Exception):
            raise outcome


def _parser(prog: str) -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog, description=_HELP["about"], epilog=_HELP["codes"])
    commands = top.add_subparsers(dest="command", required=True, metavar="mirror|fsck|monitor|succession|draw")

    def command(work: Callable[..., Awaitable[int]]) -> argparse.ArgumentParser:
        name = work.__name__
        found = commands.add_parser(name, help=_HELP[name], description=_HELP[name], epilog=_HELP["codes"])
        found.set_defaults(work=work)
        found.add_argument("source", metavar="URL|DIR", help=_HELP["source"])
        found.add_argument("--policy", type=Path, required=True, metavar="FILE", help=_HELP["policy"])
        found.add_argument("--lang", choices=("es", "en"), default="es", help=_HELP["lang"])
        return found

    def lasting(found: argparse.ArgumentParser) -> None:
        found.add_argument("--follow", action="store_true", help=_HELP["follow"])
        found.add_argument("--every", type=_seconds, default=10.0, metavar="SECONDS", help=_HELP["every"])

    copying = command(mirror)
    copying.add_argument("folder", type=Path, metavar="FOLDER", help=_HELP["folder"])
    copying.add_argument("--check", action="store_true", help=_HELP["check"])
    lasting(copying)
    checking = command(fsck)
    checking.add_argument("--state", type=Path, metavar="DIR", help=_HELP["state"])
    checking.add_argument("--json", action="store_true", help=_HELP["json"])
    watching = command(monitor)
    watching.add_argument("--state", type=Path, required=True, metavar="DIR", help=_HELP["state"])
    watching.add_argument("--json", action="store_true", help=_HELP["json"])
    watching.add_argument("--new", action="store_true", help=_HELP["new"])
    watching.add_argument("--least", choices=("S1", "S2", "S3", "S4"), default="S1", help=_HELP["least"])
    watching.add_argument("--listen", type=_address, metavar="HOST:PORT", help=_HELP["listen"])
    lasting(watching)
    following = command(succession)
    following.add_argument("next", metavar="URL|DIR", help=_HELP["next"])
    following.add_argument("--json", action="store_true", help=_HELP["json"])
    drawing = commands.add_parser("draw", help=_HELP["draw"], description=_HELP["draw"], epilog=_HELP["codes"])
    drawing.add_argument("file", type=Path, metavar="FILE", help=_HELP["draw_file"])
    drawing.add_argument("--log", metavar="URL|DIR", help=_HELP["log"])
    drawing.add_argument("--policy", type=Path, metavar="FILE", help=_HELP["policy"])
    drawing.add_argument("--json", action="store_true", help=_HELP["json"])
    drawing.add_argument("--lang", choices=("es", "en"), default="es", help=_HELP["lang"])
    return top


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0.05 <= seconds <= 86_400:
        raise argparse.ArgumentTypeError("0.05 to 86400")
    return seconds


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    number = int(port) if port.isascii() and port.isdigit() else -1
    if not 0 <= number <= 65_535:
        raise argparse.ArgumentTypeError("HOST:PORT")
    return host.strip("[]") or "127.0.0.1", number


if __name__ == "__main__":
    sys.exit(main())
