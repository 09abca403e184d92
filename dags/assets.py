"""What flows between the DAGs, in the order of the flow."""

from airflow.sdk import Asset

training_data = Asset("training-data")
"""``train_data`` and ``test_data`` in a new data version, carried by the event as ``data_version``."""

registered_model = Asset("registered-model")
"""A version of ``diabetes-readmission`` on which the gate has decided."""

drift = Asset("drift")
"""Predictions are asked of others than the model in production learned from; the event carries ``run_id``."""
