"""The served model: downloaded from the registry, checked in a sandbox, cached on disk and swapped atomically."""
