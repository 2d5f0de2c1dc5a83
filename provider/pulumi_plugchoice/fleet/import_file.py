"""The file with which `pulumi import` takes a whole site into its stack: component, balance and connectors.

`pulumi import` takes a dynamic resource only from a file in which each entry has its inputs and outputs, the pickled
provider among them. It reads nothing then, so the entries have to be what the next preview finds.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from pulumi.dynamic.dynamic import PROVIDER_KEY, serialize_provider

from pulumi_plugchoice.balance import PhaseBalance, PhaseBalanceProvider
from pulumi_plugchoice.connector import ChargerConnector, ChargerConnectorProvider
from pulumi_plugchoice.electrical.settings import find_changes
from pulumi_plugchoice.runtime.stored import (
    BY_IDENTITY,
    drop_none,
    make_id,
    make_outputs,
    normalize_inputs,
    pick_settings,
    read_originals,
)
from pulumi_plugchoice.site import COMPONENT, COMPONENT_TYPE, make_connector_inputs, name_balance, name_connector
from pulumi_plugchoice.sitefile.assess import assess, make_properties
from pulumi_plugchoice.sitefile.definition import LiveValues, make_definition

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pulumi_plugchoice.sitefile.model import SiteFile

Entry = dict[str, Any]

_CONNECTOR: Final = f"pulumi-python:{ChargerConnector._resource_type_name}"  # noqa: SLF001 - ours
_BALANCE: Final = f"pulumi-python:{PhaseBalance._resource_type_name}"  # noqa: SLF001 - ours


def list_entries(site: SiteFile, live: LiveValues) -> list[Entry]:
    """List the entries of a site: its component, its balance, and its managed connectors.

    Connectors whose live values are not the declared ones are left out: `pulumi up` adopts them, and says what it
    writes.

    Args:
        site: the site file.
        live: the live connectors.
    """
    uuid = site.site.lower()
    definition = make_definition(site)
    properties = make_properties(definition, assess(definition, live))
    balance = properties | {PROVIDER_KEY: serialize_provider(PhaseBalanceProvider())}
    return [
        {"type": COMPONENT_TYPE, "name": COMPONENT, "component": True, "inputs": {"site": uuid}},
        {
            "type": _BALANCE,
            "name": name_balance(COMPONENT),
            "id": uuid,
            "parent": COMPONENT,
            "inputs": balance,
            "outputs": balance,
        },
        *_list_connectors(site, live),
    ]


def _list_connectors(site: SiteFile, live: LiveValues) -> Iterator[Entry]:
    provider = {PROVIDER_KEY: serialize_provider(ChargerConnectorProvider())}
    for charger in site.chargers:
        for connector in charger.connectors:
            found = live.get(f"{charger.second_key or charger.key}/{connector.connector_id}")
            if not connector.managed or found is None:
                continue
            declared = drop_none(dict(make_connector_inputs(site, charger, connector)))
            inputs = normalize_inputs(declared | {"charger": found.charger}, None)
            settings = pick_settings(inputs)
            if find_changes(settings, found.connector):
                continue
            if charger.uuid is None:
                inputs[BY_IDENTITY] = charger.key
            outputs = drop_none(make_outputs(inputs, found, read_originals(found, settings)))
            yield {
                "type": _CONNECTOR,
                "name": name_connector(COMPONENT, charger.key, connector.connector_id),
                "id": make_id(found.charger, connector.connector_id),
                "parent": COMPONENT,
                "inputs": inputs | provider,
                "outputs": outputs | provider,
            }


def format_import_file(entries: Iterable[Entry], names: Mapping[str, str] | None = None) -> str:
    """Format the import file.

    Args:
        entries: as `list_entries` returns them.
        names: URNs by name of the resources that entries have as parent, and that are in the state already.
    """
    content: Entry = {"nameTable": dict(names)} if names else {}
    return json.dumps({**content, "resources": list(entries)}, indent=2) + "\n"
