"""What all tasks share: retries with growing delays, and no retry where only a person can help."""

from datetime import timedelta
from typing import Any, Final

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

_HOPELESS: Final[list[type[BaseException] | str]] = [
    f"ml.core.errors.{name}"
    for name in (
        "BundleError",
        "ProvenanceError",
        "RejectedDataError",
        "SettingsError",
        "SplitError",
    )
]

DEFAULTS: Final[dict[str, Any]] = {
    "owner": "mlops",
    "retries": 3,
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
    "execution_timeout": timedelta(minutes=30),
    "retry_policy": ExceptionRetryPolicy(
        rules=[RetryRule(_HOPELESS, RetryAction.FAIL, reason="another attempt cannot change the outcome")]
    ),
}
