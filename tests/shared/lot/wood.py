"""A small log in memory, with real keys: what a test needs to make a lot and its bundle."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.lot.bundle import pack
from shared.lot.closure import Gathering, names_of
from shared.timber import chain, event, norms
from shared.timber.event import Record, parse_entry
from shared.timber.facts import Facts, past_of
from shared.timber.measure import census_dm3
from shared.timber.rules.outcome import Outcomes
from shared.tlog import merkle, note
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.note import COSIGNATURE, Signer
from shared.tlog.policy import Policy
from tests import build

ORIGIN = "trozalog.example/madre-de-dios/2026"
SPECIES = "Cedrelinga cateniformis"
PERMIT, PLAN, TITLE, PARCEL = "PER-17-2026", "PO-17", "TIT-17", "PC 01"
CERTIFICATE = "CB-FM-COC-000001"
LINE = {"parcel": PARCEL, "species": SPECIES, "product": "roundwood"}
ORGANISATIONS = {"registro": "authority", "comunidad-a": "community", "aserradero-1": "mill", "otra-1": "company"}


@cache
def key(name: str) -> Ed25519PrivateKey:
    """The key of this name; the registrar's is its organisation's."""
    return build.a_key(build.REGISTRY if name == "registrar" else name)


@cache
def log_signer(origin: str = ORIGIN) -> Signer:
    return Signer(origin, key("log"))


@cache
def witness(name: str = "w1") -> Signer:
    return Signer(f"{name}.example", key(name), COSIGNATURE)


def a_policy(quorum: str = "none", *, origin: str = ORIGIN, log: Signer | None = None) -> Policy:
    """Knows the log of these tests and one witness."""
    lines = [f"log {(log or log_signer(origin)).verifier.vkey}", f"witness w1 {witness().verifier.vkey}"]
    return Policy.parse("\n".join([*lines, f"quorum {quorum}", ""]).encode())


@dataclass
class Wood:
    """A log that grows. Every verb appends one record that the door admits, and returns it."""

    trees: dict[str, int] = field(default_factory=lambda: {"501": 800, "502": 800, "503": 800})
    authorised_dm3: int = 1_000_000
    facts: Facts = field(default_factory=Facts)
    records: list[Record] = field(default_factory=list)
    outcomes: list[Outcomes] = field(default_factory=list)
    _ids: Any = field(default_factory=lambda: count(1))
    _minutes: Any = field(default_factory=count)

    def __post_init__(self) -> None:
        """Parties, keys, title, plan, census and permit."""
        listed = [
            build.a_tree(code, SPECIES, dbh_mm=dbh, volume_dm3=census_dm3(dbh, 18_000))
            for code, dbh in sorted(self.trees.items())
        ]
        parts = [listed[at : at + 90] for at in range(0, len(listed), 90)]
        papers = {"title": TITLE, "harvest_from": "2026-05-01", "harvest_to": "2026-12-31"}
        for record in (
            build.a_key_added(build.REGISTRY, role="registrar"),
            *(build.an_organisation(org, kind) for org, kind in ORGANISATIONS.items()),
            *(build.a_key_added(org) for org in ORGANISATIONS if org != build.REGISTRY),
            build.a_title(number=TITLE),
            build.a_plan(id=PLAN, census={"trees": len(listed), "parts": len(parts), "root": "cd" * 32}, **papers),
            *(build.a_census(trees, part, plan=PLAN) for part, trees in enumerate(parts, 1)),
            build.a_permit(
                [{**LINE, "volume_dm3": self.authorised_dm3}], number=PERMIT, plan=PLAN, move_to="2027-04-30", **papers
            ),
        ):
            self.append(record)

    def add(
        self, kind: str, actor: str, body: dict[str, Any], *, by: str | None = None, day: str = "2026-07-01",
        sd: list[str] | None = None, prev: Iterable[str] = (),
    ) -> Record:  # fmt: skip
        """Sign, admit and append."""
        minute = next(self._minutes)
        time = f"{day}T{minute // 60 % 24:02}:{minute % 60:02}:00Z"
        signer = by or ("registrar" if kind in event.AUTHORITY else actor)
        entry = event.sign(event.make_statement(kind, actor, time, body, sd=sd, prev=prev), key(signer))
        return self.append(parse_entry(entry))

    def append(self, record: Record) -> Record:
        """Admit and append what was signed elsewhere."""
        index = len(self.records)
        self.outcomes.append(chain.admit(record, index, self.facts, norms.load(), None))
        self.facts.preload([past_of(record, index)])
        self.records.append(record)
        return record

    # ---- wood

    def new_id(self) -> str:
        return str(uuid.UUID(int=(7 << 76) | (2 << 62) | next(self._ids)))

    def fell(self, tree: str, *, small_mm: int = 700, length_mm: int = 13_000) -> str:
        """A tree is felled; its item id."""
        large = self.trees[tree]
        item = event.tree_item(PLAN, PARCEL, tree)
        self.add("tree.felled", "comunidad-a", {
            "item": item, "permit": PERMIT, "plan": PLAN, "parcel": PARCEL, "tree": tree,
            **build.measures(large, small_mm, length_mm, SPECIES),
        })  # fmt: skip
        return item

    def cut(self, source: str, tree: str, letters: str = "AB", *, length_mm: int = 6_000) -> list[str]:
        """The source is cross-cut into one log for each letter; their item ids."""
        ends = [800 - 20 * (ord(letter) - 65) for letter in letters]
        sections = [
            build.a_section(f"{tree}/{letter}", item=self.new_id(), **build.measures(end, end - 20, length_mm, SPECIES))
            for letter, end in zip(letters, ends, strict=True)
        ]
        self.add("log.cut", "comunidad-a", {"source": source, "permit": PERMIT, "parcel": PARCEL, "sections": sections})
        return [str(section["item"]) for section in sections]

    def volume(self, item: str) -> int:
        """In litres, as recorded."""
        return int(self.facts.get(f"item:{item}").volume_dm3)

    def guide(self, number: str, items: Iterable[str], *, sent: bool = True, excess_dm3: int = 0) -> None:
        """An official guide of the permit; it departs and arrives at the mill unless `sent` is false."""
        loaded: list[dict[str, Any]] = [{"item": item, "volume_dm3": self.volume(item)} for item in items]
        total = sum(one["volume_dm3"] for one in loaded)
        named = {"guide": number, "form": "official"}
        self.add("guide.issued", "comunidad-a", {
            **named, "permit": PERMIT, "addressee": "aserradero-1", "issued_on": "2026-07-01", "expires_on": "2026-07-20",
            "lines": [{**LINE, "volume_dm3": total + excess_dm3}], "items": loaded,
        })  # fmt: skip
        if sent:
            self.add("guide.departed", "comunidad-a", {**named, "at": "2026-07-02T08:00:00Z"})
            self.add("guide.received", "aserradero-1", {**named, "at": "2026-07-03T08:00:00Z", "volume_dm3": total})

    def saw(self, inputs: Iterable[str], *, permille: int = 500) -> str:
        """The mill makes one pack of sawn wood out of logs; its item id."""
        pieces = list(inputs)
        used = sum(self.volume(item) for item in pieces)
        made = {"item": self.new_id(), "product": "sawn", "species": SPECIES, "volume_dm3": used * permille // 1000}
        stock = {"species": SPECIES, "opening_dm3": used, "in_dm3": 0, "consumed_dm3": used, "closing_dm3": 0}
        body = {"inputs": pieces, "outputs": [made], "stock": [stock]}
        self.add("mill.processed", "aserradero-1", body, day="2026-07-05")
        return str(made["item"])

    def sell(
        self, lot: str, items: Iterable[str], *, seller: str = "comunidad-a", buyer: str = "aserradero-1", **claim: str
    ) -> None:
        """The pieces become a lot, which is sold."""
        self.add("lot.composed", seller, {"lot": lot, "items": list(items)}, day="2026-07-06")
        self.add("lot.sold", seller, {"lot": lot, "buyer": buyer, **claim}, day="2026-07-06")

    def certify(self, *members: str, **changes: Any) -> None:
        """A certification body certifies a group whose entity is the buyer of the examples."""
        for record in (build.an_organisation("certifica-1", "certifier"), build.a_key_added("certifica-1")):
            self.append(record)
        body = {
            "number": CERTIFICATE, "code": "CB-FM/COC-000001", "scheme": "fsc", "scope": "fm_coc", "holder": "otra-1",
            "valid_from": "2026-01-01", "valid_to": "2030-12-31", "by": "c4",
            "members": [{"org": org, "from": "2026-01-01"} for org in members],
        }  # fmt: skip
        self.add("certificate.registered", "certifica-1", body | changes, day="2026-01-10")

    def certificate(self, act: str, **more: Any) -> None:
        """The certification body says something of that certificate."""
        body = {"number": CERTIFICATE, "reason": "Auditoría", "by": "c4"}
        self.add(f"certificate.{act}", "certifica-1", body | more, day="2026-07-01")

    # ---- the log

    def close(self, next_origin: str) -> Record:
        """The log ends, and names the one that follows it."""
        return self.add("log.closed", "registro", {"next": next_origin, "vkey": log_signer(next_origin).verifier.vkey})

    def go_on(self, before: str = ORIGIN, *, behind: Record | None = None) -> Record:
        """The log goes on as another, right behind its end."""
        size = len(self.records)
        root = merkle.root_of(record.leaf_hash for record in self.records).hex()
        body = {"before": before, "size": size, "root": root, "checkpoint_sha256": "ab" * 32}
        return self.add("log.continued", "registro", body, prev=[(behind or self.records[-1]).sid])

    def checkpoint(self, *, witnesses: Iterable[Signer] = (), signer: Signer | None = None) -> bytes:
        """The signed note of the whole log."""
        root = merkle.root_of(record.leaf_hash for record in self.records)
        signer = signer or log_signer()
        text = Checkpoint(signer.name, len(self.records), root).text()
        return note.sign(text, [signer]) + "".join(w.line(text, 1_800_000_000) for w in witnesses).encode()

    def gathered(self, lot: str) -> list[int]:
        """The indices of the records the lot rests on, found as a server finds them: by name."""
        found: dict[str, list[int]] = {}
        for index, record in enumerate(self.records):
            for name in names_of(record):
                found.setdefault(name, []).append(index)
        gathering = Gathering(lot)
        for index, record in enumerate(self.records):
            if index == 0 or record.type in ("log.closed", "log.continued"):
                gathering.offer(index, record)
        while names := gathering.wanted():
            for index in {index for name in names for index in found.get(name, ())}:
                gathering.offer(index, self.records[index])
        return sorted(gathering.records)

    def packed(
        self,
        lot: str,
        indices: Iterable[int],
        checkpoint: bytes | None = None,
        disclosed: Iterable[tuple[int, str]] = (),
    ) -> bytes:
        """A bundle of exactly these entries."""
        chosen = sorted(indices)
        leaves = [record.leaf_hash for record in self.records]
        proof = merkle.multiproof(
            chosen, len(leaves), lambda level, i: merkle.root_of(leaves[i << level : (i + 1) << level])
        )
        entries = [(index, self.records[index].entry) for index in chosen]
        return pack(lot, checkpoint or self.checkpoint(), entries, proof, disclosed)

    def bundle(self, lot: str, **checkpoint: Any) -> bytes:
        """The bundle of a lot, as a server makes it."""
        return self.packed(lot, self.gathered(lot), self.checkpoint(**checkpoint))


def a_lot(lot: str = "LOTE-01") -> Wood:
    """Two trees, four logs, one guide, sold: consistent. A third tree stands beside it, on no one's account."""
    wood = Wood()
    logs = [log for tree in ("501", "502") for log in wood.cut(wood.fell(tree), tree)]
    wood.guide("001-0000017", logs)
    wood.sell(lot, logs, seller="aserradero-1", buyer="otra-1")
    return wood
