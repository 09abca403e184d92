"""MLflow's telemetry is off in every process that uses the registry."""

import os
import subprocess
import sys
from pathlib import Path

from mlflow.telemetry import get_telemetry_client

ROOT = Path(__file__).parents[4]
# MLflow also turns its telemetry off where one of these is set; without them only our setting can do it.
OTHER_SWITCHES = ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK", "CI", "GITHUB_ACTIONS", "PYTEST_CURRENT_TEST")


def test_importing_the_registry_creates_no_telemetry_client() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in OTHER_SWITCHES}
    code = (
        "import os, ml.registry.client; from mlflow.telemetry import get_telemetry_client as client; "
        "print(client(), '_MLFLOW_TELEMETRY_SESSION_ID' in os.environ)"
    )
    process = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)

    assert (process.returncode, process.stdout.strip()) == (0, "None False"), process.stderr


def test_the_tests_have_no_telemetry_client() -> None:
    assert get_telemetry_client() is None
    assert "_MLFLOW_TELEMETRY_SESSION_ID" not in os.environ


def test_no_other_package_of_ml_imports_mlflow_before_the_setting_is_made() -> None:
    others = [path for path in (ROOT / "ml").rglob("*.py") if path.parent.name != "registry"]

    assert [path for path in others if "import mlflow" in (text := path.read_text()) or "from mlflow" in text] == []
