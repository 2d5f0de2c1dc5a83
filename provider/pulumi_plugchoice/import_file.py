"""Files for `pulumi import --file`: take live connectors into a stack as they are, without a write.

`pulumi import` of a dynamic resource works with a file only, and only when each entry carries its inputs and outputs,
the pickled provider among them. This makes that file, and the program that declares the same.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pulumi.dynamic.dynamic import PROVIDER_KEY, serialize_provider

from .connector import ChargerConnector, ChargerConnectorProvider
from .phases import MAX_AMPERAGE, MIN_AMPERAGE, PHASE_ROTATIONS
from .snapshot import Live
from .state import connector_key, outputs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .models import SiteConnector


def importable(connector: SiteConnector) -> dict[str, Any]:
    """The settings that can be managed as they are; empty for a connector where nothing is set."""
    settings: dict[str, Any] = {}
    if connector.phase_rotation in PHASE_ROTATIONS:
        settings["phase_rotation"] = connector.phase_rotation
    if connector.max_amperage is not None and MIN_AMPERAGE <= connector.max_amperage <= MAX_AMPERAGE:
        settings["max_amperage"] = connector.max_amperage
    return settings


def resource_name(connector: SiteConnector) -> str:
    """Name of the resource: the charger's identity, or its UUID, and the connector number."""
    return f"{connector.charger.identity or connector.charger.uuid.lower()}-{connector.connector_id}"


def import_json(site: str, connectors: Sequence[SiteConnector]) -> str:
    """The file for `pulumi import --file`.

    Args:
        site: UUID.
        connectors: as `client.site_connectors` gives them; those where nothing is set are left out.
    """
    provider = {PROVIDER_KEY: serialize_provider(ChargerConnectorProvider())}
    resources = []
    for connector in connectors:
        settings = importable(connector)
        if not settings:
            continue
        charger = connector.charger.uuid.lower()
        inputs = {"charger": charger, "connector_id": connector.connector_id, **settings, "site": site}
        live = Live(charger, connector.charger.identity, connector)
        outputs = {name: value for name, value in outputs_of(inputs, live, settings).items() if value is not None}
        resources.append(
            {
                "type": f"pulumi-python:{ChargerConnector._resource_type_name}",  # noqa: SLF001 - ours
                "name": resource_name(connector),
                "id": connector_key(charger, connector.connector_id),
                "inputs": inputs | provider,
                "outputs": outputs | provider,
            }
        )
    return json.dumps({"resources": resources}, indent=2) + "\n"


def import_program(site: str, connectors: Sequence[SiteConnector]) -> str:
    """A Pulumi program that declares the same connectors with the same values."""
    lines = ['"""The connectors of one site, as they were found."""', ""]
    lines += ["from pulumi_plugchoice import ChargerConnector", "", f"SITE = {site!r}", ""]
    for connector in connectors:
        settings = importable(connector)
        if settings:
            lines += [
                "ChargerConnector(",
                f"    {resource_name(connector)!r},",
                f"    charger={connector.charger.uuid.lower()!r},",
                f"    connector_id={connector.connector_id},",
                *(f"    {name}={value!r}," for name, value in settings.items()),
                "    site=SITE,",
                ")",
            ]
    return "\n".join(lines).replace("'", '"') + "\n"
