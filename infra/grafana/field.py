"""The dashboard "Model in the field": drift, realised quality, and missing or unseen values in requests."""

from infra.grafana.dashboard import Dashboard, variable
from infra.grafana.limits import limit
from infra.grafana.panels import BLUE, GREEN, ORANGE, RED, Query, share, stat, states, table, timeline, timeseries
from infra.grafana.promql import rate

STATES = states({0: ("OK", GREEN), 1: ("DRIFT", RED), -1: ("TOO FEW", BLUE)})
FEATURE = '{feature=~"$feature"}'
VERSION = 'model_version=~"$version"'
DAY = 24 * 3600


def _by_version(metric: str, *labels: str, where: str = "") -> Query:
    names = ("model_version", *labels)
    selector = f"{VERSION}, {where}" if where else VERSION
    legend = " ".join(f"{{{{{name}}}}}" for name in names)
    return f"max by ({', '.join(names)}) ({metric}{{{selector}}})", f"version {legend}"


DRIFT = (
    stat(
        "Drift",
        "Result of the last run of monitor_diabetes.",
        ("max(monitor_state)", "state"),
        mappings=STATES,
        width=6,
        alerts=["DriftDetected"],
    ),
    stat(
        "Since the last run",
        "Time since the last run of monitor_diabetes, which is scheduled daily.",
        ("time() - max(monitor_last_run_timestamp_seconds)", "age"),
        unit="s",
        thresholds=[(limit("MonitoringStale"), ORANGE), (7 * DAY, RED)],
        width=6,
        alerts=["MonitoringStale"],
    ),
    stat(
        "Predictions in the window",
        "Logged predictions that the last run compared, without load tests.",
        ("max(monitor_window_predictions)", "predictions"),
        width=6,
    ),
    stat(
        "Features that drift",
        "Tests of the last run that report drift, of all kinds.",
        ("count(drift_state == 1) or 0 * count(drift_state)", "tests"),
        thresholds=[(1, RED)],
        width=6,
    ),
    timeline(
        "Drift by feature",
        "Kinds: value (distribution of known values), known (share of known values), score (predicted risk).",
        (f"max by (kind, feature) (drift_state{FEATURE})", "{{feature}} {{kind}}"),
        STATES,
        height=14,
    ),
    timeseries(
        "Distance against its threshold",
        "Jensen-Shannon distance from the training data, divided by the distance above which a test reports drift.",
        (
            f"max by (kind, feature) (drift_distance{FEATURE}) / (max by (kind, feature) (drift_threshold) > 0)",
            "{{feature}} {{kind}}",
        ),
        unit="percentunit",
        limits=[(1, RED)],
        height=14,
    ),
)

QUALITY = (
    timeseries(
        "Realised AUROC",
        "AUROC computed from known outcomes, with its 95 % interval, and the AUROC estimated from the predictions.",
        _by_version("realised_quality", "bound", where='subgroup="all", metric="auroc"'),
        (
            f'max by (model_version) (estimated_quality{{{VERSION}, metric="auroc"}})',
            "version {{model_version}} estimated",
        ),
        unit="none",
        limits=[(limit("RealisedQualityLow"), RED)],
        top=1,
        alerts=["RealisedQualityLow"],
    ),
    timeseries(
        "Calibration intercept",
        "0 is calibrated; above 0 more patients are readmitted than predicted. With its 95 % interval.",
        _by_version("realised_quality", "bound", where='subgroup="all", metric="calibration_intercept"'),
        unit="none",
        limits=[(limit("CalibrationOff"), ORANGE)],
        alerts=["CalibrationOff"],
    ),
    timeseries(
        "Realised AUROC by subgroup",
        "Subgroups that the gate compares. A wide interval means few outcomes.",
        _by_version("realised_quality", "subgroup", where='subgroup!="all", metric="auroc", bound="value"'),
        unit="none",
        top=1,
        height=10,
    ),
    table(
        "All realised figures",
        "Metrics of the last run: value, and both bounds of the 95 % interval.",
        f'max by (model_version, subgroup, metric, bound) (realised_quality{{{VERSION}, subgroup="all"}})',
        {"model_version": "Version", "metric": "Figure", "bound": "Bound", "Value": "Value"},
        height=10,
    ),
    timeseries(
        "Mature outcomes",
        "Predictions that are old enough for a known outcome and have one.",
        _by_version("realised_outcomes"),
    ),
    share(
        "Coverage",
        "Share of the matured predictions with a known outcome. Selective reporting of outcomes biases the metrics.",
        _by_version("realised_coverage_ratio"),
    ),
)

FIELDS = (
    share(
        "Share of unknown fields",
        "Of all fields of all logged records, without load tests.",
        (
            f"{rate('api_missing_fields_total')} / (count(count by (feature) (api_missing_fields_total))"
            f" * ({rate('api_field_records_total')} > 0))",
            "unknown",
        ),
        width=8,
    ),
    share(
        "Share of records without a feature",
        "A step means that a client started or stopped sending the feature.",
        (
            f"{rate('api_missing_fields_total', by='feature', where=FEATURE)}"
            f" / on () group_left () ({rate('api_field_records_total')} > 0)",
            "{{feature}}",
        ),
        width=8,
    ),
    timeseries(
        "Values that no encounter has",
        "Records per second with a value that the schema allows and the data set does not contain.",
        (rate("api_unseen_categories_total", by="feature", where=FEATURE), "{{feature}}"),
        unit="ops",
        width=8,
    ),
)

DASHBOARD = Dashboard(
    uid="field",
    title="Model in the field",
    description="Drift of the records sent to the model, and its quality by known outcomes.",
    variables=(
        variable("feature", "Feature", "Features.", "label_values(api_missing_fields_total, feature)"),
        variable("version", "Version", "Model versions.", "label_values(realised_quality, model_version)"),
    ),
    rows=(("Drift", DRIFT), ("Realised quality", QUALITY), ("What callers tell", FIELDS)),
)
