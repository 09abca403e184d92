"""``migrate`` and ``ingest``."""

from ml.cli.common import app, console, warehouse_of_settings, working


@app.command()
def migrate() -> None:
    """Bring the tables of the diabetes database up to date."""
    from ml import migrations

    with warehouse_of_settings() as (_, engine):
        migrations.upgrade(engine)
    console.print("The diabetes database is up to date.")


@app.command()
def ingest() -> None:
    """Fetch the data of DATA_SOURCE, validate, load and split them."""
    from ml.data.ingest import ingest as run

    with warehouse_of_settings() as (settings, engine), working("Ingesting"):
        split = run(settings, engine)
    state = "Loaded" if split.new else "Nothing new:"
    console.print(
        f"{state} {split.provenance} data, version {split.data_version[:12]}: "
        f"{split.train_rows:,} encounters to train on, {split.test_rows:,} to test on."
    )
