"""Report page: valid, with unique ids, and self-contained."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import matplotlib.pyplot as plt

from ml.report.captions import captions
from ml.report.card import card
from ml.report.findings import Findings
from ml.report.formatting import number
from ml.report.page import page
from ml.report.plots import plots


class Outline(HTMLParser):
    """Ids, addresses, tags and plots of a page."""

    VOID = frozenset({"meta", "path", "line", "circle", "rect", "use", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.plots_found: list[dict[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.addresses += [value for name, value in attrs if name in ("src", "href", "xlink:href") and value]
        if tag == "svg" and "viewbox" in named:
            self.plots_found.append(named)


def test_every_plot_has_labelled_axes(findings: Findings) -> None:
    drawn = plots(findings)

    assert {"roc.png", "precision_recall.png", "calibration.png", "decision_curve.png"} <= set(drawn)
    for figure in drawn.values():
        assert all(axes.get_ylabel() for axes in figure.axes)
        assert figure.axes[-1].get_xlabel()
    assert plt.get_fignums() == []


def test_the_page_loads_nothing_and_is_small(html: str) -> None:
    outline = Outline(html)

    assert all(address.startswith("#") for address in outline.addresses)
    assert not {"script", "link", "img", "iframe"} & set(outline.tags)
    assert not re.search(r"url\((?!#)|@import", html)
    assert len(html.encode()) < 1_000_000


def test_ids_are_unique_and_links_have_targets(html: str) -> None:
    outline = Outline(html)

    assert len(outline.ids) == len(set(outline.ids))
    assert {address.removeprefix("#") for address in outline.addresses} <= set(outline.ids)


def test_every_plot_is_valid_svg_with_an_alternative_text(html: str, findings: Findings) -> None:
    plots_found = re.findall(r"<svg viewBox.*?</svg>", html, flags=re.DOTALL)

    assert len(plots_found) == len(plots(findings)) == len(Outline(html).plots_found)
    for svg in plots_found:
        element = ET.fromstring(svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))  # noqa: S314
        assert element.get("role") == "img"
        assert element.get("aria-label") in captions(findings).values()


def test_all_colours_of_plots_follow_the_colour_scheme(html: str) -> None:
    body = html[html.index("<main>") :]

    assert re.findall(r"(?:fill|stroke): (#\w+)", body) == []


def test_the_page_shows_the_findings(html: str, findings: Findings) -> None:
    assert number(findings.metrics["auroc"]["value"]) in html
    assert number(findings.ece_floor) in html
    assert "Logistic regression, version 7" in html
    assert all(row.level.replace("'", "&#39;") in html for row in findings.subgroups)


def test_page_and_card_are_deterministic(findings: Findings, html: str) -> None:
    assert page(findings, "7") == html
    assert card(findings, "7") == card(findings, "7")


def test_markup_in_values_is_escaped(findings: Findings) -> None:
    unsafe = replace(findings, provenance=replace(findings.provenance, parameters={"C": "<script>alert(1)</script>"}))

    assert "<script>" not in page(unsafe)
