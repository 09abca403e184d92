"""Settings, errors, names and the code that serves a model; needs numpy and pydantic only, so every service may import it."""
