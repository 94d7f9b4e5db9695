"""What people read of an outcome."""

from shared.timber.rules.texts import TEXTS
from tests.build import (
    a_cut,
    a_felling,
    a_section,
    founded,
    the,
)


def test_every_case_says_its_sentence_in_both_languages_without_words_of_judgement() -> None:
    for (rule, case), (spanish, english) in TEXTS.items():
        assert spanish != english, (rule, case)
        for word in ("legal", "delito", "fraud"):
            assert word not in f"{spanish} {english}".lower()


def test_an_outcome_is_written_with_its_figures_threshold_and_source() -> None:
    over = a_cut(a_section(volume_dm3=6_000))
    log = founded()
    log.admit(a_felling())

    outcome = the("C08", log.admit(over)).as_dict()

    assert outcome["computed"] == {"cut_dm3": 6_000, "whole_dm3": 5_643, "over_permille": 63}
    assert outcome["threshold"]["s2_over_permille"] == 50
    assert "PE-RISFFS" in outcome["norm"]
    assert "8.5 %" in outcome["source"]
    assert "6.000 m³, 6.3 % más que la pieza de origen, 5.643 m³" in outcome["text_es"]
    assert "6.000 m³, 6.3 % more than the piece it came from, 5.643 m³" in outcome["text_en"]
