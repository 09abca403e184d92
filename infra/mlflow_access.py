"""Who may use the MLflow server: host names that it answers to, and pages whose requests may change its records.

MLflow answers 403 to another ``Host`` header, against DNS rebinding, and to a change from a page of another origin.
"""

from typing import Final

OWN_HOSTS: Final = ("mlflow", "localhost", "127.0.0.1")


def mlflow_access(further_hosts: str) -> dict[str, str]:
    """Variables of the server.

    Args:
        further_hosts: host names or addresses, separated by commas, with or without a port.
    """
    given = (host.strip().partition("://")[2] or host.strip() for host in further_hosts.split(","))
    hosts: dict[str, None] = {}
    for host in (*OWN_HOSTS, *(host.rstrip("/") for host in given)):
        name, _, port = host.partition(":")
        if name and name != "0.0.0.0":  # noqa: S104 - every interface, as an address to listen on; no page has it
            hosts |= dict.fromkeys((host,) if port else (name, f"{name}:*"))
    origins = ["*"] if "*" in hosts else [f"{scheme}://{host}" for host in hosts for scheme in ("http", "https")]
    return {
        "MLFLOW_SERVER_ALLOWED_HOSTS": ",".join(hosts),
        "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": ",".join(origins),
    }
