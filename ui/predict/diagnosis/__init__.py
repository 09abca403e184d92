"""The box for a diagnosis: names of codes, search by name, code or everyday word."""
