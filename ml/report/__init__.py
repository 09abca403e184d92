"""Report of a model version: page, plots and model card, rendered from the findings that its run stored."""
