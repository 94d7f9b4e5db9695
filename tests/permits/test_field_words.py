"""What a body breaks is said in each language as a whole sentence: the subject that Spanish names, English names too."""

import re
from pathlib import Path

import pytest

from services.permits import schemas
from services.permits.schemas.plans import PlanIn
from tests.permits.conftest import MANAGER, OFFICER, Permits, a_plan, a_title

SOURCES = "\n".join(path.read_text() for path in sorted(Path(schemas.__path__[0]).glob("*.py")))
MEMBERS = set(re.findall(r"^    ([a-z_0-9]+): ", SOURCES, re.M)) - {"es", "en"}
SENTENCES = re.findall(r'raise ValueError\(\s*"(.+?)"?\s*"? / (.+?)"\s*\)', SOURCES)
# Of one field, which stands beside them as `where`.
OF_ONE_FIELD = {"repeats an element", "must be a parcel such as PC 01", "must be a day YYYY-MM-DD", "must not carry control characters"}  # fmt: skip


@pytest.mark.parametrize(("spanish", "english"), SENTENCES)
def test_english_names_the_members_that_spanish_names(spanish: str, english: str) -> None:
    named = [set(re.findall(r"\w+", half)) & MEMBERS for half in (spanish, english)]

    assert named[0] <= named[1]
    assert english in OF_ONE_FIELD or not re.match(r"(must|belongs?|repeats|cannot|goe?s?) ", english)


def test_every_rule_of_these_bodies_is_looked_at() -> None:
    assert len(SENTENCES) == SOURCES.count(" / ") > 25
    assert "harvest_to" in PlanIn.model_fields.keys() & MEMBERS


async def test_a_plan_that_ends_before_it_begins_is_refused_in_a_sentence_of_each_language(permits: Permits) -> None:
    await permits.post("/v1/titles", OFFICER, a_title())

    problem = await permits.post("/v1/plans", MANAGER, a_plan() | {"harvest_to": "2020-01-01"}, expect=422)

    assert (problem["errors"][0]["reason"], problem["errors"][0]["reason_en"]) == (
        "harvest_to debe seguir a harvest_from",
        "harvest_to must follow harvest_from",
    )
