"""Red flags: each one raised, clear or unknown, with its evidence, its threshold and its source.

Thresholds and texts are data (``data/flags.json``); a check is the one condition behind a code. Unknown is never
clear: a fact that nobody stated does not speak for the offer.
"""

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal

from services.contracts.domain.flags import clauses, parties, payment, price, scaling
from services.contracts.domain.flags.answer import Check, Flag, FlagPack, FlagSpec, Outcome, State
from services.contracts.domain.judged import Case
from services.contracts.domain.verdict import Thresholds

__all__ = ["CHECKS", "Flag", "FlagPack", "FlagSpec", "Outcome", "State", "check_flags", "parse_pack"]

CHECKS: Mapping[str, Check] = {
    **price.CHECKS, **scaling.CHECKS, **payment.CHECKS, **clauses.CHECKS, **parties.CHECKS,
}  # fmt: skip


def parse_pack(data: bytes) -> FlagPack:
    """Read a catalogue; a code without a check here, or a check without a code, stops the reading."""
    facts = json.loads(data)
    flags = tuple(FlagSpec(**flag) for flag in facts["flags"])
    codes = [flag.code for flag in flags]
    if sorted(codes) != sorted(CHECKS):
        raise ValueError(f"the catalogue and the checks differ: {sorted(set(codes) ^ set(CHECKS))}")
    verdict = Thresholds(
        Decimal(facts["verdict"]["far_below_share"]),
        Decimal(facts["verdict"]["far_below_disproportion"]),
        Decimal(facts["verdict"]["competent_margin"]),
    )
    return FlagPack(facts["version"], facts["legal_review"], hashlib.sha256(data).hexdigest(), verdict, flags)


def check_flags(case: Case, pack: FlagPack) -> tuple[Flag, ...]:
    """Every flag of the catalogue, in its order."""
    return tuple(Flag(spec, CHECKS[spec.code](case, spec), pack.version) for spec in pack.flags)
