"""Benchmarks against the plain alternatives, with their committed results; nothing that a service imports."""
