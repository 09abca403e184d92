"""What people look at: the page, the plots and the model card of a version, all from what its run measured.

:func:`judge` asks the model, :func:`examine` measures, :func:`record` keeps the findings with the run, and
:func:`recorded` gets them back, for :func:`page` and :func:`card`.
"""

from ml.report.card import card, description
from ml.report.examine import examine, judge
from ml.report.figures import plots
from ml.report.findings import Findings, Judged, Provenance
from ml.report.page import page
from ml.report.recorded import record, recorded
from ml.report.wording import with_interval

__all__ = [
    "Findings",
    "Judged",
    "Provenance",
    "card",
    "description",
    "examine",
    "judge",
    "page",
    "plots",
    "record",
    "recorded",
    "with_interval",
]
