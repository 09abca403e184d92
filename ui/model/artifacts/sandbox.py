"""Embeds an untrusted HTML report: no scripts, no forms, no access to the app, no requests to any server."""

from html import escape
from typing import Final

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src about:"
_STYLE: Final = "html, body, iframe { margin: 0; width: 100%; height: 100%; border: 0 }"


def sandboxed(report: str, title: str) -> str:
    """A page that holds the report in an ``iframe`` with an empty ``sandbox``; Streamlit's own frame allows scripts.

    The report inherits the page's content security policy. ``base`` makes links to its own sections work.
    """
    srcdoc = report.replace("<head>", '<head><base href="about:srcdoc">', 1)
    return (
        f'<!doctype html><html><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><style>{_STYLE}</style></head>'
        f'<body><iframe sandbox="" title="{escape(title)}" srcdoc="{escape(srcdoc)}"></iframe></body></html>'
    )
