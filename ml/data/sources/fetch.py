"""Fetches the data of the configured source."""

import logging
from pathlib import Path

from ml.core.errors import DataSourceError
from ml.core.settings import MlSettings
from ml.data.sources import file, synthetic, uci
from ml.data.sources.delivery import Delivery

log = logging.getLogger(__name__)


def fetch(settings: MlSettings) -> Delivery:
    """Make the data of ``DATA_SOURCE`` available as a local file and check that it is the data set.

    ``auto`` uses ``DATA_FILE`` if it is set, else UCI, else a synthetic cohort with a warning.

    Raises:
        DataSourceError: the requested source is unavailable, or its content is not the data set.
    """
    source = settings.data_source
    if source == "file" or (source == "auto" and settings.data_file is not None):
        return Delivery("file", file.locate(settings.data_file))
    if source == "synthetic":
        return Delivery("synthetic", _synthetic(settings))
    try:
        return Delivery("uci", uci.fetch(settings))
    except DataSourceError as error:
        if source == "uci":
            raise
        log.warning("%s", error)
        log.warning("SYNTHETIC DATA: using the built-in cohort. Models trained on it say nothing about real patients.")
        return Delivery("synthetic", _synthetic(settings))


def _synthetic(settings: MlSettings) -> Path:
    rows, seed = settings.synthetic_rows, settings.synthetic_seed
    path = settings.data_dir / f"synthetic-{rows}-{seed}.csv"
    if not path.exists():
        log.info("Generating %s synthetic encounters (seed %s)", f"{rows:,}", seed)
        synthetic.write_csv(path, rows, seed)
    return path
