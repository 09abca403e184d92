"""Analysis of one model version on the test patients; computes the findings, draws nothing."""
