"""A report shown without trusting it: no scripts, no forms, no access to the app, no question to any server."""

from html import escape
from typing import Final

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src about:"
_STYLE: Final = "html, body, iframe { margin: 0; width: 100%; height: 100%; border: 0 }"


def framed(report: str, title: str) -> str:
    """A page around the report.

    The report's own frame has an empty ``sandbox``, since Streamlit's frame would let scripts run; what it inherits
    from this page's policy keeps it from fetching anything. ``base`` makes its links to its own sections work.
    """
    within = report.replace("<head>", '<head><base href="about:srcdoc">', 1)
    return (
        f'<!doctype html><html><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><style>{_STYLE}</style></head>'
        f'<body><iframe sandbox="" title="{escape(title)}" srcdoc="{escape(within)}"></iframe></body></html>'
    )
