"""Starts the servers to compare. All run on the first core, the client on the second."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

import httpx
import psutil

from bench.serving.model import CACHE, MLFLOW
from infra.local.supervision.probes import free_port
from ml.core.names import PUBLIC_KEYS
from ml.schema import Record

OURS: Final = "ours"
QUIET: Final = "ours, prediction log off"
WIRE: Final = "wire"
FLOOR: Final = "wire and one call of the graph"
PLAIN: Final = "FastAPI + scikit-learn + pandas"
MLFLOW_SERVE: Final = "mlflow models serve"
BENTO_SKLEARN: Final = "BentoML + scikit-learn"
BENTO_ONNX: Final = "BentoML + ONNX"

SLOW: Final = (PLAIN, MLFLOW_SERVE, BENTO_SKLEARN)
"""Peers with a few responses per second."""

SERVER_CORE: Final = 0
CLIENT_CORE: Final = 1
_START_SECONDS: Final = 120
_BENTO: Final = "bentoml==1.4.39"
_BENTO_NEEDS: Final = (
    "joblib", "numpy", "onnx", "onnxruntime", "optuna", "pandas", "pydantic-settings", "scikit-learn", "scipy",
    "xgboost-cpu",
)  # fmt: skip
ROOT: Final = Path(__file__).parents[3]
_PORT: Final = "PORT"


@dataclass(frozen=True, slots=True)
class Peer:
    """A running server."""

    name: str
    url: str
    path: str
    member: str  # key of the records in the body
    process: psutil.Process

    def body(self, records: Sequence[Record]) -> bytes:
        """Body of a request."""
        return json.dumps({self.member: records}).encode()

    def cpu_seconds(self) -> float:
        """CPU time of the server and its children."""
        times = [process.cpu_times() for process in _family(self.process)]
        return sum(time.user + time.system for time in times)

    def pss_mb(self) -> float:
        """Proportional set size of the server and its children in MB."""
        return round(sum(process.memory_full_info().pss for process in _family(self.process)) / 1024**2, 1)


@dataclass(frozen=True, slots=True)
class Launcher:
    """How to start a server: command with the placeholder ``PORT``, routes, and environment."""

    name: str
    command: Sequence[str]
    path: str
    ready: str = "/ready"
    member: str = "records"
    environment: Mapping[str, str] = field(default_factory=dict)


def launchers(folder: Path, database: Mapping[str, str], bento: Path | None) -> dict[str, Launcher]:
    """Launchers by name; BentoML only if there is an environment for it."""
    ours = {
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
        "API_CACHE_DIR": str(folder / CACHE),
        "MODEL_PUBLIC_KEYS_FILE": str(folder / PUBLIC_KEYS),
        "PREDICTION_LOG": "true",
        "PREDICTION_LOG_KEY": "key of the benchmark",
        **database,
    }
    service = [sys.executable, "-m", "api", "--port", _PORT, "--no-access-log"]
    wire = _uvicorn("--factory", "bench.serving.peers.wire:create_app")
    mlflow = [
        str(Path(sys.executable).with_name("mlflow")), "models", "serve", "--model-uri", str(folder / MLFLOW),
        "--port", _PORT, "--env-manager", "local", "--workers", "1",
    ]  # fmt: skip
    every = [
        Launcher(OURS, service, "/predict", environment=ours),
        Launcher(QUIET, service, "/predict", environment=ours | {"PREDICTION_LOG": "false"}),
        Launcher(WIRE, wire, "/wire", environment=ours),
        Launcher(FLOOR, wire, "/wire-and-graph", environment=ours),
        Launcher(PLAIN, _uvicorn("bench.serving.peers.plain:app"), "/predict"),
        Launcher(MLFLOW_SERVE, mlflow, "/invocations", "/ping", "dataframe_records", {"UVICORN_ACCESS_LOG": "false"}),
    ]
    if bento is not None:
        options = ("--host", "127.0.0.1", "--port", _PORT)
        for name, class_ in ((BENTO_SKLEARN, "WithSklearn"), (BENTO_ONNX, "WithOnnx")):
            command = [str(bento / "bin" / "bentoml"), "serve", f"bench.serving.peers.bento:{class_}", *options]
            every.append(Launcher(name, command, "/predict", "/readyz"))
    return {launcher.name: launcher for launcher in every}


@contextmanager
def running(launcher: Launcher, folder: Path, *, pinned: bool = True, root: Path = ROOT) -> Iterator[Peer]:
    """Start a server with the code of a checkout, wait until it is ready, and stop it at the end."""
    port = str(free_port())
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # mlflow looks up uvicorn there
        "BENCH_FOLDER": str(folder),
        "PYTHONPATH": str(root),
        "OMP_NUM_THREADS": "1",
        **launcher.environment,
    }
    cores = str(SERVER_CORE) if pinned else f"{SERVER_CORE},{CLIENT_CORE}"
    command = ["taskset", "--cpu-list", cores, *(port if part == _PORT else part for part in launcher.command)]
    with (folder / "servers.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=root, env=environment, stdout=log, stderr=log)
        url = f"http://127.0.0.1:{port}"
        try:
            _wait_until_ready(f"{url}{launcher.ready}", launcher.name, process)
            yield Peer(launcher.name, url, launcher.path, launcher.member, psutil.Process(process.pid))
        finally:
            _stop(process)


def bento_environment(folder: Path) -> Path:
    """An environment with BentoML and the locked versions of the model's dependencies; created once."""
    place = folder / "bento"
    if not (place / "bin" / "bentoml").exists():
        locked = [f"{name}=={metadata.version(name)}" for name in _BENTO_NEEDS]
        uv = shutil.which("uv") or str(ROOT / ".local" / "uv" / "bin" / "uv")  # installed by make env
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(place)], check=True)
        python = str(place / "bin" / "python")
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, _BENTO, *locked], check=True)
    return place


def _uvicorn(*app: str) -> list[str]:
    return [sys.executable, "-m", "uvicorn", *app, "--port", _PORT, "--no-access-log", "--no-server-header"]


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _wait_until_ready(url: str, name: str, process: subprocess.Popen[Any]) -> None:
    deadline = monotonic() + _START_SECONDS
    while monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended before it was ready")
        with suppress(httpx.TransportError):
            if httpx.get(url, timeout=1).status_code == httpx.codes.OK:
                return
        sleep(0.02)
    raise RuntimeError(f"{name} was not ready in time")


def _stop(process: subprocess.Popen[Any]) -> None:
    if process.poll() is not None:
        return
    family = _family(psutil.Process(process.pid))
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.terminate()
    _, alive = psutil.wait_procs(family, timeout=15)
    for member in alive:
        member.kill()
    process.wait()
