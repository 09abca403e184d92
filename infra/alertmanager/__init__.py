"""Configuration of Alertmanager: grouping, inhibition and receivers of alerts, for both ways of running."""
