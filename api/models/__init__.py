"""The served model: read from the registry, checked in a sandbox, cached on disk and replaced atomically."""
