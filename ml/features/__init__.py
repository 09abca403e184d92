"""Feature engineering: from encounters to model inputs and features; no models and no database."""
