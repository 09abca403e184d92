"""The dashboard "Model in the field": whom it is asked about, and how good it turned out to be."""

from infra.grafana.dashboard import Dashboard, Variable
from infra.grafana.panels import BLUE, GREEN, ORANGE, RATE, RED, Query, stat, table, timeline, timeseries, words

STATES = words({0: ("OK", GREEN), 1: ("DRIFT", RED), -1: ("TOO FEW", BLUE)})
FEATURE = 'feature=~"$feature"'
VERSION = 'model_version=~"$version"'
DAY = 24 * 3600

DRIFT = (
    stat(
        "Drift",
        "What the last run of monitor_diabetes found. Alert: DriftDetected.",
        "none",
        Query("max(monitor_state)", "state"),
        mappings=STATES,
        width=6,
    ),
    stat(
        "Since the last run",
        "It runs daily. Alert: MonitoringStale.",
        "s",
        Query("time() - max(monitor_last_run_timestamp_seconds)", "age"),
        thresholds=[(26 * 3600, ORANGE), (7 * DAY, RED)],
        width=6,
    ),
    stat(
        "Predictions in the window",
        "Logged predictions that the run looked at, load tests apart.",
        "short",
        Query("max(monitor_window_predictions)", "predictions"),
        base=BLUE,
        width=6,
    ),
    stat(
        "Features that drift",
        "Tests of the last run that say drift, of all kinds.",
        "short",
        Query("count(drift_state == 1) or 0 * count(drift_state)", "tests"),
        thresholds=[(1, RED)],
        width=6,
    ),
    timeline(
        "Drift by feature",
        "Kinds: value (distribution of known values), known (how often it is given), score (predicted risk).",
        Query(f"max by (kind, feature) (drift_state{{{FEATURE}}})", "{{feature}} {{kind}}"),
        mappings=STATES,
        height=14,
    ),
    timeseries(
        "Distance against its threshold",
        "Jensen-Shannon distance from the training data as a share of the distance from which on it is drift.",
        "percentunit",
        Query(
            f"max by (kind, feature) (drift_distance{{{FEATURE}}}) / (max by (kind, feature) (drift_threshold) > 0)",
            "{{feature}} {{kind}}",
        ),
        limits=[(1, RED)],
        height=14,
    ),
)

QUALITY = (
    timeseries(
        "Realised AUROC",
        "By outcomes that are known, with its 95 % interval. Alert: RealisedQualityLow.",
        "none",
        Query(
            f'max by (model_version, bound) (realised_quality{{{VERSION}, subgroup="all", metric="auroc"}})',
            "version {{model_version}} {{bound}}",
        ),
        Query(
            f'max by (model_version) (estimated_quality{{{VERSION}, metric="auroc"}})',
            "version {{model_version}} estimated",
        ),
        limits=[(0.62, RED)],
        top=1,
    ),
    timeseries(
        "Calibration intercept",
        "0 is right; above, more patients come back than was said. With its 95 % interval. Alert: CalibrationOff.",
        "none",
        Query(
            f'max by (model_version, bound) (realised_quality{{{VERSION}, subgroup="all", '
            'metric="calibration_intercept"})',
            "version {{model_version}} {{bound}}",
        ),
        limits=[(0.2, ORANGE)],
    ),
    timeseries(
        "Realised AUROC by subgroup",
        "Of the groups that the gate looks at; a wide interval is few outcomes.",
        "none",
        Query(
            f'max by (model_version, subgroup) (realised_quality{{{VERSION}, subgroup!="all", metric="auroc", '
            'bound="value"})',
            "version {{model_version}} {{subgroup}}",
        ),
        top=1,
        height=10,
    ),
    table(
        "All realised figures",
        "Of the last run: value, and both ends of the 95 % interval.",
        "none",
        Query(f'max by (model_version, subgroup, metric, bound) (realised_quality{{{VERSION}, subgroup="all"}})'),
        columns={"model_version": "Version", "metric": "Figure", "bound": "Bound", "Value": "Value"},
        height=10,
    ),
    timeseries(
        "Mature outcomes",
        "Predictions whose outcome is old enough to be believed, and known.",
        "short",
        Query(f"max by (model_version) (realised_outcomes{{{VERSION}}})", "version {{model_version}}"),
    ),
    timeseries(
        "Coverage",
        "Their share of the mature predictions. Outcomes that are told selectively mislead.",
        "percentunit",
        Query(f"max by (model_version) (realised_coverage_ratio{{{VERSION}}})", "version {{model_version}}"),
        top=1,
    ),
)

FIELDS = (
    timeseries(
        "Share of unknown fields",
        "Of all fields of all records that were logged, load tests apart.",
        "percentunit",
        Query(
            f"sum(rate(api_missing_fields_total{RATE}))"
            " / (count(count by (feature) (api_missing_fields_total))"
            f" * (sum(rate(api_field_records_total{RATE})) > 0))",
            "unknown",
        ),
        top=1,
        width=8,
    ),
    timeseries(
        "Share of records without a feature",
        "A step is a caller that began or ceased to send it.",
        "percentunit",
        Query(
            f"sum by (feature) (rate(api_missing_fields_total{{{FEATURE}}}{RATE}))"
            f" / on () group_left () (sum(rate(api_field_records_total{RATE})) > 0)",
            "{{feature}}",
        ),
        top=1,
        width=8,
    ),
    timeseries(
        "Values that no encounter has",
        "Records per second with a value that the code book allows and the data set has never had.",
        "ops",
        Query(f"sum by (feature) (rate(api_unseen_categories_total{{{FEATURE}}}{RATE}))", "{{feature}}"),
        width=8,
    ),
)

DASHBOARD = Dashboard(
    uid="field",
    title="Model in the field",
    description="Whom the model is asked about, whether they are those it learnt from, and how good it turned out.",
    variables=(
        Variable("feature", "Feature", "Features shown.", "label_values(api_missing_fields_total, feature)"),
        Variable("version", "Version", "Model versions shown.", "label_values(realised_quality, model_version)"),
    ),
    rows=(("Drift", DRIFT), ("Realised quality", QUALITY), ("What callers tell", FIELDS)),
)
