"""Files for `pulumi import --file`: take live connectors into a stack as they are, without a write.

`pulumi import` of a dynamic resource works with a file only, and only when each entry carries its inputs and outputs,
the pickled provider among them. This makes that file, and the program that declares the same.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pulumi.dynamic.dynamic import PROVIDER_KEY, serialize_provider

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.connector import ChargerConnector, ChargerConnectorProvider
from pulumi_plugchoice.electrical.rotations import MAX_AMPERAGE, MIN_AMPERAGE, PHASE_ROTATIONS
from pulumi_plugchoice.runtime.live import Live
from pulumi_plugchoice.runtime.stored import connector_key, outputs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_plugchoice.api.models import SiteConnector


def importable(connector: SiteConnector) -> dict[str, Any]:
    """The settings that can be managed as they are; empty for a connector where nothing is set."""
    settings: dict[str, Any] = {}
    if connector.connector_id < 1:
        return settings  # OCPP's number 0 is the charger as a whole
    if connector.phase_rotation in PHASE_ROTATIONS:
        settings["phase_rotation"] = connector.phase_rotation
    if connector.max_amperage is not None and MIN_AMPERAGE <= connector.max_amperage <= MAX_AMPERAGE:
        settings["max_amperage"] = connector.max_amperage
    return settings


def resource_names(connectors: Sequence[SiteConnector]) -> list[str]:
    """Names of the resources: the charger's identity and the connector number, as long as that tells them apart."""
    short = [f"{printable(item.charger.identity or item.charger.uuid, 60)}-{item.connector_id}" for item in connectors]
    return [
        name if short.count(name) == 1 else f"{name}-{item.charger.uuid.lower()}"
        for name, item in zip(short, connectors, strict=True)
    ]


def import_json(site: str, connectors: Sequence[SiteConnector]) -> str:
    """The file for `pulumi import --file`.

    Args:
        site: UUID.
        connectors: those that are `importable`.
    """
    provider = {PROVIDER_KEY: serialize_provider(ChargerConnectorProvider())}
    resources = []
    for name, connector in zip(resource_names(connectors), connectors, strict=True):
        settings = importable(connector)
        charger = connector.charger.uuid.lower()
        inputs = {"charger": charger, "connector_id": connector.connector_id, **settings, "site": site}
        live = Live(charger, connector.charger.identity, connector)
        outputs = {name: value for name, value in outputs_of(inputs, live, settings).items() if value is not None}
        resources.append(
            {
                "type": f"pulumi-python:{ChargerConnector._resource_type_name}",  # noqa: SLF001 - ours
                "name": name,
                "id": connector_key(charger, connector.connector_id),
                "inputs": inputs | provider,
                "outputs": outputs | provider,
            }
        )
    return json.dumps({"resources": resources}, indent=2) + "\n"


def import_program(site: str, connectors: Sequence[SiteConnector]) -> str:
    """A Pulumi program that declares the same connectors with the same values."""
    lines = [
        '"""The connectors of one site, as they were found."""',
        "",
        "from pulumi_plugchoice import ChargerConnector",
        "",
        f"SITE = {_literal(site)}",
        "",
    ]
    for name, connector in zip(resource_names(connectors), connectors, strict=True):
        lines += [
            "ChargerConnector(",
            f"    {_literal(name)},",
            f"    charger={_literal(connector.charger.uuid.lower())},",
            f"    connector_id={connector.connector_id},",
            *(f"    {setting}={_literal(value)}," for setting, value in importable(connector).items()),
            "    site=SITE,",
            ")",
        ]
    return "\n".join(lines) + "\n"


def _literal(value: str | int) -> str:
    """A Python literal. A charger's identity is somebody else's text: it must not become code."""
    # JSON's escapes are Python's, and its quotes are the ones that formatters like.
    return json.dumps(value, ensure_ascii=False)
