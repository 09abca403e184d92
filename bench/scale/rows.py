"""Time and memory of every command, from the delivered rows to a model in production, by number of encounters.

``python -m bench.scale.rows --rows 100000 1000000 10000000``. The encounters are synthetic. The commands are those of
``python -m ml``, with the default parameters of both families, and each is a process of its own. The results of other
numbers of encounters stay in the file of results.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil
import sqlalchemy as sa

from bench.database import fresh_database, postgres
from bench.mlflow_server import running_mlflow
from bench.processes import processor_seconds
from bench.report import machine, print_table, write_result
from infra.secrets.generate import SECRETS
from ml.core.names import SIGNING_KEY
from ml.core.settings import MlSettings
from ml.core.signing.keys import complete_pair
from ml.warehouse.connection import warehouse

SIZES: Final = (100_000, 1_000_000, 10_000_000)
COMMANDS: Final[Mapping[str, Sequence[str]]] = {
    "ingest": ("ingest",),
    "train RandomForest": ("train", "--no-gate"),
    "gate RandomForest": ("promote",),
    "train XGBoost": ("train", "--no-gate", "--family", "gradient_boosting"),
    "gate XGBoost": ("promote",),
    "score": ("score",),
}
"""``train`` makes the report too; ``score`` scores ``raw_data`` with the version in production."""
USAGE: Final = Path(__file__).parents[1] / "usage.py"
RESULT: Final = Path(__file__).parents[1] / "results" / "scale_rows.json"
ALLOWED_MB: Final = 1_500
ALLOWED_BYTES: Final = 400
"""Memory that a process may use, and bytes more for each encounter."""
TABLES: Final = ("raw_data", "train_data", "test_data", "scores")


def main() -> None:
    """Measure, print and write the result after each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES, help="(default: %(default)s)")
    parser.add_argument("--folder", type=Path, help="for the database and temporary files")
    options = parser.parse_args()
    for rows in options.rows:
        with tempfile.TemporaryDirectory(dir=options.folder, prefix="bench-rows-") as folder:
            run = {"rows": rows, "allowed_mb": allowed_mb(rows), **measure(rows, Path(folder))}
        print_table(f"{rows:,} encounters", run["steps"])
        runs = {known["rows"]: known for known in json.loads(RESULT.read_text())["runs"]} if RESULT.exists() else {}
        runs[rows] = run | {"machine": machine("pandas", "scikit-learn", "xgboost-cpu")}
        write_result(RESULT.stem, {"runs": [runs[key] for key in sorted(runs)]})


def allowed_mb(rows: int) -> int:
    """Peak memory in MB that any process may have for so many encounters."""
    return ALLOWED_MB + ALLOWED_BYTES * rows // 10**6


def measure(rows: int, folder: Path) -> dict[str, Any]:
    """Run the commands on so many encounters, with a PostgreSQL and an MLflow of their own."""
    with environment(rows, folder) as (variables, settings):
        database = next(child for child in psutil.Process().children() if child.name() == "postgres")
        steps = []
        for (step, command), number in zip(COMMANDS.items(), itertools.count()):
            steps.append({"step": step, **run(command, variables, folder / f"{number}.log", database)})
            print(json.dumps(steps[-1]), flush=True)
        return {"steps": steps, "bytes_per_row": {name: size // rows for name, size in stored(settings).items()}}


def stored(settings: MlSettings) -> dict[str, int]:
    """Bytes of the tables with their indexes, and of the write-ahead log of all commands."""
    with warehouse(settings) as engine, engine.connect() as connection:
        sizes = {name: connection.scalar(sa.select(sa.func.pg_total_relation_size(name))) or 0 for name in TABLES}
        log = connection.scalar(sa.text("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')")) or 0
        return sizes | {"write-ahead log": int(log)}


@contextmanager
def environment(rows: int, folder: Path) -> Iterator[tuple[dict[str, str], MlSettings]]:
    """Start PostgreSQL and MLflow; yields environment variables of the commands, and settings of the database."""
    secrets, temporary = folder / "secrets", folder / "tmp"
    for new in (secrets, temporary):
        new.mkdir()
    (secrets / SIGNING_KEY).write_text(SECRETS[SIGNING_KEY]())
    complete_pair(secrets)
    with (
        postgres(folder) as server,
        running_mlflow(server, folder) as (tracking, _),
        fresh_database(server) as settings,
    ):
        yield (
            os.environ
            | login(settings)
            | {
                "MLFLOW_TRACKING_URI": tracking,
                "SECRETS_DIR": str(secrets),
                "DATA_DIR": str(folder / "data"),
                "DATA_SOURCE": "synthetic",
                "SYNTHETIC_ROWS": str(rows),
                "TMPDIR": str(temporary),
            },
            settings,
        )


def login(settings: MlSettings) -> dict[str, str]:
    """Environment variables with the address and login of a database."""
    names = ("postgres_host", "postgres_port", "diabetes_db_name", "diabetes_db_user")
    password = settings.diabetes_db_password.get_secret_value()
    return {name.upper(): str(getattr(settings, name)) for name in names} | {"DIABETES_DB_PASSWORD": password}


def run(command: Sequence[str], variables: dict[str, str], output: Path, database: psutil.Process) -> dict[str, Any]:
    """Run a command; its peak memory is that of its largest process, sandboxes included."""
    before, started = processor_seconds(database), time.perf_counter()
    with output.open("wb") as log:
        ml = [sys.executable, str(USAGE), sys.executable, "-m", "ml", *command]
        used = json.loads(subprocess.run(ml, env=variables, stdout=subprocess.PIPE, stderr=log, check=True).stdout)
    if used.pop("status") not in {0, 1}:  # 1: the gate refused the version
        raise RuntimeError(output.read_text()[-5000:])
    figures = used | {
        "seconds": time.perf_counter() - started,
        "postgres_processor_seconds": processor_seconds(database) - before,
    }
    return {name: round(value, 1) for name, value in figures.items()}


if __name__ == "__main__":
    main()
