"""The compose project of the tests: its own name, ports and settings, beside whatever else runs on the machine."""

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.local.supervision.probes import free_port

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "readmission-compose-test"
TOOLS = Path(os.environ.get("COMPOSE_TEST_TOOLS") or ROOT.parent / "shared" / "docker")
"""Where a machine without Docker may offer programs that start an engine and provide base images."""

PORTS = (
    "AIRFLOW",
    "MLFLOW",
    "POSTGRES",
    "MLFLOW_POSTGRES",
    "API",
    "UI",
    "LOCUST",
    "PROMETHEUS",
    "GRAFANA",
    "ALERTMANAGER",
)
BUILT = ("airflow-init", "mlflow", "api", "streamlit", "locust")
"""One service for each of our images; the project's name before it is the name of the image."""

BUILD_SECONDS, START_SECONDS, COMMAND_SECONDS = 1200, 420, 180

Say = Callable[[str], None]


class ComposeError(Exception):
    """A command of Docker failed, or something did not happen in time."""


class ComposeStack:
    """`docker compose` on the project's own file, with settings of the test's own."""

    def __init__(self, folder: Path, say: Say) -> None:
        self.say = say
        self.ports = {name: free_port() for name in PORTS}
        self._settings = folder / "compose.env"
        self._settings.write_text(self._env_file())
        self._files = [ROOT / "docker-compose.yml", ROOT / "tests" / "e2e" / "compose" / "simulation.yml"]
        self._folder = folder

    def prepare(self) -> None:
        """Have an engine that answers, base images, and nothing left of an earlier run."""
        if not _succeeds("docker", "info"):
            if not (TOOLS / "engine").exists():
                raise ComposeError("No Docker Engine answers: start Docker, or look at 'docker info' for the reason.")
            self.say("starting a Docker Engine")
            _run([str(TOOLS / "engine")], BUILD_SECONDS, dict(os.environ))
        if (TOOLS / "standins").exists() and not _succeeds("docker", "manifest", "inspect", "postgres:15-alpine"):
            self.say("preparing base images")
            override = self._folder / "without.json"
            _run([str(TOOLS / "standins"), "--without", str(override)], BUILD_SECONDS, dict(os.environ))
            self._files.append(override)
        self.down()

    def compose(self, *arguments: str, timeout: float = COMMAND_SECONDS) -> str:
        """Run `docker compose …` on the test's project and return what it prints."""
        files = [part for file in self._files for part in ("-f", str(file))]
        project = ["--project-directory", str(ROOT), "--env-file", str(self._settings)]
        return _run(["docker", "compose", *project, *files, *arguments], timeout)

    def docker(self, *arguments: str, timeout: float = COMMAND_SECONDS) -> str:
        """Run `docker …` and return what it prints."""
        return _run(["docker", *arguments], timeout)

    def execute(self, service: str, *command: str) -> str:
        """Run a command inside a running container."""
        return self.compose("exec", "-T", service, *command)

    def in_volume(self, volume: str, *command: str) -> str:
        """Run a command as root with one of the project's volumes at /volume."""
        mount = f"{PROJECT}_{volume}:/volume"
        return self.docker("run", "--rm", "--network", "none", "-v", mount, "python:3.11-slim-bookworm", *command)

    def build(self) -> None:
        """Build our images, one after the other, and say how long each took."""
        for service in BUILT:
            begun = time.monotonic()
            self.compose("build", service, timeout=BUILD_SECONDS)
            self.say(f"image {service}: built in {time.monotonic() - begun:.0f} s")

    def up(self, *options: str) -> None:
        """`docker compose up -d`, and then until every service is healthy."""
        begun = time.monotonic()
        try:
            self.compose("up", "-d", *options, timeout=BUILD_SECONDS)
        except ComposeError as error:
            raise ComposeError(f"{error}\n{self.diagnosis()}") from error
        self.wait_until_healthy()
        self.say(f"started: every service healthy after {time.monotonic() - begun:.0f} s")

    def down(self) -> None:
        """`docker compose down -v`."""
        self.compose("down", "-v", "--remove-orphans", timeout=COMMAND_SECONDS)

    def services(self) -> set[str]:
        """The services that this machine can run."""
        return set(self.compose("config", "--services").split())

    def containers(self) -> dict[str, dict[str, Any]]:
        """What `docker inspect` says of each service's container."""
        ids = self.compose("ps", "-aq").split()
        inspected: list[dict[str, Any]] = json.loads(self.docker("inspect", *ids)) if ids else []
        return {found["Config"]["Labels"]["com.docker.compose.service"]: found for found in inspected}

    def wait_until_healthy(self, timeout: float = START_SECONDS) -> None:
        """Return once every service is healthy and every one-shot has ended well."""

        def all_well() -> bool:
            states = {name: _state(found) for name, found in self.containers().items()}
            if failed := [name for name, state in states.items() if state == "failed"]:
                raise ComposeError(f"{failed[0]} ended with an error:\n{self.logs(failed[0])}")
            return self.services() <= states.keys() and all(state == "well" for state in states.values())

        wait_for("all services to be healthy", all_well, timeout, self.unwell)

    def unwell(self) -> str:
        """The services that are not as they should be."""
        return ", ".join(sorted(name for name, found in self.containers().items() if _state(found) != "well"))

    def logs(self, *services: str, tail: int = 40) -> str:
        """The end of the logs of some services, or of all."""
        return self.compose("logs", "--no-color", "--tail", str(tail), *services)

    def diagnosis(self) -> str:
        """What a person wants to see after a failure: all states, and the logs of those that are unwell."""
        unwell = [name for name, found in self.containers().items() if _state(found) != "well"]
        return self.compose("ps", "-a") + (self.logs(*unwell) if unwell else "")

    def url(self, service: str) -> str:
        """Address of a published port."""
        return f"http://127.0.0.1:{self.ports[service]}"

    def remains(self) -> str:
        """What is still there of this project: containers, volumes, networks."""
        label = f"label=com.docker.compose.project={PROJECT}"
        return "".join(
            self.docker(*listing, "--filter", label, "-q")
            for listing in (("ps", "-a"), ("volume", "ls"), ("network", "ls"))
        )

    def _env_file(self) -> str:
        """`.env.example`, as the README has it copied, and after it what makes this project another one."""
        example = ROOT / ".env.example"
        ours = {f"{name}_PORT": str(port) for name, port in self.ports.items()} | {
            "COMPOSE_PROJECT_NAME": PROJECT,
            "TUNE_TRIALS": "2",
            "TUNE_FOLDS": "2",
        }
        if data_file := os.environ.get("DATA_FILE"):
            ours["DATA_FILE"] = str(Path(data_file).resolve())
        lines = [f"{name}={value}" for name, value in ours.items()]
        return "\n".join([example.read_text() if example.exists() else "", *lines, ""])


def wait_for(what: str, happened: Callable[[], bool], timeout: float, detail: Callable[[], str] = str) -> None:
    """Poll until `happened`, or raise a ComposeError that says what did not."""
    deadline = time.monotonic() + timeout
    while not happened():
        if time.monotonic() > deadline:
            raise ComposeError(f"Waited {timeout:.0f} s in vain for {what}. {detail()}")
        time.sleep(1)


def _state(inspected: dict[str, Any]) -> str:
    """One of well, failed, unwell; a one-shot is well when it ended with 0."""
    state = inspected["State"]
    one_shot = inspected["HostConfig"]["RestartPolicy"]["Name"] in ("", "no")
    if one_shot and state["Status"] == "exited":
        return "failed" if state["ExitCode"] else "well"
    return "well" if state.get("Health", {}).get("Status") == "healthy" else "unwell"


def _run(command: list[str], timeout: float, environment: dict[str, str] | None = None) -> str:
    # By default without the shell's own settings, which would override those of the env file.
    bare = {name: os.environ[name] for name in os.environ if name in ("PATH", "HOME") or name.startswith("DOCKER_")}
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment or bare, capture_output=True, text=True, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        raise ComposeError(f"{' '.join(command)} did not end within {timeout:.0f} s.") from None
    except OSError as error:
        raise ComposeError(f"{command[0]} cannot be run: {error}.") from None
    if done.returncode:
        raise ComposeError(f"{' '.join(command)} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-6000:]}")
    return done.stdout


def _succeeds(*command: str) -> bool:
    try:
        _run(list(command), timeout=30)
    except ComposeError:
        return False
    return True
