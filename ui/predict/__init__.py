"""The Predict page: form, result, explanation and what-if of one encounter."""
