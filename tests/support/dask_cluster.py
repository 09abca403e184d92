"""A Dask cluster on this machine: a scheduler and workers as processes of their own, with mutual TLS."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pandas as pd

from infra.local.supervision.probes import free_port
from infra.secrets.generate import SECRETS
from ml.core.errors import StaleInputError
from ml.core.names import DASK_CERTIFICATE
from ml.core.settings import MlSettings
from ml.features.tables import Parts


class KillingParts:
    """Parts of which the first read elsewhere than here ends a process, by default the reading one."""

    def __init__(self, parts: Parts, marker: Path, process: int | None = None) -> None:
        self._parts, self._marker, self._process, self._here = parts, marker, process, os.getpid()

    def __len__(self) -> int:
        return len(self._parts)

    def __getitem__(self, number: int, /) -> pd.DataFrame:
        if os.getpid() != self._here and not self._marker.exists():
            self._marker.touch()
            os.kill(self._process or os.getpid(), signal.SIGKILL)
        return self._parts[number]


class ChangingParts:
    """Parts that were changed when one of them is read for the given time."""

    def __init__(self, parts: Parts, folder: Path, reads: int) -> None:
        self._parts, self._folder, self._reads = parts, folder, reads

    def __len__(self) -> int:
        return len(self._parts)

    def __getitem__(self, number: int, /) -> pd.DataFrame:
        (self._folder / f"{number}-{uuid4()}").touch()
        if len(list(self._folder.glob(f"{number}-*"))) == self._reads:
            raise StaleInputError("The training data were changed.")
        return self._parts[number]


class DaskCluster:
    """Processes of ``dask``; workers log in to the database of the settings."""

    def __init__(self, folder: Path, settings: MlSettings) -> None:
        self._certificate = folder / DASK_CERTIFICATE
        self._certificate.write_text(SECRETS[DASK_CERTIFICATE]())
        self.address = f"tls://127.0.0.1:{free_port()}"
        self._folder, self._environment = folder, {**os.environ, **_variables(settings)}
        self.scheduler = self._start("scheduler", "--host", self.address, "--no-dashboard")
        self.workers: list[subprocess.Popen[bytes]] = []

    def add_worker(self) -> subprocess.Popen[bytes]:
        """Start a worker of one thread."""
        name = f"worker-{len(self.workers)}"
        arguments = ("--name", name, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0")
        worker = self._start("worker", self.address, "--local-directory", str(self._folder / name), *arguments)
        self.workers.append(worker)
        return worker

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of a client."""
        return {"dask_scheduler": self.address, "dask_certificate_file": self._certificate}

    def log(self, program: str) -> str:
        """What the scheduler or the workers have logged."""
        return (self._folder / f"{program}.log").read_text()

    def end(self) -> None:
        """End all processes."""
        for process in (*self.workers, self.scheduler):
            process.kill()
            process.wait(10)

    def _start(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        options = ("--tls-ca-file", "--tls-cert", "--tls-key")
        tls = [argument for option in options for argument in (option, str(self._certificate))]
        command = [sys.executable, "-m", "dask", program, *arguments, *tls]
        with (self._folder / f"{program}.log").open("ab") as log:
            return subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)


def _variables(settings: MlSettings) -> Mapping[str, str]:
    names = ("postgres_host", "postgres_port", "diabetes_db_name", "diabetes_db_user")
    password = settings.diabetes_db_password.get_secret_value()
    return {name.upper(): str(getattr(settings, name)) for name in names} | {
        "DIABETES_DB_PASSWORD": password,
        "TRAIN_JOBS": str(settings.train_jobs),
    }


@contextmanager
def running_cluster(folder: Path, settings: MlSettings, workers: int) -> Iterator[DaskCluster]:
    """A cluster with workers that are starting."""
    cluster = DaskCluster(folder, settings)
    try:
        for _ in range(workers):
            cluster.add_worker()
        yield cluster
    finally:
        cluster.end()
