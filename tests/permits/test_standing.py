"""Whether a permit counts on a day: two clocks, and what was done to it until then."""

from dataclasses import replace
from datetime import date

from services.permits.domain.permit import Act, Line, Permit
from services.permits.domain.standing import standing_on, status_body
from shared.timber.event import make_statement

PERMIT = Permit(
    number="P-1", official_number=None, title="T-1", plan="PO-1", org="comunidad-a", regent=None, region="loreto",
    holder="comunidad-a", harvest_from=date(2025, 7, 1), harvest_to=date(2026, 6, 30), move_to=date(2026, 12, 31),
    state="in_force", lines=(Line("PC 01", "Cedrela odorata", "roundwood", 1000),), p05="PASS", proposed_by="a",
    sid="0" * 64, last_sid="0" * 64,
)  # fmt: skip
ISSUED = Act("issued", "2025-06-15T10:00:00Z", "")
SUSPENDED = Act("suspended", "2025-09-01T10:00:00Z", "visita")
REINSTATED = Act("reinstated", "2025-10-01T10:00:00Z", "aclarado")


def slugs(day: date, *acts: Act) -> tuple[bool, bool, list[str]]:
    standing = standing_on(PERMIT, acts, day)
    return standing.valid, standing.movement_valid, [reason.slug for reason in standing.reasons]


def test_before_its_first_day_it_does_not_count() -> None:
    assert slugs(date(2025, 6, 30), ISSUED) == (False, False, ["not-yet"])
    assert slugs(date(2025, 7, 1), ISSUED) == (True, True, [])


def test_wood_felled_in_time_may_move_after_the_harvest_is_over() -> None:
    assert slugs(date(2026, 6, 30), ISSUED) == (True, True, [])
    assert slugs(date(2026, 7, 1), ISSUED) == (False, True, ["harvest-ended"])
    assert slugs(date(2026, 12, 31), ISSUED) == (False, True, ["harvest-ended"])
    assert slugs(date(2027, 1, 1), ISSUED) == (False, False, ["expired"])


def test_it_is_judged_by_what_was_done_until_that_day() -> None:
    acts = (ISSUED, SUSPENDED, REINSTATED)

    assert slugs(date(2025, 8, 31), *acts) == (True, True, [])
    assert slugs(date(2025, 9, 1), *acts) == (False, False, ["suspended"])
    assert slugs(date(2025, 10, 1), *acts) == (True, True, [])


def test_before_it_was_issued_it_did_not_exist() -> None:
    late = replace(ISSUED, at="2025-08-01T00:00:00Z")

    assert slugs(date(2025, 7, 15), late) == (False, False, ["not-issued"])


def test_revoked_is_for_good_and_an_amendment_changes_no_standing() -> None:
    acts = (ISSUED, Act("amended", "2025-08-01T00:00:00Z", "x"), Act("revoked", "2025-09-01T00:00:00Z", "x"))

    assert slugs(date(2025, 8, 15), *acts) == (True, True, [])
    assert slugs(date(2026, 1, 1), *acts) == (False, False, ["revoked"])


def test_a_status_list_always_fits_in_a_statement_with_the_newest_first() -> None:
    numbers = [f"{n:040}" for n in range(1000)]

    body = status_body(date(2026, 1, 1), 5, numbers, numbers)

    assert len(make_statement("status.listed", "registro", "2026-01-01T00:00:00Z", body)) <= 16_384
    assert body["suspended"] == numbers[:180]
    assert status_body(date(2026, 1, 1), 5, ["B", "A"], [])["suspended"] == ["A", "B"]
