"""Feature engineering: encounters as model inputs; no fitting of models and no database."""
