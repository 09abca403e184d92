"""Configures, starts and controls supervisord over its private socket."""

import hashlib
import json
import shlex
import subprocess
import sys
import time
import xmlrpc.client
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from supervisor.xmlrpc import SupervisorTransport

from infra.local.errors import StackError
from infra.local.programs.program import Program
from infra.local.settings import ROOT, StackPaths
from infra.local.supervision.launch_file import differing, launch_file
from ml.core.signing.keys import replace_file

STACK_VARIABLE = "READMISSION_STACK_HOME"
"""Environment variable of every process of a stack: the stack's directory."""

STOP_SECONDS = 150
"""Longer than the stop time of any program."""


@dataclass(frozen=True)
class ProcessState:
    """State of a program, as supervisord reports it."""

    state: str
    pid: int
    started_at: float

    @property
    def running(self) -> bool:
        """Whether the process exists, ready or not."""
        return self.state in ("STARTING", "RUNNING")

    @property
    def active(self) -> bool:
        """Whether the process exists or will be restarted."""
        return self.running or self.state == "BACKOFF"


class Supervisor:
    """Client of the supervisord of one stack."""

    def __init__(self, paths: StackPaths) -> None:
        self._paths = paths

    def _call(self, method: str, *arguments: Any) -> Any:
        # A connection per call: the library's transport cannot be reused after a failure.
        transport = SupervisorTransport(None, None, f"unix://{self._paths.socket}")
        try:
            server = xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport)
            return getattr(server.supervisor, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            raise StackError(f"The process supervisor refuses {method}: {fault.faultString}.") from fault
        finally:
            transport.close()

    @property
    def running(self) -> bool:
        """Whether supervisord responds."""
        try:
            self._call("getState")
        except (OSError, xmlrpc.client.ProtocolError):
            return False
        return True

    def states(self) -> dict[str, ProcessState]:
        """Return the state of each program; empty while supervisord is not running."""
        if not self.running:
            return {}
        return {
            info["name"]: ProcessState(info["statename"], info["pid"], float(info["start"]))
            for info in self._call("getAllProcessInfo")
        }

    def configure(self, programs: Iterable[Program]) -> None:
        """Write the configuration; running programs whose configuration changed are stopped."""
        paths = self._paths
        sections = _base_sections(paths)
        for program in programs:
            file = paths.run / f"{program.name}.json"
            text = json.dumps(launch_file(program, paths), indent=2, sort_keys=True)
            replace_file(file, text, 0o600)
            fingerprint = hashlib.sha256(text.encode()).hexdigest()[:16]
            sections[f"program:{program.name}"] = _program_section(program, paths, file, fingerprint)
        replace_file(paths.supervisor_config, _format_ini(sections), 0o600)
        if self.running:
            # A command that was killed may have begun to stop programs, which an update would find still running.
            self._await_end(lambda _, process: process.state == "STOPPING")
            command = [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(paths.supervisor_config), "update"]
            result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
            if result.returncode:
                raise StackError(f"The process supervisor refuses update: {result.stdout.strip()}.")

    def launched(self, name: str) -> dict[str, Any]:
        """How a program was started last: its file of :mod:`infra.local.supervision.launch`; empty if it never was."""
        file = self._paths.run / f"{name}.json"
        launch: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
        return launch

    def held_ports(self, programs: Iterable[Program]) -> set[int]:
        """Ports that running programs listen on, by the settings of their start."""
        states = self.states()
        running = [program for program in programs if program.name in states and states[program.name].running]
        return {port for each in running for port in self.launched(each.name).get("ports", each.ports).values()}

    def changes(self, programs: Iterable[Program]) -> dict[tuple[str, ...], list[str]]:
        """Running programs that `configure` stops, by the names of what changed since their start."""
        states, changed = self.states(), dict[tuple[str, ...], list[str]]()
        for program in programs:
            if program.name in states and states[program.name].running:
                before, now = self.launched(program.name), launch_file(program, self._paths)
                if names := differing(before, now):
                    changed.setdefault(names, []).append(program.name)
        return changed

    def launch(self, environment: Mapping[str, str]) -> None:
        """Start supervisord as a daemon, unless it runs."""
        if self.running:
            return
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(self._paths.supervisor_config)]
        # SPT_NOENV: programs that set their title, such as Airflow, must not overwrite STACK_VARIABLE.
        variables = {**environment, STACK_VARIABLE: str(self._paths.home), "SPT_NOENV": "1"}
        result = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
        deadline = time.monotonic() + 15
        while not self.running:
            if result.returncode or time.monotonic() > deadline:
                lines = (result.stderr + result.stdout).splitlines()
                reason = next((line for line in lines if line.startswith("Error")), "no reason given")
                raise StackError(f"The process supervisor did not start: {reason}.")
            time.sleep(0.1)

    def start(self, name: str) -> None:
        """Start a program, unless it is active."""
        if not self.states()[name].active:
            self._call("startProcess", name, False)

    def stop(self, names: Iterable[str]) -> None:
        """Stop programs in parallel and wait until they ended; supervisord kills those that do not end in time."""
        names = set(names)
        for name, process in self.states().items():
            if name in names and process.active:
                self._call("stopProcess", name, False)
        self._await_end(lambda name, _: name in names)

    def _await_end(self, includes: Callable[[str, ProcessState], bool]) -> None:
        """Wait until some programs have no process.

        Raises:
            StackError: a program does not end.
        """
        deadline = time.monotonic() + STOP_SECONDS
        while remaining := [name for name, found in self.states().items() if found.pid and includes(name, found)]:
            if time.monotonic() > deadline:
                raise StackError(f"These programs do not end: {', '.join(remaining)}. make doctor shows their logs.")
            time.sleep(0.1)

    def shut_down(self) -> None:
        """Stop all programs and supervisord."""
        pid = int(self._call("getPID"))
        self._call("shutdown")
        try:
            psutil.Process(pid).wait(STOP_SECONDS)
        except psutil.NoSuchProcess:
            return
        except psutil.TimeoutExpired:
            raise StackError(f"The stack does not end: its supervisor, process {pid}, still runs.") from None

    def processes(self) -> list[psutil.Process]:
        """Return supervisord and all its descendants."""
        if not self.running:
            return []
        root = psutil.Process(int(self._call("getPID")))
        return [root, *root.children(recursive=True)]

    def orphans(self) -> list[psutil.Process]:
        """Return the processes of this stack that outlived a killed supervisord."""
        if self.running:
            return []
        orphans = []
        for process in psutil.process_iter():
            try:
                if process.environ().get(STACK_VARIABLE) == str(self._paths.home):
                    orphans.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):  # ended, or a process of another user
                continue
        return orphans


def _base_sections(paths: StackPaths) -> dict[str, dict[str, Any]]:
    return {
        "unix_http_server": {"file": paths.socket, "chmod": "0700"},
        "supervisord": {
            "logfile": paths.logs / "supervisord.log",
            "logfile_maxbytes": "5MB",
            "logfile_backups": 1,
            "pidfile": paths.run / "supervisord.pid",
            "childlogdir": paths.logs,
            "directory": ROOT,
            "umask": "022",
        },
        "rpcinterface:supervisor": {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
        },
        "supervisorctl": {"serverurl": f"unix://{paths.socket}"},
    }


def _program_section(program: Program, paths: StackPaths, launch_file: Path, fingerprint: str) -> dict[str, Any]:
    launch = [sys.executable, "-m", "infra.local.supervision.launch", str(launch_file)]
    return {
        # Another account cannot read secrets and launch files; a program that runs as one needs none.
        "command": shlex.join(program.command if program.account else launch),
        "environment": f'STACK_FINGERPRINT="{fingerprint}"',  # changed settings change the section, hence a restart
        "directory": program.directory or ROOT,
        "autostart": "false",
        "autorestart": "true",
        "startsecs": 2,
        "startretries": 2,
        "stopsignal": program.stop_signal,
        "stopwaitsecs": program.stop_seconds,
        "stopasgroup": str(program.stop_group).lower(),
        "killasgroup": "true",
        "redirect_stderr": "true",
        "stdout_logfile": paths.logs / f"{program.name}.log",
        "stdout_logfile_maxbytes": "10MB",
        "stdout_logfile_backups": 3,
        **({"user": program.account} if program.account else {}),
    }


def _format_ini(sections: Mapping[str, Mapping[str, Any]]) -> str:
    lines = []
    for name, keys in sections.items():
        lines += [f"[{name}]", *(f"{key}={str(value).replace('%', '%%')}" for key, value in keys.items()), ""]
    return "\n".join(lines)
