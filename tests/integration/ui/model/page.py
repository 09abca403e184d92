"""Opens and reads the Model page."""

from streamlit.testing.v1 import AppTest

MODEL_PAGE = "app_pages/model.py"
NOBODY = "http://127.0.0.1:9"


def open_page(app: AppTest, view: str = "overview") -> AppTest:
    app.run().switch_page(MODEL_PAGE)
    app.session_state["view"] = view
    app.run()
    assert not app.exception
    return app


def page_text(app: AppTest) -> str:
    """All text of the page, without the escapes of Markdown."""
    kinds = (app.header, app.subheader, app.markdown, app.info, app.warning, app.error, app.success)
    texts = [element.value for kind in kinds for element in kind]
    return "\n".join([*texts, *(table.value.to_string() for table in app.table)]).replace("\\", "")
