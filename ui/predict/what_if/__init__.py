"""The risk with other values: of several fields at once, and over all values of one field."""
