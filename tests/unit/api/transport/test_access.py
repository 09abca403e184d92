"""Every route is either open or protected."""

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.routing import Route

from api.app import create_app
from api.keys import hash_key
from api.settings import ApiSettings
from api.transport.access import OPEN_ROUTES, client_of
from ml.core.pseudonyms import Pseudonyms

PROTECTED_ROUTES = {
    "/predict", "/predict/csv", "/explain", "/feedback", "/model", "/policy", "/monitoring", "/invocations",
    "/v2/models/{name}",
    "/v2/models/{name}/versions/{version}", "/v2/models/{name}/infer", "/v2/models/{name}/versions/{version}/infer",
    "/v2/models/{name}/config", "/v2/models/{name}/versions/{version}/config", "/v2/repository/index",
    "/v2/models/stats", "/v2/models/{name}/stats", "/v2/models/{name}/versions/{version}/stats", "/v2/logging",
    "/v2/repository/models/{name}/load", "/v2/repository/models/{name}/unload", "/v2/trace/setting",
    "/v2/models/{name}/trace/setting", "/v2/systemsharedmemory/{rest:path}", "/v2/cudasharedmemory/{rest:path}",
}  # fmt: skip
"""The list is kept here, so that the access to a new route is decided explicitly."""


def app_with(tmp_path: Path, **settings: Any) -> FastAPI:
    secrets = {"api_db_password": "unused", "prediction_log_key": "k" * 16}
    return create_app(ApiSettings.load(_env_file=None, api_cache_dir=tmp_path, **secrets, **settings))


def wrapped(app: FastAPI) -> set[str]:
    return {
        route.path
        for route in app.routes
        if isinstance(route, Route) and type(route.app).__module__ == "api.transport.access"
    }


def test_every_route_is_open_or_protected(tmp_path: Path) -> None:
    routes = app_with(tmp_path).routes

    assert all(isinstance(route, Route) for route in routes), "mounted applications and sockets would be unprotected"
    assert {route.path for route in routes if isinstance(route, Route)} == OPEN_ROUTES | PROTECTED_ROUTES
    assert OPEN_ROUTES.isdisjoint(PROTECTED_ROUTES)


def test_a_route_that_is_not_open_is_protected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.transport.access.OPEN_ROUTES", OPEN_ROUTES - {"/ping"})

    assert "/ping" in wrapped(app_with(tmp_path, rate_limit_per_second=1))


def test_without_keys_and_rate_limit_no_route_is_wrapped(tmp_path: Path) -> None:
    assert wrapped(app_with(tmp_path)) == set()
    assert wrapped(app_with(tmp_path, rate_limit_per_second=1)) == PROTECTED_ROUTES
    assert wrapped(app_with(tmp_path, api_keys=f"a:{hash_key('key')}")) == PROTECTED_ROUTES


def test_the_openapi_document_describes_keys_and_limits_and_whether_a_key_is_needed(tmp_path: Path) -> None:
    off = app_with(tmp_path).openapi()
    on = app_with(tmp_path, api_keys=f"a:{hash_key('key')}", rate_limit_per_second=1).openapi()

    anyone: dict[str, list[str]] = {}
    for document, optional in ((off, [anyone]), (on, [])):
        assert document["components"]["securitySchemes"].keys() == {"bearer", "header"}
        assert document["security"] == []
        for path, operations in document["paths"].items():
            for operation in operations.values():
                keys = [{"bearer": []}, {"header": []}, *optional] if path in PROTECTED_ROUTES else None
                assert operation.get("security") == keys, path
                assert ({"401", "429"} <= operation["responses"].keys()) == (keys is not None), path


def test_malformed_keys_end_the_start(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"^Setting API_KEYS has a malformed value"):
        app_with(tmp_path, api_keys="a:b")


def test_a_client_without_an_address_has_a_pseudonym_too() -> None:
    scope = {"type": "http", "client": None, "state": {}}

    assert client_of(scope, Pseudonyms(b"key", "hash")).startswith("address:")


def test_a_name_of_load_test_keys_without_a_key_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="LOAD_TEST_KEYS names b, c: API_KEYS has no such entry"):
        app_with(tmp_path, api_keys=f"a:{hash_key('key')}", load_test_keys="c, a,b")
