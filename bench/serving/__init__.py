"""Serving compared with other servers of the same model; nothing else."""
