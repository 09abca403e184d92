"""The notices as a page for people, and as JSON for programs."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from html import escape
from typing import Final

from infra.notices.book import Notice

STYLE: Final = (
    "body{font:15px system-ui;margin:2rem;max-width:75rem}table{border-collapse:collapse;width:100%}"
    "th,td{text-align:left;padding:.4rem .8rem;border-bottom:1px solid #ddd;vertical-align:top}"
    ".firing{color:#b00020;font-weight:600}.resolved{color:#1b6e3c}"
)
HEAD: Final = ("when (UTC)", "state", "alert", "severity", "where", "what, and what to do first")


def as_html(notices: Sequence[Notice]) -> str:
    """A table of the notices; a name leads to the runbook of its alert."""
    head = "".join(f"<th>{escape(title)}</th>" for title in HEAD)
    rows = (
        "".join(_row(notice) for notice in notices) or f'<tr><td colspan="{len(HEAD)}">Nothing was told yet.</td></tr>'
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="10">'
        f"<title>Notices</title><style>{STYLE}</style><h1>Notices</h1>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></html>\n"
    )


def as_json(notices: Sequence[Notice]) -> str:
    """The same, each notice an object."""
    return json.dumps([asdict(notice) for notice in notices], default=str) + "\n"


def _row(notice: Notice) -> str:
    name = escape(notice.name)
    cells = (
        f"{notice.at:%Y-%m-%d %H:%M:%S}",
        f'<span class="{escape(notice.status)}">{escape(notice.status)}</span>',
        f'<a href="/runbooks/{name}">{name}</a>',
        escape(notice.severity),
        escape(notice.instance),
        f"{escape(notice.summary)}<br>{escape(notice.action) if notice.status == 'firing' else ''}",
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
