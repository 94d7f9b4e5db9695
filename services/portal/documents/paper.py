"""From data to a PDF: templates of typst that read their data as JSON, codes for a telephone.

The files are of the kind made for archives (PDF/A-2a) and for reading aloud (PDF/UA-1): fonts and all inside.
The same data give the same bytes: no clock, no font of the machine, no text put into the source of a template.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import segno

FOLDER = Path(__file__).parent


def typeset(template: str, data: Mapping[str, Any], made_at: datetime) -> bytes:
    """The PDF of a template of this folder with this data; `made_at` is the moment the file bears. Takes some 50 ms of a
    processor: call it off the loop."""
    import typst  # 80 MB on disk and slow to load: only for whoever prints

    return bytes(
        typst.compile(
            FOLDER / template, root=FOLDER, format="pdf", ignore_system_fonts=True,
            sys_inputs={"data": json.dumps(data, ensure_ascii=False)}, pdf_standards=["a-2a", "ua-1"], timestamp=made_at,
        )
    )  # fmt: skip


def code_for(address: str) -> str:
    """The QR code of an address, as SVG with its quiet zone; a quarter of it may be spoilt."""
    drawn = BytesIO()
    segno.make(address, error="q", micro=False).save(drawn, kind="svg", border=4, xmldecl=False, svgns=True)
    return drawn.getvalue().decode()
