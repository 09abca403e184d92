"""Choices of a page: the widgets whose values its address holds, each under the key of the widget."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import streamlit as st

from ui.address import query

Value = str | int | float
Read = Callable[[str], Value]
"""Converts a parameter to the value of a widget, or raises ValueError."""


@dataclass(frozen=True)
class Choices:
    """The widgets of the page at ``path`` by their keys. They are preset and drawn with ``persist_state="session"``."""

    path: str
    widgets: Mapping[str, Read]

    def load(self) -> None:
        """Set the widgets from the address, if it was opened or the browser went back to it (before they are drawn)."""
        for key, text in query.opened(self.path, self.widgets.keys()).items():
            try:
                st.session_state[key] = self.widgets[key](text)
            except ValueError:
                continue  # the default takes its place

    def write(self) -> None:
        """Put the values of all widgets into the address, also of those that another view of the page has."""
        values = {key: st.session_state.get(key) for key in self.widgets}
        texts = {key: _text(value) for key, value in values.items() if value is not None}
        query.write(self.path, self.widgets.keys(), texts)


def preset(key: str, default: Value, options: Collection[Value] = ()) -> None:
    """Set a widget to its default, unless it has a value; with ``options``, unless it has one of them."""
    if key not in st.session_state or (options and st.session_state[key] not in options):
        st.session_state[key] = default


def switch(text: str) -> bool:
    """Read the value of a toggle."""
    if text not in ("on", "off"):
        raise ValueError(text)
    return text == "on"


def whole(low: int, high: int) -> Read:
    """A reader of whole numbers from ``low`` to ``high``."""

    def read(text: str) -> int:
        _check(low, int(text), high)
        return int(text)

    return read


def real(low: float, high: float) -> Read:
    """A reader of numbers from ``low`` to ``high``."""

    def read(text: str) -> float:
        _check(low, float(text), high)
        return float(text)

    return read


def _check(low: float, value: float, high: float) -> None:
    if not low <= value <= high:
        raise ValueError(value)


def _text(value: object) -> str:
    return ("off", "on")[value] if isinstance(value, bool) else str(value)
