"""Fetches the threshold table of a run from MLflow, and caches it for all sessions."""

from typing import Final

import streamlit as st

from ml.core.errors import BundleError
from ml.core.policies.threshold_table import FILE, ThresholdTable
from ui import banners, services
from ui.clients.errors import ServiceError, result_or_error
from ui.clients.mlflow import RegisteredVersion
from ui.i18n.language import _

CACHE_SECONDS: Final = 3600
MAX_CACHED: Final = 2
"""A table of the genuine data needs some 20 MB."""
MAX_FILE_BYTES: Final = 64 * 2**20


def fetch_or_explain(version: RegisteredVersion) -> ThresholdTable | None:
    """The table of a version; None, after an explanation on the page, if there is none."""
    with st.spinner(_("Fetching the figures of the version…")):
        table = result_or_error(lambda: _table(version.run_id or ""))
    match table:
        case ServiceError():
            banners.service_error(table)
        case None:
            text = _("Version {version} has no figures by threshold: it was trained before they were kept.")
            st.info(text.format(version=version.version))
        case ThresholdTable():
            return table
    return None


@st.cache_resource(ttl=CACHE_SECONDS, max_entries=MAX_CACHED, show_spinner=False)
def _table(run_id: str) -> ThresholdTable | None:
    if not run_id:
        return None
    client = services.mlflow()
    file = next((one for one in client.files(run_id) if one.path == FILE), None)
    if file is None or file.file_size > MAX_FILE_BYTES or (content := client.download(run_id, FILE)) is None:
        return None
    try:
        return ThresholdTable.from_bytes(content)
    except BundleError:
        return None
