"""Reads and writes of the diabetes database: patient history, outcomes and the prediction log."""
