"""The platform without Airflow: PostgreSQL, MLflow behind a link, the API; each is killed and started again."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ml.data.sources.synthetic import write_csv
from tests.faults.commands import Command
from tests.faults.link import Link
from tests.faults.servers import Database, MlflowServer
from tests.faults.traffic import Traffic
from tests.faults.watching import metric
from tests.integration.api.conftest import eventually
from tests.integration.api.process import ApiProcess, running_api

COMMAND, API, MLFLOW, POSTGRES, EVERYTHING = "command", "api", "mlflow", "postgres", "everything"
SILENT, FROZEN = "silent mlflow", "frozen postgres"
FAULTS: Final = (COMMAND, API, MLFLOW, POSTGRES, EVERYTHING, SILENT, FROZEN)
HANGING: Final = (SILENT, FROZEN)
"""Nothing is killed; connections stay open and nobody answers."""

DURABLE: Final = {"fsync": "off", "full_page_writes": "off", "max_connections": "200"}
"""A commit survives the end of every process of PostgreSQL, though not that of the machine."""
SMALL: Final = {"FOREST_TREES": "10", "BOOTSTRAP_SAMPLES": "50", "TRAIN_JOBS": "1"}
IMPATIENT: Final = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
}
POLL_SECONDS: Final = "0.2"
ROWS: Final = 700
CORRECTED: Final = "num_lab_procedures"


class Platform:
    """Servers, data and commands in a folder; everything ends with :meth:`end`."""

    def __init__(self, folder: Path, database_folder: Path) -> None:
        self.database = Database(database_folder, DURABLE)
        self.database.start()
        self.database.migrate()
        self.mlflow = MlflowServer(self.database.url_of("mlflowdb"), folder)
        self.mlflow.start()
        self.link = Link(self.mlflow.url)
        self.data = folder / "delivered.csv"
        self.deliveries = 0
        self._folder = folder
        self._running = ExitStack()
        self._frozen = ExitStack()
        write_csv(self.data, ROWS, seed=5)
        self.api: ApiProcess

    def start_api(self) -> None:
        """Start the service and wait for its model."""
        settings = self.database.environment | {"MODEL_POLL_SECONDS": POLL_SECONDS}
        self.api = self._running.enter_context(running_api(self._folder, self.link.url, **settings))
        self.api.wait_until_ready()

    def end(self) -> None:
        self._running.close()
        self.mlflow.stop()
        self.link.close()
        self.database.stop()

    def command(self, arguments: Sequence[str], moment: int = 0, waits: bool = True) -> Command:
        """Start a command of ``python -m ml``; one with a moment, which a fault will meet, does not wait for long."""
        environment = self.database.environment | SMALL | (IMPATIENT if moment else {})
        environment |= {"MLFLOW_TRACKING_URI": self.link.url, "DATA_SOURCE": "file", "DATA_FILE": str(self.data)}
        environment |= {"DATA_DIR": str(self._folder / "data")}
        return Command(arguments, environment, self.log, moment, waits)

    @property
    def log(self) -> Path:
        """File with the output of all commands."""
        return self._folder / "commands.log"

    def traffic(self, name: str) -> Traffic:
        """Clients of the service."""
        return Traffic(lambda: self.api.url, name, f"{datetime.now(UTC):%Y-%m-%d}")

    def correct_data(self) -> None:
        """Deliver the same encounters, one of them with another value."""
        self.deliveries += 1
        lines = self.data.read_bytes().decode().split("\r\n")
        values = lines[self.deliveries].split(",")
        place = lines[0].split(",").index(CORRECTED)
        values[place] = str(1 + (int(values[place]) + 1) % 100)
        lines[self.deliveries] = ",".join(values)
        self.data.write_bytes("\r\n".join(lines).encode())

    def strike(self, fault: str, command: Command | None) -> None:
        """Carry out a fault."""
        if fault in (COMMAND, EVERYTHING) and command is not None:
            command.kill()
        if fault in (API, EVERYTHING):
            self.api.process.kill()
            self._running.close()
        if fault in (MLFLOW, EVERYTHING):
            self.mlflow.kill()
        if fault in (POSTGRES, EVERYTHING):
            self.database.stop_immediately()
        if fault == SILENT:
            self.link.silent.set()
        if fault == FROZEN:
            self._frozen.enter_context(self.database.frozen())

    def mend(self, fault: str, noticed: Callable[[], bool]) -> None:
        """Start what was killed; what hangs answers again once the service, or a client, has noticed."""
        if fault in (POSTGRES, EVERYTHING):
            self.database.start()
        if fault in (MLFLOW, EVERYTHING):
            self.mlflow.start()
        if fault in (API, EVERYTHING):
            self.start_api()
        try:
            if fault == SILENT:
                eventually(lambda: metric(self.api, "model_registry_reachable") == 0)
            if fault == FROZEN:
                eventually(noticed)
        finally:
            self.link.silent.clear()
            self._frozen.close()
