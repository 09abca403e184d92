"""The supervisor: its configuration, and the questions and orders it takes over its private socket."""

import hashlib
import json
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from supervisor.xmlrpc import SupervisorTransport

from infra.local.errors import StackError
from infra.local.programs.program import Program
from infra.local.settings import ROOT, Places

MARK = "READMISSION_STACK_HOME"
"""In the environment of every process of a stack, wherever it stands in the process tree: whose it is."""


STOP_SECONDS = 150
"""Longer than the longest time that a program is given to end by itself."""


@dataclass(frozen=True)
class ProcessState:
    """What the supervisor knows of a program."""

    state: str
    pid: int
    started_at: float

    @property
    def running(self) -> bool:
        """Whether the process is there, ready or not."""
        return self.state in ("STARTING", "RUNNING")

    @property
    def alive(self) -> bool:
        """Whether the supervisor runs it, or will try again soon."""
        return self.running or self.state == "BACKOFF"


class Supervisor:
    """A handle on the supervisor of one stack, running or not."""

    def __init__(self, places: Places) -> None:
        self._places = places

    def _ask(self, order: str, *arguments: Any) -> Any:
        """One call, over a connection of its own: the library's cannot be used again after a failure."""
        transport = SupervisorTransport(None, None, f"unix://{self._places.socket}")
        try:
            server = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
            return getattr(server.supervisor, order)(*arguments)
        except xmlrpc.client.Fault as fault:
            raise StackError(f"The process supervisor refuses {order}: {fault.faultString}.") from fault
        finally:
            transport.close()

    @property
    def running(self) -> bool:
        """Whether it answers."""
        try:
            self._ask("getState")
        except (OSError, xmlrpc.client.ProtocolError):
            return False
        return True

    def states(self) -> dict[str, ProcessState]:
        """What each program does; empty while the supervisor is not running."""
        if not self.running:
            return {}
        return {
            info["name"]: ProcessState(info["statename"], info["pid"], float(info["start"]))
            for info in self._ask("getAllProcessInfo")
        }

    def configure(self, programs: Iterable[Program]) -> None:
        """Write the configuration; programs that run with another one are stopped, to be started anew."""
        places = self._places
        sections = [_header(places)]
        for program in programs:
            description = places.run / f"{program.name}.json"
            text = json.dumps(_description(program, places), indent=2, sort_keys=True)
            description.touch(mode=0o600)
            description.write_text(text)
            sections.append(_section(program, places, description, hashlib.sha256(text.encode()).hexdigest()[:16]))
        places.supervisor_config.touch(mode=0o600)
        places.supervisor_config.write_text("\n".join(sections))
        if self.running:
            self._control("update")

    def launch(self, environment: Mapping[str, str]) -> None:
        """Start the supervisor itself, apart from this terminal, unless it runs already."""
        if self.running:
            return
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self._places.supervisor_config)]
        # SPT_NOENV: a program that sets its title, as Airflow does, leaves the mark in its environment alone.
        marked = {**environment, MARK: str(self._places.home), "SPT_NOENV": "1"}
        done = subprocess.run(command, cwd=ROOT, env=marked, capture_output=True, text=True, check=False)
        deadline = time.monotonic() + 15
        while not self.running:
            if done.returncode or time.monotonic() > deadline:
                said = [line for line in (done.stderr + done.stdout).splitlines() if line.startswith("Error")]
                raise StackError(f"The process supervisor did not start: {said[0] if said else 'it gives no reason'}.")
            time.sleep(0.1)

    def start(self, name: str) -> None:
        """Have the program started, if it is not."""
        if not self.states()[name].alive:
            self._ask("startProcess", name, False)

    def stop(self, names: Iterable[str]) -> None:
        """Tell the programs to end, all at once, and return when they have; the last resort is SIGKILL."""
        names = set(names)
        for name, found in self.states().items():
            if name in names and found.alive:
                self._ask("stopProcess", name, False)
        deadline = time.monotonic() + STOP_SECONDS
        while left := [name for name, found in self.states().items() if name in names and found.pid]:
            if time.monotonic() > deadline:
                raise StackError(f"These programs do not end: {', '.join(left)}. make doctor shows their logs.")
            time.sleep(0.1)

    def shut_down(self) -> None:
        """Stop what still runs, and then the supervisor."""
        pid = int(self._ask("getPID"))
        self._ask("shutdown")
        try:
            psutil.Process(pid).wait(STOP_SECONDS)
        except psutil.NoSuchProcess:
            return
        except psutil.TimeoutExpired:
            raise StackError(f"The stack does not end: its supervisor, process {pid}, still waits.") from None

    def processes(self) -> list[psutil.Process]:
        """The supervisor and all processes below it."""
        if not self.running:
            return []
        root = psutil.Process(int(self._ask("getPID")))
        return [root, *root.children(recursive=True)]

    def orphans(self) -> list[psutil.Process]:
        """Processes of this stack that outlived a killed supervisor."""
        if self.running:
            return []
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == str(self._places.home):
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):  # gone, or another user's and so not ours
                continue
        return found

    def _control(self, *arguments: str) -> None:
        command = [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(self._places.supervisor_config)]
        done = subprocess.run([*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise StackError(f"The process supervisor refuses {arguments[0]}: {done.stdout.strip()}.")


def _description(program: Program, places: Places) -> dict[str, Any]:
    return {
        "command": program.command,
        "environment": dict(program.environment),
        "secret_environment": dict(program.secret_environment),
        "secrets_dir": str(places.secrets),
    }


def _header(places: Places) -> str:
    return (
        _ini("unix_http_server", {"file": places.socket, "chmod": "0700"})
        + _ini(
            "supervisord",
            {
                "logfile": places.logs / "supervisord.log",
                "logfile_maxbytes": "5MB",
                "logfile_backups": 1,
                "pidfile": places.supervisor_pid,
                "childlogdir": places.logs,
                "directory": ROOT,
                "umask": "022",
            },
        )
        + _ini(
            "rpcinterface:supervisor",
            {"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
        )
        + _ini("supervisorctl", {"serverurl": f"unix://{places.socket}"})
    )


def _section(program: Program, places: Places, description: Path, fingerprint: str) -> str:
    launched = [sys.executable, "-m", "infra.local.supervision.launch", str(description)]
    keys: dict[str, Any] = {
        # Another account can read neither secrets nor descriptions: what runs as one needs none and starts directly.
        "command": shlex.join(program.command if program.account else launched),
        "environment": f'STACK_FINGERPRINT="{fingerprint}"',  # so that changed settings are a changed program
        "directory": program.directory or ROOT,
        "autostart": "false",
        "autorestart": "true",
        "startsecs": 2,
        "startretries": 2,
        "stopsignal": program.stop_signal,
        "stopwaitsecs": program.stop_seconds,
        "stopasgroup": str(program.whole_group).lower(),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": places.logs / f"{program.name}.log",
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": 3,
    }
    if program.account:
        keys["user"] = program.account
    return _ini(f"program:{program.name}", keys)


def _ini(section: str, keys: Mapping[str, Any]) -> str:
    lines = [f"{key}={str(value).replace('%', '%%')}" for key, value in keys.items()]
    return "\n".join([f"[{section}]", *lines, "", ""])
