"""Result of a file: summary, downloads, histogram, and the rows with the highest risks."""

from collections.abc import Sequence
from functools import partial
from math import ceil
from pathlib import Path

import pandas as pd
import streamlit as st

from ml.schema import BY_NAME, UNKNOWN
from ml.schema.files.rows import describe_mapped
from ui import banners, charts, services
from ui.batch import downloads, tables
from ui.batch.result import capacity, explanations, risk_chart
from ui.batch.scoring import LINE, ScoringJob
from ui.clients.api_models import ServedModel
from ui.clients.file_scoring import FLAGGED, HIGH, HISTORY, KNOWN, LOW, OUTSIDE, RELIABILITY, RISK, WARNINGS
from ui.cohort import band_of
from ui.i18n.language import _, counted, decimal, percent
from ui.i18n.wording import escape, label_of, value_label


def draw(job: ScoringJob) -> None:
    """Draw the result."""
    st.subheader(_("Result"))
    ranked = tables.ranked(job.table)
    risks, versions = ranked[RISK], ", ".join(sorted(job.versions))
    served = services.serving_state().served
    is_scored_by_served = isinstance(served, ServedModel) and {served.version} == job.versions
    prevalence = served.prevalence if isinstance(served, ServedModel) and is_scored_by_served else None
    if len(job.versions) > 1:
        text = _(
            "The model was replaced while the file was being scored: versions {versions} answered. "
            "Score the file again for figures of one version."
        )
        st.warning(text.format(versions=versions), icon=":material/sync_problem:")
    _draw_notes(job)
    _draw_summary(job, risks, prevalence)
    _draw_downloads(job)
    if len(ranked):
        capacity.draw(job, risks)
        quantiles = served.risk_quantiles if isinstance(served, ServedModel) and is_scored_by_served else None
        _draw_ranked(job, risks, prevalence, quantiles)
    source = _("Model version {versions}.").format(versions=versions)
    seconds = counted("Scored in {number} second.", "Scored in {number} seconds.", max(1, round(job.seconds)))
    if job.is_production:
        use = _("Drift and realised quality count these predictions.")
    else:
        use = _("A trial: drift and realised quality do not count these predictions.")
    st.markdown(f":small[{source} {seconds} {use}]  \n:small[{banners.disclaimer()}]")


def _draw_ranked(
    job: ScoringJob, risks: "pd.Series[float]", prevalence: float | None, quantiles: Sequence[float] | None
) -> None:
    """Draw distribution and table of the rows of the population."""
    text = _("Distribution of predicted risk in the file: half of the rows are below {half}, one in ten above {tenth}.")
    st.altair_chart(
        risk_chart.distribution(risks, prevalence, charts.palette()),
        width="stretch",
        alt=text.format(half=percent(float(risks.quantile(0.5))), tenth=percent(float(risks.quantile(0.9)))),
    )
    explanations.draw(job)
    _draw_highest(job, quantiles)


def _draw_notes(job: ScoringJob) -> None:
    """Draw how the file was read."""
    reader = job.file.reader
    if reader.warning:
        st.warning(escape(f"{reader.warning}."), icon=":material/warning:")
    if mapped := describe_mapped(reader.mapped):
        st.markdown(_("Read as: {mapped}.").format(mapped=escape(mapped)))
    if outside := int((job.table[OUTSIDE] != "").sum()):
        st.markdown(
            counted(
                "{number} row is outside the population of the model (death or hospice) and not ranked.",
                "{number} rows are outside the population of the model (death or hospice) and not ranked.",
                outside,
            )
        )
        _draw_outside(job)
    if foreign := reader.header.foreign:
        text = _("Not scored, and returned beside the risk: {names}.")
        st.markdown(text.format(names=escape(", ".join(foreign))))


def _draw_outside(job: ScoringJob) -> None:
    """List the rows outside the population with the reason."""
    lines = [int(number) for number in job.table.loc[job.table[OUTSIDE] != "", LINE].head(tables.TOP_ROWS)]
    column = BY_NAME["discharge_disposition_id"]
    reasons = [value_label(column, job.file.record(line)[column.name] or UNKNOWN) for line in lines]
    with st.expander(_("Rows that are not ranked")):
        st.dataframe(
            {_("Line"): lines, label_of(column): reasons},
            hide_index=True,
            alt=_("The lines outside the population, and where the patients were discharged to"),
        )


def _draw_summary(job: ScoringJob, risks: "pd.Series[float]", prevalence: float | None) -> None:
    """Draw figures of the rows of the population."""
    with st.container(horizontal=True, gap="large"):
        st.metric(_("Rows scored"), decimal(len(job.table), 0), width="content")
        if len(risks):
            st.metric(_("Mean risk"), percent(float(risks.mean())), width="content")
        if prevalence and len(risks):
            text = _("The average is the share readmitted among the training encounters: {share}.")
            st.metric(
                _("Above twice the average"),
                percent(float((risks > 2 * prevalence).mean())),
                help=text.format(share=percent(prevalence)),
                width="content",
            )
        if job.invalid_lines:
            st.metric(_("Lines left out"), decimal(len(job.invalid_lines), 0), width="content")


def _draw_downloads(job: ScoringJob) -> None:
    stem, file, table = Path(job.name).stem, job.file, job.table
    with st.container(horizontal=True):
        downloads.draw(
            _("Download, highest risk first"),
            lambda: tables.results(file, tables.by_risk(table)),
            f"{stem}-by-risk.csv",
            "batch-sorted",
        )
        downloads.draw(
            _("Download in the order of the file"),
            partial(tables.results, file, table),
            f"{stem}-risk.csv",
            "batch-in-order",
        )


def bar_end(highest: float) -> float:
    """Risk of a full bar: the next multiple of 5 % from the highest risk on, since most risks are far from 100 %."""
    return max(1, ceil(highest * 20 - 1e-9)) / 20


def _range_help() -> str:
    return _("Of the risk if all fields were known.")


def _draw_highest(job: ScoringJob, quantiles: Sequence[float] | None) -> None:
    rows = tables.top(job.file, job.table)
    if job.explained:
        rows.insert(2, tables.COUNTS_MOST, [job.explained.get(int(line), "") for line in rows[LINE]])
    if FLAGGED not in rows and quantiles is not None:
        rows.insert(2, tables.BAND, [band_of(risk, quantiles) for risk in rows[RISK]])
    if len(rows) < (job.table[OUTSIDE] == "").sum():
        text = _("The {shown} rows with the highest risk; the downloads have all {all}.")
        st.markdown(text.format(shown=decimal(len(rows), 0), all=decimal(len(job.table), 0)))
    most = bar_end(float(rows[RISK].max()))
    config = st.column_config
    titles = {
        "rank": config.Column(_("Rank")),
        RISK: config.ProgressColumn(
            _("Risk within 30 days (full bar: {most})").format(most=percent(most, 0)),
            format="percent",
            min_value=0,
            max_value=most,
            width=240,
            pinned=True,
        ),
        LINE: config.NumberColumn(_("Line"), format="localized"),
        FLAGGED: config.CheckboxColumn(_("Flagged"), help=_("At or above the threshold of the policy in force.")),
        tables.BAND: config.TextColumn(_("Band"), help=_("Rank among the test encounters.")),
        tables.COUNTS_MOST: config.TextColumn(_("Counts most"), width="large"),
        LOW: config.NumberColumn(_("Range from"), format="percent", help=_range_help()),
        HIGH: config.NumberColumn(_("Range to"), format="percent", help=_range_help()),
        KNOWN: config.NumberColumn(_("Fields known")),
        RELIABILITY: config.NumberColumn(
            _("Reliability"), format="%.3f", help=_("AUROC on test patients with as much information.")
        ),
        HISTORY: config.TextColumn(_("Earlier stays")),
        WARNINGS: config.TextColumn(_("Contradictions")),
        # Labels as titles, the names in the file as help.
        **{name: config.Column(label_of(BY_NAME[name]), help=name) for name in job.file.reader.header.known},
    }
    st.dataframe(rows, column_config=titles, alt=_("The rows of the file, the highest risk first"))
