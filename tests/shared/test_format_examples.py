"""docs/format.md cannot drift: every computed block in it is computed here again.

After a deliberate change of the format, `python tests/shared/test_format_examples.py` writes the blocks anew.
"""

import hashlib
import re
import textwrap
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.timber import bodies, disclosure, event, fields, lottery, upload
from shared.timber.commitment import commitment_of
from shared.timber.norms.private import load_private
from shared.tlog import canon, merkle, note
from shared.tlog.checkpoint import Checkpoint
from shared.tlog.encoding import to_base64url
from shared.tlog.note import COSIGNATURE, Signer
from shared.tlog.witness import Request, cosign, examine

PAGE = Path(__file__).parents[2] / "docs" / "format.md"
SEED = bytes(range(32))
ORIGIN = "trozalog.example/madre-de-dios/2026"
BLOCK = re.compile(r"<!-- (example|type|private|values): ([a-z._-]+) -->\n```\n(.*?)```\n", re.DOTALL)


def example_key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(SEED)


def a_statement() -> bytes:
    item = event.tree_item("PO-17", "PC 01", "501")
    return event.make_statement(
        "tree.felled", "comunidad-a", "2026-07-14T15:04:05Z",
        {
            "item": item, "permit": "PER-17-2026", "plan": "PO-17", "parcel": "PC 01", "tree": "501",
            "species": "Cedrelinga cateniformis", "diameter_large_mm": 860, "diameter_small_mm": 760,
            "length_mm": 10_550, "volume_dm3": 5_436, "observations": "Copa sana, sin huecos",
        },
    )  # fmt: skip


def a_draw() -> tuple[str, str, str]:
    """The document, the seed and the first ticket of a draw over two trees."""
    trees = [
        lottery.Tree("PC 01", code, "Brosimum guianense", 800, 18_000, 5_881, "harvestable") for code in ("501", "1170")
    ]
    fixed = ("PO-17", "0" * 64, lottery.listing_root(trees), lottery.Source(ORIGIN, 100, "ab" * 32, None))
    seed = lottery.seed_of(*fixed)
    return lottery.seed_document(*fixed).decode(), seed, lottery.ticket_of(seed, "PC 01", "501")


def signed_together(statement: bytes) -> tuple[str, str]:
    """The first line of an upload signed once, and the beginning of its first entry."""
    nonce = re.compile(rb'"nonce":"[^"]+"')
    statements = [statement, nonce.sub(b'"nonce":"' + b"A" * 22 + b'"', statement)]
    first, *lines = event.sign_all(statements, example_key()).split(b"\n")
    header = upload.read_header([first, *lines])
    together = upload.Together([event.sid_of(one) for one in lines])
    return first.decode(), together.entry_head(0, header.kid, header.signature).decode()


def examples() -> dict[str, str]:
    """Every computed example of the page, by name."""
    statement = a_statement()
    entry = event.sign(statement, example_key())
    log = Signer(ORIGIN, example_key())
    leaves = [merkle.leaf_hash(bytes([i])) for i in range(7)]
    multiproof = merkle.multiproof([1, 4, 5], 7, lambda lv, i: merkle.root_of(leaves[i << lv : (i + 1) << lv]))
    checkpoint = note.sign(Checkpoint(ORIGIN, 1, merkle.leaf_hash(entry)).text(), [log])
    witness = Signer("witness.example/w1", Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64))), COSIGNATURE)
    asked = Request(0, (), checkpoint)
    offer = examine(asked, [log.verifier], witness.verifier)
    shown = disclosure.make(bytes(range(16)), "driver", "Persona Uno")
    public = to_base64url(example_key().public_key().public_bytes_raw())
    possession = bodies.possession({"org": "comunidad-a", "role": "device", "public_key": public, "alg": "ed25519"})
    return {
        "statement": statement.decode(),
        "sid": event.sid_of(statement),
        "entry": entry.decode(),
        "together": "\n".join(signed_together(statement)),
        "possession": possession.decode(),
        "proof": to_base64url(example_key().sign(possession)),
        "leaf": merkle.leaf_hash(entry).hex(),
        "tree-item": f"plan PO-17, parcel PC 01, code 501: {event.tree_item('PO-17', 'PC 01', '501')}",
        "vkey": log.verifier.vkey,
        "checkpoint": checkpoint.decode().rstrip("\n"),
        "policy": f"log {log.verifier.vkey}\nquorum none",
        "witness-vkey": witness.verifier.vkey,
        "add-checkpoint": asked.encode().decode().rstrip("\n"),
        "cosignature": cosign(offer, witness, 1_800_000_000).rstrip("\n"),
        "multiproof": "\n".join(h.hex() for h in [*multiproof, merkle.root_of(leaves)]),
        "disclosure": f"{shown.text}\n{shown.digest}",
        "draw": "\n".join(a_draw()),
        "commitment": commitment_of(bytes(range(32)), b'{"precio":"330.00"}'),
    }


# ---- the shape of each body, read out of the checks themselves


def inside(check: Callable[..., Any]) -> dict[str, Any]:
    """The variables a check closed over."""
    names = getattr(getattr(check, "__code__", None), "co_freevars", ())
    return dict(zip(names, (cell.cell_contents for cell in check.__closure__ or ()), strict=True)) if names else {}


def shape(check: Callable[..., Any]) -> str:
    """`{field, optional?, list[...]}` as the page writes it; nothing for a plain value."""
    held = inside(check)
    if "find" in held:
        names = [
            name + ("" if name in held["needed"] else "?") + shape(kind) for name, kind in held["find"].__self__.items()
        ]
        return "{" + ", ".join(names) + "}"
    return f"[{shape(held['each'])}]" if "each" in held else ""


def types() -> dict[str, str]:
    """The fields of every type, one line each field list."""
    return {name: shape(check).removeprefix("{").removesuffix("}") for name, check in event.BODIES.items()}


def values() -> str:
    """What every field may hold: each kind of value with the fields that hold it, type by type."""
    found: dict[str, dict[str, list[str]]] = {}
    for name, check in {"statement": event._check_statement, **event.BODIES}.items():
        for path, what in leaves(check):
            found.setdefault(what, {}).setdefault(name, []).append(path)
    lines = []
    for what, places in sorted(found.items()):
        told = "; ".join(f"{name} {' '.join(paths)}" for name, paths in places.items())
        lines += [
            what,
            *textwrap.wrap(told, 118, initial_indent="    ", subsequent_indent="    ", break_on_hyphens=False),
        ]
    return "\n".join(lines)


def leaves(check: Callable[..., Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Every field with what it says when it refuses a value."""
    held = inside(check)
    if "find" in held:
        for name, kind in held["find"].__self__.items():
            yield from leaves(kind, f"{path}.{name}".removeprefix("."))
    elif "each" in held:
        yield path, f"list of {held['low']} to {held['high']}" + (", rising" if held["ordered"] else "")
        yield from leaves(held["each"], f"{path}[]")
    elif (fault := check(None)) is not None:
        yield path, fault.reason.removeprefix("must be ")


def held(value: dict[str, Any]) -> str:
    """What a private field holds, in words."""
    match value:
        case {"text": most}:
            return f"text of 1 to {most} characters"
        case {"whole": [low, high]}:
            return f"integer, {low} to {high}"
        case {"words": words}:
            return " ".join(words)
    return str(value["pattern"])


def private_fields() -> str:
    """Every private field of this version, a line each."""
    return "\n".join(
        f"{field.name} ({field.kind}; {held(field.value)}): {' '.join(field.types)}" for field in load_private().fields
    )


def computed() -> dict[tuple[str, str], str]:
    blocks = {("example", name): text for name, text in examples().items()}
    blocks |= {("type", name): text for name, text in types().items()}
    blocks["private", "fields"] = private_fields()
    blocks["values", "all"] = values()
    return blocks


# ---- tests


def written() -> dict[tuple[str, str], str]:
    return {(kind, name): text.rstrip("\n") for kind, name, text in BLOCK.findall(PAGE.read_text("utf-8"))}


@pytest.mark.parametrize(("kind", "name"), sorted(computed()))
def test_a_computed_block_of_the_page_is_what_the_code_makes(kind: str, name: str) -> None:
    assert written().get((kind, name)) == computed()[kind, name]


def test_the_page_has_no_block_that_is_not_computed() -> None:
    assert written().keys() == computed().keys()


def test_every_identifier_pattern_stands_on_the_page() -> None:
    page = PAGE.read_text("utf-8")
    patterns = {
        name: held["match"].__self__.pattern
        for name, check in vars(fields).items()
        if callable(check) and "match" in (held := inside(check))
    }
    assert len(patterns) > 10
    assert [name for name, pattern in patterns.items() if f"`{pattern}`" not in page] == []


def test_every_word_of_a_closed_list_stands_on_the_page() -> None:
    page = PAGE.read_text("utf-8")
    words = (
        *bodies.ORG_KINDS,
        *bodies.KEY_ROLES,
        *bodies.CONDITIONS,
        *bodies.FORMS,
        *fields.PRODUCTS,
        *bodies.SCHEMES,
        *bodies.SCOPES,
    )
    assert [word for word in words if f"`{word}`" not in page] == []


def test_the_limits_on_the_page_are_those_of_the_code() -> None:
    assert (event.MAX_STATEMENT, event.MAX_ENTRY, event.MAX_SIGNATURES, event.MAX_DEPTH) == (16_384, 60_000, 8, 8)
    assert event.DOMAIN == b"trozalog/v1/statement\n"
    assert canon.MAX_INTEGER == 2**53 - 1


def test_the_example_can_be_checked_with_nothing_but_the_page() -> None:
    entry = examples()["entry"].encode()
    statement = entry[entry.index(b'],"stmt":') + 9 : -1]
    assert statement.decode() == examples()["statement"]
    assert hashlib.sha256(b"trozalog/v1/statement\n" + statement).hexdigest() == examples()["sid"]
    assert hashlib.sha256(b"\0" + entry).hexdigest() == examples()["leaf"]
    trees = uuid.uuid5(uuid.NAMESPACE_URL, "trozalog:tree")
    assert examples()["tree-item"].endswith(str(uuid.uuid5(trees, "PO-17\nPC 01\n501")))


def write() -> None:
    """Put the computed blocks into the page."""
    blocks = computed()

    def block(match: re.Match[str]) -> str:
        kind, name = match[1], match[2]
        return f"<!-- {kind}: {name} -->\n```\n{blocks[kind, name]}\n```\n"

    PAGE.write_text(BLOCK.sub(block, PAGE.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    write()
