"""Monitoring of a deployed model: drift of inputs and scores, estimated and realised quality; no simulated traffic."""
