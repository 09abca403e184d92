"""Training on 1, 2 and 4 workers of Dask: time, efficiency, and the difference of the models.

``python -m bench.scale.cluster --image IMAGE`` with the image of Airflow that Docker Compose has built. Each worker is
a container with a limit of processor time, in place of a machine; scheduler, PostgreSQL and client have none.
"""

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import sqlalchemy as sa

from bench.database import fresh_database, postgres
from bench.report import machine, print_table, write_result
from bench.scale.rows import login
from infra.local.supervision.probes import free_port
from ml.compute.connection import connected
from ml.compute.workers import Cluster
from ml.core.settings import MlSettings
from ml.data.ingest import ingest
from ml.evaluation.metrics import auroc
from ml.features.tables import target
from ml.training.code_version import code_version
from ml.training.models import FAMILIES, GRADIENT_BOOSTING, RANDOM_FOREST, fit
from ml.warehouse.connection import warehouse
from ml.warehouse.datasets import read

WORKERS: Final = (1, 2, 4)
ROWS: Final = 1_200_000
"""Ten parts, of which each encounter is in all variants, and four shares of a forest."""
FEW: Final = {RANDOM_FOREST: {"n_estimators": 20}, GRADIENT_BOOSTING: {"n_estimators": 60}}


def main() -> None:
    """Measure, print and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--image", required=True)
    parser.add_argument("--cpus", type=float, default=0.5, help="processor time of a worker (default: %(default)s)")
    parser.add_argument("--rows", type=int, default=ROWS, help="(default: %(default)s)")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as scratch,
        postgres(Path(scratch)) as server,
        fresh_database(server) as settings,
    ):
        settings = settings.model_copy(
            update={"data_source": "synthetic", "synthetic_rows": options.rows, "data_dir": Path(scratch) / "data"}
        )
        with warehouse(settings) as engine:
            ingest(settings, engine)
            runs = measure(settings, engine, options.image, options.cpus)
    print_table("Training on workers", runs)
    given = {"rows": options.rows, "cpus": options.cpus}
    write_result("scale_cluster", given | {"runs": runs, "machine": machine("dask", "scikit-learn", "xgboost-cpu")})


def measure(settings: MlSettings, engine: sa.Engine, image: str, cpus: float) -> list[dict[str, Any]]:
    """Fit both families on every number of workers."""
    runs, first = [], dict[str, tuple[float, Any]]()
    for count in WORKERS:
        with running(settings, image, cpus, count) as address:
            for family, parameters in FEW.items():
                seconds, risks, labels = fit_on(settings.model_copy(update={"dask_scheduler": address}), engine, family)
                alone, its_risks = first.setdefault(family, (seconds, risks))
                runs.append(
                    {
                        "family": FAMILIES[family].name,
                        **parameters,
                        "workers": count,
                        "seconds": round(seconds, 1),
                        "efficiency": round(alone / (count * seconds), 3),
                        "auroc": round(auroc(labels, risks), 4),
                        "largest_difference": float(np.abs(risks - its_risks).max()),
                    }
                )
                print(runs[-1], flush=True)
    return runs


def fit_on(settings: MlSettings, engine: sa.Engine, family: str) -> tuple[float, Any, Any]:
    """Fit a family; returns the seconds, and risks and outcomes of the test encounters."""
    with connected(settings, code_version) as workers:
        dataset = read(engine)
        started = time.perf_counter()
        model = fit(family, FEW[family], dataset.parts, 1, workers=workers)
        seconds = time.perf_counter() - started
    test: pd.DataFrame = dataset.test
    return seconds, model.predict(test), target(test)


@contextmanager
def running(settings: MlSettings, image: str, cpus: float, count: int) -> Iterator[str]:
    """A scheduler of Dask, and workers in containers; yields its address."""
    address, prefix = f"tcp://127.0.0.1:{free_port()}", f"bench-dask-{secrets.token_hex(3)}"
    variables = [word for name, value in login(settings).items() for word in ("--env", f"{name}={value}")]
    limits = ["--rm", "--network", "host", "--cpus", str(cpus), *variables]
    worker = ["dask", "worker", address, "--nthreads=1", "--no-nanny", "--memory-limit=0", "--local-directory=/tmp"]
    with ExitStack() as stack:
        scheduler = [sys.executable, "-m", "dask", "scheduler", "--host", address, "--no-dashboard"]
        processes = [subprocess.Popen([*scheduler, "--dashboard-address", ":0"], stderr=subprocess.DEVNULL)]
        for number in range(count):
            name = f"{prefix}-{number}"
            command = ["docker", "run", "--name", name, *limits, image, *worker, f"--name={number}", "--no-dashboard"]
            processes.append(subprocess.Popen(command, stderr=subprocess.DEVNULL, env={**os.environ}))
            stack.callback(subprocess.run, ["docker", "kill", name], check=False, capture_output=True)
        stack.callback(processes[0].kill)
        with connected(settings.model_copy(update={"dask_scheduler": address}), code_version) as workers:
            if isinstance(workers, Cluster):
                workers.client.wait_for_workers(count, timeout=120)
        yield address


if __name__ == "__main__":
    main()
