"""Settings of the notices."""

from ml.core.settings import PlatformSettings, Port


class NoticesSettings(PlatformSettings):
    """Where Alertmanager, Prometheus and a browser find the notices."""

    notices_port: Port = 9106
    notices_bind: str = "127.0.0.1"
