"""Training: fits, tunes, exports and reproduces models; decisions about production belong to ml.promotion."""
