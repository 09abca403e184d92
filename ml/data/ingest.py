"""The steps of an ingestion; the command line runs all of them, the DAG runs each as a task."""

import logging
from dataclasses import asdict
from functools import partial

import sqlalchemy as sa

from ml.core.settings import MlSettings
from ml.data.load import load
from ml.data.sources.delivery import Delivery
from ml.data.sources.fetch import fetch
from ml.data.sources.file import read_chunks
from ml.data.split import Split, split
from ml.data.staged_file import local_file
from ml.data.staging import StagedRows, staging
from ml.data.validation import validate

log = logging.getLogger(__name__)


def ingest(settings: MlSettings, engine: sa.Engine) -> Split:
    """Fetch, validate, load and split; changes nothing if there is no new data.

    Raises:
        DataSourceError, RejectedDataError, ProvenanceError, SplitError, WarehouseError: nothing was changed.
    """
    delivery = fetch(settings)
    log.info("Source: %s (%s)", delivery.source, delivery.path.name)
    load(engine, delivery, validate_delivery(settings, engine, delivery))
    return split(engine)


def validate_delivery(settings: MlSettings, engine: sa.Engine, delivery: Delivery) -> StagedRows:
    """Validate a delivered file into staged tables, in one transaction.

    Raises:
        StaleInputError: the file was staged, and is deleted since.
        DataSourceError, RejectedDataError: the file is not the data set, or too many of its rows are invalid.
        WarehouseError: PostgreSQL is unreachable.
    """
    key = settings.prediction_log_key.get_secret_value()
    with staging(engine, delivery.staging_id) as stage, local_file(stage, delivery) as path:
        stage.create("encounters")
        stage.create("rejected")
        accept, reject = partial(stage.copy, "encounters"), partial(stage.copy, "rejected")
        validated = validate(read_chunks(path), accept, reject, settings.max_rejected_share, key)
        return StagedRows(**asdict(validated), staging_id=stage.id)
