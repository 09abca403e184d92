"""An MLflow server with its database, for a benchmark."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.database import API_PASSWORD
from infra.local.postgres.cluster import PostgresServer
from infra.local.programs.mlflow_server import mlflow_command, mlflow_environment
from infra.local.supervision.probes import free_port, http_probe


@contextmanager
def running_mlflow(server: PostgresServer, folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield its address and the folder of its artifacts; ``MLFLOW_BACKEND_STORE_URI`` is set to its database."""
    server.ensure_database("mlflowdb", "mlflow", API_PASSWORD)
    artifacts, port = folder / "artifacts", free_port()
    url = f"postgresql+psycopg2://mlflow:{API_PASSWORD}@{server.host}:{server.port}/mlflowdb"
    os.environ["MLFLOW_BACKEND_STORE_URI"] = url
    environment = {**os.environ, **mlflow_environment(artifacts, "127.0.0.1", port)}
    with (folder / "mlflow.log").open("wb") as log:
        process = subprocess.Popen(mlflow_command(), env=environment, stdout=log, stderr=log)
        try:
            is_ready = http_probe(f"http://127.0.0.1:{port}/health")
            while not is_ready(0):
                if process.poll() is not None:
                    raise RuntimeError((folder / "mlflow.log").read_text()[-3000:])
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}", artifacts
        finally:
            process.terminate()
            process.wait(30)
