"""Policies: the risk from which encounters are flagged, and what a threshold brings on the test patients."""
