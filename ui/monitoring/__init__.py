"""The parts of the Monitoring page: what is asked of Prometheus, what the answers mean, and how they are drawn."""
