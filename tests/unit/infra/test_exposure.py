"""Ports are opened to the network only with passwords of one's own and API keys."""

import pytest

from infra.exposure import is_loopback, refusal

SAFE = {"BIND_ADDRESS": "0.0.0.0", "AIRFLOW_PASSWORD": "mine", "GRAFANA_PASSWORD": "mine too", "API_KEYS": "ward:1f"}  # noqa: S104


@pytest.mark.parametrize("address", ["", "127.0.0.1", "127.8.9.1", "localhost", "::1", "[::1]"])
def test_on_this_machine_the_logins_of_the_demonstration_are_enough(address: str) -> None:
    assert is_loopback(address or "127.0.0.1")
    assert refusal({"BIND_ADDRESS": address, "AIRFLOW_PASSWORD": "airflow"}) is None


NETWORK = ("0.0.0.0", "::", "192.168.1.5", "10.0.0.1", "host.example.org", "127.0.0.1.nip.io")  # noqa: S104


@pytest.mark.parametrize("address", NETWORK)
def test_every_other_address_needs_passwords_and_keys(address: str) -> None:
    assert refusal(SAFE | {"BIND_ADDRESS": address}) is None
    assert refusal({"BIND_ADDRESS": address}) is not None


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"AIRFLOW_PASSWORD": "airflow"}, ["AIRFLOW_PASSWORD"]),
        ({"AIRFLOW_PASSWORD": ""}, ["AIRFLOW_PASSWORD"]),
        ({"GRAFANA_PASSWORD": "admin"}, ["GRAFANA_PASSWORD"]),
        ({"API_KEYS": " "}, ["API_KEYS"]),
        (
            {"AIRFLOW_PASSWORD": "airflow", "GRAFANA_PASSWORD": "", "API_KEYS": ""},
            ["AIRFLOW_PASSWORD", "GRAFANA_PASSWORD", "API_KEYS"],
        ),
    ],
)
def test_each_setting_to_change_is_named(change: dict[str, str], named: list[str]) -> None:
    reason = refusal(SAFE | change) or ""
    assert [name for name in SAFE if name in reason and name != "BIND_ADDRESS"] == named
    assert reason.startswith("BIND_ADDRESS=0.0.0.0 opens the ports to the network, and ")


def test_a_login_that_protects_no_page_does_not_count() -> None:
    assert refusal(SAFE | {"GRAFANA_PASSWORD": "admin"}, ["AIRFLOW_PASSWORD"]) is None


@pytest.mark.parametrize("keys", [{}, {"API_KEYS": ""}, {"API_KEYS": " "}])
def test_a_gateway_without_api_keys_is_refused_on_this_machine_too(keys: dict[str, str]) -> None:
    reason = refusal({"GATEWAY_HOST": "localhost"} | keys)
    assert reason == "The gateway opens the API without a login, and API_KEYS is empty: set it in .env."
    assert refusal({"GATEWAY_HOST": "localhost", "API_KEYS": "ward:1f"}) is None


def test_a_gateway_opened_to_the_network_needs_passwords_too() -> None:
    reason = refusal({"GATEWAY_HOST": "risk.example.org", "BIND_ADDRESS": "0.0.0.0"}) or ""  # noqa: S104
    assert all(name in reason for name in ("AIRFLOW_PASSWORD", "GRAFANA_PASSWORD", "API_KEYS"))


def test_the_gateway_does_not_start_beside_haproxy() -> None:
    settings = {"GATEWAY_HOST": "localhost", "API_KEYS": "one"}
    assert refusal(settings) is None
    assert "do not work together" in str(refusal({**settings, "SCALED": "true"}))
    assert refusal({"SCALED": "true"}) is None
