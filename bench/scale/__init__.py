"""Costs of a row and of a request, and the machines that more of them need."""
