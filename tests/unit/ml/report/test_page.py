"""The page of a report: whole, unique in its names, and independent of any server."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import matplotlib.pyplot as plt

from ml.report.captions import readings
from ml.report.card import card
from ml.report.findings import Findings
from ml.report.formatting import number
from ml.report.page import page
from ml.report.plots import plots


class Outline(HTMLParser):
    """Names, addresses and open elements of a page."""

    VOID = frozenset({"meta", "path", "line", "circle", "rect", "use", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.tags.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.addresses += [value for name, value in attrs if name in ("src", "href", "xlink:href") and value]
        if tag == "svg" and "viewbox" in named:
            self.pictures.append(named)


def test_every_figure_becomes_a_plot_with_named_axes(findings: Findings) -> None:
    drawn = plots(findings)

    assert {"roc.png", "precision_recall.png", "calibration.png", "decision_curve.png"} <= set(drawn)
    for figure in drawn.values():
        assert all(axes.get_ylabel() for axes in figure.axes)
        assert figure.axes[-1].get_xlabel()
    assert plt.get_fignums() == []


def test_the_page_asks_nothing_of_any_server_and_is_small(html: str) -> None:
    outline = Outline(html)

    assert all(address.startswith("#") for address in outline.addresses)
    assert not {"script", "link", "img", "iframe"} & set(outline.tags)
    assert not re.search(r"url\((?!#)|@import", html)
    assert len(html.encode()) < 1_000_000


def test_every_name_on_the_page_is_unique_and_every_link_leads_somewhere(html: str) -> None:
    outline = Outline(html)

    assert len(outline.ids) == len(set(outline.ids))
    assert {address.removeprefix("#") for address in outline.addresses} <= set(outline.ids)


def test_every_picture_is_sound_and_says_what_it_shows(html: str, findings: Findings) -> None:
    pictures = re.findall(r"<svg viewBox.*?</svg>", html, flags=re.DOTALL)

    assert len(pictures) == len(plots(findings)) == len(Outline(html).pictures)
    for picture in pictures:
        element = ET.fromstring(picture.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))  # noqa: S314
        assert element.get("role") == "img"
        assert element.get("aria-label") in readings(findings).values()


def test_no_colour_of_a_picture_escapes_the_dark_scheme(html: str) -> None:
    body = html[html.index("<main>") :]

    assert re.findall(r"(?:fill|stroke): (#\w+)", body) == []


def test_the_page_shows_the_figures_of_the_run(html: str, findings: Findings) -> None:
    assert number(findings.metrics["auroc"]["value"]) in html
    assert number(findings.ece_floor) in html
    assert "Logistic regression, version 7" in html
    assert all(row.level.replace("'", "&#39;") in html for row in findings.subgroups)


def test_page_and_card_of_the_same_findings_are_always_the_same(findings: Findings, html: str) -> None:
    assert page(findings, "7") == html
    assert card(findings, "7") == card(findings, "7")


def test_a_value_with_markup_is_shown_and_not_obeyed(findings: Findings) -> None:
    sly = replace(findings, provenance=replace(findings.provenance, parameters={"C": "<script>alert(1)</script>"}))

    assert "<script>" not in page(sly)
