"""Configuration of Prometheus: scrape jobs, rules, the catalogue of metrics; no metrics of our services themselves."""
