"""An uncaught exception of a page, a callback or a fragment: a metric, a log line and a sentence with the same id."""

import re
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from ml.core.build import build_info
from tests.support.interface import ANSWER_MS, LOG, no_uncaught_exception, running_ui
from ui import failures

SERVER = """
import streamlit as st
from ui import server
app = st.App("page.py", lifespan=server.lifespan, on_script_error=server.failures.report)
"""
PAGE = """
import streamlit as st

def fail():
    raise RuntimeError("a fault")

@st.fragment
def fragment():
    if st.button("in a fragment"):
        fail()

st.session_state["language"] = st.query_params["language"]
st.title("a page")
fragment()
st.button("in a callback", on_click=fail)
if st.button("in the page"):
    fail()
"""


@pytest.mark.parametrize(("language", "sentence"), [("en", "give this number"), ("es", "este número")])
def test_a_failure_is_counted_logged_and_told_with_its_id(
    tmp_path: Path, browser: Browser, language: str, sentence: str
) -> None:
    log = tmp_path / LOG
    (tmp_path / "page.py").write_text(PAGE)
    (tmp_path / "server.py").write_text(SERVER)
    with running_ui(tmp_path, tmp_path / "server.py") as url, browser.new_context() as context:
        page = context.new_page()
        for count, place in enumerate(("in the page", "in a callback", "in a fragment"), start=1):
            page.goto(f"{url}?language={language}")
            watch = ExitStack()
            watch.enter_context(no_uncaught_exception([log]))
            page.get_by_role("button", name=place).click(timeout=ANSWER_MS)
            alert = page.get_by_test_id("stAlert")
            expect(alert).to_contain_text(sentence, timeout=ANSWER_MS)
            with pytest.raises(AssertionError, match=failures.LOGGED):
                watch.close()
            name = re.search(r"\b[0-9a-f]{8}\b", alert.inner_text())
            assert name is not None
            assert f"{failures.LOGGED} {name[0]}" in log.read_text()
            metrics = httpx.get(f"{url}/_stcore/metrics").text
            assert f"{failures.FAMILY}_total {count}" in metrics
            build = build_info()
            assert f'build_info{{commit="{build.commit}",service="streamlit",version="{build.version}"}} 1' in metrics
