"""Airflow for tests: its own home and database, its programs in processes of their own.

Airflow configures logging, warnings and the import path of the process that imports it; the tests stay out of that.
"""

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Airflow:
    """An Airflow with this repository's DAGs."""

    environment: dict[str, str]

    def run(self, *arguments: str, timeout: float = 600, status: int = 0) -> str:
        """Run a Python program in this Airflow's environment; returns what it printed, raises on another status."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if done.returncode != status:
            raise AssertionError(
                f"{' '.join(arguments)} ended with {done.returncode}:\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
            )
        return done.stdout


def airflow_environment(home: Path, database: str, **more: str) -> dict[str, str]:
    """Variables of an Airflow with its home in `home` and its database at `database`."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    return {
        **inherited,
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "dags" / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD": shlex.join(["printf", "%s", database]),
        "AIRFLOW__DAG_PROCESSOR__DAG_VERSION_INFLATION_CHECK_LEVEL": "error",
        "NO_COLOR": "1",
        "PYTHONPATH": str(ROOT),
        **more,
    }
