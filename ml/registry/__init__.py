"""The model registry: the only code that uses MLflow's client, model aliases and model addresses."""
