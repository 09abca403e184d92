"""Scoring of stored records by parts: sources, the inputs of the graph, targets, and the run that can be continued."""
