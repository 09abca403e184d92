"""The Batch page: a file in, its lines by risk out."""
