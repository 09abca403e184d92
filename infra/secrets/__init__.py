"""The secrets of the platform: generation, and distribution to the services of Compose; no secret values."""
