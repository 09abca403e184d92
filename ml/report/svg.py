"""Figures as SVG inside a page: text stays text, and colours follow the page's light or dark scheme."""

import io
import re
from collections.abc import Mapping
from typing import Final

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from ml.report.plots import GRID, INK, MODEL, MUTED, OTHER, THIRD

_VARIABLES: Final[Mapping[str, str]] = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--grid)",
    MODEL: "var(--model)",
    OTHER: "var(--other)",
    THIRD: "var(--third)",
}
"""Colour of a plot to the property of the page's style sheet that takes its place."""


def picture(name: str, figure: Figure, alternative: str) -> Markup:
    """A figure as an ``<svg>`` element.

    Args:
        name: unique on the page; it keeps the names inside of two pictures apart.
        figure: drawn in the colours of :mod:`ml.report.plots`.
        alternative: what a screen reader says instead of the picture.
    """
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}), io.StringIO() as buffer:
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', text))
    text = re.sub(r' id="([^"]+)"', lambda found: found.group() if found.group(1) in used else "", text)
    text = re.sub(r'\b(id="|url\(#|href="#)', rf"\g<1>{name}-", text)
    text = re.sub(r"font: [^;\"]*?([\d.]+px)[^;\"]*", r"font-size: \1", text)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, variable)
    opening = re.search(r'viewBox="[^"]+"', text)
    body = text[text.index(">") + 1 :]
    box = opening.group() if opening else ""
    label = escape(alternative)
    return Markup(  # noqa: S704  our own drawing; the only text from outside is escaped
        f'<svg {box} role="img" aria-label="{label}" xmlns:xlink="http://www.w3.org/1999/xlink">{body}'
    )
