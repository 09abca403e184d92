"""Delivered files: text, dialect, header and values of a table of encounters, as its writers spell them."""
