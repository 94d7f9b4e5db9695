"""Private fields of a statement that custody signs for a member: made into disclosures before it is signed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from services.custody.private.disclosures import ToKeep
from services.custody.private.vault import DataKey
from services.custody.schemas import StatementIn
from shared.refusal import Malformed
from shared.timber import disclosure
from shared.timber import fields as f
from shared.timber.disclosure import Disclosure
from shared.timber.event import MAX_DEPTH, MAX_STATEMENT
from shared.timber.norms.private import load_private
from shared.tlog import canon


@dataclass(eq=False)
class BadPerson(Malformed):
    """A person is named by a pseudonym, and for a private field that is there."""

    slug: ClassVar[str] = "bad-person"
    es: ClassVar[str] = "En persons, {where} {reason_es}."
    en: ClassVar[str] = "In persons, {where} {reason}."
    reason_es: str


@dataclass(frozen=True, slots=True)
class Hidden:
    """The private fields of one statement, each with the person it is about, and the digests that stand in it."""

    fields: tuple[tuple[Disclosure, str], ...] = ()
    sd: Sequence[str] | None = None

    def of_record(self, sid: str) -> list[ToKeep]:
        """What is to be kept once the record is in the log."""
        return [ToKeep(sid, field, person) for field, person in self.fields]


def hide(one: StatementIn, org: str, keys: Mapping[str, DataKey]) -> Hidden:
    """Disclosures and digests of the private fields of a statement. Salts follow from the data key and everything the
    statement says, so the same statement has the same digests. Refuses fields its type does not have, and values they do
    not hold."""
    check_persons(one.persons, one.private)
    if not one.private:
        return Hidden()
    table, day = load_private(), one.time[:10]
    for name, value in one.private.items():
        table.check(one.type, day, name, value)
    whole = one.model_dump(exclude_none=True) | {"actor": org, "prev": sorted(set(one.prev))}
    statement = canon.encode(whole, max_bytes=2 * MAX_STATEMENT, max_depth=MAX_DEPTH + 1)
    fields = []
    for name, value in sorted(one.private.items()):
        person = one.persons.get(name, "")
        fields.append((disclosure.make(keys[person].salt(name, statement), name, value), person))
    sd = disclosure.padded([field.digest for field, _ in fields], keys[""].decoys(statement))
    return Hidden(tuple(fields), sd)


def is_pseudonym(person: str) -> bool:
    """Whether a person may be named so in the database."""
    return f.user_id(person) is None


def check_persons(persons: Mapping[str, str], names: Mapping[str, object]) -> None:
    """Refuses a person for a field that is not among the names, and one that is not named by a pseudonym."""
    for name, person in persons.items():
        if name not in names:
            raise BadPerson("persons", "names a field that is not there", "se nombra un campo que no está")
        fault = f.user_id(person)
        if fault is not None:
            raise BadPerson(name, fault.reason, fault.reason_es)
