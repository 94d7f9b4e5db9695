"""Findings by hand and answers to findings, through the door of the registry."""

from typing import Any

import pytest

from tests.permits.conftest import MANAGER, OFFICER, PERMIT, SUPERVISOR, Permits, Person

FINDINGS, RESOLUTIONS = "/v1/supervision/findings", "/v1/supervision/resolutions"
OTHER = Person("authority", "gerfor-md", "u-national", "*")
REGIONAL = Person("supervisor", "osinfor-md", "u-regional", "madre-de-dios")


def a_finding(**changes: Any) -> dict[str, Any]:
    return {"subject": f"permit:{PERMIT}", "org": "comunidad-a", "severity": "S3", "text": "No hay tocón"} | changes


async def a_resolution(permits: Permits, **changes: Any) -> dict[str, Any]:
    """Of rule C01 on the first record of the log."""
    await permits.published()
    sid = permits.custody.log[0].sid
    return {"record": sid, "rule": "C01", "reason": "Visto en campo", "evidence_sha256": "e" * 64} | changes


async def test_a_supervisor_raises_a_finding(permits: Permits) -> None:
    raised = await permits.post(FINDINGS, SUPERVISOR, a_finding(), expect=201)
    await permits.published()

    assert (raised["raised_by"], raised["log"]["state"]) == ("osinfor-md", "pending")
    said = permits.custody.log[-1]
    assert (said.type, said.actor) == ("finding.raised", "osinfor-md")
    assert {name: value for name, value in said.body.items() if name != "by"} == a_finding()
    assert said.body["by"] != SUPERVISOR.sub


async def test_a_finding_is_answered_once_by_each_office(permits: Permits) -> None:
    body = await a_resolution(permits)

    first = await permits.post(RESOLUTIONS, SUPERVISOR, body, expect=201)
    again = await permits.post(RESOLUTIONS, SUPERVISOR, body, expect=200)
    await permits.refused("number-taken", RESOLUTIONS, SUPERVISOR, body | {"reason": "Otra"})
    await permits.post(RESOLUTIONS, OTHER, body, expect=201)  # the log takes the first and says so to the second
    await permits.published()

    assert again["log"]["sid"] == first["log"]["sid"]
    assert [(record.actor, record.prev) for record in permits.custody.log if record.type == "finding.resolved"] == [
        ("osinfor-md", (body["record"],)), ("gerfor-md", (body["record"],)),
    ]  # fmt: skip


@pytest.mark.parametrize("path", [FINDINGS, RESOLUTIONS])
async def test_only_officers_of_the_whole_country_speak_of_findings(permits: Permits, path: str) -> None:
    body = a_finding() if path == FINDINGS else await a_resolution(permits)

    await permits.refused("role-not-allowed", path, MANAGER, body, status=403)
    for who in (OFFICER, REGIONAL):
        await permits.refused("other-region", path, who, body, status=403)

    await permits.post(path, SUPERVISOR, body, expect=201)


@pytest.mark.parametrize(
    "change",
    [
        {"subject": "lot:L-1"}, {"subject": "item:x"}, {"subject": f"permit:{PERMIT}|plan:x"}, {"severity": "S5"}, {"text": ""},
        {"org": "Comunidad"},
    ],
)  # fmt: skip
async def test_a_malformed_finding_is_refused(permits: Permits, change: dict[str, Any]) -> None:
    await permits.refused("malformed", FINDINGS, SUPERVISOR, a_finding(**change), status=422)


@pytest.mark.parametrize("change", [{"record": "x"}, {"rule": "C1"}, {"rule": "c01"}, {"evidence_sha256": "E" * 64}])
async def test_a_malformed_answer_is_refused(permits: Permits, change: dict[str, Any]) -> None:
    body = await a_resolution(permits, **change)

    await permits.refused("malformed", RESOLUTIONS, SUPERVISOR, body, status=422)


async def test_a_finding_names_organisations_that_are_registered(permits: Permits) -> None:
    await permits.refused("reference-unknown", FINDINGS, SUPERVISOR, a_finding(org="nadie"))
