"""Data, models and registry of the readmission platform; no web service, no user interface and no DAGs.

Importing this package has no side effects and loads no heavy libraries.
"""
