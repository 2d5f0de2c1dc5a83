"""The content of an import file, and of a program that declares the same connectors.

`pulumi import` takes a dynamic resource only from a file in which each entry has its inputs and outputs, the pickled
provider among them.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from pulumi.dynamic.dynamic import PROVIDER_KEY, serialize_provider

from pulumi_plugchoice._text import is_uuid, printable
from pulumi_plugchoice.connector import ChargerConnector, ChargerConnectorProvider
from pulumi_plugchoice.electrical.rotations import MAX_AMPERAGE, MIN_AMPERAGE, PHASE_ROTATIONS
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.identities import describe_closest, list_identities, show_identity
from pulumi_plugchoice.runtime.live import Live
from pulumi_plugchoice.runtime.stored import make_id, make_outputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_plugchoice.api.models import SiteConnector


def select_connectors(connectors: list[SiteConnector], site: str, chargers: Sequence[str]) -> list[SiteConnector]:
    """The connectors of the given chargers (UUIDs or identities); all of them when none is given.

    Raises:
        PlugchoiceError: the site has no such charger.
    """
    names = [{item.charger.uuid.lower(), item.charger.identity} for item in connectors]
    wanted = {charger.lower() if is_uuid(charger) else charger for charger in chargers}
    for charger in sorted(wanted.difference(*names)):
        known = {item.charger.uuid: item.charger.identity for item in connectors}
        closest = describe_closest(charger, [(name, uuid) for uuid, name in known.items()])
        listed = list_identities([name or uuid for uuid, name in known.items()], 20) or "none"
        raise PlugchoiceError(f"site {site}: no charger {show_identity(charger)}; {closest}its chargers: {listed}")
    return [item for item, own in zip(connectors, names, strict=True) if not wanted or own & wanted]


def select_settings(connector: SiteConnector) -> dict[str, Any]:
    """Select the settings that can be managed with their present values; empty when there are none."""
    settings: dict[str, Any] = {}
    if connector.connector_id < 1:
        return settings  # number 0 is the charger as a whole
    if connector.phase_rotation in PHASE_ROTATIONS:
        settings["phase_rotation"] = connector.phase_rotation
    if connector.max_amperage is not None and MIN_AMPERAGE <= connector.max_amperage <= MAX_AMPERAGE:
        settings["max_amperage"] = connector.max_amperage
    return settings


def name_resources(connectors: Sequence[SiteConnector]) -> list[str]:
    """Name the resources: the charger's identity and the connector number, and the UUID where two would be equal."""
    short = [f"{printable(item.charger.identity or item.charger.uuid, 60)}-{item.connector_id}" for item in connectors]
    uses = Counter(short)
    return [
        name if uses[name] == 1 else f"{name}-{item.charger.uuid.lower()}"
        for name, item in zip(short, connectors, strict=True)
    ]


def format_import_file(site: str, connectors: Sequence[SiteConnector]) -> str:
    """Format the import file.

    Args:
        site: UUID.
        connectors: connectors with at least one setting to manage.
    """
    provider = {PROVIDER_KEY: serialize_provider(ChargerConnectorProvider())}
    resources = []
    for name, connector in zip(name_resources(connectors), connectors, strict=True):
        settings = select_settings(connector)
        charger = connector.charger.uuid.lower()
        inputs = {"charger": charger, "connector_id": connector.connector_id, **settings, "site": site}
        live = Live(charger, connector.charger.identity, connector)
        outputs = {name: value for name, value in make_outputs(inputs, live, settings).items() if value is not None}
        resources.append(
            {
                "type": f"pulumi-python:{ChargerConnector._resource_type_name}",  # noqa: SLF001 - ours
                "name": name,
                "id": make_id(charger, connector.connector_id),
                "inputs": inputs | provider,
                "outputs": outputs | provider,
            }
        )
    return json.dumps({"resources": resources}, indent=2) + "\n"


def format_program(site: str, connectors: Sequence[SiteConnector]) -> str:
    """Format a Pulumi program that declares the connectors with their present values."""
    lines = [
        '"""The connectors of one site."""',
        "",
        "from pulumi_plugchoice import ChargerConnector",
        "",
        f"SITE = {_literal(site)}",
        "",
    ]
    for name, connector in zip(name_resources(connectors), connectors, strict=True):
        lines += [
            "ChargerConnector(",
            f"    {_literal(name)},",
            f"    charger={_literal(connector.charger.uuid.lower())},",
            f"    connector_id={connector.connector_id},",
            *(f"    {setting}={_literal(value)}," for setting, value in select_settings(connector).items()),
            "    site=SITE,",
            ")",
        ]
    return "\n".join(lines) + "\n"


def _literal(value: str | int) -> str:
    """A Python literal: the identity of a charger comes from Plugchoice and must not become code."""
    # JSON has Python's escapes, and double quotes as formatters write them.
    return json.dumps(value, ensure_ascii=False)
