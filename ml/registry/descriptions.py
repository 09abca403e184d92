"""What MLflow's pages say of the experiments, the registered model and its versions; in Markdown."""

import logging
from typing import Final

import mlflow
from mlflow import MlflowClient
from mlflow.entities import LifecycleStage

from ml.core.names import MODEL_NAME, MONITORING_EXPERIMENT, PRODUCTION

log = logging.getLogger(__name__)

_SNIPPET: Final = f"""\
```python
import mlflow
import pandas as pd

model = mlflow.pyfunc.load_model("models:/{MODEL_NAME}@{PRODUCTION}")
print(model.predict(pd.DataFrame([{{"age": "[60-70)", "gender": "Female", "number_inpatient": 2}}])))
```
"""
_USAGE: Final = f"""\
{_SNIPPET}
`MLFLOW_TRACKING_URI` is the address of this page. Any of the 47 fields of the data set can be absent, `None`, `NaN` or
`"?"`: it is then unknown. Identifiers are accepted and not used. The result is a probability for each row, equal to
that of the API for a record without `patient_nbr`. Read files with `keep_default_na=False`: `None` in the laboratory
columns means not measured, and pandas reads it as unknown.
"""
_MODEL: Final = f"""\
Risk of an unplanned or planned readmission within 30 days of a discharge. The alias `{PRODUCTION}` is the version that
the API serves; only the gate and a rollback move it.

{_USAGE}"""
_EXPERIMENTS: Final = {
    MODEL_NAME: f"""\
One run for each trained model, with parameters, metrics with 95 % intervals, plots, `report.html` and `model_card.md`.
Its model is a version of the registered model `{MODEL_NAME}`.

{_USAGE}""",
    MONITORING_EXPERIMENT: """\
One run for each monitoring of the predictions. `drift.html` compares them with the training data, and the metrics are
the distances of the fields.
""",
}


def open_experiment(client: MlflowClient, name: str) -> None:
    """Make an experiment active; create it, or restore it if it was deleted, and describe it."""
    found = client.get_experiment_by_name(name)
    if found is not None and found.lifecycle_stage == LifecycleStage.DELETED:
        client.restore_experiment(found.experiment_id)
        log.warning("The MLflow experiment %s was deleted; it is restored with its runs", name)
    experiment = mlflow.set_experiment(name)
    tags = {"mlflow.experimentKind": "custom_model_development", "mlflow.note.content": _EXPERIMENTS.get(name, "")}
    for tag, value in tags.items():
        if value and tag not in experiment.tags:
            client.set_experiment_tag(experiment.experiment_id, tag, value)


def describe_version(client: MlflowClient, number: str, description: str) -> None:
    """Describe a version, and the registered model unless it is described already."""
    usage = _SNIPPET.replace(f"@{PRODUCTION}", f"/{number}")
    client.update_model_version(MODEL_NAME, number, f"{description}\n{usage}")
    if not client.get_registered_model(MODEL_NAME).description:
        client.update_registered_model(MODEL_NAME, _MODEL)
