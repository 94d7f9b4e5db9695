"""A log in memory that is told record by record: parties, keys, plans and permits of two communities, and what is there.

What the door refuses is dropped, unless it is forced: then the log holds a record that no verifier may accept.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.lot.closure import Gathering, names_of
from shared.refusal import Refusal
from shared.timber import chain, disclosure, event, norms
from shared.timber.bodies import possession
from shared.timber.disclosure import Disclosure, Value
from shared.timber.event import Record, parse_entry
from shared.timber.facts import Facts, Item, past_of
from shared.timber.measure import census_dm3, mean_of_ends_dm3
from shared.timber.upload import Together
from shared.tlog.encoding import to_base64url
from tests.shared.lot.wood import key

ORGS = {
    "registro": "authority", "trozalog": "operator", "comunidad-a": "community", "comunidad-b": "community_enterprise",
    "aserradero-1": "mill", "aserradero-2": "mill", "comprador-1": "company", "gerfor-md": "authority",
    "osinfor-md": "supervisor", "certifica-1": "certifier",
}  # fmt: skip
COMMUNITIES, MILLS = ("comunidad-a", "comunidad-b"), ("aserradero-1", "aserradero-2")
SPECIES = ("Cedrelinga cateniformis", "Brosimum guianense", "Dipteryx micrantha", "Cedrela odorata", "Virola spp.")
PRODUCTS = ("roundwood", "branch_firewood", "sawn", "flooring_blank", "other")
TEXTS = ("Copa sana", "ñandú, 12 °C — «sí»", 'dice "no" \\ "sí"', "Ação e coração", "x", "\U0001f332 pino")
PARCELS = ("PC 01", "PC 02")


@dataclass
class Telling:
    """`signers` are the keys by their id, `hidden` the private fields by the index of their record."""

    seed: int
    facts: Facts = field(default_factory=Facts)
    records: list[Record] = field(default_factory=list)
    signers: dict[str, Ed25519PrivateKey] = field(default_factory=dict)
    hidden: dict[int, list[Disclosure]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.mess: float = self.one(0.0, 0.3, 1.0)  # how often people err in this story
        self.clock = 0
        self.numbers = 0
        self.registrar = "registrar"
        self.founded = False
        self._found()
        self.founded = True

    # ---- the log

    def say(
        self,
        kind: str,
        actor: str,
        body: dict[str, Any],
        *,
        by: Iterable[str] = (),
        force: bool = False,
        prev: list[str] | None = None,
    ) -> Record | None:
        """Sign, judge and append; None when the door refuses."""
        self.clock += self.random.choice((1, 1, 1, 7, 60, 600))
        late = self.rarely(0.01)  # by a clock that goes wrong
        minute = max(self.clock - self.random.randrange(20_000), 0) if late else self.clock
        day, rest = divmod(minute, 1440)
        time = f"2026-{5 + day // 28:02}-{1 + day % 28:02}T{rest // 60:02}:{rest % 60:02}:00Z"
        more: dict[str, Any] = {}
        if self.maybe(0.05):
            more = {"seq": self.random.randrange(9), "seen": {"size": 3, "root": "0a" * 32}}
        hidden = self._private() if self.maybe(0.1) else []
        if hidden:
            decoys = iter(lambda: to_base64url(self.random.randbytes(32)), None)
            more["sd"] = disclosure.padded([one.digest for one in hidden], decoys)
        try:
            statement = event.make_statement(kind, actor, time, body, self._prev() if prev is None else prev, **more)
        except Refusal:
            return None
        names = list(by) or [self.registrar if kind in event.AUTHORITY else actor]
        record = parse_entry(self._signed(statement, names))
        try:
            chain.admit(record, len(self.records), self.facts, norms.load(), None)
        except Refusal:
            if not force:
                return None
        self.facts.preload([past_of(record, len(self.records))])
        if hidden:
            self.hidden[len(self.records)] = hidden
        self.records.append(record)
        return record

    def _private(self) -> list[Disclosure]:
        values: dict[str, Value] = {
            "driver": "Persona Uno",
            "plate": "A1B-234",
            "lat_e7": -123456789,
            "note": self.text(),
            "agreed": True,
        }
        names = self.some(values, 5)
        if self.maybe(0.1):  # a bundle that shows both says one thing twice
            names.append(names[0])
        return [disclosure.make(self.random.randbytes(16), name, values[name]) for name in names]

    def _signed(self, statement: bytes, names: list[str]) -> bytes:
        """Signed by itself or, by one, together with statements that nobody sees here."""
        if len(names) > 1 or not self.maybe(0.2):
            return event.sign(statement, *(self._signer(name) for name in names))
        sids = [self.random.randbytes(32).hex() for _ in range(self.one(1, 2, 4, 6, 99))]
        at = self.random.randint(0, len(sids))
        sids.insert(at, event.sid_of(statement))
        signer, together = self._signer(names[0]), Together(sids)
        kid = event.key_id(signer.public_key().public_bytes_raw())
        return together.entry_head(at, kid, to_base64url(signer.sign(together.message))) + statement + b"}"

    def _prev(self) -> list[str]:
        return [self.random.choice(self.records).sid] if self.records and self.maybe(0.3) else []

    def _signer(self, name: str) -> Ed25519PrivateKey:
        found = key(name)
        self.signers[event.key_id(found.public_key().public_bytes_raw())] = found
        return found

    def gathered(self, lot: str) -> list[int]:
        """The indices of the records the lot rests on, as a server finds them."""
        gathering = Gathering(lot)
        for index, record in enumerate(self.records):
            if index == 0 or record.type in ("log.closed", "log.continued"):
                gathering.offer(index, record)
        while names := gathering.wanted():
            for index, record in enumerate(self.records):
                if not names.isdisjoint(names_of(record)):
                    gathering.offer(index, record)
        return sorted(gathering.records)

    # ---- the beginning

    def _found(self) -> None:
        self.add_key("registrar", "registro", "registrar", two=False)
        for org, kind in ORGS.items():
            body = {"id": org, "name": f"Organización {org}", "kind": kind}
            self.say(
                "organisation.registered", "registro", body | ({"region": "Madre de Dios"} if kind == "mill" else {})
            )
        self.add_key("host", "trozalog", "host")
        for org in ORGS:
            if org not in ("registro", "trozalog"):
                self.add_key(org, org, "device")
        for org in COMMUNITIES:
            self.add_key(f"{org} root", org, "root")
        for number, org in enumerate(COMMUNITIES):
            self._plan_of(org, number)

    def add_key(
        self, name: str, org: str, role: str, *, by: Iterable[str] = (), actor: str = "registro", two: bool = True,
        replaces: str | None = None, force: bool = False,
    ) -> Record | None:  # fmt: skip
        """A key begins to count, with its proof of possession."""
        public = key(name).public_key().public_bytes_raw()
        body = {
            "kid": event.key_id(public),
            "org": org,
            "public_key": to_base64url(public),
            "alg": "ed25519",
            "role": role,
        }
        if replaces is not None:
            body["replaces"] = replaces
        shown = body | {"org": "otra"} if self.founded and self.rarely(0.05) else body
        body["proof"] = to_base64url(self._signer(name).sign(possession(shown)))
        if two and not (self.founded and self.rarely(0.05)):
            body |= {"proposed_by": "u1", "approved_by": "u2"}
        return self.say("key.added", actor, body, by=by, force=force)

    def _plan_of(self, org: str, number: int) -> None:
        title, plan, permit = f"TIT-{number}", f"PO-{number}", f"PER-{number}-2026"
        self.say("title.registered", "registro", {
            "number": title, "org": org, "region": "Madre de Dios", "area_m2": 10_000_000, "polygon_sha256": "ab" * 32,
        })  # fmt: skip
        self.say("plan.approved", "registro", {
            "id": plan, "title": title, "number": "PO 19", "season": "2026", "resolution": "R 17-2026",
            "parcels": [{"code": parcel, "area_m2": 5_000_000} for parcel in PARCELS], "form_factor_milli": 650,
            "harvest_from": "2026-05-01", "harvest_to": "2026-06-20", "submitted_by": "u1", "approved_by": "u2",
            "census": {"trees": 12, "parts": 3, "root": "cd" * 32}, "kind": "PO", "parent": f"PGMF-{number}",
            "supersedes": f"PO-{number}-A",
        })  # fmt: skip
        for part, parcel in enumerate(PARCELS, 1):
            trees = [self._census_tree(code) for code in range(501, 501 + self.random.randint(2, 6))]
            self.say("census.listed", "registro", {"plan": plan, "part": part, "parcel": parcel, "trees": trees})
        self.say(
            "permit.issued",
            "registro",
            {
                "number": permit,
                "title": title,
                "plan": plan,
                "holder": org,
                "harvest_from": "2026-05-01",
                "harvest_to": "2026-05-01" if self.rarely(0.1) else "2026-06-20",
                "move_to": "2026-12-31",
                "proposed_by": "u1",
                "approved_by": "u2",
                "lines": self._permit_lines(),
            },
        )

    def _census_tree(self, code: int) -> dict[str, Any]:
        dbh = self.random.randint(500, 1_200)
        return {
            "code": str(code), "species": self.random.choice(SPECIES[:3]), "dbh_mm": dbh, "height_mm": 18_000,
            "volume_dm3": census_dm3(dbh, 18_000),
            "condition": self.one("seed", "future", "protected") if self.rarely(0.3) else "harvestable",
        }  # fmt: skip

    def _permit_lines(self) -> list[dict[str, Any]]:
        wanted = {
            (parcel, species, product): self.one(1_000, 9_000) if self.rarely(0.3) else self.one(40_000, 400_000)
            for parcel in PARCELS
            for species in SPECIES[:4]
            for product in PRODUCTS[:3]
            if not self.rarely(0.3)
        }
        return [
            {"parcel": parcel, "species": species, "product": product, "volume_dm3": volume}
            | ({"trees": 3} if volume == 40_000 else {})
            for (parcel, species, product), volume in wanted.items()
        ] or [{"parcel": "PC 01", "species": SPECIES[0], "product": "roundwood", "volume_dm3": 9_000}]

    # ---- what is there

    def all(self, kind: type[Any]) -> list[Any]:
        """Every document of a class."""
        return [doc for _, doc in self.facts.items() if type(doc) is kind]

    def some(self, values: Iterable[Any], most: int = 4) -> list[Any]:
        """A few of them, in any order."""
        found = list(values)
        return self.random.sample(found, min(len(found), self.random.randint(1, most)))

    def one(self, *values: Any) -> Any:
        return self.random.choice(values)

    def rarely(self, chance: float = 0.06) -> bool:
        """What ought not to happen."""
        return self.maybe(chance * self.mess)

    def maybe(self, chance: float) -> bool:
        """What may happen or not."""
        return self.random.random() < chance

    def new_id(self) -> str:
        self.numbers += 1
        return str(uuid.UUID(int=(7 << 76) | (2 << 62) | self.numbers))

    def new_number(self, prefix: str) -> str:
        self.numbers += 1
        return f"{prefix}-{self.numbers:07}"

    def text(self) -> str:
        return str(self.random.choice(TEXTS))

    def day(self, later: int = 0) -> str:
        """The day it is, or some days later."""
        day = max(self.clock // 1440 + later, 0)
        return f"2026-{5 + day // 28:02}-{1 + day % 28:02}"

    def at(self) -> str:
        """An instant about now."""
        off = self.random.randrange(-3_000, 9_000) if self.rarely(0.2) else 1
        day, rest = divmod(max(self.clock + off, 0), 1440)
        return f"2026-{5 + day // 28:02}-{1 + day % 28:02}T{rest // 60:02}:{rest % 60:02}:00Z"

    def measures(self, species: str, large: int, small: int, length: int) -> dict[str, Any]:
        volume = mean_of_ends_dm3(large, small, length) + (self.one(-9, -1, 1, 3, 40) if self.rarely() else 0)
        return {
            "species": species, "diameter_large_mm": large, "diameter_small_mm": small, "length_mm": length,
            "volume_dm3": max(volume, 1),
        }  # fmt: skip

    def holder_of(self, item: Item) -> str:
        return self.one(*ORGS) if self.rarely(0.03) else item.holder

    def free(self, *kinds: str) -> list[Item]:
        """Pieces that have not been used up, mostly."""
        found = [item for item in self.all(Item) if item.kind in kinds]
        return [item for item in found if item.spent_by is None or self.rarely(0.03)]
