"""Who is compared: how each is started and asked. All run on the first core; whoever asks, on the second."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
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
"""Who answers a few requests a second, however it is asked."""

SERVER_CORE: Final = 0
CLIENT_CORE: Final = 1
_BENTO: Final = "bentoml==1.4.39"
_BENTO_NEEDS: Final = (
    "joblib", "numpy", "onnx", "onnxruntime", "optuna", "pandas", "pydantic-settings", "scikit-learn", "scipy",
    "xgboost-cpu",
)  # fmt: skip
_ROOT: Final = Path(__file__).parents[2]
_PLAIN_BODY: Final = "records"


@dataclass(frozen=True, slots=True)
class Peer:
    """A server that can be asked."""

    name: str
    url: str
    path: str
    member: str  # of the body, which holds the records
    process: psutil.Process

    def body(self, records: Sequence[Record]) -> bytes:
        """A request for some records."""
        return json.dumps({self.member: records}).encode()

    def cpu_seconds(self) -> float:
        """CPU time that the server and its children have taken."""
        family = [self.process, *self.process.children(recursive=True)]
        times = [member.cpu_times() for member in family]
        return sum(time.user + time.system for time in times)

    def pss_mb(self) -> float:
        """Memory of the server and its children, what they share counted once."""
        family = [self.process, *self.process.children(recursive=True)]
        return round(sum(member.memory_full_info().pss for member in family) / 1024**2, 1)


@dataclass(frozen=True, slots=True)
class Kind:
    """How a server is started: its command but for the port, and where it answers."""

    command: Callable[[int], Sequence[str]]
    path: str
    ready: str
    member: str = _PLAIN_BODY
    environment: Mapping[str, str] = field(default_factory=dict)


def kinds(folder: Path, database: Mapping[str, str], bento: Path | None) -> dict[str, Kind]:
    """All that can be started; BentoML only where there is an environment for it."""
    ours = {
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
        "API_CACHE_DIR": str(folder / CACHE),
        "PREDICTION_LOG": "true",
        "PREDICTION_LOG_KEY": "key of the benchmark",
        **database,
    }
    wire = _uvicorn("--factory", "bench.serving.peers.wire:create_app")
    found = {
        OURS: Kind(_uvicorn("--factory", "api.app:create_app"), "/predict", "/ready", environment=ours),
        QUIET: Kind(
            _uvicorn("--factory", "api.app:create_app"),
            "/predict",
            "/ready",
            environment=ours | {"PREDICTION_LOG": "false"},
        ),
        WIRE: Kind(wire, "/wire", "/ready", environment=ours),
        FLOOR: Kind(wire, "/wire-and-graph", "/ready", environment=ours),
        PLAIN: Kind(_uvicorn("bench.serving.peers.plain:app"), "/predict", "/ready"),
        MLFLOW_SERVE: Kind(
            lambda port: [
                str(Path(sys.executable).with_name("mlflow")), "models", "serve", "--model-uri", str(folder / MLFLOW),
                "--port", str(port), "--env-manager", "local", "--workers", "1",
            ],
            "/invocations", "/ping", "dataframe_records", {"UVICORN_ACCESS_LOG": "false"},
        ),
    }  # fmt: skip
    if bento is not None:
        for name, service in ((BENTO_SKLEARN, "WithSklearn"), (BENTO_ONNX, "WithOnnx")):
            found[name] = Kind(_bento(bento, service), "/predict", "/readyz")
    return found


@contextmanager
def running(name: str, kind: Kind, folder: Path, *, pinned: bool = True) -> Iterator[Peer]:
    """Start a server, wait until it answers, and end it with the context."""
    port = free_port()
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # mlflow looks for uvicorn there
        "BENCH_FOLDER": str(folder),
        "PYTHONPATH": str(_ROOT),
        "OMP_NUM_THREADS": "1",
        **kind.environment,
    }
    prefix = ["taskset", "--cpu-list", str(SERVER_CORE) if pinned else f"{SERVER_CORE},{CLIENT_CORE}"]
    with (folder / "servers.log").open("ab") as log:
        process = subprocess.Popen([*prefix, *kind.command(port)], cwd=_ROOT, env=environment, stdout=log, stderr=log)
        url = f"http://127.0.0.1:{port}"
        try:
            _wait(f"{url}{kind.ready}", name, process)
            yield Peer(name, url, kind.path, kind.member, psutil.Process(process.pid))
        finally:
            _end(process)


def _end(process: subprocess.Popen[Any]) -> None:
    if process.poll() is not None:
        return
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.terminate()
    _, alive = psutil.wait_procs(family, timeout=15)
    for member in alive:
        member.kill()
    process.wait()


def bento_environment(folder: Path) -> Path:
    """An environment with BentoML and the versions of our lock for what the model needs; made once."""
    place = folder / "bento"
    if not (place / "bin" / "bentoml").exists():
        ours = [f"{name}=={metadata.version(name)}" for name in _BENTO_NEEDS]
        uv = shutil.which("uv") or str(_ROOT / ".local" / "uv" / "bin" / "uv")  # our own, from make env
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(place)], check=True)
        python = str(place / "bin" / "python")
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, _BENTO, *ours], check=True)
    return place


def _uvicorn(*app: str) -> Callable[[int], Sequence[str]]:
    def command(port: int) -> Sequence[str]:
        options = ("--port", str(port), "--no-access-log", "--no-server-header")
        return [sys.executable, "-m", "uvicorn", *app, *options]

    return command


def _bento(place: Path, service: str) -> Callable[[int], Sequence[str]]:
    def command(port: int) -> Sequence[str]:
        address = ("--host", "127.0.0.1", "--port", str(port))
        return [str(place / "bin" / "bentoml"), "serve", f"bench.serving.peers.bento:{service}", *address]

    return command


def _wait(url: str, name: str, process: subprocess.Popen[Any]) -> None:
    deadline = monotonic() + 120
    while monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended before it was ready")
        try:
            if httpx.get(url, timeout=1).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        sleep(0.02)
    raise RuntimeError(f"{name} was not ready in time")
