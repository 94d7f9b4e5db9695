"""Text that has exactly one spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.tlog.encoding import (
    BadText,
    from_base64,
    from_base64url,
    from_decimal,
    to_base64,
    to_base64url,
)


@given(st.binary(max_size=70))
def test_bytes_survive_base64(data: bytes) -> None:
    assert from_base64(to_base64(data), "x", len(data)) == data
    assert from_base64url(to_base64url(data), "x", len(data)) == data


@given(st.text(alphabet="ABCwxyz0189+/=-_ \n\u0660", max_size=12))
def test_no_bytes_have_two_spellings(text: str) -> None:
    for read, write in ((from_base64, to_base64), (from_base64url, to_base64url)):
        try:
            data = read(text, "x")
        except BadText:
            continue
        assert write(data) == text


@pytest.mark.parametrize(
    "text", ["QQ", "QQ=", "QR==", "QQ==\n", " QQ==", "Q Q==", "QQ==QQ==", "=", "Q===", "QQ-_", "ñ"]
)
def test_loose_base64_is_refused(text: str) -> None:
    assert from_base64("QQ==", "x") == b"A"
    with pytest.raises(BadText):
        from_base64(text, "x")


@pytest.mark.parametrize("text", ["QQ==", "QR", "Q", "QQ ", "Q+/A"])
def test_loose_base64url_is_refused(text: str) -> None:
    assert from_base64url("QQ", "x") == b"A"
    with pytest.raises(BadText):
        from_base64url(text, "x")


def test_base64_of_another_length_is_refused() -> None:
    with pytest.raises(BadText):
        from_base64("QQ==", "x", 2)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        "01",
        "+1",
        "-1",
        " 7 ",
        "7\n",
        "1_0",
        "1e3",
        "0x1",
        "\u0667",
        "\u00b2",
        "9223372036854775808",
        "9" * 30,
    ],
)
def test_loose_decimals_are_refused(text: str) -> None:
    assert [from_decimal(t, "x") for t in ("0", "7", "10", "9223372036854775807")] == [0, 7, 10, 2**63 - 1]
    with pytest.raises(BadText):
        from_decimal(text, "x")
