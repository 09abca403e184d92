"""Batch page: scores a file, and returns its rows by risk."""

from ml.schema.files.errors import FileError
from ui import banners
from ui.batch import upload, upload_form, view
from ui.batch.outcomes import form
from ui.batch.scoring import ScoringJob
from ui.i18n.language import _

state = banners.header(_("Batch"))
banners.unavailable(state)
if not state.has_no_model:
    upload_form.draw()
    match upload.current():
        case FileError() as error:
            upload_form.draw_unreadable(error)
        case ScoringJob() as job:
            view.draw(job)
    form.draw()
