"""Private fields in the proof file: shown only beside the record that commits to them."""

from functools import cache

import pytest

from shared.lot.bundle import pack, read
from shared.lot.verify import verify
from shared.timber import disclosure
from shared.timber.disclosure import Disclosure
from tests.shared.lot.wood import LINE, PERMIT, Wood, a_policy

LOT = "LOTE-01"
DRIVER = disclosure.make(bytes(range(16)), "driver", "Persona Uno")
PRICE = disclosure.make(bytes(range(1, 17)), "price_cents", 1_234_500)
DECOYS = [disclosure.digest_of(f"decoy{n}") for n in range(8)]


def sd(*fields: Disclosure) -> list[str]:
    return disclosure.padded([field.digest for field in fields], iter(DECOYS))


@cache
def lot() -> Wood:
    """A sold log whose guide names its driver and whose sale names its price, both in private. Not to be changed."""
    wood = Wood()
    logs = wood.cut(wood.fell("501"), "501")
    total = sum(wood.volume(log) for log in logs)
    named = {"guide": "001-1", "form": "official"}
    wood.add("guide.issued", "comunidad-a", {
        **named, "permit": PERMIT, "addressee": "aserradero-1", "issued_on": "2026-07-01", "expires_on": "2026-07-20",
        "lines": [{**LINE, "volume_dm3": total}],
        "items": [{"item": log, "volume_dm3": wood.volume(log)} for log in logs],
    }, sd=sd(DRIVER))  # fmt: skip
    wood.add("guide.departed", "comunidad-a", {**named, "at": "2026-07-02T08:00:00Z"})
    wood.add("guide.received", "aserradero-1", {**named, "at": "2026-07-03T08:00:00Z", "volume_dm3": total})
    wood.add("lot.composed", "aserradero-1", {"lot": LOT, "items": logs}, day="2026-07-06")
    wood.add("lot.sold", "aserradero-1", {"lot": LOT, "buyer": "otra-1"}, day="2026-07-06", sd=sd(PRICE))
    return wood


def index_of(kind: str) -> int:
    [index] = [index for index, record in enumerate(lot().records) if record.type == kind]
    return index


def shown(*disclosed: tuple[str, str]) -> bytes:
    """The bundle that shows these texts, each beside the record of a type."""
    pairs = [(index_of(kind), text) for kind, text in disclosed]
    return lot().packed(LOT, lot().gathered(LOT), disclosed=pairs)


def test_a_lot_shows_nothing_private_unless_its_maker_says_so() -> None:
    report = verify(shown(), a_policy())

    assert (report.exit_code, report.private) == (0, ())
    assert "privado" not in report.text("es")


def test_what_is_shown_is_checked_and_told_with_who_said_it_and_who_could_see_it() -> None:
    report = verify(shown(("guide.issued", DRIVER.text), ("lot.sold", PRICE.text)), a_policy())

    assert report.exit_code == 0
    assert [(one.type, one.actor, one.name, one.value) for one in report.private] == [
        ("guide.issued", "comunidad-a", "driver", "Persona Uno"), ("lot.sold", "aserradero-1", "price_cents", 1_234_500),
    ]  # fmt: skip
    spanish, english = report.text("es"), report.text("en")
    assert f"Conductor: Persona Uno (entrada {index_of('guide.issued')}, guide.issued de comunidad-a)" in spanish
    assert "Whoever has this file can read them. Outside it they are read by aserradero-1, comunidad-a" in english
    assert "only proves who said them" in " ".join(entry["en"] for entry in report.not_checked)
    assert report.as_dict()["private"][1]["value"] == 1_234_500


def test_a_name_this_version_does_not_know_is_shown_as_it_is() -> None:
    strange = disclosure.make(bytes(16), "moon_phase", "llena")
    wood = Wood()
    logs = wood.cut(wood.fell("501"), "501")
    wood.guide("001-1", logs)
    wood.add("lot.composed", "aserradero-1", {"lot": LOT, "items": logs}, day="2026-07-06", sd=sd(strange))
    data = wood.packed(LOT, wood.gathered(LOT), disclosed=[(len(wood.records) - 1, strange.text)])

    assert "moon_phase: llena" in verify(data, a_policy()).text("es")


OTHER_SALT = disclosure.make(bytes(16), "driver", "Persona Uno").text
OTHER_VALUE = disclosure.make(bytes(range(16)), "driver", "Persona Dos").text


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        ("guide.issued", OTHER_SALT, "disclosure-does-not-fit"), ("guide.issued", OTHER_VALUE, "disclosure-does-not-fit"),
        ("lot.sold", DRIVER.text, "disclosure-does-not-fit"), ("lot.composed", DRIVER.text, "disclosure-does-not-fit"),
        ("guide.issued", "", "not-canonical"), ("guide.issued", "ñ", "bad-disclosure"),
        ("guide.issued", DRIVER.text + "=", "bad-text"), ("guide.issued", "e30", "bad-disclosure"),
    ],
)  # fmt: skip
def test_a_field_that_its_record_does_not_commit_to_makes_the_file_invalid(kind: str, text: str, reason: str) -> None:
    report = verify(shown((kind, text)), a_policy())

    assert (report.outcome, report.exit_code) == ("invalid", 1)
    assert report.refusal is not None
    assert report.refusal.slug == "disclosure-refused"
    facts = report.refusal.facts()
    assert (facts["index"], facts["reason"]) == (index_of(kind), reason)
    assert "Persona" not in report.text("es") + report.text("en") + str(facts)


def test_a_record_may_not_say_one_thing_twice() -> None:
    twice = [disclosure.make(bytes([n] * 16), "driver", f"Persona {n}") for n in (1, 2)]
    public = disclosure.make(bytes(16), "buyer", "comprador-9")
    for fields, kept in ((twice, twice[:1]), ([public, PRICE], [PRICE])):
        wood = Wood()
        logs = wood.cut(wood.fell("501"), "501")
        wood.guide("001-1", logs)
        wood.add("lot.composed", "aserradero-1", {"lot": LOT, "items": logs})
        wood.add("lot.sold", "aserradero-1", {"lot": LOT, "buyer": "otra-1"}, sd=sd(*fields))
        sale = len(wood.records) - 1
        reports = [
            verify(wood.packed(LOT, wood.gathered(LOT), disclosed=[(sale, one.text) for one in some]), a_policy())
            for some in (fields, kept)
        ]
        assert reports[0].refusal is not None
        assert reports[0].refusal.facts()["reason"] == "disclosure-said-twice"
        assert reports[1].outcome == "valid"


def test_the_public_file_is_the_same_with_and_without_what_is_shown() -> None:
    plain, more = read(shown()), read(shown(("guide.issued", DRIVER.text)))

    assert (plain.indices, plain.entries, plain.proof) == (more.indices, more.entries, more.proof)
    again = pack(LOT, more.checkpoint, zip(more.indices, more.entries, strict=True), more.proof, more.disclosed)
    assert again == shown(("guide.issued", DRIVER.text))
