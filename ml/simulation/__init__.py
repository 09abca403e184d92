"""Simulated traffic for demonstrations and tests: test encounters, drift and outcomes; not in the production images."""
