"""The API contract: request and response models, parsing and field errors; no HTTP, no scoring and no I/O."""
