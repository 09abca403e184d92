"""Reads the parameters of a page that was opened, and replaces them without a new step of the browser's history."""

import json
from collections.abc import Collection, Mapping
from string import Template
from typing import Final

import streamlit as st

_PAGE: Final = "address-page"
"""Key of the path of the page that was drawn last."""
_ARRIVED: Final = "address-arrived"
"""Key that is set when the browser comes to a page, until the page was drawn once."""
_MOST_WRITTEN: Final = 50

_REPLACE: Final = Template("""{
const names = new Set($names), known = $known
const present = [...new URLSearchParams(location.search)], own = present.filter(([name]) => names.has(name)).sort()
// The browser may have gone to another page while this one was drawn: the parameters are not of that page.
if (location.pathname.split('/').pop() === $path) {
  // After a step back Streamlit may send the parameters of the page before: then only a new load has the right ones.
  if (known && own.length && !known.some(one => JSON.stringify(one) === JSON.stringify(own))) location.reload()
  else {
    const query = new URLSearchParams([...present.filter(([name]) => !names.has(name)), ...$parameters]).toString()
    history.replaceState(history.state, '', location.pathname + (query && '?' + query) + location.hash)
  }
}}""")


def opened(path: str, names: Collection[str]) -> dict[str, str]:
    """The parameters in ``names``; none unless the page was opened with them or the browser went back to them."""
    received, written = _received(path), _written(path)
    given = {name: value for name, value in st.query_params.items() if name in names}
    if st.session_state.get(_PAGE) != path:
        st.session_state[_PAGE] = path
        st.session_state[_ARRIVED] = True
        del written[:-1]  # of the addresses of an earlier visit only the last one is the present state
    # A quick person changes the next field while the browser still has the address of the field before.
    is_known = given == st.session_state.get(received) or given in written
    st.session_state[received] = given
    if is_known or not given:
        return {}
    written[:] = [given]
    return given


def write(path: str, names: Collection[str], parameters: Mapping[str, str]) -> None:
    """Replace the parameters in ``names`` on the page of this path; others, such as the language, stay."""
    written, received = _written(path), st.session_state.get(_received(path), {})
    known = [received, *written[-1:]]
    if dict(parameters) not in written[-1:]:
        written.append(dict(parameters))
        del written[:-_MOST_WRITTEN]
    # Streamlit's own parameters would add a step to the history with every change: the back button would undo typing.
    script = _REPLACE.substitute(
        path=_quote(path),
        names=_quote(sorted(names)),
        known=_quote([sorted(one.items()) for one in known] if st.session_state.pop(_ARRIVED, False) else None),
        parameters=_quote(list(parameters.items())),
    )
    with st.container(key="address"):
        st.html(f"<script>{script}</script>", unsafe_allow_javascript=True)


def _quote(value: object) -> str:
    return json.dumps(value).replace("<", "\\u003c")


def _received(path: str) -> str:
    return f"address-received-{path}"


def _written(path: str) -> list[dict[str, str]]:
    """The parameters that this visit of the page has put into its address, the newest last."""
    found: list[dict[str, str]] = st.session_state.setdefault(f"address-written-{path}", [])
    return found
