"""The result of a file: a summary, the highest risks, and the downloads."""

from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from ml.schema import BY_NAME
from ui import banners, charts, services
from ui.batch import chart, tables
from ui.batch.csv_file import CsvFile
from ui.batch.scoring import LINE, Scoring
from ui.clients.api_models import ServedModel
from ui.clients.file_scoring import HISTORY, KNOWN, RELIABILITY, RISK
from ui.i18n.language import _, counted, decimal, percent
from ui.i18n.wording import label_of


def draw(scoring: Scoring) -> None:
    """All of it."""
    st.subheader(_("Result"))
    prevalence = _prevalence(scoring)
    _summary(scoring, prevalence)
    _downloads(scoring)
    _distribution(scoring.table[RISK], prevalence)
    _highest(scoring)
    st.markdown(f":small[{_source(scoring)}]  \n:small[{banners.not_clinical()}]")


def _prevalence(scoring: Scoring) -> float | None:
    """The average among the test patients; None when the model that scored is not the one that is served now."""
    served = services.picture().served
    return served.prevalence if isinstance(served, ServedModel) and {served.version} == scoring.versions else None


def _summary(scoring: Scoring, prevalence: float | None) -> None:
    risks = scoring.table[RISK]
    if len(scoring.versions) > 1:
        text = _(
            "The model was replaced while the file was being scored: versions {versions} answered. "
            "Score the file again for figures of one version."
        )
        st.warning(text.format(versions=", ".join(sorted(scoring.versions))), icon=":material/sync_problem:")
    with st.container(horizontal=True, gap="large"):
        st.metric(_("Rows scored"), decimal(len(risks), 0), width="content")
        st.metric(_("Mean risk"), percent(float(risks.mean())), width="content")
        if prevalence:
            st.metric(
                _("Above twice the average"),
                percent(float((risks > 2 * prevalence).mean())),
                help=_("The average is the share readmitted among the test patients: {share}.").format(
                    share=percent(prevalence)
                ),
                width="content",
            )
        if scoring.faulty:
            st.metric(_("Lines left out"), decimal(len(scoring.faulty), 0), width="content")


def _downloads(scoring: Scoring) -> None:
    """Made when they are clicked, so that nothing is kept for those who do not."""
    stem, file, table = Path(scoring.name).stem, scoring.file, scoring.table
    with st.container(horizontal=True):
        st.download_button(
            _("Download, highest risk first"),
            partial(_sorted, file, table),
            f"{stem}-by-risk.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="batch-sorted",
        )
        st.download_button(
            _("Download in the order of the file"),
            partial(tables.results, file, table),
            f"{stem}-risk.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            key="batch-in-order",
        )


def _sorted(file: CsvFile, table: pd.DataFrame) -> bytes:
    return tables.results(file, tables.by_risk(table))


def _distribution(risks: "pd.Series[float]", prevalence: float | None) -> None:
    text = _("Distribution of predicted risk in the file: half of the rows are below {half}, one in ten above {tenth}.")
    st.altair_chart(
        chart.distribution(risks, prevalence, charts.palette()),
        width="stretch",
        alt=text.format(half=percent(float(risks.quantile(0.5))), tenth=percent(float(risks.quantile(0.9)))),
    )


def _highest(scoring: Scoring) -> None:
    rows = tables.top(scoring.file, scoring.table)
    if len(rows) < len(scoring.table):
        text = _("The {shown} rows of the highest risk; the downloads have all {all}.")
        st.markdown(text.format(shown=decimal(len(rows), 0), all=decimal(len(scoring.table), 0)))
    st.dataframe(
        rows,
        column_config=_titles(scoring.file),
        alt=_("The rows of the file, the highest risk first"),
    )


def _titles(file: CsvFile) -> dict[str, Any]:
    """Headings people can read; the name in the file is the help of each."""
    own = {name: st.column_config.Column(label_of(BY_NAME[name]), help=name) for name in file.names}
    return {
        "rank": st.column_config.Column(_("Rank")),
        RISK: st.column_config.ProgressColumn(
            _("Risk within 30 days"), format="percent", min_value=0, max_value=1, width="medium", pinned=True
        ),
        LINE: st.column_config.NumberColumn(_("Line"), format="localized"),
        KNOWN: st.column_config.NumberColumn(_("Fields known")),
        RELIABILITY: st.column_config.NumberColumn(
            _("Reliability"), format="%.3f", help=_("AUROC on test patients of whom the model knew as much.")
        ),
        HISTORY: st.column_config.TextColumn(_("Earlier stays")),
        **own,
    }


def _source(scoring: Scoring) -> str:
    version = _("Model version {versions}.").format(versions=", ".join(sorted(scoring.versions)))
    seconds = counted("Scored in {number} second.", "Scored in {number} seconds.", max(1, round(scoring.seconds)))
    return f"{version} {seconds}"
