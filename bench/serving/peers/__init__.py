"""Servers that the service is compared with, and how each is started; no measuring."""
