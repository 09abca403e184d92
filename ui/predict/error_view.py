"""An error of a request about one patient; invalid fields are named with the labels of the form."""

import streamlit as st

from ml.schema.code_systems import COLUMNS_IN, CodeSystem
from ui import banners
from ui.clients.errors import Rejected, ServiceError
from ui.i18n.language import _
from ui.i18n.wording import escape, field_error_text


def draw(error: ServiceError, system: CodeSystem) -> None:
    """Draw the error of a request with diagnoses in a code system."""
    match error:
        case Rejected(errors=errors) if errors:
            title = _("Please correct this field:") if len(errors) == 1 else _("Please correct these fields:")
            texts = (field_error_text(one, COLUMNS_IN[system].get(one.field or "")) for one in errors)
            lines = "\n".join(f"- {escape(text)}" for text in texts)
            st.error(f"{title}\n\n{lines}", icon=":material/edit_note:")
        case _:
            banners.service_error(error)
