"""What ICD-10-CM codes change in the scores, and the table that converts them."""
