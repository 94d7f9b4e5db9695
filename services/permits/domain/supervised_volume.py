"""The life of a volume that a supervision finds fault with, by the table of every finding (``finding_life.STEPS``).

The community's first answer explains it; the supervisor accepts or upholds it, by closing at the latest; whoever it is held against
appeals what was upheld: the community, its regent firm, the holder of the permit; somebody else than who decided closes it. What was
accepted, lifted or is under appeal counts in no indicator and in nobody's record.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.permits.domain.day import peru_day
from services.permits.domain.field_supervision import FoundVolume, Supervision
from services.permits.domain.finding import Finding
from services.permits.domain.finding_life import Actor, Done, KnownFinding, TermNotOver
from services.permits.domain.party import WrongState
from services.permits.domain.rules.catalogue import About, Terms

RULE = "SUPERVISION"


def life_of(one: Supervision, volume: FoundVolume, answered_at: datetime | None, acts: Sequence[Done]) -> KnownFinding:
    """The volume as a finding. ``acts`` are those recorded of it; answer and closing of the supervision are acts on each."""
    visit, done = one.visit, []
    decisions = [act.at for act in acts if act.act in ("accept", "uphold")]
    if answered_at is not None and not any(at < answered_at for at in decisions):
        done.append(Done("explain", "explained", "", answered_at, "", visit.org, None, None))
    if visit.closed_at is not None and not decisions:
        done.append(Done("uphold", "upheld", "", visit.closed_at, visit.closed_by or "", visit.visitor, None, None))
    subject = f"{volume.parcel} {volume.species} {volume.numeral}"
    finding = Finding(
        RULE, "FAIL", "S3", subject, {"volume_dm3": volume.volume_dm3}, {}, "", "", volume.reason, volume.reason
    )
    return KnownFinding(
        f"{visit.number} {subject}", finding, About(volume.kind, str(volume.numeral), False),
        one.notified_at or visit.opened_at, (*done, *acts), True,
    )  # fmt: skip


def counts(known: KnownFinding) -> bool:
    """Whether it is held against anybody."""
    return known.state not in ("accepted", "appealed") and known.outcome not in ("accepted", "lifted")


def check_heard(one: Supervision, known: KnownFinding, who: Actor, terms: Terms) -> None:
    """What the regent firm or the holder of the permit appealed is not decided over the head of the community, which pays the fine:
    its own days to appeal, or to join, have passed or it has spoken."""
    if known.state != "appealed" or any(act.act == "appeal" and act.org == one.visit.org for act in known.acts):
        return
    upheld_at = max(act.at for act in known.acts if act.act == "uphold")
    until = peru_day(upheld_at) + timedelta(days=terms.appeal_days)
    if who.day <= until:
        raise TermNotOver(until.isoformat(), "cerrar", "close")


def check_time(one: Supervision, act: str) -> None:
    """Decided between the notice and the closing; appealed and closed after it."""
    if act in ("accept", "uphold"):
        one.check_answerable()
    elif one.state != "closed":
        raise WrongState("supervision", one.visit.number, one.state, "closed")
