"""Evaluation: metrics with intervals, baselines and repeated splits; no decision about production."""
