"""Summaries of the alerting rules, which Prometheus fills in: templates for the catalogue."""

from typing import Final


def template(english: str) -> str:
    """Mark a template for the catalogue."""
    return english


SUMMARIES: Final = (
    template("The prediction API {instance} does not answer"),
    template("The API {instance} has had no model for five minutes"),
    template("{share} of the requests to /predict fail"),
    template("{share} of the requests to /predict failed in the last hour"),
    template("{share} of the requests to /predict failed in the last six hours"),
    template("5 % of the requests to /predict take longer than {duration}"),
    template("The API {instance} sheds load: too many {cause}"),
    template("The API drops entries of the prediction log"),
    template("The API {instance} serves version {version}, which is not the production version"),
    template("The API {instance} could not load a model: {cause}"),
    template("The API {instance} cannot reach the model registry"),
    template("The API {instance} last checked the registry {duration} ago"),
    template("The records sent to the model differ from its training data"),
    template("The last monitoring run ended {duration} ago"),
    template("The realised AUROC of version {version} is at most {value}"),
    template("Risks of version {version} are off by at least {value} in logits"),
    template("Airflow's API server does not answer"),
    template("Airflow's {component} is not healthy"),
    template("{number} DAG file(s) cannot be imported"),
    template("{number} task(s) of Airflow wait for a worker, and none runs"),
    template("The last run of {dag} failed"),
    template("{dag} has been running for three hours"),
    template("No ingestion has succeeded for {duration}"),
    template("No training run has succeeded for {duration}"),
    template("No hyper-parameter search has succeeded for {duration}"),
    template("{share} of the rows of the last ingestion were rejected"),
    template("MLflow or its database does not answer"),
    template("The exporter cannot read all metrics of {target}"),
    template("Prometheus cannot scrape {target} ({instance})"),
    template("Prometheus cannot evaluate the rules in {target}"),
    template("{target} could not send about {value} notifications in ten minutes"),
    template("PostgreSQL ({target}) accepts no connections"),
    template("{target} uses {share} of its connections"),
    template("{target} uses {share} of its memory limit"),
    template("{target} restarted {number} times in 15 minutes"),
    template("Only {share} of the host's memory is available"),
    template("Only {share} of the disk at {target} is available"),
    template("The API {instance} refuses the production version, which the gate has not approved"),
    template("The alias production does not point to the version that was decided on"),
    template("No backup has succeeded for more than a day although BACKUP_AT is set"),
    template("The last backup failed"),
    template("No backup was restored as a test for more than a week"),
    template("{target} cannot archive its WAL"),
)
