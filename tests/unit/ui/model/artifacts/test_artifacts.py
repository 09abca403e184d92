"""Captions of plots, and safe embedding of report and model card."""

from ml.report.plots import PLOTS
from ui.model.artifacts.artifacts_view import embeddable
from ui.model.artifacts.captions import captions
from ui.model.artifacts.sandbox import sandboxed


def test_every_plot_of_training_has_a_caption() -> None:
    assert captions().keys() == set(PLOTS)


def test_a_report_is_embedded_without_rights() -> None:
    page = sandboxed('<html><head></head><body onload="x()">"&</body></html>', 'of "3"')
    assert 'sandbox=""' in page
    assert "default-src &#x27;none&#x27;" not in page
    assert "default-src 'none'" in page
    assert page.count("<iframe") == 1
    assert "onload=&quot;x()&quot;" in page
    assert 'title="of &quot;3&quot;"' in page


def test_a_card_has_lower_headings_no_comments_and_no_images() -> None:
    assert embeddable("# A\n<!-- made\nby -->\n## B\n![c](http://d)") == "### A\n#### B\n!\\[c](http://d)"
