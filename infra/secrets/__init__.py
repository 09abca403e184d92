"""Generation of the platform's secrets; distribution to services is in ``infra.compose`` and ``infra.local``."""
