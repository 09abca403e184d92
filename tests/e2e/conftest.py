"""One run of the whole native stack, and a real browser to look at it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.support.browser import running_browser
from tests.support.native import ROOT, NativeStack, prepare_native

SCREENSHOTS = ROOT / "build" / "screenshots"
DEMO_SECONDS = 1500
TEST_SECONDS = DEMO_SECONDS + 300
"""The first test waits for the stack."""
OPERATOR_KEY = "key of the tests"
SMALL = {"FOREST_TREES": "60", "BOOTSTRAP_SAMPLES": "100"}
"""A model of the genuine data that takes a third of the time; Docker Compose is tested with the defaults."""
AUDIT = ROOT / "tests" / "support" / "audit"
OUTSIDE = ROOT / "build" / "outside-connections.txt"
"""Every attempt of a program of the stack to reach another machine."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every test the time that the stack may take to start."""
    for item in items:
        if Path(__file__).parent in item.path.parents and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TEST_SECONDS))


@pytest.fixture(scope="session")
def demo_output() -> list[str]:
    """What `make demo` printed; filled by the stack."""
    return []


@pytest.fixture(scope="session")
def native(demo_output: list[str], pytestconfig: pytest.Config) -> Iterator[NativeStack]:
    """The stack after `make demo`; ended by `make down` and removed by `make clean`."""
    stack = prepare_native(PYTHONPATH=str(AUDIT), OUTSIDE_CONNECTIONS=str(OUTSIDE), OPERATOR_KEY=OPERATOR_KEY, **SMALL)
    OUTSIDE.unlink(missing_ok=True)
    try:
        done = stack.run("make demo", DEMO_SECONDS)
        demo_output.append(done.stdout)
        if done.returncode:
            raise AssertionError(f"make demo failed:\n{done.stdout[-8000:]}\n{done.stderr[-4000:]}")
        if terminal := pytestconfig.pluginmanager.get_plugin("terminalreporter"):
            terminal.write_line(done.stdout)
        yield stack
    finally:
        stack.run("make down; yes | make clean", 180)


@pytest.fixture(scope="session")
def ui_url(native: NativeStack) -> str:
    """Address of the user interface."""
    return native.url(8501)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    with running_browser() as browser:
        yield browser


@pytest.fixture
def browser_page(browser: Browser) -> Iterator[Page]:
    """A page in a browser profile of its own."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()
