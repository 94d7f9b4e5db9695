"""A certification body: volumes that add up or do not, sales under its certificate without prices, members suspended."""

import io
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from services.portal.pages import certifier
from services.portal.reconciliation import MOVES, Account, Line, accounts_of, as_m3, lines_of, sales_of, traded
from tests.portal.test_operator import let_answer
from tests.portal.test_session import House, form_token, signed_in
from tests.shared.lot.wood import CERTIFICATE, Wood

MEMBERS = ("comunidad-a", "comunidad-b")
KNOWN = {
    "number": CERTIFICATE, "code": "CB-FM/COC-000001", "scheme": "fsc", "scope": "fm_coc", "licence": None,
    "certifier": "cert-1", "holder": "otra-1", "valid_from": "2026-01-01", "valid_to": "2030-12-31", "area_m2": None,
    "on": "2026-11-28", "status": "in_force", "valid": True, "reasons": [], "log": None,
    "members": [
        {"org": "comunidad-a", "first_day": "2026-01-01", "last_day": None, "status": "in_force", "valid": True, "reasons": []},
        {"org": "comunidad-b", "first_day": "2026-01-01", "last_day": None, "status": "suspended", "valid": False,
         "reasons": [{"es": "Suspendida.", "en": "Suspended."}]},
    ],
}  # fmt: skip


def sold_wood() -> Wood:
    """Two lots under the certificate, one without."""
    wood = Wood()
    wood.certify("comunidad-a")
    logs = wood.cut(wood.fell("501"), "501")
    wood.sell("LOTE-01", logs[:1], certificate=CERTIFICATE, claim="FSC 100%")
    wood.sell("LOTE-02", logs[1:], certificate="CB-FM-COC-000009", claim="FSC 100%")
    wood.sell("LOTE-03", wood.cut(wood.fell("502"), "502"))
    return wood


def balance(**more: Any) -> dict[str, Any]:
    """A row of a mass balance."""
    row = {"org": "comunidad-a", "species": "Cedrela odorata", "product": "roundwood", "permit": "P-1"}
    return row | dict.fromkeys(MOVES, 0) | more


Amount = st.integers(0, 10**7)
Rows = st.lists(
    st.builds(
        lambda org, species, permit, amounts: balance(
            org=org, species=species, permit=permit, **dict(zip(MOVES, amounts, strict=True))
        ),
        st.sampled_from(MEMBERS), st.sampled_from(["a", "b"]), st.sampled_from(["P-1", "P-2"]),
        st.lists(Amount, min_size=len(MOVES), max_size=len(MOVES)),
    ),
    max_size=8,
)  # fmt: skip


@given(Rows, st.data())
def test_lines_add_up_however_the_answers_were_cut(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(rows)))
    whole = lines_of([{"balances": rows, "claims": []}])

    assert lines_of([{"balances": rows[:cut], "claims": []}, {"balances": rows[cut:], "claims": []}]) == whole
    for name in MOVES:
        assert sum(getattr(line, name) for line in whole) == sum(row[name] for row in rows)
    assert len({(line.member, line.species, line.product) for line in whole}) == len(whole)


def test_what_was_sold_without_a_claim_is_not_claimed() -> None:
    sold = {
        "org": "comunidad-a",
        "species": "Cedrela odorata",
        "product": "roundwood",
        "bought_dm3": 0,
        "sold_dm3": 700,
    }
    claims = [sold | {"claim": ""}, sold | {"claim": "FSC 100%", "sold_dm3": 300}]

    [line] = lines_of([{"balances": [], "claims": claims}])

    assert line.claimed_dm3 == 300


@given(st.lists(st.tuples(st.sampled_from(["", "FSC 100%", "FSC Mix"]), st.sampled_from("pq"), Amount, Amount, Amount)))
def test_accounts_of_claims_add_up_over_permits_and_parts_of_an_answer(
    rows: list[tuple[str, str, int, int, int]],
) -> None:
    answers = [
        {"balances": [], "claims": [{"org": "m", "claim": claim, "species": "s", "product": "sawn", "permit": permit,
         "opening_dm3": opening, "bought_dm3": bought, "sold_dm3": sold, "closing_dm3": opening + bought - sold}]}
        for claim, permit, opening, bought, sold in rows
    ]  # fmt: skip

    accounts = accounts_of(answers)

    assert {one.claim for one in accounts} == {claim for claim, *_ in rows if claim}
    for one in accounts:
        assert one.opening_dm3 + one.bought_dm3 - one.sold_dm3 == one.closing_dm3
        assert one.sold_dm3 == sum(sold for claim, *_, sold in rows if claim == one.claim)


def test_who_only_bought_under_a_claim_has_an_account_and_no_line_of_wood() -> None:
    row = {"org": "m", "claim": "FSC Mix", "species": "s", "product": "sawn", "permit": "", "opening_dm3": 5,
           "bought_dm3": 0, "sold_dm3": 0, "closing_dm3": 5}  # fmt: skip

    assert lines_of([{"balances": [], "claims": [row]}]) == []
    assert lines_of([{"balances": [], "claims": [row | {"sold_dm3": 5, "closing_dm3": 0}]}])[0].claimed_dm3 == 5
    assert accounts_of([{"balances": [], "claims": [row]}]) == [Account("m", "FSC Mix", "s", "sawn", 5, 0, 0, 5)]


@pytest.mark.parametrize(
    ("amounts", "case"),
    [
        ({"made_dm3": 1000, "out_dm3": 1000}, "fits"),
        ({"made_dm3": 1000, "out_dm3": 1001, "closing_dm3": -1}, "overdrawn"),
        ({"opening_dm3": 400, "in_dm3": 300, "made_dm3": 300, "claimed_dm3": 1000}, "fits"),
        ({"opening_dm3": 400, "in_dm3": 300, "made_dm3": 300, "claimed_dm3": 1001}, "overclaimed"),
    ],
)
def test_what_does_not_add_up_is_named(amounts: dict[str, int], case: str) -> None:
    assert Line("m", "s", "p", **amounts).case == case


def test_only_sales_under_the_certificate_by_its_members_in_the_period_count() -> None:
    records = list(enumerate(sold_wood().records))

    def lots(
        certificate: str = CERTIFICATE, first: str = "2026-07-06", last: str = "2026-07-06", *sellers: str
    ) -> list[str]:
        found = sales_of(records, certificate, sellers or MEMBERS, first, last)
        return [one.lot for one in found]

    assert lots() == ["LOTE-01"]
    assert lots("CB-FM-COC-000009") == ["LOTE-02"]
    assert lots(CERTIFICATE, "2026-07-07", "2026-12-31") == []
    assert lots(CERTIFICATE, "2026-01-01", "2026-07-05") == []
    assert lots(CERTIFICATE, "2026-07-06", "2026-07-06", "comunidad-b") == []


def test_a_sale_is_told_by_species_and_product() -> None:
    [sale] = sales_of(enumerate(sold_wood().records), CERTIFICATE, MEMBERS, "2026-01-01", "2026-12-31")
    items = [
        {"species": "b", "product": "sawn", "volume_dm3": 3}, {"species": "a", "product": "sawn", "volume_dm3": 5},
        {"species": "b", "product": "sawn", "volume_dm3": 4},
    ]  # fmt: skip

    assert [(one.species, one.pieces, one.volume_dm3) for one in traded(sale, items)] == [("a", 1, 5), ("b", 2, 7)]


# --- pages


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        found = House(tmp_path, stack)
        await found.open()
        wood = sold_wood()
        indices = [index for index, record in enumerate(wood.records) if record.type == "lot.sold"]
        entries = [b64encode(wood.records[index].entry).decode() for index in indices]
        feed = {"indices": indices, "entries": entries, "next": 99, "as_of": 99}
        rows = [balance(made_dm3=5643, out_dm3=5700, closing_dm3=-57)]
        claims = [{"org": "comunidad-a", "claim": "FSC 100%", "species": "Cedrela odorata", "product": "roundwood",
                   "permit": "P-1", "opening_dm3": 300, "bought_dm3": 0, "sold_dm3": 5192, "closing_dm3": -4892}]  # fmt: skip
        mass = {"balances": rows, "claims": claims, "next": 99, "complete": True}
        nothing = mass | {"balances": [], "claims": []}
        items = [{"species": "Cedrela odorata", "product": "roundwood", "volume_dm3": 5192}]
        found.custody = let_answer(  # type: ignore[attr-defined]
            found, "custody",
            {"GET /v1/records": feed, "GET /v1/mass-balances": lambda asked: mass if "comunidad-a" in asked else nothing, "GET /v1/lots/LOTE-01": {"items": items}},
        )  # fmt: skip
        found.permits = let_answer(  # type: ignore[attr-defined]
            found, "permits",
            {
                f"GET /v1/certificates/{CERTIFICATE}": KNOWN, "GET /v1/certificates": {"items": [KNOWN], "next": None},
                f"POST /v1/certificates/{CERTIFICATE}/suspend": KNOWN,
            },
        )  # fmt: skip
        yield found


PERIOD = "from=2026-01-01&to=2026-12-31"


async def test_a_certificate_shows_members_volumes_and_sales(house: House) -> None:
    browser = await signed_in(house, "certificadora")
    found = await browser.get("/certifier")
    page = await browser.get(f"/certifier/{CERTIFICATE}?{PERIOD}")

    assert f"/certifier/{CERTIFICATE}" in found.text
    assert [query for call, query, _, _ in house.permits.asked if call == "GET /v1/certificates"] == [
        "certifier=cert-1"
    ]
    for said in ("Suspendida.", ">5.643<", ">-0.057<", "salió más de lo que había", "LOTE-01", "FSC 100%"):
        assert said in page.text
    for said in ("Cuentas por declaración", ">0.300<", ">-4.892<", "No son existencias"):
        assert said in page.text
    assert "LOTE-02" not in page.text
    assert "LOTE-03" not in page.text


async def test_the_files_hold_what_the_page_shows_and_no_price(house: House) -> None:
    browser = await signed_in(house, "certificadora")
    base = f"/certifier/{CERTIFICATE}"
    sales = (await browser.get(f"{base}/transactions.json?{PERIOD}")).json()
    volumes = (await browser.get(f"{base}/reconciliation.json?{PERIOD}")).json()
    book = await browser.get(f"{base}/transactions.xlsx?{PERIOD}&lang=en")
    again = await browser.get(f"{base}/transactions.xlsx?{PERIOD}&lang=en")
    [header, row] = list(load_workbook(io.BytesIO(book.content), read_only=True).active.values)

    [sale] = sales["rows"]
    assert (sale["lot"], sale["volume_dm3"], sale["buyer"], sales["complete"]) == (
        "LOTE-01",
        5192,
        "aserradero-1",
        True,
    )
    assert not [name for name in sale if "price" in name or "cents" in name]
    assert (volumes["rows"][0]["case"], volumes["rows"][0]["claimed_dm3"]) == ("overdrawn", 5192)
    assert [{name: row[name] for name in ("claim", "opening_dm3", "closing_dm3")} for row in volumes["claims"]] == [
        {"claim": "FSC 100%", "opening_dm3": 300, "closing_dm3": -4892}
    ]
    assert "claims" not in sales
    reckoned = await browser.get(f"{base}/reconciliation.xlsx?{PERIOD}&lang=en")
    sheets = load_workbook(io.BytesIO(reckoned.content), read_only=True)
    assert sheets.sheetnames == ["reconciliation", "claims"]
    assert list(sheets["claims"].values)[1][4:] == (0.3, 0, 5.192, -4.892)
    assert header[:4] == ("Date", "Certificate", "Seller", "Buyer")
    assert (row[4], row[9]) == ("LOTE-01", 5.192)
    assert book.headers["content-disposition"].startswith('attachment; filename="transactions-')
    assert book.content == again.content
    assert as_m3(5192) * 1000 == 5192


async def test_a_member_is_suspended_with_a_reason(house: House) -> None:
    browser = await signed_in(house, "certificadora")
    form = {"form_token": await form_token(browser), "member": "comunidad-a", "reason": "auditoría"}

    done = await browser.post(f"/certifier/{CERTIFICATE}/suspend", data=form)

    assert done.headers["location"] == f"/certifier/{CERTIFICATE}?done=suspended"
    assert orjson.loads(house.permits.asked[-1][3]) == {"reason": "auditoría", "member": "comunidad-a"}


async def test_an_auditor_reads_and_changes_nothing(house: House) -> None:
    browser = await signed_in(house, "auditor")
    page = await browser.get(f"/certifier/{CERTIFICATE}?{PERIOD}")
    tried = await browser.post(f"/certifier/{CERTIFICATE}/suspend", data={"form_token": await form_token(browser)})

    assert page.status_code == 200
    assert f'action="/certifier/{CERTIFICATE}/suspend"' not in page.text
    assert tried.status_code == 403


@pytest.mark.parametrize("period", ["from=2026-12-31&to=2026-01-01", "from=2026-13-01", "from=x"])
async def test_a_period_that_is_none_is_refused(house: House, period: str) -> None:
    browser = await signed_in(house, "certificadora")

    assert (await browser.get(f"/certifier/{CERTIFICATE}?{period}")).status_code == 422


def let_the_feed_hold(house: House, before: int) -> None:
    """So many sales under another certificate, then the one that is asked for, all of the first member."""
    wood = sold_wood()
    wanted, other = [b64encode(one.entry).decode() for one in wood.records if one.type == "lot.sold"][:2]

    def feed(asked: str) -> dict[str, Any]:
        query = {name: values[0] for name, values in parse_qs(asked).items()}
        since, size = int(query["since"]), before + 1 if query["org"] == "comunidad-a" else 0
        indices = list(range(since, min(since + int(query["limit"]), size)))
        entries = [other if index < before else wanted for index in indices]
        return {"indices": indices, "entries": entries, "next": indices[-1] + 1 if indices else size, "as_of": size}

    house.custody.answers["GET /v1/records"] = feed  # type: ignore[attr-defined]


async def test_a_sale_behind_thousands_of_others_is_in_the_file(house: House) -> None:
    let_the_feed_hold(house, 2_500)
    browser = await signed_in(house, "certificadora")

    sales = (await browser.get(f"/certifier/{CERTIFICATE}/transactions.json?{PERIOD}")).json()

    assert (sales["complete"], [(one["lot"], one["index"]) for one in sales["rows"]]) == (True, [("LOTE-01", 2_500)])


async def test_a_feed_that_is_not_read_to_its_end_is_not_called_complete(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certifier, "MOST_ANSWERS", 2)
    let_the_feed_hold(house, 2_500)
    browser = await signed_in(house, "certificadora")

    sales = (await browser.get(f"/certifier/{CERTIFICATE}/transactions.json?{PERIOD}")).json()

    assert (sales["complete"], sales["rows"]) == (False, [])
