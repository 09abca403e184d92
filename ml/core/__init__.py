"""What every service may import: settings, errors, names and the code that serves a model (numpy, pydantic only)."""
