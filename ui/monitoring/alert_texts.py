"""What each alert means for users of the platform, in one translated sentence. Limits stand in the rules only."""

from ui.i18n.language import _


def meanings() -> dict[str, str]:
    """Meaning by name of the alert."""
    return {
        # API
        "ApiDown": _("The prediction API does not answer: nobody gets a prediction from it."),
        "ApiNoModel": _("The API has no model, so there are no predictions. Before the first training this is normal."),
        "ApiServerErrors": _("Too many predictions fail."),
        "ErrorBudgetBurnFast": _("So many predictions fail that the error budget of the month is used up within days."),
        "ErrorBudgetBurnSlow": _("Predictions fail faster than the error budget of the month allows."),
        "ApiSlow": _("The slowest predictions take too long."),
        "ApiOverloaded": _("The API refuses requests because of its load; accepted requests are answered."),
        "PredictionLogDropping": _("Predictions are answered but not recorded, so drift is judged without them."),
        # Model
        "ModelVersionSkew": _("Predictions come from another version than the one in production."),
        "ModelLoadFailing": _("The API could not load a new version and goes on serving the last good one."),
        "ModelUnapproved": _("The version in production has no valid approval of the gate, so it is not served."),
        "ModelMovedByHand": _("The alias of production does not point to the version that the gate decided on."),
        "ModelRegistryUnreachable": _("The API cannot reach MLflow: predictions go on, promotions are not followed."),
        "ModelRefreshStuck": _("The API no longer looks for new versions in MLflow."),
        # Drift and realised quality
        "DriftDetected": _("The patients of the predictions differ from those of the training data."),
        "MonitoringStale": _("Drift and realised quality have not been computed for too long."),
        "RealisedQualityLow": _("The model ranks patients much worse in the field than on test patients."),
        "CalibrationOff": _("Risks are clearly too high or too low compared with the outcomes."),
        # Pipelines
        "AirflowDown": _("Airflow does not answer: no data come in and no model is trained."),
        "AirflowComponentUnhealthy": _("A part of Airflow does not work, so DAGs may not run."),
        "AirflowImportErrors": _("A DAG cannot be read, so its last good version runs or it is missing."),
        "AirflowTasksWaiting": _("Tasks of Airflow wait for a worker, and none runs."),
        "DagRunFailed": _("The last run of a DAG failed; data and model are as before it."),
        "DagRunStuck": _("A DAG has been running for too long, and its next run waits."),
        "TrainingDataStale": _("No data have come in for too long."),
        "TrainingStale": _("No training has succeeded for too long."),
        "SearchStale": _("No search for a better model has succeeded for too long."),
        "IngestionRejecting": _("Many rows of the last delivery of data were refused."),
        "MlflowDown": _("MLflow does not answer: predictions go on, training and promotions do not."),
        "ExporterReadsFailing": _("Some metrics of DAGs, versions, data or drift cannot be read."),
        # Backups
        "BackupStale": _("No backup has succeeded for too long."),
        "BackupFailed": _("The last backup failed; the ones before it are unchanged."),
        "BackupUnverified": _("No backup was restored as a test for too long."),
        "WalArchiveFailing": _("A database cannot archive its log, which fills its disk."),
        # Services and machine
        "ServiceDown": _("A service does not answer Prometheus."),
        "RuleEvaluationFailing": _("Prometheus cannot evaluate some alerts, which may stay silent."),
        "NotificationsFailing": _("Alerts fire, but their notifications are not delivered."),
        "PostgresDown": _("A database does not answer: predictions go on, nothing is recorded and no DAG runs."),
        "PostgresConnectionsHigh": _("A database has few connections left."),
        "ContainerMemoryNearLimit": _("A container is about to run out of memory."),
        "ContainerRestarting": _("A container crashes again and again."),
        "HostMemoryLow": _("The machine is about to run out of memory."),
        "HostDiskLow": _("The disk is filling up."),
        "HostDiskFull": _("The disk is nearly full: the databases are about to stop."),
    }
