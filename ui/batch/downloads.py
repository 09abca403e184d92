"""Download button for CSV files."""

from collections.abc import Callable

import streamlit as st


def draw(label: str, content: Callable[[], bytes], name: str, key: str) -> None:
    """Draw a button; ``content`` is called on a click, so that nothing is computed and stored before."""
    st.download_button(label, content, name, "text/csv", icon=":material/download:", on_click="ignore", key=key)
