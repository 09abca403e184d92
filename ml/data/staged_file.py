"""A delivered file in the schema ``staging``, for the task that validates it on another worker.

It is stored as a zip archive in parts, and read back through a temporary file, so it needs little memory.
"""

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from ml.data.sources.delivery import Delivery
from ml.data.sources.file import MEMBER
from ml.data.staging import Stage, staging, stale_input

PART_BYTES: Final = 4 * 2**20


def stage_file(engine: sa.Engine, delivery: Delivery) -> Delivery:
    """Store a delivered file; a zip archive is stored as it is.

    Raises:
        WarehouseError: PostgreSQL is unreachable; nothing was changed.
    """
    with (
        tempfile.TemporaryDirectory() as folder,
        _packed(delivery.path, Path(folder)).open("rb") as file,
        staging(engine) as stage,
    ):
        stage.create("file")
        insert = stage.table("file").insert()
        for number, content in enumerate(iter(partial(file.read, PART_BYTES), b"")):
            # As parameters, because SQLAlchemy keeps statements, and the values in them, in a cache.
            stage.connection.execute(insert, {"part": number, "content": content})
        return replace(delivery, staging_id=stage.id)


@contextmanager
def local_file(stage: Stage, delivery: Delivery) -> Iterator[Path]:
    """The path of a delivered file on this machine: a temporary copy if it is staged.

    Raises:
        StaleInputError: a crash of PostgreSQL has emptied the table.
    """
    if delivery.staging_id is None:
        yield delivery.path
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, delivery.path.name)
        table = stage.table("file")
        parts = sa.select(table.c.content).order_by(table.c.part).execution_options(yield_per=1)
        with path.open("wb") as file:
            for content in stage.connection.execute(parts).scalars():
                file.write(content)
        if not path.stat().st_size:
            raise stale_input()
        yield path


def _packed(path: Path, folder: Path) -> Path:
    """The file as an archive, which :func:`ml.data.sources.file.read_chunks` reads like the csv in it."""
    if zipfile.is_zipfile(path):
        return path
    packed = folder / "packed.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=1, strict_timestamps=False) as archive:
        archive.write(path, MEMBER)
    return packed
