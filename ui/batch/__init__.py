"""Parts of the Batch page: upload, scoring in the background, result and errors of a CSV file; no HTTP."""
