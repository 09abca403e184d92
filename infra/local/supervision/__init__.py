"""Process supervision of the native stack: supervisord, start of a program, logs and readiness probes."""
