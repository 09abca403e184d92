from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

API = "http://127.0.0.1:8000"


@pytest.mark.parametrize("same", ["http://localhost:8000", "http://[::1]:8000/", "HTTP://LocalHost:8000/ ", API])
def test_the_names_of_loopback_and_a_trailing_slash_are_the_same_address(hosts: ModuleType, same: str) -> None:
    assert hosts.refused_host(same, [API]) is None


def test_the_default_port_may_be_left_out(hosts: ModuleType) -> None:
    assert hosts.same_address("https://api.example/v1/", "https://api.example:443/v1")


@pytest.mark.parametrize(
    "other",
    [
        "",
        "127.0.0.1:8000",
        "http://127.0.0.1:8001",
        "https://127.0.0.1:8000",
        "http://api.example:8000",
        "http://127.0.0.1:8000@evil.example",
        "http://127.0.0.1:8000.evil.example",
        "http://127.0.0.1:8000/other",
        "http://127.0.0.1:99999",
    ],
)
def test_another_host_is_refused_with_the_allowed_ones(hosts: ModuleType, other: str) -> None:
    assert API in (hosts.refused_host(other, [API]) or "")


@given(st.text())
def test_any_text_is_refused_and_breaks_nothing(hosts: ModuleType, text: str) -> None:
    assert hosts.refused_host(text, [API])


@pytest.mark.parametrize(
    ("origin", "foreign"),
    [
        (None, False),  # a program, not a browser
        ("http://localhost:8089", False),
        ("https://load.example", False),  # the page behind a proxy
        ("http://localhost:8501", True),
        ("https://evil.example", True),
        ("null", True),
    ],
)
def test_only_locusts_own_page_may_send(hosts: ModuleType, origin: str | None, foreign: bool) -> None:
    assert hosts.is_foreign(origin, "localhost:8089", "https://load.example/") is foreign
