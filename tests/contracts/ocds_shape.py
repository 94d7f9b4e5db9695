"""The part of the OCDS 1.1.5 release schema that our export uses: required fields, types, closed codelists.

Written by hand from https://standard.open-contracting.org/1.1/en/schema/release/ ; a field that it does not know is wrong.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

Check = Callable[[Any, str], list[str]]
TAGS = {
    "planning", "planningUpdate", "tender", "tenderAmendment", "tenderUpdate", "tenderCancellation", "award",
    "awardUpdate", "awardCancellation", "contract", "contractUpdate", "contractAmendment", "implementation",
    "implementationUpdate", "contractTermination", "compiled",
}  # fmt: skip
ROLES = {
    "buyer", "procuringEntity", "supplier", "tenderer", "funder", "enquirer", "payer", "payee", "reviewBody",
    "interestedParty",
}  # fmt: skip


def text(value: Any, where: str) -> list[str]:
    return [] if isinstance(value, str) and value else [f"{where}: no text"]


def number(value: Any, where: str) -> list[str]:
    return [] if isinstance(value, int | float) and not isinstance(value, bool) else [f"{where}: no number"]


def moment(value: Any, where: str) -> list[str]:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d-05:00", value):
        datetime.fromisoformat(value)
        return []
    return [f"{where}: no date-time"]


def one_of(*words: str) -> Check:
    return lambda value, where: [] if value in words else [f"{where}: {value!r} is not in the codelist"]


def many(each: Check, least: int = 0, key: str | None = None) -> Check:
    def check(value: Any, where: str) -> list[str]:
        if not isinstance(value, list) or len(value) < least:
            return [f"{where}: no list of {least} or more"]
        wrong = [fault for at, one in enumerate(value) for fault in each(one, f"{where}[{at}]")]
        if key is not None and len({one.get(key) for one in value}) != len(value):
            wrong.append(f"{where}: two have one {key}")
        return wrong

    return check


def thing(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    known = required | (optional or {})

    def check(value: Any, where: str) -> list[str]:
        if not isinstance(value, dict):
            return [f"{where}: no object"]
        wrong = [f"{where}.{name}: missing" for name in required if name not in value]
        wrong += [f"{where}.{name}: not a field of OCDS" for name in value if name not in known]
        return wrong + [
            fault for name, kind in known.items() if name in value for fault in kind(value[name], f"{where}.{name}")
        ]

    return check


VALUE = thing({"amount": number, "currency": one_of("PEN", "USD")})
REFERENCE = thing({"id": text, "name": text})
CLASSIFICATION = thing({"scheme": text, "id": text, "description": text})
ITEM = thing(
    {"id": text, "description": text},
    {
        "classification": CLASSIFICATION, "additionalClassifications": many(CLASSIFICATION), "quantity": number,
        "unit": thing({"name": text}, {"value": VALUE}),
    },
)  # fmt: skip
DOCUMENT = thing(
    {"id": text}, {"documentType": text, "title": text, "datePublished": moment, "format": text, "language": text}
)
MILESTONE = thing(
    {"id": text},
    {
        "title": text, "type": text, "description": text, "dueDate": moment, "dateMet": moment,
        "status": one_of("scheduled", "met", "notMet", "partiallyMet"),
    },
)  # fmt: skip
TRANSACTION = thing(
    {"id": text}, {"source": text, "date": moment, "value": VALUE, "payer": REFERENCE, "payee": REFERENCE}
)
AMENDMENT = thing(
    {}, {"id": text, "date": moment, "rationale": text, "description": text, "amendsReleaseID": text, "releaseID": text}
)
CONTRACT = thing(
    {"id": text, "awardID": text},
    {
        "title": text, "status": one_of("pending", "active", "cancelled", "terminated"),
        "period": thing({"startDate": moment, "endDate": moment}), "dateSigned": moment, "value": VALUE,
        "items": many(ITEM, 1, "id"), "documents": many(DOCUMENT, 0, "id"), "amendments": many(AMENDMENT, 0, "id"),
        "milestones": many(MILESTONE, 0, "id"),
        "implementation": thing(
            {}, {"transactions": many(TRANSACTION, 0, "id"), "milestones": many(MILESTONE, 0, "id")}
        ),
    },
)  # fmt: skip
RELEASE = thing(
    {"ocid": text, "id": text, "date": moment, "tag": many(one_of(*TAGS), 1), "initiationType": one_of("tender")},
    {
        "language": text, "buyer": REFERENCE,
        "parties": many(
            thing(
                {"id": text, "name": text, "roles": many(one_of(*ROLES), 1)},
                {"identifier": thing({"scheme": text, "id": text})},
            ), 0, "id",
        ),
        "awards": many(
            thing(
                {"id": text},
                {
                    "title": text, "status": one_of("pending", "active", "cancelled", "unsuccessful"), "date": moment,
                    "value": VALUE, "suppliers": many(REFERENCE),
                },
            ), 0, "id",
        ),
        "contracts": many(CONTRACT, 0, "id"),
    },
)  # fmt: skip


def faults(release: Any) -> list[str]:
    """What is wrong with a release; nothing when all is well. References to parties and awards must lead somewhere."""
    wrong = RELEASE(release, "release")
    if wrong:
        return wrong
    known = {one["id"] for one in release["parties"]}
    awards = {one["id"] for one in release["awards"]}
    wrong += [f"award {one['awardID']} is missing" for one in release["contracts"] if one["awardID"] not in awards]
    named = [release["buyer"], *(supplier for one in release["awards"] for supplier in one["suppliers"])]
    for contract in release["contracts"]:
        for row in contract["implementation"]["transactions"]:
            named += [row["payer"], row["payee"]]
    return wrong + [f"party {one['id']} is missing" for one in named if one["id"] not in known]
