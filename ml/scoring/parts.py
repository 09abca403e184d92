"""Scores a part of the records, in this process or on a worker of a Dask cluster."""

import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from numpy.typing import NDArray

from ml.core.sandbox.process import Sandbox, sandboxed
from ml.core.settings import DatabaseSettings
from ml.schema.files.rows import RowReader
from ml.scoring.inputs import SCHEMA, Block, messages_of, read_block
from ml.warehouse.connection import transaction, warehouse

BLOCK: Final = 1_000
"""Records in the sandbox at a time, while the next ones are read. Their values stay in the cache of a core."""
SANDBOX_SECONDS: Final = 30.0
"""After this time another sandbox takes over: each may only run for the time that a check of a version may take."""


@dataclass(frozen=True, slots=True)
class Part:
    """Texts of records with their lines in the source; ``first`` is the number of the first record."""

    first: int
    texts: list[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class ScoredPart:
    """The result of a part; faults are messages with the position in the block and the number of the record or line."""

    rows: pa.Table
    faults: list[tuple[str, int, int]]


class Graph(AbstractContextManager["Graph"]):
    """The graph of a bundle in the sandbox; another process takes over before the time of one is up."""

    def __init__(self, directory: Path) -> None:
        self.directory: Final = directory
        self._open: ExitStack = ExitStack()
        self._sandbox: Sandbox | None = None
        self._since = 0.0

    def run(self, block: Block) -> NDArray[np.float32]:
        """Probabilities of the records of a block. Raises BundleError."""
        if self._sandbox is None or time.monotonic() - self._since > SANDBOX_SECONDS:
            self._open.close()
            self._since = time.monotonic()
            self._sandbox = self._open.enter_context(sandboxed(self.directory))
        return self._sandbox.run(block.inputs)

    def __exit__(self, *_: object) -> None:
        self._open.close()


class Scorer:
    """Reads, looks up and scores the records of parts.

    A copy in another process takes the files of the bundle along, and reads the earlier stays with a connection of its
    own, in the snapshot of the original's transaction.
    """

    def __init__(self, reader: RowReader, counts_lines: bool, connection: sa.Connection | None, graph: Graph) -> None:
        self._reader, self._counts_lines = reader, counts_lines
        self._here: tuple[sa.Connection | None, Graph] | None = (connection, graph)
        self._snapshot: str | None = None
        self._files: dict[str, bytes] = {}

    def __getstate__(self) -> dict[str, Any]:
        """What a copy has in place of connection and sandbox: an exported snapshot, and the bundle's files."""
        if self._here is None:
            return vars(self)
        connection, graph = self._here
        snapshot = connection and connection.scalar(sa.select(sa.func.pg_export_snapshot()))
        files = {file.name: file.read_bytes() for file in graph.directory.iterdir() if file.is_file()}
        return {**vars(self), "_here": None, "_snapshot": snapshot, "_files": files}

    def score(self, part: Part) -> ScoredPart:
        """Score a part; a block is read while the one before is in the sandbox.

        Raises:
            BundleError: the graph fails.
            WarehouseError: PostgreSQL is unreachable.
        """
        with self._opened() as (connection, graph), ThreadPoolExecutor(1) as pool:
            faults: list[tuple[str, int, int]] = []
            batches = list(self._batches(part, connection, graph, pool, faults))
        return ScoredPart(pa.Table.from_batches(batches, SCHEMA), faults)

    def _batches(
        self,
        part: Part,
        connection: sa.Connection | None,
        graph: Graph,
        pool: ThreadPoolExecutor,
        faults: list[tuple[str, int, int]],
    ) -> Iterator[pa.RecordBatch]:
        first = part.first
        pending: tuple[Block, Future[NDArray[np.float32]]] | None = None
        for start in range(0, len(part.texts), BLOCK):
            lines = part.texts[start : start + BLOCK]
            block = read_block(self._reader, first, [text for _, text in lines], connection)
            faults += self._faults(block, lines)
            first += block.size
            if pending:
                yield pending[0].result(pending[1].result())
            pending = block, pool.submit(graph.run, block)
        if pending:
            yield pending[0].result(pending[1].result())

    def _faults(self, block: Block, lines: list[tuple[int, str]]) -> Iterator[tuple[str, int, int]]:
        for position, error in block.errors.items():
            place = lines[position][0] if self._counts_lines else block.first + position
            for message in messages_of(error):
                yield message, position, place

    @contextmanager
    def _opened(self) -> Iterator[tuple[sa.Connection | None, Graph]]:
        if self._here is not None:
            yield self._here
            return
        with ExitStack() as stack:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bundle-")))
            for name, content in self._files.items():
                (directory / name).write_bytes(content)
            connection = None
            if self._snapshot is not None:
                engine = stack.enter_context(warehouse(DatabaseSettings.load()))
                connection = stack.enter_context(snapshot(engine, self._snapshot))
            yield connection, stack.enter_context(Graph(directory))


def score_part(scorer: Scorer, part: Part) -> ScoredPart:
    """Score a part: :meth:`Scorer.score` as the function of a module, which workers take."""
    return scorer.score(part)


@contextmanager
def snapshot(engine: sa.Engine, exported: str | None = None) -> Iterator[sa.Connection]:
    """One transaction: an ingestion during the run changes neither the records nor the history.

    ``exported`` is the identifier of another transaction's snapshot, which this one sees too.
    """
    with transaction(engine, isolation="REPEATABLE READ") as connection:
        if exported is not None:
            connection.execute(sa.text(f"SET TRANSACTION SNAPSHOT '{exported}'"))
        # Before the first ANALYZE, PostgreSQL would scan the whole table for the patients of a block.
        connection.execute(sa.text("SET LOCAL enable_seqscan = off"))
        yield connection
