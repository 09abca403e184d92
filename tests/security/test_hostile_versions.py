"""Hostile versions in a real MLflow: whatever of `ml` runs one refuses it, in bounded time; downloads are bounded."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ml.cli.main import app
from ml.core.bundle import GOLDEN_FILE, MODEL_FILE
from ml.core.errors import BundleError, UnapprovedError
from ml.core.settings import MlflowSettings
from ml.evaluation.registered_version import predict
from ml.features.records import to_table
from ml.promotion.comparison import score_candidate
from ml.registry.client import ModelVersion, Registry
from tests.integration.api.bundles import write_bundle
from tests.integration.ml.registries import empty, register_bundle
from tests.security.hostile_bundles import ATTACKS, RARE, loop_for_one_value


@pytest.fixture
def registry(mlflow_server: str) -> Any:
    empty(mlflow_server)
    yield Registry(MlflowSettings(mlflow_tracking_uri=mlflow_server))
    empty(mlflow_server)


def version_of(registry: Registry, folder: Path) -> ModelVersion:
    return register_bundle(registry, folder)


def test_a_graph_that_loops_for_one_value_is_a_fault_for_the_gate_and_for_ml_predict(
    registry: Registry, tmp_path: Path
) -> None:
    """Both loaded it into their own process before: the gate held its lock until the task's time limit."""
    folder = write_bundle(tmp_path / "bundle")
    loop_for_one_value(folder)
    number = version_of(registry, folder).number

    scored = score_candidate(registry, registry.version(number), to_table([{"gender": RARE}]))
    with pytest.raises(BundleError, match=ATTACKS[loop_for_one_value]):
        predict(registry, to_table([{"gender": RARE}]), number)

    assert scored.risks is None
    assert re.search(ATTACKS[loop_for_one_value], scored.candidate.fault or "")


def test_the_command_line_refuses_hostile_and_unapproved_versions(
    registry: Registry, mlflow_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It loaded any version into its own process, and believed the alias."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server)
    hostile, good = write_bundle(tmp_path / "hostile"), write_bundle(tmp_path / "good")
    loop_for_one_value(hostile)
    forged, unapproved = version_of(registry, hostile).number, version_of(registry, good).number
    request = f'{{"records": [{{"gender": "{RARE}"}}]}}'

    done = CliRunner().invoke(app, ["predict", "-", "--version", forged], input=request)
    assert isinstance(done.exception, BundleError)
    assert re.search(ATTACKS[loop_for_one_value], str(done.exception))

    registry.set_alias("production", unapproved)
    done = CliRunner().invoke(app, ["predict", "-"], input=request)
    assert isinstance(done.exception, UnapprovedError)
    assert CliRunner().invoke(app, ["predict", "-", "--version", unapproved], input=request).exit_code == 0


def test_a_valid_version_answers_and_only_its_bundle_is_downloaded(registry: Registry, tmp_path: Path) -> None:
    number = version_of(registry, write_bundle(tmp_path / "bundle")).number

    with registry.download(number) as directory:
        assert {path.name for path in directory.iterdir()} == {MODEL_FILE, GOLDEN_FILE, "manifest.json"}
    assert 0 < predict(registry, to_table([{}]), number)[0] < 1


def test_a_file_above_its_limit_is_refused_before_the_download(registry: Registry, tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "bundle")
    golden = json.loads((folder / GOLDEN_FILE).read_text())
    (folder / GOLDEN_FILE).write_text(json.dumps(golden) + " " * 17 * 1024 * 1024)
    number = version_of(registry, folder).number

    with pytest.raises(BundleError, match=r"^Its file golden\.json has more than 16777216 bytes\.$"):
        predict(registry, to_table([{}]), number)
