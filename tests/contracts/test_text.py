"""What people are told: range, causes, what is missing; never what to do."""

import re
from dataclasses import replace
from datetime import date

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.contracts.domain.appraisal import appraise, told
from services.contracts.domain.fair import Basis
from services.contracts.domain.lot import count_wood
from services.contracts.domain.money import shown
from services.contracts.domain.offer import Offer
from services.contracts.domain.pinned import Pins, canonical, sha256_of
from services.contracts.domain.series import IndexClause, read_clause
from services.contracts.schemas.appraisals import AppraisalOut, ToldOut
from services.contracts.shipped import flag_pack, world_bank_indices
from shared.timber.measure import Decimal
from tests.contracts.builders import (
    CAOBA,
    LUPUNA,
    TORNILLO,
    Json,
    a_basis,
    a_cost_book,
    a_price_book,
    an_offer,
    pen,
    per_tree,
    per_volume,
    sawn,
    t10,
    wood,
)

ADVICE = re.compile(r"\b(firm[aeo]\w*|sign(?:s|ed|ing)?\b|accept\w*|acept\w*|rechac\w*|reject\w*|ilegal|illegal)", re.I)
EVERYTHING = {
    "price_stated_without_rule": True, "scaler": "buyer", "joint_scaling": False, "tally_copy": False,
    "term_months": 240, "index_clause": False, "operator": "buyer", "fines_on": "community",
    "assembly": {"held": False},
}  # fmt: skip


def appraisal(offer: Json, basis: Basis | None = None) -> Json:
    parsed, basis = Offer.model_validate(offer), basis or a_basis()
    wood = count_wood(parsed.lot, None, "not_asked", basis.base_rule)
    return appraise(parsed, wood, basis, flag_pack(), Pins(sha256_of(parsed), None, None, None))


def test_the_demonstration_case_in_plain_spanish() -> None:
    bands = a_price_book(sawn(low=pen("2.80"), high=pen("3.60")))

    text = appraisal(an_offer(families=40), a_basis(bands))["text"]["es"]

    assert text["headline"] == "La oferta está muy por debajo de lo justo."
    assert text["sentences"][:6] == [
        "Le ofrecen S/ 50.00 por árbol, en pie.",
        "Con el volumen de su censo (6.39 m³ por árbol) eso es S/ 7.82 por m³ en pie.",
        "Lo justo hoy está entre S/ 222.18 y S/ 369.09 por m³ en pie, cerca de S/ 295.64.",
        "Por cada 100 m³ se pierde cerca de S/ 28,781; en los 639 m³, S/ 183,911.",
        "Eso es S/ 1,839 por árbol y S/ 4,598 por familia.",
        "Causas: el precio (S/ 287.82 por m³).",
    ]
    assert "S/ 7.82 por m³" in text["sms"]
    assert "S/ 183,911" in text["sms"]
    assert "Justo: S/ 295.64 (S/ 222.18 a S/ 369.09)." in text["sms"]
    assert "Justo: S/ 295.64. " in appraisal(an_offer())["text"]["es"]["sms"]


def test_a_board_foot_offer_names_its_rule_and_what_the_rule_takes() -> None:
    text = appraisal(an_offer(per_volume("0.90", "pt", "doyle"), lot={"basis": "logs", "logs": t10()}))["text"]

    assert text["es"]["sentences"][0] == "Le ofrecen S/ 0.90 por pie tablar (Doyle), en pie."
    assert text["es"]["sentences"][1].startswith("Con sus trozas eso es S/ 226.")
    assert any("la regla de medida" in sentence for sentence in text["es"]["sentences"])
    assert text["en"]["sentences"][0] == "You are offered S/ 0.90 per board foot (Doyle), standing."


def test_what_is_missing_is_said_and_no_colour_is_given() -> None:
    found = appraisal(an_offer(), a_basis(bare=True))

    assert found["verdict"] == "no_answer"
    assert found["text"]["es"]["headline"] == "Todavía no se puede comparar esta oferta."
    assert any(sentence.startswith("Falta saber: un libro de costos") for sentence in found["text"]["es"]["sentences"])
    assert [gap["what"] for gap in found["missing"]] == ["cost_book", "price"]


def test_figures_that_nobody_answers_for_are_not_called_fair() -> None:
    unsigned = a_cost_book() | {"signed_by": None}
    said, signed = (appraisal(an_offer(), a_basis(costs=book))["text"]["es"] for book in (unsigned, a_cost_book()))

    assert said["headline"] == "Todavía no se puede comparar esta oferta."
    assert any(
        one.startswith("Con cifras que nadie ha respaldado, lo justo sería cerca de") for one in said["sentences"]
    )
    assert "Lo justo hoy" not in " ".join(said["sentences"])
    assert "Sin respaldo, justo sería: S/" in said["sms"]
    assert any(one.startswith("Lo justo hoy") for one in signed["sentences"])
    assert "Justo: S/" in signed["sms"]


def test_a_sum_for_the_other_species_is_not_said_to_be_for_the_whole_lot() -> None:
    lot = {"basis": "census", "species": [*wood()["species"], *wood("10.000", CAOBA, 2)["species"]]}
    mixed = appraisal(an_offer(per_tree("50", [TORNILLO]), per_tree("500", kind="lump_sum"), lot=lot))["text"]
    whole = appraisal(an_offer(per_tree("500", kind="lump_sum")))["text"]

    assert mixed["es"]["sentences"][1] == "Por las demás especies le ofrecen S/ 500.00 por toda esa madera, en pie."
    assert (
        mixed["en"]["sentences"][1] == "For the other species you are offered S/ 500.00 for all of that wood, standing."
    )
    assert whole["es"]["sentences"][0] == "Le ofrecen S/ 500.00 por todo el lote, en pie."


def test_a_fair_offer_is_told_without_loss_or_causes() -> None:
    text = appraisal(an_offer(per_volume("330", "m3", "mean_of_ends")))["text"]["es"]

    assert text["headline"] == "La oferta llega a lo justo."
    assert not any("pierde" in sentence or "Causas" in sentence for sentence in text["sentences"])


offers = st.sampled_from(
    [
        an_offer(),
        an_offer(terms=EVERYTHING, families=3),
        an_offer(per_volume("0.90", "pt", "doyle"), terms=EVERYTHING, lot={"basis": "logs", "logs": t10()}),
        an_offer(per_tree("1", [TORNILLO]), per_tree("1", [CAOBA]), per_tree("1", [LUPUNA]), per_tree("2")),
        an_offer(per_tree("900000", kind="lump_sum"), terms=EVERYTHING, title="x" * 200),
        an_offer(
            per_volume("400", "m3", "smalian", product="log", point_of_sale="mill_gate"),
            payments=[{"share_milli": 1_000, "days": 200}],
            deductions=[{"kind": "road", "amount": pen("90000")}],
        ),
    ]
)
bases = st.sampled_from([a_basis(), a_basis(bare=True), a_basis(a_price_book(sawn("0.10"))), a_basis(rate_milli=400)])


@given(offers, bases)
def test_no_text_says_what_to_do_and_no_message_is_longer_than_a_phone_takes(offer: Json, basis: Basis) -> None:
    for language in ("es", "en"):
        text = appraisal(offer, basis)["text"][language]
        assert len(text["sms"]) <= 480
        assert not ADVICE.search(" ".join([text["headline"], text["sms"], *text["sentences"]]))


@given(offers, bases)
def test_an_appraisal_is_the_same_bytes_for_the_same_inputs_and_as_it_is_documented(offer: Json, basis: Basis) -> None:
    found = appraisal(offer, basis)

    assert canonical(found) == canonical(appraisal(offer, basis))
    assert AppraisalOut.model_validate(orjson.loads(canonical(found))).id == found["id"]
    assert ToldOut.model_validate(told(found, "en")).sms == found["text"]["en"]["sms"]


@given(offers, bases)
def test_an_appraisal_holds_no_number_with_decimals_outside_text(offer: Json, basis: Basis) -> None:
    def walk(value: object) -> None:
        assert not isinstance(value, float)
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            walk(item)

    walk(appraisal(offer, basis))


def test_another_offer_another_day_or_another_book_is_another_appraisal() -> None:
    ids = {
        appraisal(an_offer())["id"],
        appraisal(an_offer(per_tree("51")))["id"],
        appraisal(an_offer(lot=wood("640.000")))["id"],
        appraisal(an_offer(), a_basis(rate_milli=190))["id"],
        appraisal(an_offer(), a_basis(base="smalian"))["id"],
    }

    assert len(ids) == 5


@pytest.mark.parametrize(
    ("amount", "text"),
    [("7.825", "S/ 7.83"), ("999.99", "S/ 999.99"), ("1234567.5", "S/ 1,234,568"), ("-5", "S/ -5.00")],
)
def test_soles_are_shown_as_people_write_them(amount: str, text: str) -> None:
    assert shown(Decimal(amount)) == text


@pytest.mark.parametrize(
    ("base", "said"),
    [
        ("2025-04-30", "hoy cada precio vale 2.6 % más de lo que está escrito"),  # 716.78 to 735.26
        ("2026-05-31", "El índice no se ha movido"),
        ("2026-02-28", "hoy cada precio vale 0.7 % menos de lo que está escrito"),
    ],
)
def test_what_an_index_makes_of_a_price_is_said(base: str, said: str) -> None:
    clause = {
        "fixed_milli": 0,
        "parts": [{"index": "world-bank-sawnwood-malaysia", "weight_milli": 1000, "base_on": base}],
    }
    read = read_clause(IndexClause.model_validate(clause), world_bank_indices(), date(2026, 6, 10))

    told = appraisal(an_offer(index=clause), replace(a_basis(), index=read, indexed=True))["text"]

    assert any(said in sentence for sentence in told["es"]["sentences"])
    assert len(told["es"]["sentences"]) == len(told["en"]["sentences"])
