"""``python -m infra.exporter``: serve until told to stop."""

import logging
import signal
import sys
from types import FrameType

from infra.exporter.server import create_collector, create_server
from infra.exporter.settings import ExporterSettings
from ml.errors import SettingsError

logger = logging.getLogger("infra.exporter")


def _stop(_signal: int, _frame: FrameType | None) -> None:
    """End like any program told to: without this, process 1 of a container ignores SIGTERM."""
    sys.exit(0)


def main() -> int:
    """Serve; the exit code is 2 when a setting or the port cannot be used."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        settings = ExporterSettings.load()
    except SettingsError as error:
        logger.error("%s", error)
        return 2
    collector = create_collector(settings)
    try:
        server = create_server(settings, collector)
    except OSError as error:
        logger.error("Port %s cannot be used (%s): set EXPORTER_PORT.", settings.exporter_port, error.strerror)
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    logger.info("Serving /metrics on %s:%s", settings.exporter_bind, settings.exporter_port)
    try:
        server.serve_forever()
    finally:
        server.server_close()
        collector.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
