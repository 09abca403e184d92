"""Parts of the Monitoring page: Prometheus queries and alert rules, one snapshot of their results, and its panels."""
