"""Names that several services share."""

from typing import Final

MODEL_NAME: Final = "diabetes-readmission"
"""The registered model and the experiment of its runs."""

MONITORING_EXPERIMENT: Final = f"{MODEL_NAME}-monitoring"

PRODUCTION: Final = "production"
CHALLENGER: Final = "challenger"
"""Aliases: the served version, and the newest candidate."""

API_ROLE: Final = "api"
"""The API's role in the ``diabetes`` database; :mod:`ml.migrations.privileges` grants what it may do."""

EXPORTER_USER: Final = "exporter"
INTERFACE_USER: Final = "interface"
"""Users of Airflow for the services that call it."""

DASK_CERTIFICATE: Final = "dask_certificate"
"""Secret: a certificate with its key, which all members of the Dask cluster share."""

SIGNING_KEY: Final = "model_signing_key"
PUBLIC_KEYS: Final = "model_public_keys"
"""Files among the secrets: the gate's private key, and the public keys that verify its approvals."""
