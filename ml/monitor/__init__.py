"""Watching a model in the field: what came true of its predictions, and whether its patients change."""
