"""Starts and stops the native stack."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import psutil
from rich.console import Console

from infra.backup.restoring import swap
from infra.local.dotenv_file import check_dotenv
from infra.local.errors import StackError
from infra.local.preflight import check_exposure, check_machine, check_ports, check_settings
from infra.local.programs.airflow import write_login
from infra.local.programs.environment import without_settings
from infra.local.programs.monitoring import write_prometheus_files
from infra.local.programs.program import Program
from infra.local.programs.services import database_programs, service_programs
from infra.local.provisioning import (
    create_databases,
    finish_fernet_rotation,
    initialise_clusters,
    migrate,
    prepare_secrets,
    run_ml,
    write_dotenv,
)
from infra.local.settings import ROOT, StackSettings
from infra.local.supervision.supervisor import Supervisor
from infra.local.upgrading import journal
from infra.secrets.rotate import refusal, rotate_secret
from ml.core.names import SIGNING_KEY

POLL_SECONDS = 0.3
DATABASES = ("postgres", "mlflow-postgres")


class Stack:
    """The native stack with these settings, running or not."""

    def __init__(self, settings: StackSettings, console: Console) -> None:
        self.settings = settings
        self.supervisor = Supervisor(settings.paths)
        self._console = console

    def up(self, verify: Callable[[], None] | None = None) -> None:
        """Start the programs that do not run, and wait until all are ready.

        Args:
            verify: of an upgrade; called when the databases are migrated and no service runs yet.

        Raises:
            PlatformError: the machine, a setting, a program or newer tables prevent the start.
        """
        settings = self.settings
        self.check_unfinished(upgrading=verify is not None)
        write_dotenv(self._console)
        check_dotenv(ROOT / ".env")
        check_exposure(settings)  # on a running stack too: a program that is started again has the present settings
        if not self.supervisor.running:
            check_machine(settings)
            if orphans := self.supervisor.orphans():
                raise StackError(f"{len(orphans)} processes of an earlier start still run: make down stops them.")
        settings.paths.create()
        prepare_secrets(settings)
        with self._console.status("creating the databases"):
            initialise_clusters(settings)
        write_login(settings)
        databases, services = database_programs(settings), service_programs(settings)
        programs = [*databases, *services]
        for name in check_settings(self.supervisor, settings):
            self._console.print(f"{name} has no effect here: the stack decides its value.", soft_wrap=True)
        check_ports(programs, settings.bind_address, self.supervisor.held_ports(programs))
        for changed, names in self.supervisor.changes(programs).items():
            self._console.print(f"Restarting {', '.join(names)}: {', '.join(changed)} changed.", soft_wrap=True)
        self.supervisor.configure(programs)
        self.supervisor.launch(without_settings(os.environ))
        self.start(databases)
        with self._console.status("migrating the databases"):
            create_databases(settings)
            migrate(settings)
            finish_fernet_rotation(settings)
        if verify is not None:
            verify()
        prometheus = self.supervisor.states().get("prometheus")
        if prometheus is not None and not prometheus.running:  # it reads its configuration only when it starts
            write_prometheus_files(settings, services)
        self.start(services)
        if message := run_ml(settings, "adopt")[1]:  # signs the production model of an earlier release
            self._console.print(message)

    def rotate(self, names: Sequence[str]) -> None:
        """Replace secrets by new ones, and restart the programs that hold a former one. A repeated call finishes.

        Raises:
            StackError: a secret cannot be rotated, or the stack does not start again.
        """
        if reason := refusal(names):
            raise StackError(reason)
        is_running, files = self.supervisor.running, [name for name in names if name != SIGNING_KEY]
        if not is_running and len(files) < len(names):
            raise StackError(f"The rotation of {SIGNING_KEY} signs models in MLflow: start the stack with make up.")
        for name in files:
            self.settings.paths.read_secret(name)
            rotate_secret(self.settings.paths.secrets, name)
        if not is_running:
            self._console.print("The stack is down: make up puts the new secrets in force.")
            return
        if files:
            self.up()
        if SIGNING_KEY in names:
            done, message = run_ml(self.settings, "rotate-signing-key")
            if not done:
                raise StackError(message)
            self._console.print(f"{message} End the former key: python -m ml rotate-signing-key --retire-former.")

    def check_unfinished(self, *, upgrading: bool) -> None:
        """Refuse to start on the state of a restore or an upgrade that was interrupted.

        Raises:
            StackError: with the command that finishes it.
        """
        state = self.settings.paths.backup_state
        if swap.read_journal(state) is not None:
            raise StackError("A restore was interrupted: the same make restore or restore-to finishes it or returns.")
        if not upgrading and journal.read_journal(state) is not None:
            raise StackError("An upgrade was interrupted: make upgrade finishes it or returns to its backup.")

    def down(self) -> bool:
        """Stop all programs of this stack; returns whether any was running."""
        if not self.supervisor.running:
            return self._stop_orphans()
        self.stop_services()
        with self._console.status("stopping the databases"):
            self.supervisor.shut_down()
        self._stop_orphans()
        return True

    def stop_services(self) -> list[str]:
        """Stop all programs but the databases; returns the names of those that ran."""
        states = self.supervisor.states() if self.supervisor.running else {}
        running = [name for name, process in states.items() if name not in DATABASES and process.active]
        with self._console.status("stopping the services"):
            self.supervisor.stop(running)
        return running

    def clean(self) -> None:
        """Stop the stack, and delete its databases, logs and secrets."""
        self.down()
        shutil.rmtree(self.settings.paths.home)

    def memory(self) -> int:
        """Memory of the whole stack in bytes, with shared pages counted once (PSS)."""
        return sum(_memory(process) for process in self.supervisor.processes())

    def start(self, programs: Sequence[Program]) -> None:
        """Start programs and wait until they are ready; prints a line for each.

        Raises:
            StackError: a program ended, or was not ready in time.
        """
        waiting = {program.name: program for program in programs}
        for name in waiting:
            self.supervisor.start(name)
        started, pids = time.monotonic(), dict.fromkeys(waiting, 0)
        with self._console.status("") as status:
            while waiting:
                states = self.supervisor.states()
                for name, program in list(waiting.items()):
                    process, seconds = states[name], time.monotonic() - started
                    restarted = pids[name] and process.pid != pids[name]
                    if restarted or process.state in ("FATAL", "BACKOFF", "EXITED"):
                        raise StackError(f"{name} ended instead of starting.", log=self._log(name))
                    pids[name] = process.pid
                    if process.running and program.is_ready(process.started_at):
                        self._console.print(f"[green]✓[/] {name:<26}{seconds:6.1f} s  {program.address or ''}")
                        del waiting[name]
                    elif seconds > program.start_seconds:
                        raise StackError(f"{name} runs but is not ready after {seconds:.0f} s.", log=self._log(name))
                status.update(f"waiting for {', '.join(waiting)}")
                time.sleep(POLL_SECONDS)

    def _log(self, name: str) -> Path:
        return self.settings.paths.logs / f"{name}.log"

    def _stop_orphans(self) -> bool:
        """Stop the processes that outlived a killed supervisor; returns whether there were any."""
        orphans = self.supervisor.orphans()
        databases = [process for process in orphans if process.name() == "postgres"]
        _stop([process for process in orphans if process not in databases], signal.SIGTERM)
        _stop(databases, signal.SIGINT)  # fast shutdown, after their clients
        return bool(orphans)


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.AccessDenied:  # Airflow makes its task processes unreadable, even for their owner
        memory = process.memory_info()
        return int(memory.rss - memory.shared)
    except psutil.NoSuchProcess:
        return 0


def _stop(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)
    _, alive = psutil.wait_procs(processes, timeout=30)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
