"""Monitoring: drift of inputs and scores, realised quality, and their storage; no simulated traffic.

``window`` reads what was asked, ``reference`` and ``binning`` say what it is compared with, ``drift`` decides, and
``findings`` and ``report`` keep the outcome. ``maturity`` knows whose outcome counts, ``delivered`` finds outcomes
among newly ingested encounters, ``quality`` measures what came true and ``estimate`` what to expect before. ``run`` is
all of it, for the DAG and the command line. ``simulation`` makes months of traffic out of held-out encounters.
"""
