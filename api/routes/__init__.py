"""The routes, one small module per concern."""
