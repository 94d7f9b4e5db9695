"""QR codes: an address of ours, to be scanned from a screen or from paper."""

import io

import segno

QUIET_MODULES = 4  # ISO/IEC 18004, 9.1


def qr_svg(address: str) -> str:
    """The code as SVG without colours of its own. Level M: 15 % of it may be dirty."""
    drawn = io.BytesIO()
    segno.make_qr(address, error="m").save(
        drawn, kind="svg", xmldecl=False, svgns=True, border=QUIET_MODULES, unit="", omitsize=True, dark="#000",
        light="#fff", svgclass="qr", lineclass=None,
    )  # fmt: skip
    return drawn.getvalue().decode()
