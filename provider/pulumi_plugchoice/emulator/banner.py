"""The text that the emulator prints when it has started."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from .bounds import one_line

if TYPE_CHECKING:
    from .world import World


def banner(world: World, root: str) -> str:
    """Addresses, tokens, and lines to paste into another terminal."""
    inventory = world.inventory
    token = next(iter(inventory.tokens), None)
    rows = [("base URL", f"{root}/api")]
    rows += [("token", f"{text}  (user {one.user.name})") for text, one in inventory.tokens.items()]
    rows += [
        ("client", f"{name} / {one.secret}  (client credentials, user {one.user.name})")
        for name, one in inventory.clients.items()
    ]
    for site in inventory.sites.values():
        connectors = sum(len(charger.connectors) for charger in site.chargers)
        size = f"{_count(len(site.chargers), 'charger')}, {_count(connectors, 'connector')}"
        rows.append(("site", f"{site.uuid}  ({site.name}: {size})"))
    lines = ["A local Plugchoice is running. Ctrl-C stops it; its data is not kept.", ""]
    lines += [f"  {name:<10}{one_line(value)}" for name, value in rows]
    first = next(
        (
            (site.uuid, charger, charger.connectors[0])
            for site in inventory.sites.values()
            for charger in site.chargers
            if charger.connectors
        ),
        None,
    )
    exports = [f"export PLUGCHOICE_BASE_URL={root}/api"]
    exports += [f"export PLUGCHOICE_TOKEN={shlex.quote(one_line(token))}"] if token else []
    exports += [f"export PLUGCHOICE_SITE={next(iter(inventory.sites))}"] if inventory.sites else []
    lines += ["", "To use it with the provider:", "", *(f"  {line}" for line in exports)]
    if token and first:
        site_uuid, charger, connector = first
        path = f"chargers/{charger.uuid}/connectors/{connector.connector_id}"
        header = f"curl -s -H {shlex.quote(f'Authorization: Bearer {one_line(token)}')} -H 'Accept: application/json'"
        write = """-H 'Content-Type: application/json' -d '{"phase_rotation": "STR", "max_amperage": 16}'"""
        edit = """-H 'Content-Type: application/json' -d '{"max_amperage": 10}'"""
        tries = [
            "# the connectors of the first site",
            f"{header} {root}/api/v3/sites/{site_uuid}/connectors",
            f"# set both values of {one_line(charger.identity)}, connector {connector.connector_id}",
            f"{header} -X PUT {write} {root}/api/v3/{path}",
            "# change a value as somebody does in the portal: drift",
            f"curl -s -X PATCH {edit} {root}/_emulator/{path}",
            "# the requests so far",
            f"curl -s {root}/_emulator/requests",
        ]
        lines += ["", "Requests to try:", "", *(f"  {line}" for line in tries)]
    return "\n".join(lines) + "\n\n"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
