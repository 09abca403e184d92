"""Formats of other serving protocols, MLflow's and Open Inference: their requests become records; no routes."""
