"""Programs of MLflow for the tests: the server on a database of its own, and ``mlflow models serve``."""

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from infra.local.programs.mlflow_server import READY_PATH, mlflow_command, mlflow_environment
from infra.local.supervision.probes import free_port, http_probe
from ml.core.names import MODEL_NAME, PRODUCTION

START_SECONDS = 300


@contextmanager
def running_mlflow(database_url: str, folder: Path, port: int | None = None) -> Iterator[str]:
    """Start a server with its artifacts in `folder`, and end it with the context; gives its address."""
    port = port or free_port()
    environment = os.environ | {"MLFLOW_BACKEND_STORE_URI": database_url}
    environment |= mlflow_environment(folder / "artifacts", "127.0.0.1", port)
    with _running(mlflow_command(), environment, folder, f"http://127.0.0.1:{port}", READY_PATH) as address:
        yield address


@contextmanager
def running_model(programs: Path, tracking: str, folder: Path) -> Iterator[str]:
    """``mlflow models serve`` of the production version; gives its address.

    Args:
        programs: folder of the program ``mlflow`` and of those that it starts.
        tracking: address of the MLflow server.
        folder: where it runs. It finds no code of the platform but that of the version.
    """
    port = free_port()
    command = [programs / "mlflow", "models", "serve", "--model-uri", f"models:/{MODEL_NAME}@{PRODUCTION}"]
    command += ["--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    with _running(command, outside(programs, tracking), folder, f"http://127.0.0.1:{port}", "/ping") as address:
        yield address


def outside(programs: Path, tracking: str) -> dict[str, str]:
    """Environment of a program of `programs` that uses the server at `tracking` without the platform's code."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    path = os.pathsep.join([str(programs), os.environ["PATH"]])  # of the command uvicorn
    return inherited | {"MLFLOW_TRACKING_URI": tracking, "PATH": path}


@contextmanager
def _running(
    command: Sequence[str | Path], environment: Mapping[str, str], folder: Path, url: str, path: str
) -> Iterator[str]:
    log_path = folder / "mlflow.log"
    with log_path.open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        try:
            is_ready, started = http_probe(f"{url}{path}"), time.monotonic()
            while not is_ready(started):
                if process.poll() is not None or time.monotonic() > started + START_SECONDS:
                    raise RuntimeError(f"{url} did not start:\n{log_path.read_text()[-3000:]}")
                time.sleep(0.2)
            yield url
        finally:
            process.terminate()
            process.wait(30)
