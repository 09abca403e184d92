"""The service in this process, and a real MLflow that anybody reaches."""

from tests.integration.api.conftest import registry, start_api

__all__ = ["registry", "start_api"]
