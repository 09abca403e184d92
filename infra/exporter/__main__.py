"""``python -m infra.exporter``: serve until told to stop."""

import logging
import sys

from infra.exporter.server import create_collector, create_server
from infra.exporter.settings import ExporterSettings
from infra.serving import serve_until_told
from ml.core.errors import SettingsError

logger = logging.getLogger("infra.exporter")


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
    logger.info("Serving /metrics on %s:%s", settings.exporter_bind, settings.exporter_port)
    try:
        serve_until_told(server)
    finally:
        collector.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
