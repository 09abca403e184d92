"""Metrics of several uvicorn workers in one scrape.

A scrape reaches any of the workers. That worker fetches the metrics of the others over Unix sockets and returns all of
them, with the label ``worker`` on every series. The series of a worker end with it; its successor starts at 0.
"""

import asyncio
import logging
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

logger = logging.getLogger(__name__)

Encode = Callable[[CollectorRegistry], bytes]
"""Writes metrics in one of Prometheus' formats."""

TIMEOUT_SECONDS: Final = 2.0
"""A worker that does not respond within this time is left out of the scrape."""


class WorkerMetrics:
    """The metrics of this worker and of the others with the same parent process."""

    def __init__(self, registry: CollectorRegistry, folder: Path | None = None) -> None:
        self._registry = registry
        self._folder = folder or Path(tempfile.gettempdir()) / f"readmission-api-{os.getppid()}"
        self._socket = self._folder / f"{os.getpid()}.sock"
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Serve this worker's metrics to the others."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._server = await asyncio.start_unix_server(self._send, self._socket)

    async def stop(self) -> None:
        """Stop serving."""
        if self._server is not None:
            self._server.close()
        with suppress(OSError):
            self._socket.unlink(missing_ok=True)
            self._folder.rmdir()  # succeeds for the last worker

    async def collect(self, encode: Encode = generate_latest) -> bytes:
        """The metrics of all workers, in the given format."""
        others = [path for path in self._folder.glob("*.sock") if path != self._socket]
        texts = await asyncio.gather(*(self._fetch(path) for path in others))
        fetched = {path.stem: text for path, text in zip(others, texts, strict=True) if text is not None}
        own = generate_latest(self._registry).decode()
        return await asyncio.to_thread(merge, {self._socket.stem: own, **fetched}, encode)

    async def _fetch(self, path: Path) -> str | None:
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                reader, writer = await asyncio.open_unix_connection(path)
                text = await reader.read()
                writer.close()
        except (ConnectionRefusedError, FileNotFoundError):
            await asyncio.to_thread(path.unlink, missing_ok=True)  # the worker was killed
            return None
        except (OSError, TimeoutError):
            logger.warning("no metrics from worker %s", path.stem)
            return None
        return text.decode()

    async def _send(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            writer.write(generate_latest(self._registry))
            await writer.drain()
        writer.close()


def merge(texts: Mapping[str, str], encode: Encode = generate_latest) -> bytes:
    """Merge documents of several workers in Prometheus' text format; adds the label ``worker`` to each series."""
    families: dict[str, Metric] = {}
    for worker, text in texts.items():
        for family in text_string_to_metric_families(text):
            merged = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            for sample in family.samples:
                merged.add_sample(sample.name, {"worker": worker, **sample.labels}, sample.value)
    return encode(_Families(families.values()))


class _Families(CollectorRegistry):
    def __init__(self, families: Iterable[Metric]) -> None:
        super().__init__()
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families
