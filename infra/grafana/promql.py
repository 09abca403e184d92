"""PromQL expressions that several panels build."""

INTERVAL = "[$__rate_interval]"
"""The range that Grafana fits to the zoom and to the scrape interval of the data source."""
LATENCY, PREDICT = "api_request_duration_seconds", '{route="/predict"}'


def rate(counter: str, *, by: str = "", where: str = "") -> str:
    """Growth of a counter per second, summed by labels; `where` is the selector, in braces."""
    return f"sum{f' by ({by}) ' if by else ''}(rate({counter}{where}{INTERVAL}))"


def mean(metric: str, *, by: str = "") -> str:
    """Mean of the observations of a histogram or summary."""
    return f"{rate(f'{metric}_sum', by=by)} / ({rate(f'{metric}_count', by=by)} > 0)"


def quantile(share: float, histogram: str, *, by: str = "", where: str = "") -> str:
    """Quantile of a histogram, by a label where one is given."""
    buckets = rate(f"{histogram}_bucket", by=f"le, {by}" if by else "le", where=where)
    return f"histogram_quantile({share}, {buckets})"


_SCORED = rate("api_predictions_total")
_SCORED_BY_LOAD_TEST = rate("api_predictions_total", where='{load_test="true"}')
LOAD_TEST_SHARE = f"({_SCORED_BY_LOAD_TEST} or 0 * {_SCORED}) / ({_SCORED} > 0)"
_OF_PATIENTS = rate("api_predictions_total", where='{load_test="false"}')
_FLAGGED = rate("api_flagged_total", where='{flagged="true", load_test="false"}')
FLAGGED_SHARE = f"({_FLAGGED} or 0 * {_OF_PATIENTS}) / ({_OF_PATIENTS} > 0)"
CPU_SHARE = f'1 - avg by (instance) (rate(node_cpu_seconds_total{{mode="idle"}}{INTERVAL}))'
