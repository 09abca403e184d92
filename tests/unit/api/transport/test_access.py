"""Every route states who may call it."""

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.routing import Route

from api.app import create_app
from api.keys import digest_of
from api.settings import ApiSettings
from api.transport.access import POLICIES, Policy, client_of, policy_of
from ml.core.errors import SettingsError
from ml.core.pseudonyms import Pseudonyms


def app_with(tmp_path: Path, **settings: Any) -> FastAPI:
    secrets = {"diabetes_db_password": "unused", "prediction_log_key": "k" * 16}
    return create_app(ApiSettings.load(_env_file=None, api_cache_dir=tmp_path, **secrets, **settings))


def test_every_route_states_its_policy_and_nothing_else_has_one(tmp_path: Path) -> None:
    routes = app_with(tmp_path).routes

    assert all(isinstance(route, Route) for route in routes), "mounted applications and sockets would be unguarded"
    assert {route.path for route in routes if isinstance(route, Route)} == POLICIES.keys()


def test_a_route_that_states_nothing_is_guarded() -> None:
    assert policy_of("/something/new") is Policy.GUARDED


def test_whoever_asks_how_the_service_is_needs_no_key() -> None:
    is_open = {path for path, policy in POLICIES.items() if policy is Policy.OPEN}

    assert {"/health", "/ready", "/metrics", "/docs", "/openapi.json", "/ping", "/v2/health/ready"} <= is_open
    assert {"/predict", "/predict/csv", "/explain", "/feedback", "/model", "/invocations"}.isdisjoint(is_open)


def test_off_it_stands_before_no_route(tmp_path: Path) -> None:
    def guarded(app: FastAPI) -> set[str]:
        return {
            route.path
            for route in app.routes
            if isinstance(route, Route) and type(route.app).__module__ == "api.transport.access"
        }

    assert guarded(app_with(tmp_path)) == set()
    expected = {path for path, policy in POLICIES.items() if policy is Policy.GUARDED}
    assert guarded(app_with(tmp_path, rate_limit_per_second=1)) == expected
    assert guarded(app_with(tmp_path, api_keys=f"a:{digest_of('key')}")) == expected


def test_the_document_shows_keys_and_limits_only_where_there_are_any(tmp_path: Path) -> None:
    off = app_with(tmp_path).openapi()
    on = app_with(tmp_path, api_keys=f"a:{digest_of('key')}", rate_limit_per_second=1).openapi()

    assert "securitySchemes" not in off["components"]
    assert "security" not in off["paths"]["/predict"]["post"]
    assert on["components"]["securitySchemes"].keys() == {"bearer", "header"}
    for path, operations in on["paths"].items():
        for operation in operations.values():
            asks = policy_of(path) is Policy.GUARDED
            assert ("security" in operation) == asks, path
            assert ({"401", "429"} <= operation["responses"].keys()) == asks, path


def test_malformed_keys_end_the_start(tmp_path: Path) -> None:
    with pytest.raises((SystemExit, SettingsError), match=r"^Setting API_KEYS has a malformed value"):
        app_with(tmp_path, api_keys="a:b")


def test_a_client_without_an_address_is_a_client_too() -> None:
    scope = {"type": "http", "client": None, "state": {}}

    assert client_of(scope, Pseudonyms(b"key", "hash")).startswith("address:")
