"""Writes stored diagnosis codes in the canonical spelling of :mod:`ml.schema.icd9`.

Earlier releases stored codes as delivered: with a dot, but with or without leading and trailing zeros.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

_SPELLING = r"regexp_replace(regexp_replace({0}, '^0+(?=[1-9])', ''), '\.0+$|(\.\d)0$', '\1')"


def upgrade() -> None:
    """Rewrite the codes that have another spelling."""
    for column in ("diag_1", "diag_2", "diag_3"):
        spelling = _SPELLING.format(column)
        op.execute(f"UPDATE raw_data SET {column} = {spelling} WHERE {column} <> {spelling}")  # noqa: S608


def downgrade() -> None:
    """Nothing: the earlier release reads the canonical spelling too."""
