"""The service under uvicorn: ``python -m api [--host HOST] [--port PORT] [--no-access-log]``.

uvicorn's command line has no option for the class of connections, which :class:`HttpProtocol` is.
"""

import sys
from argparse import ArgumentParser, BooleanOptionalAction
from functools import partial
from typing import Any, Final

import uvicorn

from api.settings import ApiSettings
from api.transport.http_protocol import HttpProtocol
from ml.core.errors import SettingsError
from ml.core.signing.keys import read_public_keys

SHUTDOWN_SECONDS: Final = 10
"""Time for requests in flight when the service stops; shorter than the grace period of Compose."""


def main() -> None:
    """Serve until the process is told to stop."""
    parser = ArgumentParser(prog="python -m api", description="The prediction service.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--access-log", action=BooleanOptionalAction, default=True)
    options = parser.parse_args()
    try:
        settings = ApiSettings.load()
        read_public_keys(settings.model_public_keys_file)  # here, so that no worker is started to fail
    except SettingsError as error:
        sys.exit(str(error))
    protocol: Any = partial(HttpProtocol, header_seconds=settings.header_timeout_seconds)
    uvicorn.run(
        "api.app:create_app",
        factory=True,
        host=options.host,
        port=options.port,
        workers=settings.api_workers,
        http=protocol,
        ws="none",
        access_log=options.access_log,
        server_header=False,
        forwarded_allow_ips=settings.forwarded_allow_ips,
        timeout_keep_alive=settings.keep_alive_seconds,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )


if __name__ == "__main__":
    main()
