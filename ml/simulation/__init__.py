"""Simulated traffic: test encounters, outcomes and drift sent to the API; not part of the production images."""
