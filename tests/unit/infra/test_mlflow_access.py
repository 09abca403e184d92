"""Who may use MLflow, by MLflow's own rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.mlflow_access import mlflow_access

# MLflow's server uses a strategy of SQLAlchemy that is deprecated; hence also the imports within functions.
pytestmark = pytest.mark.filterwarnings("ignore:The ``noload``")

GIVEN = "mlflow.example.org, 192.168.1.5,https://ml.example.org/, strict.example.org:5000,0.0.0.0,,"
NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,10}(\.[a-z]{2,5}){1,2}", fullmatch=True)


def may_read(further: str, host: str) -> bool:
    from mlflow.server.security_utils import is_allowed_host_header

    return is_allowed_host_header(mlflow_access(further)["MLFLOW_SERVER_ALLOWED_HOSTS"].split(","), host)


def may_change(further: str, origin: str) -> bool:
    from mlflow.server.security_utils import should_block_cors_request

    origins = mlflow_access(further)["MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"].split(",")
    return not should_block_cors_request(origin, "POST", origins)


@pytest.mark.parametrize("host", ["mlflow:5000", "localhost:5000", "127.0.0.1:5555", "localhost"])
def test_the_platforms_own_names_are_always_allowed(host: str) -> None:
    for further in ("", GIVEN):
        assert may_read(further, host)


@pytest.mark.parametrize(
    "host",
    ["mlflow.example.org", "mlflow.example.org:5000", "192.168.1.5:80", "ml.example.org", "strict.example.org:5000"],
)
def test_a_given_host_may_read_and_its_own_page_may_change(host: str) -> None:
    assert may_read(GIVEN, host)
    assert may_change(GIVEN, f"http://{host}")
    assert may_change(GIVEN, f"https://{host}")
    assert not may_read("", host)
    assert not may_change("", f"http://{host}")


@pytest.mark.parametrize("host", ["strict.example.org", "evil.example.org", "192.168.1.5.evil.example", "0.0.0.0:5000"])
def test_another_host_may_not(host: str) -> None:
    assert not may_read(GIVEN, host)
    assert not may_change(GIVEN, f"http://{host}")


@given(given=st.lists(NAMES, max_size=3), other=NAMES)
def test_a_name_is_allowed_exactly_if_it_was_given(given: list[str], other: str) -> None:
    further = ",".join(given)
    assert all(may_read(further, f"{name}:5000") and may_change(further, f"http://{name}:5000") for name in given)
    assert may_read(further, other) is may_change(further, f"http://{other}") is (other in given)


def test_every_host_can_be_allowed() -> None:
    assert may_read("*", "any.example:1")
    assert may_change("*", "http://any.example:1")
