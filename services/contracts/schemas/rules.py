"""Answers about log rules and red flags. No field has a default: every one is always there."""

from typing import Literal

from services.contracts.schemas.answer import Out


class LogRuleOut(Out):
    rule: str
    unit: Literal["m3", "pt"]
    quantum: str
    formula: str
    note_es: str
    note_en: str
    source: str


class LogRulesOut(Out):
    """Exact units and the named rules, as this house computes them."""

    constants: dict[str, str]
    rules: list[LogRuleOut]


class RedFlagOut(Out):
    code: str
    name: str
    severity: str
    threshold: dict[str, str | int]
    title_es: str
    title_en: str
    source: str
    source_es: str
    legal_review: str


class RedFlagsOut(Out):
    version: str
    sha256: str
    legal_review: str
    flags: list[RedFlagOut]
