"""The release of an installation: which code last migrated its tables.

It is the comment of Alembic's table ``schema_version``. So it needs no migration, every role can read it, and a dump of
the database has it.
"""

from typing import Final

from pydantic import BaseModel, ValidationError

from ml.core.build import UNKNOWN, build_info, release

NEWEST_REVISION: Final = "0017"
"""The newest migration of this release. Numbers of migrations only grow."""

OF_THE_TABLES: Final = "SELECT obj_description(to_regclass('public.schema_version'), 'pg_class')"
"""Query for the comment."""


class Release(BaseModel, frozen=True):
    """Version and commit of some code, and the newest migration that it has."""

    version: str = UNKNOWN
    commit: str = UNKNOWN
    revision: str = ""

    @classmethod
    def present(cls) -> "Release":
        """That of the running code."""
        return cls(version=release(), commit=build_info().commit, revision=NEWEST_REVISION)

    @classmethod
    def parse(cls, comment: str | None) -> "Release":
        """Read a comment. Tables of releases that wrote none are of an unknown one, which is older than all others."""
        try:
            return cls.model_validate_json(comment or "{}")
        except ValidationError:
            return cls()

    def __str__(self) -> str:
        return f"release {self.version} (commit {self.commit[:12]})"


def newer_tables(database: str, revision: str, migrated_by: Release) -> str:
    """The sentence with which this release refuses tables that a newer one migrated."""
    return (
        f"The database {database} has the revision {revision}, which this release does not know: {migrated_by} "
        "migrated it; check that one out, or restore a backup of this one (docs/upgrading.md)."
    )
