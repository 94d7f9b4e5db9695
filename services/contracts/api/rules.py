"""The rules this house computes by, for anyone: log rules with exact units, and the red flags."""

from decimal import Decimal

from services.contracts.schemas.rules import LogRuleOut, LogRulesOut, RedFlagOut, RedFlagsOut
from services.contracts.shipped import flag_pack
from shared.timber.measure import CUSTOMARY_PT_PER_M3, FT3_PER_M3, PT_M3, PT_PER_M3, SCALES, half_up
from shared.web.app import Router

router = Router(tags=["rules"])


@router.get("/v1/log-rules")
async def list_log_rules() -> LogRulesOut:
    """Each log rule with its unit, rounding and formula; and what a board foot is, exactly."""
    return LogRulesOut(
        constants={
            "pt_m3": str(PT_M3),
            "pt_per_m3": str(half_up(PT_PER_M3, Decimal("0.000001"))),
            "ft3_per_m3": str(half_up(FT3_PER_M3, Decimal("0.000001"))),
            "customary_pt_per_m3": str(CUSTOMARY_PT_PER_M3),
        },
        rules=[
            LogRuleOut(
                rule=scale.rule.value, unit=scale.unit.value, quantum=str(scale.quantum), formula=scale.formula,
                note_es=scale.note_es, note_en=scale.note_en, source=scale.source,
            )
            for scale in SCALES.values()
        ],
    )  # fmt: skip


@router.get("/v1/red-flags")
async def list_red_flags() -> RedFlagsOut:
    """The catalogue of red flags with thresholds, sources and the state of their legal review."""
    pack = flag_pack()
    return RedFlagsOut(
        version=pack.version,
        sha256=pack.sha256,
        legal_review=pack.legal_review,
        flags=[
            RedFlagOut(
                code=flag.code, name=flag.name, severity=flag.severity, threshold=dict(flag.threshold),
                title_es=flag.es["title"], title_en=flag.en["title"], source=flag.source, source_es=flag.source_es,
                legal_review=flag.legal_review,
            )
            for flag in pack.flags
        ],
    )  # fmt: skip
