"""Parts of the Prediction page: form, result, contributions and what-if analysis; no HTTP."""
