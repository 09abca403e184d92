"""``migrate`` and ``ingest``."""

from ml.cli.common import console, open_warehouse, spinner


def migrate() -> None:
    """Bring the tables of the diabetes database up to date."""
    from ml import migrations

    with open_warehouse() as (settings, engine):
        migrations.upgrade(engine, prediction_retention_days=settings.prediction_retention_days)
    console.print("The diabetes database is up to date.")


def ingest() -> None:
    """Fetch the data of DATA_SOURCE, validate, load and split them."""
    from ml.data.ingest import ingest as run

    with open_warehouse() as (settings, engine), spinner("Ingesting"):
        split = run(settings, engine)
    state = "Loaded" if split.new else "Nothing new:"
    console.print(
        f"{state} {split.provenance} data, version {split.data_version[:12]}: "
        f"{split.train_rows:,} encounters to train on, {split.test_rows:,} to test on."
    )
