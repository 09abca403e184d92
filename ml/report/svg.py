"""Plots as inline SVG: text stays text, and colours follow the light or dark scheme of the page."""

import io
import re

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from ml.report.plots import COLOUR_VARIABLES


def to_svg(name: str, figure: Figure, alternative: str) -> Markup:
    """Render a plot as an ``<svg>`` element with an alternative text; ``name`` is unique on the page."""
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}), io.StringIO() as buffer:
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        text = buffer.getvalue()
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    used = set(re.findall(r'(?:url\(|href=")#([^")]+)', text))
    text = re.sub(r' id="([^"]+)"', lambda match: match.group() if match.group(1) in used else "", text)
    text = re.sub(r'\b(id="|url\(#|href="#)', rf"\g<1>{name}-", text)
    text = re.sub(r"font: [^;\"]*?([\d.]+px)[^;\"]*", r"font-size: \1", text)
    for colour, variable in COLOUR_VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    view_box = re.search(r'viewBox="[^"]+"', text)
    body = text[text.index(">") + 1 :]
    attributes = f'{view_box.group() if view_box else ""} role="img" aria-label="{escape(alternative)}"'
    return Markup(  # noqa: S704  generated here; the alternative text is escaped
        f'<svg {attributes} xmlns:xlink="http://www.w3.org/1999/xlink">{body}'
    )
