"""Command line of the exporter: ``python -m infra.exporter``."""

import logging
import signal
import sys

from infra.exporter.collector import create_collector
from infra.exporter.server import create_server
from infra.exporter.settings import ExporterSettings
from ml.core.errors import SettingsError

logger = logging.getLogger("infra.exporter")


def main() -> int:
    """Serve until SIGTERM or SIGINT; returns 2 when a setting or the port cannot be used."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        settings = ExporterSettings.load()
        collector = create_collector(settings)
        server = create_server(settings, collector)
    except SettingsError as error:
        logger.error("%s", error)
        return 2
    except OSError as error:
        logger.error("Port %s cannot be used (%s): set EXPORTER_PORT.", settings.exporter_port, error.strerror)
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):  # process 1 of a container ignores SIGTERM without a handler
        signal.signal(number, lambda *_: sys.exit(0))
    logger.info("Serving /metrics on %s:%s", settings.exporter_bind, settings.exporter_port)
    try:
        server.serve_forever()
    finally:
        server.server_close()
        collector.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
