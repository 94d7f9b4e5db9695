"""What the commands say: lines for people in one language, or one JSON document a line for programs in both."""

import sys
from typing import Any

import orjson

from shared.audit.draw import Held
from shared.audit.kept import evidence_in
from shared.audit.refusals import Damaged, ForkKept
from shared.audit.succession import Seam
from shared.refusal import Refusal
from shared.timber.draw_file import Recomputed
from shared.tlog.checkpoint import Checkpoint

_WORDS = {
    "copied": ("Copia completa de {origin}: {size} entradas.", "Whole copy of {origin}: {size} entries."),
    "nothing_new": ("Nada nuevo.", "Nothing new."),
    "sound": (
        "Sin daños: las {size} entradas de {origin} y todas sus teselas llevan a la raíz firmada.",
        "No damage: the {size} entries of {origin} and all their tiles lead to the signed root.",
    ),
    "judged": (
        "{origin}: {size} entradas repasadas; hallazgos: {found}.",
        "{origin}: {size} entries judged; findings: {found}.",
    ),
    "mend": ("Bórrelo y repita con --check.", "Delete it and run again with --check."),
    "behind": (
        "S1: la fuente muestra una constancia de {size} entradas, anterior a las {seen} ya vistas. Una copia atrasada no es "
        "una bifurcación: si sigue así, pregunte a otra fuente.",
        "S1: the source shows a checkpoint of {size} entries, older than the {seen} seen before. A copy that is behind is no "
        "fork: if it stays so, ask another source.",
    ),
    "finding": ("entrada {index}", "entry {index}"),
    "continued": (
        "{old} terminó con {size} entradas y continúa como {new}, que las tiene todas. Su clave, firmada por la anterior: {vkey}",
        "{old} ended at {size} entries and goes on as {new}, which begins with all of them. Its key, under the old log's "
        "signature: {vkey}",
    ),
    "drawn": (
        "El sorteo {number} del plan {plan} sale como dice: {sample} de {trees} árboles, semilla {seed}.",
        "Draw {number} of plan {plan} comes out as it says: {sample} of {trees} trees, seed {seed}.",
    ),
    "stratum": ("  {name}: {sample} de {of} árboles", "  {name}: {sample} of {of} trees"),
    "of_norms": ("El diseño es el de las normas {version}.", "The design is that of the norms {version}."),
    "not_of_norms": (
        "El diseño NO es el de las normas {version}: vea especies CITES, pesos y proporciones.",
        "The design is NOT that of the norms {version}: look at CITES species, weights and shares.",
    ),
    "other_norms": (
        "El diseño nombra otra versión de las normas ({version}) y no se comparó.",
        "The design names another version of the norms ({version}) and was not compared.",
    ),
    "unsigned": (
        "No se comprobó ninguna firma: dé su política con --policy.",
        "No signature was checked: give your policy with --policy.",
    ),
    "signed": (
        "La constancia ({size} entradas) la firmó la bitácora de su política. Testigos de su política que la cofirmaron: {witnesses}.",
        "The checkpoint ({size} entries) is signed by the log of your policy. Witnesses of your policy that cosigned it: {witnesses}.",
    ),
    "unlogged": (
        "El censo no se comparó con la bitácora: dé --log.",
        "The census was not compared with the log: give --log.",
    ),
    "before_log": (
        "La constancia está en la historia de la bitácora. El sorteo fue antes de la aprobación: de los árboles, la bitácora solo tenía su huella.",
        "The checkpoint is in the history of the log. The draw was before the approval: of the trees the log had their hash alone.",
    ),
    "committed": (
        "El censo es el que la bitácora comprometió en la entrada {index}, antes de la constancia del sorteo.",
        "The census is the one the log committed to in entry {index}, before the checkpoint of the draw.",
    ),
    "uncommitted": (
        "El sorteo no nombra una entrada que comprometa el censo con que se presentó el plan.",
        "The draw names no entry that commits to the census the plan was handed in with.",
    ),
    "logged": (
        "La constancia, el plan y los árboles del censo son los de la bitácora.",
        "The checkpoint, the plan and the trees of the census are those of the log.",
    ),
    "first": (
        "No se puede mostrar que no hubo una constancia anterior posterior al censo, ni una cofirma anterior: compare con las que usted tenga.",
        "That there was no smaller checkpoint after the census, and no earlier cosignature, cannot be shown: compare with those you hold.",
    ),
    "begun_again": (
        "El estado era de otra versión: se repasa todo desde la entrada 0.",
        "The state was of another version: everything is judged again from entry 0.",
    ),
}


class Report:
    """Speaks on the output, and of trouble on the error channel. `found` counts the findings it tells: those of severity
    `least` and graver, and what could not be judged."""

    def __init__(self, language: str, *, json: bool = False, least: str = "S1") -> None:
        self.found = 0
        self._least = least
        self._language = language
        self._json = json
        self._shown = False

    def progress(self, done: int, total: int) -> None:
        """A line that is written over, for somebody who watches."""
        if sys.stderr.isatty() and not self._json:
            print(f"\r{done} / {total}", end="", file=sys.stderr, flush=True)
            self._shown = True

    def refusal(self, refusal: Refusal) -> None:
        """Why it ended, or for now does not go on. Of a fork, both notes."""
        texts = {language: refusal.text(language) + _more(refusal, language) for language in ("es", "en")}
        if self._json:
            members = {"text_es": texts["es"], "text_en": texts["en"], "facts": refusal.facts()}
            self._print_json("problem", slug=refusal.slug, **members)
        else:
            self._end_progress()
            print(_plain(texts[self._language]), file=sys.stderr, flush=True)

    def copied(self, checkpoint: Checkpoint | None) -> None:
        """How far the copy has come."""
        if checkpoint is None:
            self._say("nothing_new")
        else:
            self._say("copied", origin=checkpoint.origin, size=checkpoint.size)

    def checked(self, checkpoint: Checkpoint, damage: Damaged | None) -> None:
        """What fsck found."""
        log = {"origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root.hex()}
        if self._json:
            texts = {} if damage is None else {"text_es": damage.text("es"), "text_en": damage.text("en")}
            self._print_json("checked", log=log, damage=None if damage is None else damage.facts() | texts)
        elif damage is None:
            self._say("sound", **log)
        else:
            self._end_progress()
            print(damage.text(self._language), flush=True)

    def continued(self, seam: Seam) -> None:
        """Where one log ends and the other goes on."""
        facts = {"old": seam.old.origin, "new": seam.new.origin, "size": seam.old.size, "vkey": seam.vkey}
        if self._json:
            self._print_json("continued", root=seam.old.root.hex(), **facts)
        else:
            self._say("continued", **facts)

    def finding(self, finding: dict[str, Any]) -> None:
        """One finding of a monitor."""
        if finding["severity"] and finding["severity"] < self._least:
            return
        self.found += 1
        if self._json:
            self._print_json("finding", **finding)
            return
        self._end_progress()
        where = self._word("finding").format(**finding)
        severity = finding["severity"] or "--"
        sid = f" ({finding['sid']})" if finding["sid"] else ""
        print(_plain(f"{where}: {severity} {finding['rule']} {finding['text_' + self._language]}{sid}"), flush=True)

    def behind(self, shown: Checkpoint, seen: int) -> None:
        """That the source shows less than was seen of the log before: a finding of severity S1, of no entry."""
        if self._least > "S1":
            return
        self.found += 1
        facts = {"origin": shown.origin, "size": shown.size, "seen": seen}
        if self._json:
            texts = {f"text_{lang}": _WORDS["behind"][at].format(**facts) for at, lang in enumerate(("es", "en"))}
            self._print_json("behind", severity="S1", **facts, **texts)
        else:
            self._say("behind", **facts)

    def drawn(self, again: Recomputed, held: Held) -> None:
        """A draw that came out, what it was held against, and what was not checked."""
        terms, drawn, version = again.terms, again.draw, again.terms.design.version
        names = None if held.witnesses is None else sorted(held.witnesses)
        if self._json:
            self._print_json(
                "drawn", number=terms.number, plan=terms.plan, stage=terms.stage, seed=drawn.seed, size=again.checkpoint.size,
                strata=[{"name": s.name, "trees": s.of, "sample": s.sample} for s in drawn.strata],
                sample=[{"parcel": d.tree.parcel, "code": d.tree.code, "stratum": d.stratum} for d in drawn.sample],
                design_of_norms=again.of_norms, witnesses=names, checkpoint_in_log=held.checkpoint_in_log,
                census_in_log=held.census_in_log, committed=terms.committed, commitment_in_log=held.commitment_in_log,
            )  # fmt: skip
            return
        self._say(
            "drawn",
            number=terms.number,
            plan=terms.plan,
            sample=len(drawn.sample),
            trees=len(again.trees),
            seed=drawn.seed,
        )
        for layer in drawn.strata:
            self._say("stratum", name=layer.name, sample=layer.sample, of=layer.of)
        self._say({True: "of_norms", False: "not_of_norms", None: "other_norms"}[again.of_norms], version=version)
        if names is None:
            self._say("unsigned")
        else:
            self._say("signed", size=again.checkpoint.size, witnesses=", ".join(names) or "–")
        self._say("unlogged" if held.checkpoint_in_log is None else "logged" if held.census_in_log else "before_log")
        if terms.committed is None:
            self._say("uncommitted")
        elif held.commitment_in_log:
            self._say("committed", index=terms.committed)
        self._say("first")

    def judged(self, origin: str, size: int) -> None:
        """How far a monitor has come."""
        if self._json:
            self._print_json("judged", origin=origin, size=size, found=self.found)
        else:
            self._say("judged", origin=origin, size=size, found=self.found)

    def begun_again(self) -> None:
        """The state could not be used."""
        if not self._json:
            print(self._word("begun_again"), file=sys.stderr)

    def _say(self, what: str, **values: Any) -> None:
        self._end_progress()
        print(_plain(self._word(what).format(**values)), flush=True)

    def _word(self, what: str) -> str:
        return _WORDS[what][self._language == "en"]

    def _end_progress(self) -> None:
        if self._shown:
            print(file=sys.stderr)
            self._shown = False

    def _print_json(self, kind: str, **members: Any) -> None:
        print(orjson.dumps({"kind": kind, **members}).decode(), flush=True)


def _plain(text: str) -> str:
    """Text of others for a terminal: nothing in it moves the cursor or hides what stands beside it."""
    return "".join(character if character.isprintable() or character == "\n" else "\ufffd" for character in text)


def _more(refusal: Refusal, language: str) -> str:
    """The notes of a fork that was kept; how a copy is mended."""
    if isinstance(refusal, Damaged) and refusal.reason == "own copy":
        return " " + _WORDS["mend"][language == "en"]
    if not isinstance(refusal, ForkKept):
        return ""
    return "".join(f"\n\n{note.decode('utf-8', 'replace')}" for note in evidence_in(refusal.where))
