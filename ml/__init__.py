"""Data, models and registry of the readmission platform.

Importing this package is free of side effects and of heavy libraries: each module imports what it needs,
so that the API and the load generator can read ``ml.schema`` alone.
"""
