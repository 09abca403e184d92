"""Protocols of others: their documents become our records, and our errors are told as their clients expect."""
