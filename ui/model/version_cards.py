"""The versions that matter now, each by the registry, by the API, or by both."""

from dataclasses import dataclass
from typing import Final

from ui.clients.api_models import SYNTHETIC, ServedModel
from ui.clients.errors import ServiceError
from ui.clients.mlflow import RegisteredVersion
from ui.i18n.language import _, format_utc, percent
from ui.i18n.wording import escape
from ui.model import verdict
from ui.model.registry_snapshot import RegistrySnapshot
from ui.services import ServingState

SHORT: Final = 12
"""So many digits of a hash tell two apart."""


@dataclass(frozen=True, slots=True)
class Side:
    """One version: by the registry, by the API, or by both."""

    title: str
    registered: RegisteredVersion | None
    served: ServedModel | None

    @property
    def data_source(self) -> str | None:
        """Real or synthetic."""
        return self.served.provenance if self.served else self._tag("data_source")

    def facts(self) -> dict[str, str]:
        """What is known of it; a fact that only one of the two services knows is left out without it."""
        served = self.served
        trained_at = served.trained_at if served else self.registered and self.registered.registered_at
        found = {
            _("Algorithm"): escape((served.algorithm if served else self._tag("algorithm")) or _("not known")),
            _("Data"): data_of(self.data_source),
            _("Data version"): short(served.data_version if served else self._tag("data_version")),
            _("Trained"): format_utc(trained_at) if trained_at else _("not known"),
        }
        if served:
            found[_("Prevalence")] = _("{share} readmitted within 30 days").format(share=percent(served.prevalence))
        if self.registered:
            found |= {
                _("Gate"): verdict.decision(self.registered),
                _("Rule that settled it"): verdict.rule(self.registered),
                _("Decided"): verdict.decided(self.registered),
                _("Took the place of"): verdict.replaced(self.registered),
            }
        return {name: text for name, text in found.items() if text}

    def _tag(self, key: str) -> str | None:
        return self.registered.tag(key) if self.registered else None


def sides(picture: ServingState, shelf: RegistrySnapshot | ServiceError, served: ServedModel | None) -> list[Side]:
    """Production, the challenger if it is another version, and what the API serves if it is none of them."""
    production = picture.registered if isinstance(picture.registered, RegisteredVersion) else None
    challenger = None
    if isinstance(shelf, RegistrySnapshot):
        production, challenger = shelf.production, shelf.challenger
    found: list[Side] = []
    if production:
        text = _("Production: version {version}")
        if challenger and challenger.version == production.version:
            text = _("Production and challenger: version {version}")
        found.append(_side(text, production, served))
    if challenger and (not found or challenger != production):
        found.append(_side(_("Challenger: version {version}"), challenger, served))
    if served and not any(side.served for side in found):
        registered = shelf.version(served.version) if isinstance(shelf, RegistrySnapshot) else None
        text = _("Served by the API: version {version}")
        found.append(Side(text.format(version=served.version), registered, served))
    return found


def data_of(source: str | None) -> str:
    """Where the encounters came from."""
    if source is None:
        return _("not known")
    return _("Synthetic cohort") if source == SYNTHETIC else "Diabetes 130-US hospitals (UCI 296)"


def short(version: str | None) -> str:
    """A hash of data or code, as much of it as tells two apart."""
    return escape(version[:SHORT]) if version else _("not known")


def _side(title: str, version: RegisteredVersion, served: ServedModel | None) -> Side:
    same = served if served and served.version == version.version else None
    return Side(title.format(version=version.version), version, same)
