"""The interface as its own process, and what a browser sees of it."""

import os
import re
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect

from infra.local.settings import python_module
from infra.local.supervision.probes import free_port, http_probe
from tests.integration.api.conftest import eventually
from tests.support.native import ROOT
from ui import failures

LOG = "ui.log"
SCREENSHOTS = ROOT / "build" / "screenshots"
PAGES = {
    "predict": "",
    "overview": "home",
    "batch": "batch",
    "model": "model",
    "monitoring": "monitoring",
    "runbooks": "runbooks",
}
"""Name of each page, and its path."""
VIEWS = PAGES | {
    f"model-{view}": f"model?view={view}" for view in ("artifacts", "decisions", "thresholds", "compare", "roll-back")
}
"""The pages, and every other view of the Model page."""
ANSWER_MS = 30_000
HIGHEST = 4_000
"""Of a picture, in pixels."""


_WORDS = """() => {
    const shown = node => !node.parentElement.closest(
        '[class*="st-key-as-the-service-says"], [data-testid^="stIcon"], [role="img"], code, script, style, noscript');
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) if (shown(walker.currentNode)) found.push(walker.currentNode.textContent);
    const named = ':is([aria-label], [placeholder], [alt], [title]):not([role="img"])';
    for (const element of document.querySelectorAll(named))
        for (const name of ['aria-label', 'placeholder', 'alt', 'title']) found.push(element.getAttribute(name) || '');
    return found.join(' | ');
}"""


@contextmanager
def running_ui(folder: Path, server: Path = ROOT / "ui" / "server.py", **settings: str) -> Iterator[str]:
    """Start the interface, or another server, with these settings; it ends with the context. Gives its address."""
    port = free_port()
    own = {"STREAMLIT_SERVER_PORT": str(port), "STREAMLIT_SERVER_ADDRESS": "127.0.0.1", "PYTHONPATH": str(ROOT)}
    url, log_path = f"http://127.0.0.1:{port}", folder / LOG
    with log_path.open("ab") as log:
        command = python_module("streamlit", "run", str(server))
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ | own | settings, stdout=log, stderr=log)
        try:
            is_ready = http_probe(f"{url}/_stcore/health")
            eventually(lambda: is_ready(0) or process.poll() is not None, seconds=60)
            assert process.poll() is None, log_path.read_text()[-2000:]
            yield url
        finally:
            process.terminate()
            process.wait(20)


@contextmanager
def no_uncaught_exception(logs: Iterable[Path]) -> Iterator[None]:
    """Fail if the interface logs an uncaught exception within the context. ``logs`` are read at both ends."""
    before = {path: path.stat().st_size for path in logs if path.exists()}
    yield
    for path in logs:
        if path.exists():
            text = path.read_bytes()[before.get(path, 0) :].decode(errors="replace")
            assert failures.LOGGED not in text, text[-4000:]
            assert "Traceback" not in text, text[-4000:]


def open_page(page: Page, ui_url: str, name: str = "predict", language: str = "") -> None:
    """Open a page of the interface, and wait until it has been drawn to its end."""
    address = f"{ui_url.rstrip('/')}/{VIEWS[name]}"
    page.goto(f"{address}{'&' if '?' in address else '?'}language={language}" if language else address)
    settle(page)


def settle(page: Page) -> None:
    """Wait until the interface has drawn what it was asked for."""
    expect(page.locator("h1").first).to_be_visible(timeout=ANSWER_MS)
    expect(page.get_by_test_id("stStatusWidget")).to_have_count(0, timeout=ANSWER_MS)
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=ANSWER_MS)


def words_on(page: Page) -> str:
    """All that a person sees or hears on the page, apart from names in code and what services say in their language."""
    text = page.evaluate(_WORDS)
    return re.sub(r"\s+", " ", text)


def screenshot(page: Page, name: str) -> None:
    """Keep a picture of the whole page among the build's output."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    window = page.viewport_size or {"width": 1280, "height": 900}
    # The page scrolls within the window: only a window as high as the page shows all of it.
    height = int(page.get_by_test_id("stMain").evaluate("main => (main.scrollTo(0, 0), main.scrollHeight)"))
    page.set_viewport_size({"width": window["width"], "height": min(max(window["height"], height), HIGHEST)})
    page.screenshot(path=SCREENSHOTS / f"{name}.png")
    page.set_viewport_size({"width": window["width"], "height": window["height"]})
