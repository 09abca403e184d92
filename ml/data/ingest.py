"""The steps of an ingestion; the command line runs all of them, the DAG runs each as a task."""

import logging
import shutil
import tempfile
from pathlib import Path

import sqlalchemy as sa

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
    """Validate a delivered file into a new directory below ``DATA_DIR``."""
    parent = settings.data_dir / "validated"
    parent.mkdir(parents=True, exist_ok=True)
    # A directory of its own, so that concurrent or repeated validations do not overwrite what another one loads.
    directory = Path(tempfile.mkdtemp(prefix=f"{delivery.path.stem}-", dir=parent))
    try:
        return validate(read_chunks(delivery.path), directory, settings.max_rejected_share)
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise


def load_and_clean(engine: sa.Engine, delivery: Delivery, validated: Validated) -> Ingested:
    """Load validated rows, then delete their files; after a failure the files remain for a retry."""
    ingested = load(engine, delivery, validated)
    shutil.rmtree(validated.directory, ignore_errors=True)
    return ingested
