"""Signed approvals: the gate's key pair, and what it signs when a version becomes production."""
