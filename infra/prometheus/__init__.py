"""Configuration of Prometheus: scrape jobs, target addresses and rules; the services define the metrics."""
