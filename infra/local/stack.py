"""Bringing the stack up and down."""

import os
import shutil
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil
from rich.console import Console

from infra.local.errors import StackError
from infra.local.postgres.databases import create_databases, initialise_clusters, migrate, prepare_secrets
from infra.local.preflight import check_machine, check_ports
from infra.local.programs.airflow import write_login
from infra.local.programs.environment import without_settings
from infra.local.programs.program import Program
from infra.local.programs.prometheus import write_prometheus_files
from infra.local.programs.stack import all_programs, database_programs, service_programs
from infra.local.settings import ROOT, StackSettings
from infra.local.supervision.supervisor import Supervisor

POLL_SECONDS = 0.3


class Stack:
    """The native stack with these settings, running or not."""

    def __init__(self, settings: StackSettings, console: Console) -> None:
        self.settings = settings
        self.supervisor = Supervisor(settings.places)
        self._console = console

    def up(self) -> None:
        """Start what does not run yet, and return when all of it does its work."""
        settings = self.settings
        write_dotenv(self._console)
        if not self.supervisor.running:
            check_machine(settings)
            self._refuse_orphans()
        settings.places.create()
        prepare_secrets(settings)
        with self._console.status("making the databases"):
            initialise_clusters(settings)
        write_login(settings)
        programs = all_programs(settings)
        self._check_free_ports(programs)
        self.supervisor.configure(programs)
        self.supervisor.launch(without_settings(os.environ))
        self.start(database_programs(settings))
        with self._console.status("bringing the databases to this version's schema"):
            create_databases(settings)
            migrate(settings)
        self._write_configurations()
        self.start(service_programs(settings))

    def down(self) -> bool:
        """End all that `up` started and nothing else; says whether there was anything."""
        if not self.supervisor.running:
            return self._end_orphans()
        names = list(self.supervisor.states())
        databases = [name for name in names if name in ("postgres", "mlflow-postgres")]
        with self._console.status("stopping the services"):
            self.supervisor.stop(name for name in names if name not in databases)
        with self._console.status("stopping the databases"):
            self.supervisor.shut_down()
        self._end_orphans()
        return True

    def clean(self) -> None:
        """Remove the databases, logs and secrets of this stack, after ending it."""
        self.down()
        shutil.rmtree(self.settings.places.home, ignore_errors=False)

    def memory(self) -> int:
        """Bytes of the whole stack, shared pages counted once (PSS)."""
        return sum(_memory(process) for process in self.supervisor.processes())

    def _write_configurations(self) -> None:
        """Prometheus reads its configuration once, when it starts."""
        prometheus = self.supervisor.states().get("prometheus")
        if prometheus is not None and not prometheus.running:
            write_prometheus_files(self.settings)

    def _check_free_ports(self, programs: Sequence[Program]) -> None:
        states = self.supervisor.states()
        starting = [program for program in programs if program.name not in states or not states[program.name].running]
        check_ports(starting, self.settings.bind_address)

    def start(self, programs: Sequence[Program]) -> None:
        """Start the programs and wait for each; one line for every one that is ready."""
        waiting = {program.name: program for program in programs}
        for name in waiting:
            self.supervisor.start(name)
        begun, pids = time.monotonic(), dict.fromkeys(waiting, 0)
        with self._console.status("") as status:
            while waiting:
                states = self.supervisor.states()
                for name, program in list(waiting.items()):
                    found, passed = states[name], time.monotonic() - begun
                    if found.state in ("FATAL", "BACKOFF", "EXITED") or (pids[name] and found.pid != pids[name]):
                        raise StackError(f"{name} ended instead of starting.", log=self._log(name))
                    pids[name] = found.pid
                    if found.running and program.is_ready(found.started_at):
                        self._console.print(f"[green]✓[/] {name:<26}{passed:6.1f} s  {program.address or ''}")
                        del waiting[name]
                    elif passed > program.start_seconds:
                        raise StackError(f"{name} runs but is not ready after {passed:.0f} s.", log=self._log(name))
                status.update(f"waiting for {', '.join(waiting)}")
                time.sleep(POLL_SECONDS)

    def _log(self, name: str) -> Path:
        return self.settings.places.logs / f"{name}.log"

    def _refuse_orphans(self) -> None:
        if orphans := self.supervisor.orphans():
            raise StackError(f"{len(orphans)} processes of an earlier start still run: make down ends them.")

    def _end_orphans(self) -> bool:
        """End what outlived a killed supervisor; such processes are known by the mark in their environment."""
        orphans = self.supervisor.orphans()
        databases = [process for process in orphans if process.name() == "postgres"]
        _end([process for process in orphans if process not in databases], signal.SIGTERM)
        _end(databases, signal.SIGINT)  # fast shutdown, once nobody writes any more
        return bool(orphans)


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.AccessDenied:  # Airflow shuts the processes of tasks off, even from their owner
        found = process.memory_info()
        return int(found.rss - found.shared)
    except psutil.NoSuchProcess:
        return 0


def _end(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
    _, alive = psutil.wait_procs(processes, timeout=30)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def write_dotenv(console: Console) -> None:
    """At the first start, make ``.env`` of its example."""
    example, target = ROOT / ".env.example", ROOT / ".env"
    if example.exists() and not target.exists():
        shutil.copyfile(example, target)
        target.chmod(0o600)
        console.print("Made .env of .env.example: change ports, logins and the data source there.")
