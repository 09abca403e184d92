"""Every request gets a 2xx or a 4xx, and a 4xx is a problem document."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import hypothesis.strategies as st
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from api.contract.requests import FIELD_NAMES
from ml.core.names import MODEL_NAME
from ml.schema import FEATURES
from tests.integration.api.bundles import write_bundle
from tests.integration.api.models.registry_server import running_registry
from tests.integration.api.process import ApiProcess, running_api

JSON = "application/json"
CSV = "text/csv"
MODELS = ("/v2/models/{name}", "/v2/models/{name}/versions/{version}")
ROUTES = [
    ("/predict", "POST"),
    ("/explain", "POST"),
    ("/predict/csv", "POST"),
    ("/invocations", "POST"),
    *((f"{path}/infer", "POST") for path in MODELS),
    *((path, "GET") for path in ("/model", "/health", "/ready", "/metrics")),
    *((path, "GET") for path in ("/ping", "/version", "/v2", "/v2/health/live", "/v2/health/ready")),
    *((f"{path}{what}", "GET") for path in MODELS for what in ("", "/ready", "/config")),
    ("/v2/repository/index", "POST"),
]
TABLES = ("/predict/csv", "/invocations", *(f"{path}/infer" for path in MODELS))
"""A JSON schema cannot express which bodies are valid: for example, that all rows have the same length."""
BODY_ROUTES = {
    "/predict": JSON,
    "/predict/csv": CSV,
    "/invocations": JSON,
    f"/v2/models/{MODEL_NAME}/infer": JSON,
}
ELSEWHERE = {("/feedback", "post"), ("/monitoring", "get"), ("/policy", "get"), ("/policy", "put")}
"""Tested in test_feedback.py, test_monitoring_results.py and storage/test_policies.py, with a database."""
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)
ALLOWED = st.sampled_from([value for column in FEATURES for value in (*column.allowed, column.low, column.high)])
NEARLY_A_RECORD = st.dictionaries(st.sampled_from(FIELD_NAMES) | st.text(max_size=8), SCALARS | ALLOWED, max_size=5)
NEARLY_A_BODY = st.fixed_dictionaries({"records": st.lists(NEARLY_A_RECORD, max_size=5)})
NEARLY_A_PROTOCOL = ("dataframe_split", "dataframe_records", "inputs", "instances", "params", "columns", "data", "id")
CELLS = ("age", "gender", "number_inpatient", "\n", "[60-70)", "3", "3.0", "?", '"', '""', "x", "\r\n", "=1+1")
BOUNDED = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiProcess]:
    folder = tmp_path_factory.mktemp("api")
    with running_registry() as registry:
        registry.promote("1", write_bundle(folder / "1"))
        with running_api(folder, registry.url) as process:
            process.wait_until_ready()
            yield process


@pytest.fixture(scope="module")
def document(api: ApiProcess) -> Any:
    return schemathesis.openapi.from_url(f"{api.url}/openapi.json")


def test_all_documented_routes_are_tested(document: Any) -> None:
    documented = {(operation.ok().path, operation.ok().method) for operation in document.get_all_operations()}

    assert {(path, method.lower()) for path, method in ROUTES} | ELSEWHERE == documented


@pytest.mark.parametrize(("path", "method"), ROUTES)
def test_valid_requests_get_the_documented_responses(document: Any, path: str, method: str) -> None:
    send_examples(document[path][method], schemathesis.GenerationMode.POSITIVE)


@pytest.mark.parametrize("path", ["/predict", "/explain", *TABLES])
def test_invalid_requests_get_the_documented_errors(document: Any, path: str) -> None:
    send_examples(document[path]["POST"], schemathesis.GenerationMode.NEGATIVE)


@BOUNDED
@given(body=ANYTHING | NEARLY_A_BODY)
def test_random_json_is_scored_or_rejected(api: ApiProcess, body: Any) -> None:
    assert_ok_or_problem(post(api, json.dumps(body).encode()))


@BOUNDED
@given(body=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_random_bytes_are_scored_or_rejected(api: ApiProcess, body: bytes) -> None:
    assert_ok_or_problem(post(api, body))


@pytest.mark.parametrize("path", [path for path in BODY_ROUTES if path != "/predict"])
@BOUNDED
@given(
    body=st.binary(max_size=200)
    | ANYTHING.map(lambda body: json.dumps(body).encode())
    | st.dictionaries(st.sampled_from(NEARLY_A_PROTOCOL), ANYTHING | st.lists(NEARLY_A_RECORD), max_size=3).map(
        lambda body: json.dumps(body).encode()
    )
    | st.lists(st.sampled_from(CELLS)).map(lambda cells: ",".join(cells).encode())
)
def test_random_bodies_never_fail_a_protocol(api: ApiProcess, path: str, body: bytes) -> None:
    answer = api.client.post(path, content=body, headers={"Content-Type": BODY_ROUTES[path]})

    assert answer.status_code in (200, 400, 422)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"records": ' + b"[" * 1_000_000, 400),
        (b'{"records": [{"number_inpatient": ' + b"9" * 1_000_000 + b"}]}", 400),
        (b'{"records": [{"race": "' + b"x" * 1_000_000 + b'"}]}', 422),
        (b'{"records": [' + b"0," * 1_000_000 + b"0]}", 422),
        (b'{"records": [' + b"{}," * 9_999 + b"0]}", 422),
        (b'{"records": [' + b'{"x":0,"y":0},' * 9_999 + b"{}]}", 422),
        (b'{"records": [{"race": "Asian", "race": 3}]}', 422),
        ('{"records": [{}]}'.encode("utf-16"), 400),
        (b'{"records": [{"number_inpatient": 1e400}]}', 422),
        (json.dumps({str(number): number for number in range(200_000)}).encode(), 422),
        (json.dumps({"records": [{str(number): number for number in range(200_000)}]}).encode(), 422),
    ],
    ids=[
        "deep", "huge number", "long text", "a million records", "last is wrong", "all are wrong", "twice the same key",
        "utf-16", "too large for a float", "many keys", "many fields",
    ],
)  # fmt: skip
def test_hostile_bodies_are_rejected(api: ApiProcess, body: bytes, status: int) -> None:
    answer = post(api, body)

    assert answer.status_code == status
    assert len(answer.content) < 20_000
    assert_ok_or_problem(answer)


def send_examples(operation: Any, mode: schemathesis.GenerationMode) -> None:
    """Send requests generated from the OpenAPI document, and validate the responses against it."""

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: schemathesis.Case) -> None:
        answer = case.call()
        # A diagnosis may be of either code system in the document; only the request says of which.
        other_system = (
            answer.status_code == 422
            and "code_system" not in answer.json()["detail"][:20]
            and all(str(error["field"]).startswith("diag_") for error in answer.json()["errors"])
        )
        case.validate_response(
            answer, excluded_checks=[*unknowable, *([positive_data_acceptance] if other_system else [])]
        )

    unknowable = [positive_data_acceptance, negative_data_rejection] if operation.path in TABLES else []
    check()


def post(api: ApiProcess, body: bytes) -> httpx.Response:
    return api.client.post("/predict", content=body, headers={"Content-Type": "application/json"})


def assert_ok_or_problem(answer: httpx.Response) -> None:
    assert answer.status_code < 500
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
