"""A made-up forest: random but possible stories of trees, logs, guides, mills and lots, and how a plain reader sees them.

The story is told by three organisations that hand wood to each other. The oracle reads nothing but the entries of the
log, one after the other, with none of the code that answers questions.
"""

import random
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.timber.event import tree_item
from tests.custody.conftest import PARCEL, PERMIT, PLAN, SPECIES, Custody, genesis, key_added, permit_acts

COMMUNITY, MILL, BUYER = "comunidad-a", "aserradero-1", "comprador-1"
OTHER_SPECIES = "Hymenaea oblongifolia"


@dataclass
class Piece:
    id: str
    kind: str
    holder: str
    product: str = "roundwood"
    species: str = SPECIES
    volume_dm3: int = 1000
    code: str = ""
    used: bool = False
    guide: str | None = None
    lot: str | None = None


@dataclass
class Forest:
    """Entries of a story, made one by one; `in_order` gives them rising times, otherwise any."""

    custody: Custody
    seed: int
    in_order: bool = False
    entries: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.keys = {COMMUNITY: self.custody.keys.device, MILL: self.custody.keys.mill}
        self.keys[BUYER] = Ed25519PrivateKey.from_private_bytes(self.random.randbytes(32))
        self.pieces: dict[str, Piece] = {}
        self.open: dict[str, tuple[str, str, list[str]]] = {}
        self.lots: dict[str, tuple[str, list[str]]] = {}
        self.trees = [f"{n}" for n in range(501, 541)]
        self.felled = 0
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def foundation(self) -> list[bytes]:
        body = key_added(self.keys[BUYER], BUYER, "device")
        return [*genesis(self.custody), *permit_acts(self.custody, self.trees), self.custody.act("key.added", body)]

    def grow(self, steps: int) -> "Forest":
        moves = [self.fell, self.cut, self.cut, self.recut, self.move, self.send, self.send, self.arrive, self.arrive,
                 self.void, self.saw, self.saw, self.compose, self.sell]  # fmt: skip
        for _ in range(steps):
            self.random.choice(moves)()
        return self

    def say(self, org: str, kind: str, body: dict[str, Any]) -> None:
        self.now += timedelta(minutes=1)
        at = (
            self.now
            if self.in_order
            else datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=self.random.randrange(500))
        )
        time = at.strftime("%Y-%m-%dT%H:%M:%SZ")
        body = {name: time if value == "AT" else value for name, value in body.items()}
        self.entries.append(self.custody.entry(kind, body, self.keys[org], org, time))

    def free(self, holder: str | None = None, kinds: tuple[str, ...] = ("log", "product")) -> list[Piece]:
        return [
            p
            for p in self.pieces.values()
            if p.kind in kinds and not p.used and p.lot is None and (holder is None or p.holder == holder)
        ]

    def some(self, pieces: list[Piece], most: int = 4) -> list[Piece]:
        return self.random.sample(pieces, min(len(pieces), self.random.randint(1, most)))

    def new(self) -> str:
        return str(uuid.UUID(bytes=self.random.randbytes(16), version=4))

    def measures(self) -> dict[str, Any]:
        return {"diameter_large_mm": 700, "diameter_small_mm": 690, "length_mm": self.random.randint(2_000, 9_000)}

    def fell(self) -> None:
        if self.felled == len(self.trees):
            return
        code = self.trees[self.felled]
        self.felled += 1
        id_ = tree_item(PLAN, PARCEL, code)
        body = {"item": id_, "permit": PERMIT, "plan": PLAN, "parcel": PARCEL, "tree": code, "species": SPECIES}
        self.say(COMMUNITY, "tree.felled", body | self.measures() | {"volume_dm3": 5000 + self.felled})
        self.pieces[id_] = Piece(id_, "tree", COMMUNITY, code=code)

    def cut(self) -> None:
        trees = [p for p in self.pieces.values() if p.kind == "tree"]
        if trees:
            self._sections(self.random.choice(trees))

    def recut(self) -> None:
        logs = [p for p in self.free(kinds=("log",)) if p.product == "roundwood" and p.guide is None]
        if logs:
            log = self.random.choice(logs)
            self._sections(log)
            log.used = True

    def _sections(self, source: Piece) -> None:
        made = []
        for n in range(self.random.randint(1, 3)):
            species = OTHER_SPECIES if self.random.random() < 0.1 else source.species
            code = f"{source.code.partition('/')[0]}/{chr(65 + n)}"
            log = Piece(self.new(), "log", source.holder, "roundwood", species, self.random.randint(300, 2500), code)
            made.append(log)
        sections = [
            {"item": p.id, "code": p.code, "species": p.species, **self.measures(), "volume_dm3": p.volume_dm3, "branch": False}
            for p in made
        ]  # fmt: skip
        self.say(
            source.holder, "log.cut", {"source": source.id, "permit": PERMIT, "parcel": PARCEL, "sections": sections}
        )
        self.pieces |= {p.id: p for p in made}

    def move(self) -> None:
        org = self.random.choice([COMMUNITY, MILL])
        if pieces := [p for p in self.free(org) if p.guide is None]:
            self.say(
                org, "log.moved", {"items": [p.id for p in self.some(pieces)], "place": f"Patio {self.random.random()}"}
            )

    def send(self) -> None:
        org = self.random.choice([COMMUNITY, COMMUNITY, MILL, BUYER])
        pieces = [p for p in self.free(org) if p.guide is None]
        if not pieces:
            return
        loaded = self.some(pieces)
        to = self.random.choice([one for one in self.keys if one != org])
        number = f"017-{len(self.entries):07}"
        body: dict[str, Any] = {"guide": number, "form": "official", "addressee": to, "issued_on": "2026-02-01",
                                "expires_on": "2026-03-01"}  # fmt: skip
        if org == COMMUNITY and self.random.random() < 0.7:
            body["permit"] = PERMIT
        else:
            body["origin_guides"] = ["017-1"]
        kinds = sorted({(p.species, p.product) for p in loaded})
        parcel = PARCEL if "permit" in body else ""
        lines = [{"parcel": parcel, "species": s, "product": p, "volume_dm3": 1000} for s, p in kinds]
        listed = self.random.random() < 0.85
        if listed:
            body["items"] = [{"item": p.id, "volume_dm3": p.volume_dm3} for p in loaded]
            for p in loaded:
                p.guide = number
        self.say(org, "guide.issued", body | {"lines": lines})
        self.open[number] = (org, to, [p.id for p in loaded] if listed else [])
        if self.random.random() < 0.7:
            self.say(org, "guide.departed", {"guide": number, "form": "official", "at": "AT"})

    def arrive(self) -> None:
        if not self.open:
            return
        number = self.random.choice(sorted(self.open))
        org, to, ids = self.open.pop(number)
        body: dict[str, Any] = {"guide": number, "form": "official", "at": "AT", "volume_dm3": 900}
        arrived = [self.pieces[id_] for id_ in ids]
        if arrived and self.random.random() < 0.5:
            arrived = self.some(arrived)
            body["items"] = [{"item": p.id, "volume_dm3": p.volume_dm3 - self.random.randint(0, 50)} for p in arrived]
        self.say(to, "guide.received", body)
        for p in arrived:
            if p.guide == number:
                p.guide = None
                p.holder = to if p.holder == org else p.holder

    def void(self) -> None:
        if self.open and self.random.random() < 0.5:
            number = self.random.choice(sorted(self.open))
            self.say(self.open[number][0], "guide.voided", {"guide": number, "form": "official", "reason": "error"})

    def saw(self) -> None:
        org = self.random.choice([MILL, MILL, BUYER, COMMUNITY])
        pieces = self.free(org)
        if not pieces:
            return
        inputs = self.some(pieces, 3)
        made = [Piece(self.new(), "product", org, "sawn", inputs[0].species, self.random.randint(100, 900))
                for _ in range(self.random.randint(1, 3))]  # fmt: skip
        outputs = [{"item": p.id, "product": p.product, "species": p.species, "volume_dm3": p.volume_dm3} for p in made]
        self.say(org, "mill.processed", {"inputs": [p.id for p in inputs], "outputs": outputs})
        for p in inputs:
            p.used = True
        self.pieces |= {p.id: p for p in made}

    def compose(self) -> None:
        org = self.random.choice([COMMUNITY, MILL, BUYER])
        if pieces := self.free(org):
            lot, chosen = f"L-{len(self.entries)}", self.some(pieces)
            self.say(org, "lot.composed", {"lot": lot, "items": [p.id for p in chosen]})
            for p in chosen:
                p.lot = lot
            self.lots[lot] = (org, [p.id for p in chosen])

    def sell(self) -> None:
        if not self.lots:
            return
        lot = self.random.choice(sorted(self.lots))
        org, ids = self.lots.pop(lot)
        buyer = self.random.choice([one for one in self.keys if one != org])
        claim = {"claim": self.random.choice(["FSC 100%", "FSC Mix 70%"])} if self.random.random() < 0.6 else {}
        self.say(org, "lot.sold", {"lot": lot, "buyer": buyer, **claim})
        for id_ in ids:
            self.pieces[id_].holder, self.pieces[id_].lot = buyer, None


async def grown(custody: Custody, seed: int, steps: int = 120, in_order: bool = False) -> Forest:
    """A forest whose story is in the log; what the rules refuse of it is left out."""
    forest = Forest(custody, seed, in_order).grow(steps)
    await custody.log(*forest.foundation())
    step = 1 if in_order else 100  # within a batch, one that waits for another comes after it
    for at in range(0, len(forest.entries), step):
        await custody.send(*forest.entries[at : at + step])
    await custody.log(
        custody.act("organisation.registered", {"id": "fin", "name": "fin", "kind": "company"}), wait="inclusion"
    )
    return forest


# ---- the plain reader


def parents_of(entries: list[bytes]) -> dict[str, set[str]]:
    """For every piece that some record made, the pieces it was made of."""
    parents: defaultdict[str, set[str]] = defaultdict(set)
    for entry in entries:
        statement = orjson.loads(entry)["stmt"]
        body = statement["body"]
        if statement["type"] == "tree.felled":
            parents[body["item"]].update()
        elif statement["type"] == "log.cut":
            for section in body["sections"]:
                parents[section["item"]].add(body["source"])
        elif statement["type"] == "mill.processed":
            for made in body["outputs"]:
                parents[made["item"]].update(body["inputs"])
    return dict(parents)


def reached(links: dict[str, set[str]], starts: set[str]) -> set[str]:
    """All that follows from these, themselves included."""
    found: set[str] = set()
    queue = list(starts)
    while queue:
        one = queue.pop()
        if one not in found:
            found.add(one)
            queue.extend(links.get(one, ()))
    return found


def reversed_links(links: dict[str, set[str]]) -> dict[str, set[str]]:
    children: defaultdict[str, set[str]] = defaultdict(set)
    for child, parents in links.items():
        for parent in parents:
            children[parent].add(child)
    return dict(children)
