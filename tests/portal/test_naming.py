"""The order of codes as people put them."""

import pytest

from services.portal.naming import natural


@pytest.mark.parametrize(
    "codes",
    [
        ["9/A", "10/A"],
        ["501/B", "501/AA", "502"],
        ["A-2", "A-10", "B-1"],
        ["007", "8", "0010"],
        ["9" * 5_000, "1" + "0" * 5_000, "A"],
    ],
)
def test_codes_stand_in_the_order_of_their_numbers_however_long(codes: list[str]) -> None:
    backwards = codes[::-1]

    assert sorted(backwards, key=natural) == codes


def test_a_number_with_zeros_before_it_is_the_same_number() -> None:
    assert natural("A-007/B") == natural("A-7/B")
    assert natural("0") == natural("00") < natural("1")
