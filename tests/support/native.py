"""The native stack of the end-to-end tests: `make demo` on ports and in a directory of its own."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from infra.local.settings import StackSettings
from infra.local.supervision.probes import free_port
from tests.support.signing import VARIABLES as SIGNING_VARIABLES

ROOT = Path(__file__).parents[2]
HOME = Path("build/e2e")


@dataclass(frozen=True, slots=True)
class NativeStack:
    """A stack on this machine, run by the Makefile."""

    environment: dict[str, str]
    ports: dict[int, int]  # default port -> the port used

    def run(self, command: str, timeout: float) -> subprocess.CompletedProcess[str]:
        """Run a command of the README in the repository, with the stack's settings."""
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],  # what a reader's shell would run
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def url(self, default_port: int) -> str:
        """Address of the service with this default port."""
        return f"http://127.0.0.1:{self.ports[default_port]}"


def prepare_native(home: Path = HOME, **settings: str) -> NativeStack:
    """A fresh place for a stack, on free ports, with the data of DATA_FILE where that is set.

    Args:
        home: below the repository.
        settings: further variables.
    """
    shutil.rmtree(ROOT / home, ignore_errors=True)
    ports = {field.default: free_port() for name, field in StackSettings.model_fields.items() if name.endswith("_port")}
    variables = {
        name.upper(): str(ports[field.default])
        for name, field in StackSettings.model_fields.items()
        if name.endswith("_port")
    }
    data = os.environ.get("DATA_FILE", "")
    given = {"LOCAL_DIR": str(home), "MLFLOW_ARTIFACTS_DIR": str(home / "mlruns"), "DATA_FILE": data}
    # A proxy that answers nothing: the stack must reach its own services without it.
    surroundings = {"COLUMNS": "200", "http_proxy": "http://127.0.0.1:9", "no_proxy": "", "NO_PROXY": ""}
    own = {name: value for name, value in os.environ.items() if name not in SIGNING_VARIABLES}  # the stack makes keys
    return NativeStack(own | variables | given | settings | surroundings, ports)
