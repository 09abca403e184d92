"""The compose project of the tests: a clone with its own ports and settings, beside whatever else runs on the machine.

The surroundings are not the best: the clone was made under umask 077, `AIRFLOW_UID` owns nothing, and every container
has a proxy that answers nothing.
"""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.local.supervision.probes import free_port
from tests.support.overlays import SCALE

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "readmission-compose-test"
"""The name of the clone's folder, hence of the project."""
DEAD_PROXY = "http://127.0.0.1:9"
GIVEN = {
    "AIRFLOW_UID": "5000",
    "MLFLOW_TRACKING_URI": "http://mlflow:5000",
    "MLFLOW_ALLOWED_HOSTS": "registry.example",
    "AIRFLOW_PASSWORD": "'pa$word #1'",
}
"""Settings that a person may write into `.env`."""
AIRFLOW_PASSWORD = "pa$word #1"
CHOSEN = {
    "OPERATOR_KEY": "a key of the operator",
    "API_KEY": "a key of the interface",
    "GRAFANA_PASSWORD": "pa$word #2",
}
"""Secrets in files, which a person may choose in the place of variables."""
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
BUILT = ("secrets", "airflow-init", "mlflow", "api", "streamlit", "locust")
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
        self._folder = folder
        self._clone = folder / PROJECT
        self._files = ["docker-compose.yml", "tests/e2e/compose/simulation.yml"]
        clone_privately(ROOT, self._clone)

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
            files = [part for name in ("docker-compose.yml", SCALE) for part in ("-f", name)]
            _run([str(TOOLS / "standins"), *files, "--without", str(override)], BUILD_SECONDS, dict(os.environ))
            self._files.append(str(override))
        self._write_settings()
        self._files.append(str(self._write_proxies()))
        self._write_settings()
        self.down()

    def compose(self, *arguments: str, timeout: float = COMMAND_SECONDS) -> str:
        """Run `docker compose …` in the clone, as a person would, and return what it prints."""
        return _run(["docker", "compose", *arguments], timeout, folder=self._clone)

    def shell(self, script: str) -> str:
        """Run commands in the clone, as a person would."""
        return _run(["sh", "-eu", "-c", script], BUILD_SECONDS, folder=self._clone)

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
        """`docker compose up … -d`, and then until every service is healthy."""
        begun = time.monotonic()
        try:
            self.compose("up", *options, "-d", timeout=BUILD_SECONDS)
        except ComposeError as error:
            raise ComposeError(f"{error}\n{self.diagnosis()}") from error
        self.wait_until_healthy()
        self.say(f"started: every service healthy after {time.monotonic() - begun:.0f} s")

    @contextmanager
    def with_overlay(self, name: str, *options: str) -> Iterator[None]:
        """The running project with one more of its files; afterwards it is as before."""
        before = json.loads(self.compose("config", "--format", "json"))
        self.configure(COMPOSE_FILE=":".join([*self._files, name]))
        after = json.loads(self.compose("config", "--format", "json"))
        try:
            self.up("--build", *options)
            yield
        finally:
            self.configure(COMPOSE_FILE=":".join(self._files))
            self.up("--remove-orphans")
            for kind in ("network", "volume"):
                if added := after[f"{kind}s"].keys() - before[f"{kind}s"].keys():
                    self.docker(kind, "rm", *(f"{PROJECT}_{each}" for each in added))

    def down(self) -> None:
        """`docker compose down -v`."""
        self.compose("down", "-v")

    def services(self) -> set[str]:
        """The services that this machine can run and that `up` starts."""
        configured = json.loads(self.compose("config", "--format", "json"))["services"]
        return {name for name, service in configured.items() if service.get("scale") != 0}

    def configure(self, **settings: str) -> None:
        """Add settings to `.env`."""
        with (self._clone / ".env").open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in settings.items())

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

    def _write_settings(self) -> None:
        """Write `.env`: the example, as the README has it copied, and after it what the test needs besides."""
        ours = {f"{name}_PORT": str(port) for name, port in self.ports.items()} | GIVEN
        ours |= {"COMPOSE_FILE": ":".join(self._files), "TUNE_TRIALS": "2", "TUNE_FOLDS": "2"}
        ours |= {f"{name}_FILE": str(self._folder / name.lower()) for name in CHOSEN}
        for name, secret in CHOSEN.items():
            (self._folder / name.lower()).write_text(f"{secret}\n")
            (self._folder / name.lower()).chmod(0o444)
        if data_file := os.environ.get("DATA_FILE"):
            ours["DATA_FILE"] = str(Path(data_file).resolve())
        lines = [f"{name}={value}" for name, value in ours.items()]
        (self._clone / ".env").write_text("\n".join([(ROOT / ".env.example").read_text(), *lines, ""]))

    def _write_proxies(self) -> Path:
        """An override with what a Docker client that is configured for a proxy adds to every container."""
        proxies = {"environment": {"HTTP_PROXY": DEAD_PROXY, "http_proxy": DEAD_PROXY}}
        override = self._folder / "proxies.json"
        override.write_text(json.dumps({"services": dict.fromkeys(self.services(), proxies)}))
        return override


def clone_privately(source: Path, target: Path) -> None:
    """Copy the files of a working tree as git under umask 077 would create them.

    Files that the tests' own override mounts stay readable.
    """
    listed = _run(["git", "ls-files", "-co", "--exclude-standard", "-z"], COMMAND_SECONDS, folder=source)
    for name in filter(None, listed.split("\0")):
        if not (source / name).is_file():
            continue  # deleted, not yet committed
        path = target / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(source / name, path)
        path.chmod(0o700 if os.access(source / name, os.X_OK) else 0o600)
    mounted = target / "ml" / "simulation"
    for path in (mounted, *mounted.rglob("*")):
        path.chmod(0o755)
    for folder in target.rglob("*/"):
        if folder != mounted:
            folder.chmod(0o700)


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


def _run(command: list[str], timeout: float, environment: dict[str, str] | None = None, folder: Path = ROOT) -> str:
    # By default without the shell's own settings, which would override those of the env file.
    bare = {name: os.environ[name] for name in os.environ if name in ("PATH", "HOME") or name.startswith("DOCKER_")}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment or bare, capture_output=True, text=True, timeout=timeout, check=False
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
