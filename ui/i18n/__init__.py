"""Languages of the interface: the catalogue, number and date formats, and sentences for errors and values."""
