"""Who may draw on a balance, how much, and what wood that was drawn on none is worth."""

from typing import Any

import pytest

from shared.timber.event import Record
from shared.timber.norms import load
from shared.timber.refusals import NeverDrawn, NotOfPermit, NotYours
from shared.timber.verdict import Coverage, kinds_of, verdict
from tests.build import (
    BUYER,
    COMMUNITY,
    LOG,
    MILL,
    OTHER,
    Log,
    a_cut,
    a_departure,
    a_felling,
    a_guide,
    a_line,
    a_lot,
    a_permit,
    a_plan,
    a_reception,
    a_sale,
    a_sawing,
    a_section,
    a_tree,
    an_item,
    an_output,
    delivered,
    failures,
    founded,
    refused,
    the,
    unevaluated,
    with_log,
)

OTHERS_PERMIT = "RGR-0009-2025"
HUGE = 900_000_000


def beside_another() -> Log:
    """Log 501/A of the community, beside a permit that another one holds."""
    log = with_log()
    log.admit(a_permit(number=OTHERS_PERMIT, holder=OTHER))
    return log


def onward(number: str, logs: list[dict[str, Any]], form: str = "official", **body: Any) -> Record:
    """A guide without permit: the mill's, unless said otherwise."""
    total = sum(log["volume_dm3"] for log in logs)
    product = logs[0].get("product", "roundwood")
    whole = {"permit": None, "origin_guides": ["G-0"], "lines": [a_line(volume_dm3=total, product=product, parcel="")]}
    return a_guide(number, logs, form=form, **{"actor": MILL, "addressee": BUYER} | whole | body)


# ---- the balance of another permit


def test_whoever_holds_another_permit_cannot_list_the_wood_of_this_one() -> None:
    log = beside_another()

    refusal = refused(log, a_guide("P-9", actor=OTHER, permit=OTHERS_PERMIT, addressee=OTHER))

    assert isinstance(refusal, NotYours)
    assert refusal.facts() == {"thing": f"item {LOG}", "holder": COMMUNITY, "actor": OTHER}
    assert failures(log.admit(a_guide())) == []  # the log travels as if nothing had been sent


def test_whoever_bought_a_piece_of_another_permit_draws_that_piece_and_no_more() -> None:
    log = beside_another()
    log.admit(a_lot([LOG], actor=COMMUNITY), a_sale(actor=COMMUNITY, buyer=OTHER))
    said = a_section(volume_dm3=HUGE)

    outcomes = log.admit(a_guide("P-9", [said], actor=OTHER, permit=OTHERS_PERMIT))

    assert ("T01", "S4") in failures(outcomes)
    assert ("T03", "S3") in failures(outcomes)
    assert (log.line().drawn_dm3, log.line().dispatched_listed_dm3) == (5_192, 5_192)


def test_a_guide_without_permit_draws_no_more_than_the_piece_it_lists() -> None:
    stated, exact = with_log(), with_log()
    for log in (stated, exact):
        log.admit(a_lot([LOG], actor=COMMUNITY), a_sale(actor=COMMUNITY, buyer=MILL))

    over = stated.admit(onward("P-9", [a_section(volume_dm3=HUGE)]))

    assert failures(over) == [("T03", "S3")]
    assert failures(exact.admit(onward("P-9", [a_section()]))) == []
    assert stated.line().drawn_dm3 == exact.line().drawn_dm3 == 5_192


def test_a_spent_log_that_a_stranger_names_is_not_yours_before_it_is_spent() -> None:
    """So that nobody can have conflicts noted on the wood of others."""
    log = beside_another()
    log.admit(a_sawing([LOG], actor=COMMUNITY))

    strangers = [
        a_guide("P-9", actor=OTHER, permit=OTHERS_PERMIT), onward("P-9", [a_section()], actor=OTHER),
        a_cut(a_section("501/AA"), source=LOG, actor=OTHER), a_sawing([LOG], an_output("x"), actor=OTHER),
        a_lot([LOG], actor=OTHER),
    ]  # fmt: skip

    assert [refused(log, record).slug for record in strangers] == ["not-yours"] * 5
    assert refused(log, a_guide("P-9")).slug == "already-spent"  # the community's own second exit is evidence


# ---- wood that goes on


def test_an_onward_piece_pays_with_its_recorded_wood_and_no_more() -> None:
    """The community gets its log back and sends it on with a guide of the permit, beside wood without a list."""

    def sent(listed_dm3: int, line_dm3: int) -> int:
        log = with_log()
        log.admit(a_guide("G-1", addressee=COMMUNITY), a_departure("G-1"), a_reception("G-1", actor=COMMUNITY))
        log.admit(a_guide("G-2", [a_section(volume_dm3=listed_dm3)], lines=[a_line(volume_dm3=line_dm3)]))
        return log.line().drawn_dm3 - 5_192

    assert sent(5_192, 5_192) == 0
    assert sent(5_192, 9_192) == 4_000
    assert sent(9_192, 9_192) == 4_000
    assert sent(HUGE, 9_192) == HUGE - 5_192  # what the list claims is owed, by the permit of whoever claims it


# ---- wood that was drawn on no balance


def of_two_parcels() -> Log:
    """Boards that the community sawed in the forest out of a log of each of two parcels."""
    log = founded([a_tree("501")], PC_02=[a_tree("601")])
    log.admit(
        a_felling(), a_felling("601", parcel="PC 02"), a_cut(),
        a_cut(a_section("601/A"), source=log_of("601", "PC 02"), parcel="PC 02"),
        a_sawing([LOG, an_item("601/A")], actor=COMMUNITY, time="2025-09-10T08:00:00Z"),
    )  # fmt: skip
    return log


def log_of(code: str, parcel: str) -> str:
    return str(a_felling(code, parcel=parcel).body["item"])


def test_our_guide_does_not_carry_wood_of_two_origins_that_no_guide_drew() -> None:
    log = of_two_parcels()

    assert isinstance(refused(log, onward("G-1", [an_output()], form="own", actor=COMMUNITY)), NeverDrawn)
    assert isinstance(refused(log, a_guide("G-1", [an_output()], form="own")), NotOfPermit)


def test_a_paper_guide_of_such_wood_draws_nothing_and_makes_it_no_better() -> None:
    log = of_two_parcels()
    assert unevaluated([outcome for _, outcome in log.outcomes]).count("B01") == 1  # said when it was sawn

    outcomes = log.admit(onward("P-1", [an_output()], actor=COMMUNITY, addressee=MILL))
    log.admit(a_departure("P-1"), a_reception("P-1", 2_500))

    assert the("B01", outcomes).case == "never_drawn"
    assert log.item(an_item("tablas")).drawn_by is None
    assert isinstance(refused(log, onward("G-2", [an_output()], form="own", issued_on="2025-09-13")), NeverDrawn)


def test_wood_of_two_origins_that_guides_drew_goes_on_with_our_guide() -> None:
    log = founded([a_tree("501")], [a_line(), a_line(parcel="PC 02")], PC_02=[a_tree("601")])
    other = a_section("601/A")
    log.admit(
        a_felling(), a_felling("601", parcel="PC 02"), a_cut(), a_cut(other, source=log_of("601", "PC 02"), parcel="PC 02"),
        a_guide("P-1"), a_departure("P-1"), a_reception("P-1"),
        a_guide("P-2", [other], lines=[a_line(parcel="PC 02", volume_dm3=5_192)]), a_departure("P-2"), a_reception("P-2"),
    )  # fmt: skip

    sawn = log.admit(a_sawing([LOG, an_item("601/A")]))

    assert "B01" not in unevaluated(sawn)
    assert (
        failures(
            log.admit(onward("G-1", [an_output()], form="own", issued_on="2025-09-20"), today="2025-09-20T09:00:00Z")
        )
        == []
    )


def test_a_mill_that_saws_what_no_guide_drew_leaves_the_balance_unsaid() -> None:
    log = with_log()
    log.admit(a_lot([LOG], actor=COMMUNITY), a_sale(actor=COMMUNITY, buyer=MILL))

    outcomes = log.admit(a_sawing([LOG]))

    assert failures(outcomes) == []
    assert "B01" in unevaluated(outcomes)
    assert the("B01", outcomes).computed == {"count": 1, "items": [LOG]}
    assert "B01" not in unevaluated(delivered().admit(a_sawing([LOG])))
    assert "B01" not in unevaluated(with_log().admit(a_sawing([LOG], actor=COMMUNITY)))  # its own, in the forest


def test_a_sale_of_wood_before_any_guide_leaves_the_balance_unsaid() -> None:
    forest, drawn = with_log(), with_log()
    drawn.admit(a_guide())
    for log in (forest, drawn):
        assert log.admit(a_lot([LOG], actor=COMMUNITY)) == []  # its own wood, in its own hands

    sold = forest.admit(a_sale(actor=COMMUNITY, buyer=MILL))

    assert unevaluated(sold) == ["B01"]
    assert "1 pieza(s) no se descontaron de ningún saldo" in the("B01", sold).text_es
    assert unevaluated(forest.admit(a_lot([LOG], "L-2"))) == ["B01"]
    assert drawn.admit(a_sale(actor=COMMUNITY, buyer=MILL)) == []
    forest.admit(a_guide("P-1"), a_departure("P-1"), a_reception("P-1"))
    assert forest.admit(a_sale("L-2")) == []  # drawn meanwhile, by the community's guide


@pytest.mark.parametrize("with_guide", [False, True])
def test_skipping_the_guide_is_never_consistent(with_guide: bool) -> None:
    log = founded(lines=[a_line(volume_dm3=5_192 if with_guide else 1)])
    log.admit(a_felling(), a_cut())
    if with_guide:
        log.admit(a_guide(), a_departure(), a_reception())
    else:
        log.admit(a_lot([LOG], "L-0", actor=COMMUNITY), a_sale("L-0", MILL, actor=COMMUNITY))
    log.admit(a_sawing([LOG]), a_lot([an_item("tablas")]), a_sale())

    found = verdict(
        [outcome for _, outcome in log.outcomes], kinds_of(log.records), load(), "2025-09-22", Coverage(0, 1, 0, 0)
    )

    assert found.word == ("CONSISTENT" if with_guide else "INCOMPLETE")
    assert next(rule.status for rule in found.rules if rule.rule == "B01") == (
        "PASS" if with_guide else "NOT_EVALUATED"
    )


def test_the_permits_of_wood_that_no_guide_drew_are_among_what_is_loaded() -> None:
    """A mill with a permit of its own saws in its own forest: nothing to say."""
    log = founded()
    log.admit(
        a_plan(id="PO-M"), a_permit(number="P-M", plan="PO-M", holder=MILL),
        a_felling("M1", plan="PO-M", permit="P-M", actor=MILL),
        a_cut(a_section("M1/A"), source=str(a_felling("M1", plan="PO-M").body["item"]), permit="P-M", actor=MILL),
    )  # fmt: skip

    outcomes = log.admit(a_sawing([an_item("M1/A")]))

    assert "B01" not in unevaluated(outcomes)
