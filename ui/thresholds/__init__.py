"""Capacity and threshold: figures of a threshold on the test patients, and the policy in force; for several pages."""
