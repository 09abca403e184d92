"""Log lines: the format of the service's own, and the access log without probes."""

import logging
from typing import Final

_PROBES: Final = ("/health", "/ready", "/metrics")


def configure() -> None:
    """Print the service's log lines, and drop probes from uvicorn's access log. Idempotent."""
    logging.getLogger("uvicorn.access").addFilter(_is_not_probe)
    own = logging.getLogger("api")
    own.setLevel(logging.INFO)
    if not own.handlers and not logging.getLogger().handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
        own.addHandler(handler)


def _is_not_probe(record: logging.LogRecord) -> bool:
    # uvicorn's arguments: client, method, path with query, HTTP version, status
    arguments = record.args if isinstance(record.args, tuple) else ()
    return len(arguments) < 3 or str(arguments[2]).partition("?")[0] not in _PROBES
