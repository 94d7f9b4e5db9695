"""Random stories of wood: a log in memory that grows by whatever may happen in a forest, most of it sensible.

A story is determined by its seed. What the door refuses is dropped, unless the story is told to force it: then the
log holds a record that no verifier may accept.
"""

from collections.abc import Callable
from typing import Any

from shared.lot.closure import names_of
from shared.timber import event
from shared.timber.event import Record
from shared.timber.facts import Guide, Item, Key, Lot, Permit
from tests.shared.lot.telling import COMMUNITIES, MILLS, ORGS, PARCELS, PRODUCTS, SPECIES, Telling
from tests.shared.lot.wood import ORIGIN

CERTIFICATES = ("CB-FM-COC-000001", "XC-COC-000002")
KEY_ENDS = f"+c14fbd5d+{'AQ' + 'x' * 42}"


class Story(Telling):
    """Whatever may happen in a forest, by chance."""

    def happen(self, times: int, *, force: bool = False) -> None:
        """So many things happen; with `force` the last of them enters the log whatever the door says."""
        verbs: list[Callable[[bool], Record | None]] = [
            *[self.fell] * 6,
            *[self.cut] * 8,
            self.recut,
            self.move,
            *[self.guide] * 7,
            *[self.use_guide] * 12,
            *[self.saw] * 5,
            *[self.compose] * 3,
            *[self.sell] * 2,
            self.correct,
            self.conflict,
            self.inspect,
            self.amend,
            self.change_permit,
            self.revoke_key,
            self.enrol,
            self.replace_key,
            self.list_status,
            *[self.certify] * 3,
            self.anybody,
            self.raise_finding,
            *[self.resolve] * 3,
            self.census,
            self.recover,
            self.hand_over,
            self.commit,
        ]
        for _ in range(times - 1 if force else times):
            self.random.choice(verbs)(False)
        if force:
            self.mess = 4.0
            while self.random.choice(verbs)(True) is None:
                pass

    def sold(self) -> "Story":
        """Going on until there is a lot."""
        for _ in range(60):
            if self.all(Lot):
                break
            self.happen(6)
            self.compose(False)
        return self

    def fell(self, force: bool) -> Record | None:
        permit = self.one(*self.all(Permit))
        parcel, tree = self.one(*PARCELS), str(self.random.randint(501, 507))
        item = event.tree_item(permit.plan, parcel, tree)
        listed = self.facts.get(f"tree:{item}")
        if listed is None and not self.rarely(0.2) and not force:
            return None
        species = self.one(*SPECIES) if listed is None or self.rarely() else listed.species
        large = (
            (listed.dbh_mm if listed else 800)
            + self.one(-60, -20, 0, 0)
            + (self.one(40, 150) if self.rarely(0.3) else 0)
        )
        body = {
            "item": item, "permit": permit.number, "plan": permit.plan, "parcel": parcel, "tree": tree,
            **self.measures(species, large, large - 100, self.random.randint(9_000, 17_000)),
        }  # fmt: skip
        actor = self.one(*ORGS) if self.rarely(0.03) else permit.holder
        return self.say(
            "tree.felled", actor, body | ({"observations": self.text()} if self.maybe(0.2) else {}), force=force
        )

    def cut(self, force: bool) -> Record | None:
        trees = [item for item in self.free("tree") if not item.sections or self.maybe(0.2)]
        return self._cut(self.one(*trees), force) if trees else None

    def recut(self, force: bool) -> Record | None:
        logs = self.free("log")
        return self._cut(self.one(*logs), force) if logs else None

    def _cut(self, source: Item, force: bool) -> Record | None:
        count = self.random.randint(1, 4)
        letters = "ABCDEFGH"[len(source.sections) :][:count] or "Z"
        if self.rarely(0.1):
            letters = self.one("B", "AA", "AAC", "CA")
        prefix = source.code + ("/" if source.kind == "tree" else "")
        taper = max((source.diameter_large_mm - source.diameter_small_mm) // len(letters), 1)
        done = sum(self.facts.get(f"item:{item}").length_mm for item in self._made_of(source))
        left = max(source.length_mm - done, 0)
        sections, end = [], source.diameter_large_mm
        for letter in letters:
            small = max(end - taper, 10)
            length = max(left // len(letters) - self.one(0, 100, 900) + (400 if self.rarely() else 0), 100)
            code = f"{prefix}{letter}" if not self.rarely(0.03) else f"777/{letter}"
            species = self.one(*SPECIES) if self.rarely(0.04) else source.species
            sections.append({
                "item": self.new_id() if not self.rarely(0.02) else source.id, "code": code,
                **self.measures(species, end, small, length), "branch": source.branch or self.maybe(0.08),
            })  # fmt: skip
            end = max(small + (self.one(10, 60) if self.rarely(0.1) else 0), 20)
        body = {
            "source": source.id,
            "permit": source.permit,
            "parcel": self.one(*PARCELS) if self.rarely(0.02) else source.parcel,
            "sections": sections,
        }
        return self.say("log.cut", self.holder_of(source), body, force=force)

    def _made_of(self, source: Item) -> list[str]:
        return [item.id for item in self.all(Item) if source.id in item.parents]

    def move(self, force: bool) -> Record | None:
        items = self.some(self.free("log", "tree", "product"))
        if not items:
            return None
        return self.say(
            "log.moved", self.holder_of(items[0]), {"items": [i.id for i in items], "place": self.text()}, force=force
        )

    def guide(self, force: bool) -> Record | None:
        pieces = self.free("log", "product", *(("tree",) if self.rarely() else ()))
        holders = sorted({item.holder for item in pieces})
        if not holders:
            return None
        holder = self.one(*holders)
        own = [item for item in pieces if item.holder == holder or self.rarely(0.05)]
        if not self.rarely(0.15):  # what has been on a guide goes on another more seldom than what has not
            own = [item for item in own if item.drawn_by is None] or own
        items = self.some(own, 5)
        permits = sorted({item.permit for item in items if item.permit is not None})
        permit = (
            self.one(*permits) if permits and (not self.maybe(0.1) or any(i.drawn_by is None for i in items)) else None
        )
        loaded = [
            {"item": i.id, "volume_dm3": max(i.volume_dm3 + (self.one(-90, -2, 1, 30) if self.rarely() else 0), 1)}
            for i in items
        ]
        body: dict[str, Any] = {
            "guide": self.new_number("001") if not self.rarely(0.02) else "001-0000001",
            "form": self.one("own", "official"),
            "addressee": self.one(*MILLS, "comprador-1", "comunidad-b"),
            "issued_on": self.day(),
            "expires_on": self.day(self.one(0, 9, 40)),
            "lines": self._guide_lines(items, loaded, permit),
        }
        if self.rarely():
            body["issued_on"], body["expires_on"] = body["expires_on"], body["issued_on"]
        if not self.rarely(0.3):
            body["items"] = loaded
        if permit is not None:
            body["permit"] = permit
        if permit is None and self.maybe(0.7):
            body["origin_guides"] = [self.new_number("017")]
        return self.say("guide.issued", holder, body, force=force)

    def _guide_lines(self, items: list[Item], loaded: list[dict[str, Any]], permit: str | None) -> list[dict[str, Any]]:
        sums: dict[tuple[str, str, str], int] = {}
        for item, load in zip(items, loaded, strict=True):
            group = (item.parcel or "PC 01" if permit else "", item.species, item.product)
            sums[group] = sums.get(group, 0) + load["volume_dm3"]
        wrong = self.one(lambda v: v * 3, lambda v: v + 2, lambda v: v + 600, lambda v: max(v - 500, 1))
        return [
            {"parcel": p, "species": s, "product": m, "volume_dm3": wrong(v) if self.rarely() else v}
            for (p, s, m), v in sums.items()
        ]

    def use_guide(self, force: bool) -> Record | None:
        guides = self.all(Guide)
        if not guides:
            return None
        guide: Guide = self.one(*guides[-6:])
        named = {"guide": guide.number, "form": guide.form}
        verb = self.one("departed", "departed", "checked", "received", "received", "received", "voided")
        if verb == "received" and guide.departed_at is None and not self.rarely(0.15):
            verb = "departed"
        if verb == "voided" and not self.maybe(0.2):
            return None
        actor = guide.addressee if verb == "received" else guide.issuer
        if verb == "checked":
            actor = self.one("gerfor-md", "osinfor-md", guide.issuer, guide.addressee)
        if self.rarely(0.03):
            actor = self.one(*ORGS)
        said: dict[str, Callable[[], dict[str, Any]]] = {
            "departed": lambda: {"at": self.at()},
            "checked": lambda: {"at": self.at(), "control_post": self.text()},
            "received": lambda: {
                "at": self.at(),
                "volume_dm3": max(guide.volume_dm3 + (self.one(-20, 4, 900) if self.rarely(0.3) else 0), 0),
            },
            "voided": lambda: {"reason": self.text()},
        }
        body = said[verb]()
        if verb == "received" and guide.items and self.maybe(0.2):
            listed = [*guide.items.items(), *([(self.new_id(), 5)] if self.rarely(0.2) else [])]
            body["items"] = [{"item": item, "volume_dm3": volume} for item, volume in self.some(listed, 5)]
        return self.say(f"guide.{verb}", actor, named | body, force=force)

    def saw(self, force: bool) -> Record | None:
        pieces = [i for i in self.free("log", "product") if i.holder in MILLS or self.rarely(0.1)]
        pieces = [i for i in pieces if i.guide is None or self.rarely(0.3)]
        holders = sorted({item.holder for item in pieces})
        if not holders:
            return None
        holder = self.one(*holders)
        inputs = self.some([item for item in pieces if item.holder == holder], 4)
        total = sum(item.volume_dm3 for item in inputs)
        outputs = []
        for _ in range(self.random.randint(1, 3)):
            species = self.one(*SPECIES) if self.rarely() else self.one(*inputs).species
            outputs.append({
                "item": self.new_id(), "product": self.one(*PRODUCTS, "sawn", "sawn"), "species": species,
                "volume_dm3": max(total * self.random.randint(80, 420 if self.mess else 180) // 1000, 1),
                **({"pieces": 3, "thickness_mm": 40, "width_mm": 200, "length_mm": 3_000} if self.maybe(0.3) else {}),
            })  # fmt: skip
        body: dict[str, Any] = {"inputs": [item.id for item in inputs], "outputs": outputs}
        if self.maybe(0.8):
            closing = self.one(1, total // 3) if self.rarely(0.3) else 0
            body["stock"] = [
                {
                    "species": inputs[0].species,
                    "opening_dm3": total,
                    "in_dm3": 0,
                    "consumed_dm3": total,
                    "closing_dm3": closing,
                }
            ]
        if self.maybe(0.15):
            body["study"] = "Estudio 12-2025"
        return self.say("mill.processed", holder, body, force=force)

    def compose(self, force: bool) -> Record | None:
        pieces = self.free("log", "product", *(("tree",) if self.rarely() else ()))
        holders = sorted({item.holder for item in pieces})
        if not holders:
            return None
        holder = self.one(*holders)
        open_lots = [lot.id for lot in self.all(Lot) if lot.sold_by is None or self.rarely(0.05)]
        lot = self.one(*open_lots) if open_lots and self.maybe(0.3) else self.new_number("LOTE")
        items = self.some([i for i in pieces if i.holder == holder or self.rarely(0.03)], 6)
        return self.say("lot.composed", holder, {"lot": lot, "items": [item.id for item in items]}, force=force)

    def sell(self, force: bool) -> Record | None:
        lots = [lot for lot in self.all(Lot) if lot.sold_by is None or self.rarely(0.05)]
        if not lots:
            return None
        lot = self.one(*lots)
        body = {"lot": lot.id, "buyer": self.one(*ORGS)} | ({"claim": self.text()} if self.maybe(0.3) else {})
        if self.maybe(0.5):
            body["certificate"] = self.one(*CERTIFICATES) if not self.rarely() else "CB-FM-COC-000009"
        return self.say("lot.sold", self.one(*ORGS) if self.rarely(0.03) else lot.holder, body, force=force)

    def certify(self, force: bool) -> Record | None:
        """A certification body, or somebody who is none, says something of a group."""
        number, actor = self.one(*CERTIFICATES), "certifica-1" if not self.rarely(0.1) else self.one(*ORGS)
        if f"certificate:{number}" not in self.facts or self.rarely(0.1):
            body = {
                "number": number, "code": number.replace("M-C", "M/C"), "scheme": "fsc", "scope": self.one("fm", "coc", "fm_coc"),
                "holder": self.one("comunidad-b", "aserradero-1", "comunidad-a") if not self.rarely() else self.one(*ORGS, "x1"),
                "valid_from": self.day(self.one(-3, 0, 1)), "valid_to": self.day(self.one(1, 60, 60)),
                "members": [self._member(org) for org in self.some(ORGS, 6)] if self.maybe(0.8) else [], "by": "u4",
            }  # fmt: skip
            return self.say(
                "certificate.registered", actor, body | self.one({}, {"licence": "FSC-C000001"}), force=force
            )
        said = {"number": number, "reason": self.text(), "by": "u4"}
        kind = self.one(
            "amended", "suspended", "suspended", "reinstated", "reinstated", "ended" if self.mess else "amended"
        )
        if kind == "amended":
            said |= {"members": [self._member(org) for org in self.some(ORGS, 3)]}
        elif kind != "ended" and self.maybe(0.6):
            known = self.facts.get(f"certificate:{number}")
            said["member"] = self.one(*(known.members if known is not None else ()), "comunidad-a")
        return self.say(f"certificate.{kind}", actor, said, force=force)

    def _member(self, org: str) -> dict[str, Any]:
        first = self.one(-2, 0, 2)
        return {"org": org, "from": self.day(first)} | (
            {"to": self.day(first + self.one(0, 1, 9))} if self.maybe(0.3) else {}
        )

    def correct(self, force: bool) -> Record | None:
        past = self.one(*self.records)
        sid = past.sid if not self.rarely() else "0" * 64
        body = {"amends": sid, "field": "body.volume_dm3", "was": "1", "now": "2", "reason": self.text()}
        actor = self.one(past.actor, past.actor, "registro", "comunidad-a")
        return self.say("record.corrected", actor, body, by=[self.registrar] if self.maybe(0.3) else [], force=force)

    def conflict(self, force: bool) -> Record | None:
        past = self.one(*self.records)
        subject = self.one("x", *names_of(past))
        body = {"refused": "1" * 64, "first": past.sid if not self.rarely() else "2" * 64, "subject": subject}
        return self.say("conflict.noted", "trozalog", body, by=["host"], force=force)

    def inspect(self, force: bool) -> Record | None:
        body = {
            "number": self.one("INF-1", self.new_number("INF")),
            "plan": self.one("PO-0", "PO-1"),
            "parcel": self.one(*PARCELS),
            "inspector": self.one("osinfor-md", "certifica-1", "gerfor-md", "comunidad-a"),
            "trees_sampled": 4,
            "trees_absent": self.one(0, 1, 4),
            "volume_dm3": self.one(0, 5_000, 90_000, 9_000_000),
        }
        return self.say("inspection.reported", self.one("registro", "osinfor-md"), body, force=force)

    def amend(self, force: bool) -> Record | None:
        body: dict[str, Any] = {
            "number": self.one("PER-0-2026", "PER-1-2026"),
            "lines": self._permit_lines(),
            "reason": self.text(),
            "approved_by": "u2",
        }
        if self.maybe(0.5):
            body |= {"move_to": self.one("2026-12-31", "2027-03-31", "2026-06-30"), "documents": ["cd" * 32]}
            if self.maybe(0.5):
                body |= self.one(
                    {"harvest_from": "2026-06-22", "harvest_to": "2026-06-24"},
                    {"harvest_from": "2026-06-27", "harvest_to": "2026-06-30"},
                    {"harvest_from": "2026-05-15", "harvest_to": "2026-06-30"},
                )
            if self.maybe(0.5):
                del body["lines"]
        return self.say("permit.amended", "registro", body, force=force) if self.maybe(0.4) or force else None

    def change_permit(self, force: bool) -> Record | None:
        kind = self.one("permit.suspended", "permit.reinstated", "permit.reinstated", "permit.revoked")
        body = {"number": self.one("PER-0-2026", "PER-1-2026", "PER-9"), "reason": self.text(), "by": "u2"}
        return self.say(kind, "registro", body, force=force) if self.rarely(0.5) or force else None

    def revoke_key(self, force: bool) -> Record | None:
        if not force and not self.rarely(0.2):
            return None
        found: Key = self.one(*self.all(Key))
        body: dict[str, Any] = {"kid": found.kid if not self.rarely() else "A" * 22, "reason": self.text()}
        if self.maybe(0.5):
            body["distrust_from"] = max(self.one(0, len(self.records) - self.random.randrange(-2, 40)), 0)
        if self.maybe(0.3):
            body["org"] = found.org if not self.rarely() else "otra-org"
        org = self.one(*COMMUNITIES)
        if self.maybe(0.5):
            return self.say("key.revoked", org, body, by=[f"{org} root"], force=force)
        return self.say("key.revoked", "registro", body, force=force)

    def enrol(self, force: bool) -> Record | None:
        org, name = self.one(*ORGS), self.new_number("llave")
        if self.maybe(0.5):
            return self.add_key(name, org, self.one("hosted", "device"), by=["host"], actor=org, force=force)
        by = [f"{org} root"] if org in COMMUNITIES else []
        return self.add_key(name, org, self.one("device", "root", "hosted"), by=by, actor=org, force=force)

    def replace_key(self, force: bool) -> Record | None:
        """A key names its successor, which signs from then on; seldom a registrar's."""
        name = self.new_number("llave")
        org = self.one("registro", *COMMUNITIES, "trozalog")
        old = {"registro": self.registrar, "trozalog": "host"}.get(org, f"{org} root")
        role = {"registro": "registrar", "trozalog": "host"}.get(org, "root")
        replaces = event.key_id(self._signer(old).public_key().public_bytes_raw())
        found = self.add_key(name, org, role, by=[old], actor=org, two=False, replaces=replaces, force=force)
        if found is not None and org == "registro":
            self.registrar = name
        return found

    def raise_finding(self, force: bool) -> Record | None:
        about = [name for name, _ in self.facts.items() if name.startswith(("item:", "guide:", "permit:", "plan:"))]
        if not about or not (self.maybe(0.4) or force):
            return None
        subject = self.one(*about) if not self.rarely() else "item:00000000-0000-7000-8000-000000000000"
        body = {
            "subject": subject,
            "org": self.one(*ORGS),
            "severity": self.one("S1", "S2", "S3", "S4"),
            "text": self.text(),
            "by": "u3",
        }
        return self.say(
            "finding.raised", self.one("osinfor-md", "osinfor-md", "gerfor-md", "certifica-1"), body, force=force
        )

    def resolve(self, force: bool) -> Record | None:
        rule = self.one("H01", "C07", "C08", "C10", "C13", "B01", "B02", "C17", "T02", "T04", "D05", "C01", "C02")
        past = self.one(*self.records).sid if not self.rarely() else "3" * 64
        body = {"record": past, "rule": rule, "reason": self.text(), "evidence_sha256": "ef" * 32, "by": "u3"}
        return self.say("finding.resolved", self.one("osinfor-md", "gerfor-md", "comunidad-a"), body, force=force)

    def census(self, force: bool) -> Record | None:
        """A part that comes late; the plan has room for one more."""
        body = {
            "plan": self.one("PO-0", "PO-1", "PO-9"),
            "part": self.one(0, 1, 3, 3, 4),
            "parcel": self.one(*PARCELS),
            "trees": [self._census_tree(507)],
        }
        return self.say("census.listed", "registro", body, force=force) if self.rarely(0.3) or force else None

    def recover(self, force: bool) -> Record | None:
        body = {"from_size": self.one(0, 5, 9), "to_size": 9, "root": "0a" * 32, "reason": self.text()}
        by = self.one(["host"], ["host"], [self.registrar])
        return self.say("log.recovered", "trozalog", body, by=by, force=force) if self.maybe(0.3) or force else None

    def hand_over(self, force: bool) -> Record | None:
        """The log of the year before ends and goes on as this one; when forced, something at the seam may be otherwise."""
        if any(record.type == "log.closed" for record in self.records) or not (force or self.maybe(0.3)):
            return None
        wrong = self.random.randrange(9) if force else 9
        next_ = "log.example/x/2027" if wrong == 0 else ORIGIN
        body = {"next": next_, "vkey": ("other.example/x" if wrong == 1 else next_) + KEY_ENDS}
        end = self.say("log.closed", "trozalog", body, by=["host"], force=force)
        if end is None or wrong == 2:
            return end
        before = {3: next_, 4: "log.example/x"}.get(wrong, "log.example/x/2025")
        here = len(self.records) + (wrong == 5)
        body = {"before": before, "size": here, "root": "0a" * 32, "checkpoint_sha256": "0b" * 32}
        prev = None if wrong == 6 else [end.sid]
        return self.say("log.continued", "trozalog", body, by=["host"], prev=prev, force=force)

    def commit(self, force: bool) -> Record | None:
        """A contract or a settlement by its hash: anybody may say it, and no verdict rests on it; or a census, which the
        registrar says."""
        if self.rarely(0.3):
            roots = {"root": "ab" * 32, "listing_root": self.one("cd" * 32, "cd" * 32, "cd" * 31)}
            said = {"plan": self.one("PO-0", "PO-9"), **roots, "trees": self.one(0, 1, 3), "harvestable_dm3": 5_881}
            return self.say(
                "census.committed", self.one("registro", *ORGS), said, by=self.one([], [self.registrar]), force=force
            )
        kind = self.one("contract.committed", "settlement.sealed")
        body = {"commitment": self.one("ab" * 32, "ab" * 32, "AB" * 32)}
        by: list[str] = self.one([], [], [self.registrar], ["host"])
        return self.say(kind, self.one(*ORGS), body, by=by, force=force) if self.rarely(0.3) or force else None

    def list_status(self, force: bool) -> Record | None:
        body = {"as_of": self.at()[:10], "permits": 2, "suspended": ["PER-0-2026"][: self.one(0, 1)], "revoked": []}
        return self.say("status.listed", "registro", body, force=force)

    def anybody(self, force: bool) -> Record | None:
        """Signed by somebody else, by two, or by a key nobody registered."""
        items = self.free("log")
        if not items:
            return None
        by = self.one(
            ["aserradero-1"],
            ["comunidad-a", "aserradero-1"],
            ["aserradero-1", "comunidad-a"],
            ["nadie"],
            [self.registrar],
        )
        body = {"items": [items[0].id], "place": "Patio 1"}
        return self.say("log.moved", items[0].holder, body, by=by, force=force)
