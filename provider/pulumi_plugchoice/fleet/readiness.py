"""Whether a live connector has values that can be managed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pulumi_plugchoice.electrical.settings import read_settings
from pulumi_plugchoice.inputs import is_accepted

if TYPE_CHECKING:
    from pulumi_plugchoice.api.models import Connector, SiteCharger

#: Both settings have a value, none has one, some value is missing or cannot be written; and a DC connector.
Readiness = Literal["set", "not set", "partly set", "DC"]


def judge_readiness(connector: Connector, charger: SiteCharger | None) -> Readiness:
    """Tell whether a connector can be managed as it is. A DC connector needs no values.

    Args:
        connector: as the API returns it.
        charger: its charger, when it is known.
    """
    is_dc_model = charger is not None and charger.model is not None and charger.model.is_dc is True
    if connector.power_type == "DC" or (connector.power_type is None and is_dc_model):
        return "DC"
    settings = read_settings(connector)
    # `Unknown` and 0 A are read, and never written.
    if all(is_accepted(name, value) for name, value in settings.items()):
        return "set"
    return "not set" if all(value is None for value in settings.values()) else "partly set"
