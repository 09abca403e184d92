"""An MLflow server of the tests: the real program on a database of its own."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.programs.mlflow_server import READY_PATH, mlflow_command, mlflow_environment
from infra.local.supervision.probes import free_port, http_probe

START_SECONDS = 300


@contextmanager
def running_mlflow(database_url: str, folder: Path, port: int | None = None) -> Iterator[str]:
    """Start a server with its artifacts in `folder`, and end it with the context; gives its address."""
    port = port or free_port()
    environment = os.environ | {"MLFLOW_BACKEND_STORE_URI": database_url}
    environment |= mlflow_environment(folder / "artifacts", "127.0.0.1", port)
    url, log_path = f"http://127.0.0.1:{port}", folder / "mlflow.log"
    with log_path.open("ab") as log:
        process = subprocess.Popen(mlflow_command(), env=environment, stdout=log, stderr=log)
        try:
            is_ready, started = http_probe(f"{url}{READY_PATH}"), time.monotonic()
            while not is_ready(started):
                if process.poll() is not None or time.monotonic() > started + START_SECONDS:
                    raise RuntimeError(f"the MLflow server of the tests did not start:\n{log_path.read_text()[-3000:]}")
                time.sleep(0.2)
            yield url
        finally:
            process.terminate()
            process.wait(30)
