"""The steps of an ingestion; the command line runs all of them, the DAG runs each as a task."""

import logging
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from ml.core.errors import StaleInputError
from ml.core.settings import MlSettings
from ml.data.load import Ingested, load
from ml.data.sources.delivery import Delivery
from ml.data.sources.fetch import fetch
from ml.data.sources.file import read_chunks
from ml.data.split import Split, split
from ml.data.validation import Validated, validate

log = logging.getLogger(__name__)


def ingest(settings: MlSettings, engine: sa.Engine) -> Split:
    """Fetch, validate, load and split; changes nothing if there is no new data.

    Raises:
        DataSourceError, RejectedDataError, ProvenanceError, SplitError, WarehouseError: nothing was changed.
    """
    delivery = fetch(settings)
    log.info("Source: %s (%s)", delivery.source, delivery.path.name)
    load_and_clean(engine, delivery, validate_delivery(settings, delivery))
    return split(engine)


def validate_delivery(settings: MlSettings, delivery: Delivery) -> Validated:
    """Validate a delivered file into a new directory below ``DATA_DIR``.

    Raises:
        StaleInputError: the delivered file was deleted since.
        DataSourceError, RejectedDataError: the file is not the data set, or too many of its rows are invalid.
    """
    parent = settings.data_dir / "validated"
    parent.mkdir(parents=True, exist_ok=True)
    # A directory of its own, so that concurrent or repeated validations do not overwrite what another one loads.
    directory = Path(tempfile.mkdtemp(prefix=f"{delivery.path.stem}-", dir=parent))
    try:
        with _deleted_files_reported():
            key = settings.prediction_log_key.get_secret_value()
            return validate(read_chunks(delivery.path), directory, settings.max_rejected_share, key)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def load_and_clean(engine: sa.Engine, delivery: Delivery, validated: Validated) -> Ingested:
    """Load validated rows, then delete their files; after a failure the files remain for a retry.

    Raises:
        StaleInputError: the files were deleted, because an earlier call loaded them.
        ProvenanceError, WarehouseError: nothing was changed.
    """
    with _deleted_files_reported():
        ingested = load(engine, delivery, validated)
    shutil.rmtree(validated.directory, ignore_errors=True)
    return ingested


@contextmanager
def _deleted_files_reported() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise StaleInputError(
            f"{error.filename} does not exist any more; the input of an ingestion is deleted once it is loaded: "
            "clear download_data with the tasks after it, or start a new run of ingest_diabetes."
        ) from error
