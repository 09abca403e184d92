"""Commands of daily operation: who asked about a patient, and deletion of what is old."""
