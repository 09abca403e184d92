"""The versions of interest now (production, challenger, served by the API) with what registry and API report."""

from dataclasses import dataclass
from typing import Final

from ui.clients.api_models import SYNTHETIC, ServedModel
from ui.clients.errors import ServiceError
from ui.clients.mlflow import RegisteredVersion
from ui.i18n.language import _, format_utc, percent
from ui.i18n.wording import escape
from ui.model import gate_decision
from ui.model.registry_snapshot import RegistrySnapshot
from ui.services import ServingState

SHORT_HASH: Final = 12


@dataclass(frozen=True, slots=True)
class VersionCard:
    """One version, as known to the registry, the API, or both."""

    title: str
    registered: RegisteredVersion | None
    served: ServedModel | None

    @property
    def data_source(self) -> str | None:
        """``real`` or ``synthetic``."""
        return self.served.provenance if self.served else self._tag("data_source")

    def facts(self) -> dict[str, str]:
        """Label and text of every known fact."""
        served = self.served
        trained_at = served.trained_at if served else self.registered and self.registered.registered_at
        source = {None: _("not known"), SYNTHETIC: _("Synthetic cohort")}
        facts = {
            _("Algorithm"): escape((served.algorithm if served else self._tag("algorithm")) or _("not known")),
            _("Data"): source.get(self.data_source, "Diabetes 130-US hospitals (UCI 296)"),
            _("Data version"): short_hash(served.data_version if served else self._tag("data_version")),
            _("Trained"): format_utc(trained_at) if trained_at else _("not known"),
        }
        if served:
            text = _("{share} of the training encounters readmitted within 30 days")
            facts[_("Prevalence")] = text.format(share=percent(served.prevalence))
            if approval := served.approval:
                facts[_("Approved")] = _("{moment} by {person}, key {key}").format(
                    moment=format_utc(approval.approved_at),
                    person=escape(approval.approved_by),
                    key=escape(approval.key_id),
                )
        if self.registered:
            facts |= gate_decision.facts(self.registered)
        return {name: text for name, text in facts.items() if text}

    def _tag(self, key: str) -> str | None:
        return self.registered.tag(key) if self.registered else None


def version_cards(
    state: ServingState, snapshot: RegistrySnapshot | ServiceError, served: ServedModel | None
) -> list[VersionCard]:
    """Production, the challenger if it is another version, and the served version if it is neither."""
    if isinstance(snapshot, RegistrySnapshot):
        production, challenger = snapshot.production, snapshot.challenger
    else:
        production = state.registered if isinstance(state.registered, RegisteredVersion) else None
        challenger = None
    cards: list[VersionCard] = []

    def add(title: str, version: RegisteredVersion) -> None:
        is_served = served and served.version == version.version
        cards.append(VersionCard(title.format(version=version.version), version, served if is_served else None))

    if production and challenger and challenger.version == production.version:
        add(_("Production and challenger: version {version}"), production)
    elif production:
        add(_("Production: version {version}"), production)
    if challenger and challenger != production:
        add(_("Challenger: version {version}"), challenger)
    if served and not any(card.served for card in cards):
        registered = snapshot.version(served.version) if isinstance(snapshot, RegistrySnapshot) else None
        title = _("Served by the API: version {version}").format(version=served.version)
        cards.append(VersionCard(title, registered, served))
    return cards


def short_hash(version: str | None) -> str:
    """The first digits of a hash of data or code."""
    return escape(version[:SHORT_HASH]) if version else _("not known")
