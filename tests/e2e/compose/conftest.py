"""The compose project on a real engine.

In this order: start, models, monitoring, outages, replicas, workers, backup, rotation, end.
"""

from collections.abc import Iterator

import pytest

from tests.support.compose import ComposeStack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[ComposeStack]:
    terminal = pytestconfig.pluginmanager.get_plugin("terminalreporter")
    capture = pytestconfig.pluginmanager.get_plugin("capturemanager")
    assert terminal is not None
    assert capture is not None

    def say(text: str) -> None:
        with capture.global_and_fixture_disabled():
            terminal.write_line(f"  {text}")

    stack = ComposeStack(tmp_path_factory.mktemp("compose"), say)
    stack.prepare()
    try:
        stack.build()
        stack.up("--build")
        yield stack
    finally:
        stack.down()


@pytest.fixture(autouse=True)
def _diagnosis(stack: ComposeStack, request: pytest.FixtureRequest) -> Iterator[None]:
    failed_before = request.session.testsfailed
    yield
    if request.session.testsfailed > failed_before:
        stack.say("what was running when the test failed:\n" + stack.diagnosis())
