"""Runs functions on the parts of a data set, in this process or on a Dask cluster."""
