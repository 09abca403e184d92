"""Analysis of a model version on the test patients: computes the findings, renders nothing."""
