"""Serving compared with other servers of the same model; nothing else."""

import ml.registry  # noqa: F401  turns MLflow's telemetry off, here and in the servers that are started
