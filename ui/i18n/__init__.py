"""Translation: the catalogue, formats of numbers and dates, and texts for errors and values of the schema."""
