"""SVG as text. Colours and strokes are attributes, so that a drawing also stands alone; pages change them by class."""

from collections.abc import Iterable
from html import escape

# Of each tone: paper behind the words, and line. Dark letters on the paper reach 4.5 : 1, the line 3 : 1 against white.
TONES = {
    "tree": ("#e3f1e4", "#2c6e3f"),
    "log": ("#f4e6d6", "#8a5a2b"),
    "mill": ("#e4e8f3", "#44598f"),
    "product": ("#fbf3cf", "#86690a"),
    "lot": ("#efe3f1", "#76407f"),
}
INK, SOFT, LINE = "#1d1a16", "#5d554b", "#8d8374"


def tag(name: str, content: str = "", **attributes: str | float | None) -> str:
    """One element. A trailing underscore of a name falls away and others become hyphens; None leaves an attribute out.
    Values are escaped, the content is taken as it is."""
    told = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(number(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return f"<{name}{told}>{content}</{name}>" if content else f"<{name}{told}/>"


def text(words: str, **attributes: str | float | None) -> str:
    """A line of words, escaped."""
    return tag("text", escape(words), **attributes)


def number(value: str | float) -> str:
    """A coordinate with at most one decimal, so that the same drawing has the same bytes on every machine."""
    if isinstance(value, str):
        return value
    told = f"{value:.1f}".removesuffix(".0")
    return "0" if told == "-0" else told


def whole(width: float, height: float, title: str, about: str, parts: Iterable[str], name: str) -> str:
    """The drawing with its title and description, as one picture for who cannot see it."""
    head = tag("title", escape(title), id=f"{name}-t") + tag("desc", escape(about), id=f"{name}-d")
    return tag(
        "svg", head + "".join(parts), xmlns="http://www.w3.org/2000/svg", class_=f"drawing {name}",
        viewBox=f"0 0 {number(width)} {number(height)}", width=width, height=height, role="img",
        aria_labelledby=f"{name}-t {name}-d", font_family="system-ui, sans-serif",
    )  # fmt: skip
