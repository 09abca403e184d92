"""Watching the model in the field: is what it is asked about still what it was made of, and does it still hold?

``window`` reads what was asked, ``reference`` and ``binning`` say what it is compared with, ``drift`` decides,
``findings`` and ``report`` keep the outcome, and ``run`` is all of it, for the DAG and the command line.
"""
