"""What each alert means for the people who use the platform, in a sentence. A test holds the names to the rules."""

from ui.i18n.language import _


def meanings() -> dict[str, str]:
    """Name of the alert, and what it means."""
    return _of_the_api() | _of_the_model() | _of_the_field() | _of_the_pipelines() | _of_the_services()


def _of_the_api() -> dict[str, str]:
    return {
        "ApiDown": _("The prediction API does not answer: nobody gets a prediction from it."),
        "ApiNoModel": _("The API has no model, so there are no predictions. Before the first training this is normal."),
        "ApiServerErrors": _("More than 5% of the predictions fail."),
        "ErrorBudgetBurnFast": _("So many predictions fail that a month's allowance is used up in two days."),
        "ErrorBudgetBurnSlow": _("So many predictions fail that a month's allowance is used up in five days."),
        "ApiSlow": _("One prediction in twenty takes longer than half a second."),
        "ApiOverloaded": _("The API refuses requests because it has too much to do; those it accepts are answered."),
        "PredictionLogDropping": _("Predictions are answered but not recorded, so drift is judged without them."),
    }


def _of_the_model() -> dict[str, str]:
    return {
        "ModelVersionSkew": _("Predictions come from another version than the one in production."),
        "ModelLoadFailing": _("The API could not load a new version; the last good one goes on serving."),
        "ModelRegistryUnreachable": _("The API cannot reach MLflow: predictions go on, promotions are not followed."),
        "ModelRefreshStuck": _("The API has stopped asking MLflow for new versions."),
    }


def _of_the_field() -> dict[str, str]:
    return {
        "DriftDetected": _("The model is asked about other patients than it was trained on."),
        "MonitoringStale": _("Drift and realised quality were last looked at more than a day ago."),
        "RealisedQualityLow": _("The model ranks patients much worse in the field than on test patients."),
        "CalibrationOff": _("Risks are clearly too high or too low compared with what came true."),
    }


def _of_the_pipelines() -> dict[str, str]:
    return {
        "AirflowDown": _("Airflow does not answer: no data come in and no model is trained."),
        "AirflowComponentUnhealthy": _("A part of Airflow does not work, so DAGs may not run."),
        "AirflowImportErrors": _("A DAG cannot be read, so its last good version runs or it is missing."),
        "DagRunFailed": _("The last run of a DAG failed; data and model are as before it."),
        "DagRunStuck": _("A DAG has been running for three hours, and its next run waits."),
        "TrainingDataStale": _("No data have come in for more than a day."),
        "TrainingStale": _("No training has succeeded for more than a day."),
        "SearchStale": _("No search for a better model has succeeded for more than a week."),
        "IngestionRejecting": _("Many rows of the last delivery of data were refused."),
        "MlflowDown": _("MLflow does not answer: predictions go on, training and promotions do not."),
        "ExporterReadsFailing": _("Some figures about DAGs, versions, data or drift cannot be read."),
    }


def _of_the_services() -> dict[str, str]:
    return {
        "ServiceDown": _("A service does not answer Prometheus."),
        "RuleEvaluationFailing": _("Prometheus cannot evaluate some alerts, which may stay silent."),
        "NotificationsFailing": _("Alerts fire and nobody is told."),
        "PostgresDown": _("A database is away: predictions go on, but nothing is recorded and no DAG runs."),
        "PostgresConnectionsHigh": _("A database has few connections left."),
        "ContainerMemoryNearLimit": _("A container is about to run out of memory."),
        "ContainerRestarting": _("A container crashes again and again."),
        "HostMemoryLow": _("The machine is about to run out of memory."),
        "HostDiskLow": _("The disk is filling up."),
        "HostDiskFull": _("The disk is nearly full: the databases are about to stop."),
    }
