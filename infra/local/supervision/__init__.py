"""Running programs: supervisord, start with secrets, logs, readiness probes; what runs is defined in programs."""
