"""An invented forest for measuring and for crash tests: papers signed by the instance's registrar, and records of
fellings and cross-cuttings signed beforehand with device keys. Seeded: the same number gives the same forest.
"""

import math
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.timber.bodies import possession
from shared.timber.event import key_id, make_statement, parse_entry, sid_of, sign, sign_all, tree_item
from shared.timber.measure import census_dm3, mean_of_ends_dm3
from shared.tlog import merkle
from shared.tlog.encoding import from_base64url, to_base64url

Json = dict[str, Any]

SPECIES = (
    "Brosimum guianense", "Ceiba pentandra", "Clarisia racemosa", "Hura crepitans", "Hymenaea oblongifolia",
    "Simira rubescens", "Copaifera reticulata", "Apuleia leiocarpa", "Manilkara bidentata", "Myroxylon balsamum",
)  # fmt: skip
PARCEL = "PC 01"
SIGNED_AT, FELLED_AT = "2026-01-02T12:00:00Z", "2026-03-02T12:00:00Z"
CUT_AT, SENT_AT = "2026-03-09T12:00:00Z", "2026-03-10T12:00:00Z"
CENSUS_PART = 100
TREES_A_TRUCK = 8  # some twelve logs of 3 m3
TWO_LOGS_OF_100 = 45  # 1.45 logs a tree in the one real title whose counts are known
LINE_DM3 = 900_000_000


@dataclass(frozen=True)
class Tree:
    """One invented tree of the census."""

    code: str
    species: str
    dbh_mm: int
    height_mm: int

    @property
    def listed(self) -> Json:
        """As the census lists it."""
        return {
            "code": self.code, "species": self.species, "dbh_mm": self.dbh_mm, "height_mm": self.height_mm,
            "volume_dm3": census_dm3(self.dbh_mm, self.height_mm), "condition": "harvestable",
        }  # fmt: skip


@dataclass
class Forest:
    """A community, its devices and one plan of `size` trees. `name` keeps several apart on one instance."""

    name: str
    size: int
    seed: int = 1
    devices: int = 4
    keys: list[Ed25519PrivateKey] = field(init=False)
    _felled: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.org = f"bench-{self.name}"
        upper = self.name.upper()
        self.title, self.plan, self.permit = f"BT-{upper}", f"BP-{upper}", f"BX-{upper}"
        self._random = random.Random(f"{self.name}/{self.seed}")  # noqa: S311  (a forest, not a secret)
        self.keys = [Ed25519PrivateKey.from_private_bytes(self._random.randbytes(32)) for _ in range(self.devices)]
        self.trees = [self._tree(number) for number in range(1, self.size + 1)]

    def _tree(self, number: int) -> Tree:
        pick = self._random
        return Tree(
            str(number),
            pick.choice(SPECIES),
            10 * min(160, 41 + int(pick.expovariate(1 / 22))),
            100 * pick.randint(90, 240),
        )

    # --- papers

    def papers(self, registrar: "Registrar") -> Iterator[bytes]:
        """Entries that make the forest known to the log, in the order they must stand in."""
        yield registrar.entry("organisation.registered", {"id": self.org, "name": self.org, "kind": "community"})
        for key in self.keys:
            public = key.public_key().public_bytes_raw()
            body = {
                "kid": key_id(public),
                "org": self.org,
                "public_key": to_base64url(public),
                "alg": "ed25519",
                "role": "device",
            }
            body |= {"proof": to_base64url(key.sign(possession(body))), "proposed_by": "u-one", "approved_by": "u-two"}
            yield registrar.entry("key.added", body)
        yield registrar.entry(
            "title.registered",
            {
                "number": self.title,
                "org": self.org,
                "region": "madre-de-dios",
                "area_m2": 10_000_000,
                "polygon_sha256": "0" * 64,
            },
        )
        yield registrar.entry("plan.approved", self._plan())
        for part, at in enumerate(range(0, self.size, CENSUS_PART), 1):
            trees = [tree.listed for tree in self.trees[at : at + CENSUS_PART]]
            yield registrar.entry("census.listed", {"plan": self.plan, "part": part, "parcel": PARCEL, "trees": trees})
        yield registrar.entry("permit.issued", self._permit())

    def _plan(self) -> Json:
        return {
            "id": self.plan, "title": self.title, "number": "PO-1", "season": "2026", "resolution": "R-1",
            "parcels": [{"code": PARCEL, "area_m2": 10_000_000}], "form_factor_milli": 650,
            "harvest_from": "2026-01-01", "harvest_to": "2026-12-31",
            "census": {"trees": self.size, "parts": -(-self.size // CENSUS_PART), "root": merkle.EMPTY_ROOT.hex()},
            "submitted_by": "u-one", "approved_by": "u-two",
        }  # fmt: skip

    def _permit(self) -> Json:
        lines = [
            {"parcel": PARCEL, "species": name, "product": "roundwood", "volume_dm3": LINE_DM3}
            for name in sorted(SPECIES)
        ]
        return {
            "number": self.permit, "title": self.title, "plan": self.plan, "holder": self.org, "harvest_from": "2026-01-01",
            "harvest_to": "2026-12-31", "move_to": "2027-12-31", "lines": lines, "proposed_by": "u-one", "approved_by": "u-two",
        }  # fmt: skip

    # --- records

    def upload(self, size: int) -> bytes:
        """One NDJSON body of exactly `size` records that builds on nothing but papers and itself.

        Eight trees are felled and cross-cut, a guide of the paper book takes their logs; then the next eight.
        """
        records: list[bytes] = []
        while size - len(records) > 2 * TREES_A_TRUCK:
            records += self._truck()
        while size - len(records) > 1:
            records += self._tree_down(self._next())[:2]
        if len(records) < size:
            records.append(self._tree_down(self._next())[0])
        return b"\n".join(records) + b"\n"

    def signed_once(self, size: int) -> bytes:
        """The same as an upload that one phone signs once."""
        entries = self.upload(size).splitlines()
        return sign_all([parse_entry(entry).statement for entry in entries], self._phone()) + b"\n"

    def singles(self, count: int) -> list[bytes]:
        """Records to be sent one by one in this order: first all fellings, then the cross-cuttings of the same trees."""
        pairs = [self._tree_down(self._next())[:2] for _ in range(-(-count // 2))]
        return [*(felled for felled, _ in pairs), *(cut for _, cut in pairs)][:count]

    def one_down(self) -> tuple[Tree, bytes, bytes, list[Json]]:
        """The next tree, the entries of its felling and of its cross-cutting, and its logs."""
        tree = self._next()
        return tree, *self._tree_down(tree)

    def _next(self) -> Tree:
        tree = self.trees[self._felled]
        self._felled += 1
        return tree

    def _truck(self) -> list[bytes]:
        down = [self._tree_down(self._next()) for _ in range(TREES_A_TRUCK)]
        logs = [log for _, _, sections in down for log in sections]
        amounts: dict[str, int] = {}
        for log in logs:
            amounts[log["species"]] = amounts.get(log["species"], 0) + log["volume_dm3"]
        body = {
            "guide": f"G-{self.name.upper()}-{self._felled}", "form": "official", "permit": self.permit,
            "addressee": self.org, "issued_on": SENT_AT[:10], "expires_on": "2026-03-17",
            "lines": [
                {"parcel": PARCEL, "species": name, "product": "roundwood", "volume_dm3": dm3}
                for name, dm3 in sorted(amounts.items())
            ],
            "items": [{"item": log["item"], "volume_dm3": log["volume_dm3"]} for log in logs],
        }  # fmt: skip
        guide = sign(make_statement("guide.issued", self.org, SENT_AT, body), self._phone())
        return [*(entry for felled, cut, _ in down for entry in (felled, cut)), guide]

    def _phone(self) -> Ed25519PrivateKey:
        return self.keys[self._felled % len(self.keys)]

    def _tree_down(self, tree: Tree) -> tuple[bytes, bytes, list[Json]]:
        """The entries of a felling and of its cross-cutting, and the logs."""
        item = tree_item(self.plan, PARCEL, tree.code)
        large, length = tree.dbh_mm - 20, tree.height_mm * 7 // 10
        small = large * 9 // 10
        body = {
            "item": item, "permit": self.permit, "plan": self.plan, "parcel": PARCEL, "tree": tree.code,
            **_measured(tree.species, large, small, length),
        }  # fmt: skip
        felled = make_statement("tree.felled", self.org, FELLED_AT, body)
        sections = self._logs(tree, large, small, length)
        body = {"source": item, "permit": self.permit, "parcel": PARCEL, "sections": sections}
        cut = make_statement("log.cut", self.org, CUT_AT, body, [sid_of(felled)])
        return sign(felled, self._phone()), sign(cut, self._phone()), sections

    def _logs(self, tree: Tree, large: int, small: int, length: int) -> list[Json]:
        middle = (large + small) // 2
        parts = [(large, small, length)]
        if self._random.randrange(100) < TWO_LOGS_OF_100:
            parts = [(large, middle, length // 2), (middle, small, length // 2)]
        return [
            {
                "item": str(uuid.UUID(bytes=self._random.randbytes(16), version=4)), "code": f"{tree.code}/{letter}",
                "branch": False, **_measured(tree.species, *part),
            }
            for letter, part in zip("AB", parts, strict=False)
        ]  # fmt: skip


def _measured(species: str, large: int, small: int, length: int) -> Json:
    large, small, length = (10 * math.floor(value / 10) for value in (large, small, length))
    return {
        "species": species, "diameter_large_mm": large, "diameter_small_mm": small, "length_mm": length,
        "volume_dm3": mean_of_ends_dm3(large, small, length),
    }  # fmt: skip


@dataclass(frozen=True)
class Registrar:
    """The registrar's own key, as the operator of an instance has it in its keys folder."""

    key: Ed25519PrivateKey
    org: str

    @classmethod
    def of(cls, keys: Path, org: str = "registro") -> "Registrar":
        """Read from the instance's keys."""
        [text, *_] = (keys / "registrar.key").read_text().split()
        return cls(Ed25519PrivateKey.from_private_bytes(from_base64url(text, "registrar.key", 32)), org)

    def entry(self, kind: str, body: Json) -> bytes:
        """A signed entry of an authority type. The same body gives the same entry."""
        return sign(make_statement(kind, self.org, SIGNED_AT, body), self.key)
