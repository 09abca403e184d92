"""Errors that a user can act on.

Each message is one sentence: what is wrong and what to do. The command line prints it and exits with 2, Airflow fails
the task with it, the API returns it as problem+json.
"""


class PlatformError(Exception):
    """Base of all errors that a user can act on."""


class SettingsError(PlatformError):
    """A setting is missing or malformed."""


class DataSourceError(PlatformError):
    """The data source is unavailable, or its content is not the data set."""


class RejectedDataError(PlatformError):
    """Too many rows violate the schema; nothing was changed."""


class ProvenanceError(PlatformError):
    """Synthetic data would have replaced real data."""


class SplitError(PlatformError):
    """A patient is in both train and test data; nothing was changed."""


class WarehouseError(PlatformError):
    """PostgreSQL is unreachable or refuses the login."""


class NoDataError(PlatformError):
    """There is no training data yet."""


class BundleError(PlatformError):
    """A model bundle is damaged, malformed, or fails its golden requests."""


class ReproductionError(PlatformError):
    """A version cannot be retrained, or the result differs."""


class SimulationError(PlatformError):
    """A simulation is not allowed, or the prediction service fails."""


class RegistryError(PlatformError):
    """A model version or alias does not exist, or MLflow is unreachable."""


class RegistryRefusalError(RegistryError):
    """The request is refused, as it would be again; for example, a version does not exist or was never approved."""


class UnapprovedError(PlatformError):
    """A model version has no valid approval; the message names the version and what to do."""


class ScoringError(PlatformError):
    """Stored records cannot be scored: the source is unreadable, or the target holds or becomes something else."""


class StaleInputError(PlatformError):
    """A task of an old run was started again, and its inputs do not exist any more."""


class ClusterError(PlatformError):
    """The Dask cluster does not answer, has no worker, or lost its scheduler or too many workers."""
