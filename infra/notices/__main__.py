"""``python -m infra.notices``: serve until told to stop."""

import logging
import sys

from infra.notices.server import create_server
from infra.notices.settings import NoticesSettings
from infra.serving import serve_until_told
from ml.core.errors import SettingsError

logger = logging.getLogger("infra.notices")


def main() -> int:
    """Serve; the exit code is 2 when a setting or the port cannot be used."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        settings = NoticesSettings.load()
    except SettingsError as error:
        logger.error("%s", error)
        return 2
    try:
        server = create_server(settings)
    except OSError as error:
        logger.error("Port %s cannot be used (%s): set NOTICES_PORT.", settings.notices_port, error.strerror)
        return 2
    logger.info("Notices are at http://%s:%s", settings.notices_bind, settings.notices_port)
    serve_until_told(server)
    return 0


if __name__ == "__main__":
    sys.exit(main())
