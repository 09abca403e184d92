"""Card of the backups: when the last one was made, and when one was last restored as a test."""

from datetime import UTC, datetime

import streamlit as st

from ui.clients.service_health import BackupStatus
from ui.i18n.language import _, format_utc


def draw(backups: BackupStatus) -> None:
    """The times, and what to do where there is none."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f":material/backup: **{_('Backups')}**", width="content")
            if backups.failed:
                st.badge(_("the last one failed"), icon=":material/error:", color="red")
            elif backups.last_success is None:
                st.badge(_("none yet"), icon=":material/help:", color="orange" if backups.scheduled else "gray")
            elif backups.last_verified is None:
                st.badge(_("not tested"), icon=":material/hourglass:", color="orange")
            else:
                st.badge(_("tested"), icon=":material/check_circle:", color="green")
        st.markdown("  \n".join(f":small[{line}]" for line in _lines(backups)))


def _lines(backups: BackupStatus) -> list[str]:
    if backups.last_success is None:
        return [
            _("Make one with `make backup` or `docker compose run --rm backup`, or set BACKUP_AT for one every day.")
        ]
    lines = [_("Last backup: {moment}.").format(moment=_format(backups.last_success))]
    if backups.last_verified is None:
        lines.append(_("No backup was restored as a test yet."))
    else:
        lines.append(_("Last restored as a test: {moment}.").format(moment=_format(backups.last_verified)))
    if not backups.scheduled:
        lines.append(_("Backups are made by hand: BACKUP_AT is not set."))
    return lines


def _format(seconds: float) -> str:
    return format_utc(datetime.fromtimestamp(seconds, UTC))
