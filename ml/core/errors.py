"""Everything that goes wrong on purpose.

PlatformError
├── SettingsError        a setting is missing or malformed
├── DataSourceError      the data could not be had, or is not what it should be
├── RejectedDataError    too many rows break the schema; nothing was changed
├── ProvenanceError      synthetic data would have replaced real data
├── SplitError           a patient stands in both train and test; nothing was changed
├── WarehouseError       PostgreSQL cannot be reached, or refuses the login
├── NoDataError          there is no training data yet
├── BundleError          a model bundle is damaged, of another shape, or fails its golden requests
├── ReproductionError    a version cannot be trained again here, or does not come out the same
├── SimulationError      a simulation must not run here, or the prediction service does not play its part
└── RegistryError        a model version or alias is not there, or MLflow cannot be reached

Each message is one sentence that says what was wrong and what to do next; the command line prints it and
exits with 2, Airflow fails the task with it, the API turns it into problem+json.
"""


class PlatformError(Exception):
    """Base of all errors that a user can act on."""


class SettingsError(PlatformError):
    pass


class DataSourceError(PlatformError):
    pass


class RejectedDataError(PlatformError):
    pass


class ProvenanceError(PlatformError):
    pass


class SplitError(PlatformError):
    pass


class WarehouseError(PlatformError):
    pass


class NoDataError(PlatformError):
    pass


class BundleError(PlatformError):
    pass


class ReproductionError(PlatformError):
    pass


class SimulationError(PlatformError):
    pass


class RegistryError(PlatformError):
    pass
