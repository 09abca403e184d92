"""Outcomes that became known later: read from a file and reported to the API."""
