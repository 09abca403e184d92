"""Several workers behind one address, and one answer to Prometheus.

The workers share nothing but the socket that requests come in by, so a scrape reaches whichever is free. That one asks
the others, each of which tells its own metrics over a socket in the file system, and answers for all: every series has
the label ``worker``. A worker that ends takes its series with it, and its successor begins at 0, as after any restart.
"""

import asyncio
import logging
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest

logger = logging.getLogger(__name__)

PATIENCE_SECONDS: Final = 2.0
"""How long another worker may take to answer; then the scrape goes without it."""

_SAMPLE: Final = re.compile(r"([^{ ]+)(?:\{(.*)\})? (\S+)")
_ENDINGS: Final = ("_bucket", "_count", "_sum", "_total")


class Workers:
    """This worker among those of the same parent process."""

    def __init__(self, registry: CollectorRegistry, folder: Path | None = None) -> None:
        self._registry = registry
        self._folder = folder or Path(tempfile.gettempdir()) / f"readmission-api-{os.getppid()}"
        self._socket = self._folder / f"{os.getpid()}.sock"
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to answer the others."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._server = await asyncio.start_unix_server(self._tell, self._socket)

    async def stop(self) -> None:
        """Answer nobody any more."""
        if self._server is not None:
            self._server.close()
        with suppress(OSError):
            self._socket.unlink(missing_ok=True)
            self._folder.rmdir()  # the last one does

    async def metrics(self) -> bytes:
        """The metrics of all workers."""
        others = [path for path in self._folder.glob("*.sock") if path != self._socket]
        answers = await asyncio.gather(*(self._ask(path) for path in others))
        told = {path.stem: text for path, text in zip(others, answers, strict=True) if text is not None}
        return merge({self._socket.stem: generate_latest(self._registry).decode(), **told}).encode()

    async def _ask(self, path: Path) -> str | None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                reader, writer = await asyncio.open_unix_connection(path)
                text = await reader.read()
                writer.close()
        except (ConnectionRefusedError, FileNotFoundError):
            await asyncio.to_thread(path.unlink, missing_ok=True)  # that worker was killed
            return None
        except (OSError, TimeoutError):
            logger.warning("worker %s does not tell its metrics", path.stem)
            return None
        return text.decode()

    async def _tell(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            writer.write(generate_latest(self._registry))
            await writer.drain()
        writer.close()


def merge(told: Mapping[str, str]) -> str:
    """One document in Prometheus' text format out of those of several workers, each series with its worker."""
    families: dict[str, list[str]] = {}
    for worker, text in told.items():
        for line in text.splitlines():
            if line.startswith("#"):
                _, kind, name, *_ = line.split(" ", 3)
                family = families.setdefault(name, [])
                if len(family) == ("HELP", "TYPE").index(kind):
                    family.append(line)
            elif found := _SAMPLE.fullmatch(line):
                name, labels, value = found.groups()
                given = f",{labels}" if labels else ""
                families[_family_of(name, families)].append(f'{name}{{worker="{worker}"{given}}} {value}')
    return "".join(f"{line}\n" for lines in families.values() for line in lines)


def _family_of(name: str, families: Iterable[str]) -> str:
    if name in families:
        return name
    return next(stem for ending in _ENDINGS if (stem := name.removesuffix(ending)) != name and stem in families)
