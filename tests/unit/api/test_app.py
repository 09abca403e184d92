"""The application: its imports, and errors at the start."""

import json
import os
import subprocess
import sys
from pathlib import Path

from api.app import create_app
from api.settings import ApiSettings

REPORT = """
import json, sys
import api.app
print(json.dumps(sorted(sys.modules)))
"""


def run(code: str, directory: Path = Path(), **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "PYTHONPATH": str(Path().resolve()), **environment}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=directory, env=variables, capture_output=True, text=True, check=False
    )


def test_the_service_imports_no_heavy_library() -> None:
    modules = json.loads(run(REPORT).stdout)

    heavy = {"pandas", "sklearn", "scipy", "mlflow", "airflow", "matplotlib", "sqlalchemy", "xgboost"}
    assert heavy.isdisjoint(modules)


def test_an_invalid_setting_ends_the_start_with_one_line(tmp_path: Path) -> None:
    result = run("from api.app import create_app; create_app()", tmp_path, API_DB_PASSWORD="", API_PORT="none")

    assert result.returncode == 1
    assert result.stderr.startswith("Setting API_PORT has a malformed value 'none'")
    assert len(result.stderr.strip().splitlines()) == 1


def test_applications_have_separate_metrics(tmp_path: Path) -> None:
    settings = ApiSettings.load(
        _env_file=None, api_db_password="unused", prediction_log_key="k" * 16, api_cache_dir=tmp_path
    )

    first, second = create_app(settings), create_app(settings)

    assert first.state.services.metrics.registry is not second.state.services.metrics.registry
