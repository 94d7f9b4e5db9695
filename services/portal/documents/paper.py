"""From data to a PDF: templates of typst that read their data as JSON, codes for a telephone, numbers of Peru.

The same data give the same bytes: no clock, no font of the machine, no text put into the source of a template.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import segno
from babel.numbers import format_decimal

from shared.web.language import Language

FOLDER = Path(__file__).parent
# The documents of an archive: fonts and all inside, readable aloud.
STANDARDS = ["a-2a", "ua-1"]
Say = Callable[..., str]


def typeset(template: str, data: Mapping[str, Any], made_at: datetime) -> bytes:
    """The PDF of a template of this folder with this data; `made_at` is the moment the file bears. Takes some 50 ms of a
    processor: call it off the loop."""
    import typst  # 80 MB on disk and slow to load: only for whoever prints

    return bytes(
        typst.compile(
            FOLDER / template, root=FOLDER, format="pdf", ignore_system_fonts=True,
            sys_inputs={"data": json.dumps(data, ensure_ascii=False)}, pdf_standards=STANDARDS, timestamp=made_at,
        )
    )  # fmt: skip


def code_for(address: str) -> str:
    """The QR code of an address, as SVG with its quiet zone; a quarter of it may be spoilt."""
    drawn = BytesIO()
    segno.make(address, error="q", micro=False).save(drawn, kind="svg", border=4, xmldecl=False, svgns=True)
    return drawn.getvalue().decode()


def number(value: Decimal | int, language: Language, decimals: int = 0) -> str:
    """A number as Peru writes it: ``1,234.500``."""
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    return format_decimal(value, pattern, locale="es_PE" if language == "es" else "en")


def cubic_metres(volume_dm3: int, language: Language) -> str:
    """Litres as cubic metres with three decimals, without the unit."""
    return number(Decimal(volume_dm3) / 1000, language, 3)
