"""All that is behind a lot, read from its proof file: the verdict, the records in order, and the facts they add up to."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from services.portal.verdicts import OfLots
from shared.lot.bundle import Bundle, read
from shared.lot.closure import lineage_of, of_lineage
from shared.lot.report import Report
from shared.lot.verify import parsed, replay, verify
from shared.timber.event import Record
from shared.timber.facts import Facts, Guide, Item, Line, Lot
from shared.tlog.policy import Policy


@dataclass(frozen=True)
class CaseFile:
    """A lot whose file holds together. ``data`` are the bytes of the file; ``records`` all of them, by index."""

    data: bytes
    bundle: Bundle
    report: Report
    lot: Lot
    facts: Facts
    records: tuple[tuple[int, Record], ...]

    @cached_property
    def organisations(self) -> dict[str, Record]:
        """Who is registered in the file, by id: the newest record of each."""
        return {record.body["id"]: record for _, record in self.records if record.type == "organisation.registered"}

    def called(self, org: str) -> str:
        """An organisation by the name the file knows, with its id; by its id alone when the file knows none."""
        found = self.organisations.get(org)
        return f"{found.body['name']} ({org})" if found else org

    @cached_property
    def lineage(self) -> frozenset[str]:
        """The ids of all pieces the lot's wood came from, its own included."""
        return frozenset(lineage_of(self.lot, self.facts))

    @cached_property
    def pieces(self) -> list[Item]:
        """The pieces of the lineage in the order they were made."""
        found = (self.facts.find(Item, f"item:{id_}") for id_ in self.lineage)
        return sorted(
            (item for item in found if item is not None), key=lambda item: (item.made_index, item.code, item.id)
        )

    @cached_property
    def own(self) -> list[tuple[int, Record]]:
        """The records that speak of the lot, of its wood or of the guides that carried it, by index."""
        return sorted(of_lineage(self.records, self.lot, self.facts).items())

    @property
    def permits(self) -> list[str]:
        """The permits behind the wood."""
        return sorted({item.permit for item in self.pieces if item.permit})

    def guides(self) -> Iterator[Guide]:
        """The guides that carried wood of the lot."""
        for _, doc in self.facts.items():
            if isinstance(doc, Guide) and not self.lineage.isdisjoint(doc.items):
                yield doc

    def lines(self) -> Iterator[Line]:
        """The balances of the permits behind the wood, as far as the file tells of them."""
        numbers = set(self.permits)
        for _, doc in self.facts.items():
            if isinstance(doc, Line) and doc.permit in numbers:
                yield doc


def opened(data: bytes, policy: Policy) -> CaseFile | Report:
    """The case behind a proof file; only the report, when the file does not hold or has no lot."""
    report = verify(data, policy)
    if report.lot is None:
        return report
    bundle = read(data)
    records = parsed(bundle)
    facts, _ = replay(records)
    return CaseFile(data, bundle, report, report.lot, facts, tuple(records))


class Cases(OfLots[CaseFile | Report]):
    """The cases looked at last. They hold every record of a lot, so only a few are kept."""

    def __init__(self, policy: Policy) -> None:
        super().__init__(lambda bundle: opened(bundle, policy), kept=3, at_a_time=1)
