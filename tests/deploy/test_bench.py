"""The tools of the bench measure what they say they measure."""

import asyncio
import gc
from pathlib import Path
from xml.etree import ElementTree

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deploy.appraise import answer
from deploy.bench import growth, offer
from deploy.bench.figures import Figure, percentile, shown, table, timed
from deploy.bench.forest import Forest, Registrar
from deploy.bench.load import Job, Outcome, run
from deploy.bench.peers import IN_MEMORY, merkle_trees
from deploy.bench.plot import Line, plotted
from deploy.bench.wood import Woodlot
from shared.timber import chain, norms
from shared.timber.bodies import possession
from shared.timber.event import key_id, parse_entry
from shared.timber.rules.outcome import Outcome as Finding
from shared.tlog.encoding import to_base64url

SVG = "{http://www.w3.org/2000/svg}"
ANSWER = b'{"results":[{"sid":"a","status":"logged"},{"sid":"b","status":"refused"},{"sid":"c","status":"logged"}]}'


def replayed(forest: Forest, records: list[bytes]) -> list[Finding]:
    """Every outcome of a log that holds the forest's papers and these records."""
    registrar = Registrar(Ed25519PrivateKey.generate(), "registro")
    public = registrar.key.public_key().public_bytes_raw()
    anchor = {
        "kid": key_id(public), "org": "registro", "public_key": to_base64url(public), "alg": "ed25519", "role": "registrar",
    }  # fmt: skip
    anchor["proof"] = to_base64url(registrar.key.sign(possession(anchor)))
    known = {"id": "registro", "name": "registro", "kind": "authority"}
    papers = [registrar.entry("key.added", anchor), registrar.entry("organisation.registered", known)]
    entries = [*papers, *forest.papers(registrar), *records]
    _, found = chain.replay([parse_entry(entry) for entry in entries], norms.load())
    return [outcome for _, outcome in found]


@pytest.mark.parametrize("size", [1, 16, 17, 100, 500])
def test_an_upload_has_exactly_as_many_records_as_asked_for(size: int) -> None:
    assert Forest("a", 400).upload(size).count(b"\n") == size


def test_uploads_are_admitted_with_every_rule_on_and_nothing_found() -> None:
    forest = Forest("a", 400)

    outcomes = replayed(forest, [line for _ in range(3) for line in forest.upload(100).splitlines()])

    assert {outcome.status for outcome in outcomes} == {"PASS"}
    assert {outcome.rule for outcome in outcomes} >= {"C01", "C05", "C08", "C10", "B01", "B02", "C17", "T03"}


def test_singles_are_admitted_in_their_order() -> None:
    forest = Forest("a", 100)
    records = forest.singles(99)

    outcomes = replayed(forest, records)

    assert len(records) == 99
    assert {outcome.status for outcome in outcomes} == {"PASS"}


def test_the_same_name_and_seed_give_the_same_forest_and_another_name_another() -> None:
    assert Forest("a", 100).upload(50) == Forest("a", 100).upload(50)
    assert Forest("a", 100).upload(50) != Forest("b", 100).upload(50)


async def outcome_of(bodies: list[bytes], connections: int, status: str = "200 OK") -> Outcome:
    """What the load generator notes of a server that always gives the same answer, in two pieces."""

    served = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())
        while head := await reader.readline():
            assert head == b"POST /v1/records HTTP/1.1\r\n"
            length = 0
            while (line := await reader.readline()) != b"\r\n":
                if line.startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            assert await reader.readexactly(length) in bodies
            answer = f"HTTP/1.1 {status}\r\nContent-Length: {len(ANSWER)}\r\n\r\n".encode() + ANSWER
            writer.write(answer[:30])
            await writer.drain()
            writer.write(answer[30:])
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        outcome = await run(Job(port, "/v1/records", "application/json", bodies, connections, ["t"], connections))
        await asyncio.gather(*(task for task in served if task is not None))
        return outcome
    finally:
        server.close()


async def test_the_load_generator_sends_every_body_once_and_counts_what_was_logged() -> None:
    outcome = await outcome_of([b"%d" % n * (n + 1) for n in range(20)], 3)

    assert (outcome.statuses, outcome.logged, len(outcome.latencies)) == ({"200": 20}, 40, 20)
    assert outcome.seconds > 0


async def test_the_load_generator_tells_answers_that_are_no_success_apart() -> None:
    outcome = await outcome_of([b"x"] * 4, 2, "429 Too Many Requests")

    assert outcome.statuses == {"429": 4}


def test_a_percentile_is_the_nearest_rank() -> None:
    values = [float(n) for n in range(1, 101)]

    assert (percentile(values, 500), percentile(values, 990), percentile([7.0], 990)) == (50.0, 99.0, 7.0)


def test_the_first_answer_is_not_timed_and_the_heap_is_given_back_also_when_one_fails() -> None:
    asked: list[int] = []

    def ask() -> None:
        asked.append(gc.get_freeze_count())
        if len(asked) == 6:
            raise ValueError

    assert len(timed(ask, 3)) == 3
    with pytest.raises(ValueError):
        timed(ask, 3)

    assert (len(asked), min(asked[1:4]) > asked[0], gc.get_freeze_count()) == (6, True, 0)


def test_the_table_shows_the_spread_of_each_figure() -> None:
    figure = Figure("rate", "records", "/s", (3000.0, 1000.0, 2000.0), "floor 5,000")

    assert [shown(value) for value in (1234.5, 123.4, 12.34, 1.234)] == ["1,234", "123", "12.3", "1.23"]
    assert table([figure]).splitlines()[-1].split() == ["records", "1,000", "2,000", "3,000", "/s", "floor", "5,000"]
    assert figure.answer() | {"min": 1000.0, "median": 2000.0, "max": 3000.0} == figure.answer()


def test_the_plot_shows_every_reading_over_its_size() -> None:
    rows = {10_000: {"rate": 4000.0, "rate_min": 3500.0, "rate_max": 4200.0}, 1_000_000: {"rate": 3900.0}}

    picture = ElementTree.fromstring(plotted("As it <grows>", "entries", rows, [Line("rate", "records/s", "#123456")]))  # noqa: S314  (our own)

    texts = [one.text for one in picture.iter(f"{SVG}text")]
    assert {"As it <grows>", "records/s", "4,000", "3,900", "10,000", "1,000,000", "entries"} <= set(texts)
    dots = [(float(one.get("cx", 0)), float(one.get("cy", 0))) for one in picture.iter(f"{SVG}circle")]
    assert dots[0][0] < dots[1][0]
    assert dots[0][1] < dots[1][1]  # less stands lower, and downwards counts up
    bars = [one for one in picture.iter(f"{SVG}line") if one.get("stroke-opacity")]
    assert len(bars) == 1


def test_a_log_is_measured_at_powers_of_ten_and_at_its_end() -> None:
    assert growth.sizes(5_000_000) == [10_000, 100_000, 1_000_000, 5_000_000]
    assert growth.sizes(3_000) == [3_000]


def test_growth_is_kept_as_a_table_and_a_picture(tmp_path: Path) -> None:
    rows = {size: dict.fromkeys(growth.COLUMNS, float(size)) for size in (10_000, 20_000)}

    growth.keep(tmp_path / "figures", growth.table(rows), rows)

    assert "20,000" in (tmp_path / "figures" / "growth.txt").read_text()
    assert ElementTree.parse(tmp_path / "figures" / "growth.svg").getroot().tag == f"{SVG}svg"  # noqa: S314


def test_a_lot_to_trace_has_500_logs_whose_trees_are_all_told() -> None:
    woodlot = Woodlot("z", 2)
    before = [entry for _ in range(3) for entry in woodlot.cut(40)]

    lot, trees, rest = woodlot.compose()

    records = [parse_entry(entry) for entry in (*before, *rest)]
    logs = {one["item"] for record in records if record.type == "log.cut" for one in record.body["sections"]}
    composed = [item for record in records if record.type == "lot.composed" for item in record.body["items"]]
    assert (len(composed), len(set(composed)), set(composed) <= logs) == (500, 500, True)
    assert trees == [record.body["item"] for record in records if record.type == "tree.felled"]
    assert {outcome.status for outcome in replayed(woodlot.forest, [*before, *rest])} == {"PASS"}
    assert woodlot.compose()[0] != lot


def test_the_peers_tree_holds_as_many_entries_as_are_timed() -> None:
    found = merkle_trees([b"%d" % n for n in range(IN_MEMORY)])

    assert found.keys() == {
        "pymerkle_memory", "pymerkle_memory_proof", "pymerkle_sqlite", "pymerkle_sqlite_bulk", "pymerkle_sqlite_proof",
    }  # fmt: skip
    assert min(found.values()) > 0


def test_the_appraisal_that_is_timed_is_a_whole_one() -> None:
    found = answer(offer.twenty_lines())

    assert len(found["lines"]) == 20
    assert found["verdict"] != "no_answer"
    assert found["sensitivity"]["draws"] == 2_000
    assert (
        len(found["sensitivity"]["tornado"]) == 20 + 20 + len(offer.COSTS) + 2
    )  # prices, volumes, costs, recovery, margin
    assert set(offer.times(2)) == {"appraisal_p50", "appraisal_p95"}
