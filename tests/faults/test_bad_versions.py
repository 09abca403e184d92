"""Bad versions are promoted past the gate, under load: refused, told and counted, and the old one serves on."""

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults import damages
from tests.faults.link import Link, linked
from tests.faults.load import Load
from tests.faults.models import Damage, Models
from tests.faults.servers import MlflowServer
from tests.faults.watching import metric, peak_bytes, refusal, served, trials
from tests.integration.api.conftest import eventually
from tests.integration.api.process import ApiProcess, running_api

TRIAL_SECONDS = 6.0


@pytest.fixture(scope="module")
def link(mlflow: MlflowServer) -> Iterator[Link]:
    with linked(mlflow.url) as link:
        yield link


@pytest.fixture(scope="module")
def api(link: Link, models: Models, first: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiProcess]:
    """The service, with the first version."""
    models.promote(first)
    folder = tmp_path_factory.mktemp("api")
    settings = {"MODEL_POLL_SECONDS": "1", "MODEL_TRIAL_SECONDS": str(TRIAL_SECONDS)}
    with running_api(folder, link.url, **settings) as api:
        api.wait_until_ready()
        yield api


@pytest.mark.parametrize(
    ("damage", "options", "kind", "reason"),
    [
        (damages.corrupt, {}, "bundle", "does not match its checksum"),
        (None, {"without": "race"}, "bundle", "other inputs than the schema: race"),
        (None, {"golden_shift": 0.001}, "bundle", "golden requests fail"),
        (damages.pickle, {}, "bundle", "cannot be loaded"),
        (damages.too_large, {}, "artifact", "more than 16777216 bytes"),
        (damages.greedy, {}, "bundle", "not allowed"),
        (damages.endless, {}, "bundle", "not allowed: it has a subgraph"),
        (damages.slow, {}, "timeout", "was not ready within 6 seconds"),
    ],
    ids=["corrupt file", "wrong inputs", "failing golden requests", "pickle", "too large", "greedy", "endless", "slow"],
)
def test_a_bad_version_is_refused_under_load_and_the_old_one_serves_on(
    api: ApiProcess,
    models: Models,
    first: str,
    damage: Damage | None,
    options: dict[str, Any],
    kind: str,
    reason: str,
) -> None:
    number = models.bad(damage, **options)
    _refused_under_load(api, models, first, number, kind, reason)


@pytest.mark.parametrize(
    ("pause_seconds", "kind", "reason"),
    [
        (0.2, "timeout", "was not ready within 6 seconds"),
        (60, "artifact", "the download of its file model.onnx stalled"),
    ],
    ids=["trickles", "stops"],
)
def test_a_version_whose_download_never_ends_is_refused_under_load(
    api: ApiProcess, link: Link, models: Models, first: str, pause_seconds: float, kind: str, reason: str
) -> None:
    number = models.bad(golden_shift=0.001)
    link.slow_file, link.pause_seconds = "model.onnx", pause_seconds
    try:
        _refused_under_load(api, models, first, number, kind, reason)
    finally:
        link.slow_file = ""


def test_the_service_ends_at_once_while_it_tries_a_slow_version(
    link: Link, models: Models, first: str, tmp_path: Path
) -> None:
    models.promote(first)
    with running_api(tmp_path, link.url, MODEL_POLL_SECONDS="0.1") as api:
        api.wait_until_ready()
        models.promote(models.bad(damages.slow))
        eventually(lambda: trials(api) != [])
        (trying,) = trials(api)

        api.process.send_signal(signal.SIGTERM)

        assert api.process.wait(5) in (0, -signal.SIGTERM)
        assert not trying.is_running()


def _refused_under_load(api: ApiProcess, models: Models, first: str, number: str, kind: str, reason: str) -> None:
    name = f'model_load_failures_total{{reason="{kind}"}}'
    before, peak = metric(api, name), peak_bytes(api)
    with Load(api.url, models.truth) as load:
        models.promote(number)
        eventually(lambda: (refusal(api) or {}).get("version") == number)
        assert reason in refusal(api)["reason"]
        assert served(api) == first
        assert metric(api, "model_registered_version") == int(number)
        assert metric(api, name) == before + 1
        assert trials(api) == []  # nothing of the trial is left

        models.promote(first)
        eventually(lambda: refusal(api) is None)

    load.assert_flawless()
    assert set(load.versions) == {first}
    assert load.percentile(0.99) < 1
    assert peak_bytes(api) - peak < 50_000_000
