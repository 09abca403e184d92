"""Ingestion, step by step: the command line runs all steps, the DAG runs each as a task."""

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
    """Fetch, validate, load and split; ends where it began when there is nothing new.

    Raises:
        DataSourceError, RejectedDataError, ProvenanceError, SplitError, WarehouseError: and nothing is changed.
    """
    delivery = fetch(settings)
    log.info("Source: %s (%s)", delivery.source, delivery.path.name)
    validated = validate_delivery(settings, delivery)
    load_and_clean(engine, delivery, validated)
    return split(engine)


def validate_delivery(settings: MlSettings, delivery: Delivery) -> Validated:
    """Validate a delivered file into a directory of its own below ``DATA_DIR``."""
    parent = settings.data_dir / "validated"
    parent.mkdir(parents=True, exist_ok=True)
    # One directory per validation: two at a time, or a repeated one, never write into what another is loading.
    directory = Path(tempfile.mkdtemp(prefix=f"{delivery.path.stem}-", dir=parent))
    try:
        return validate(read_chunks(delivery.path), directory, settings.max_rejected_share)
    except BaseException:
        _remove(directory)
        raise


def load_and_clean(engine: sa.Engine, delivery: Delivery, validated: Validated) -> Ingested:
    """Load validated rows, then remove the files they were kept in; a failed load keeps them for a retry."""
    ingested = load(engine, delivery, validated)
    _remove(validated.accepted.parent)
    return ingested


def _remove(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
