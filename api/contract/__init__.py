"""The API contract: request and response models, parsing and validation errors; no scoring and no I/O."""
