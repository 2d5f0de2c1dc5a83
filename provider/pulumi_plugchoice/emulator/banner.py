"""What a newcomer reads when the emulator has started."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .world import World


def banner(world: World, root: str) -> str:
    """Where it is, who may come in, and lines to paste into another terminal."""
    state = world.state
    token = next(iter(state.tokens), None)
    rows = [("base URL", f"{root}/api")]
    rows += [("token", f"{text}  (user {one.user.name})") for text, one in state.tokens.items()]
    rows += [
        ("client", f"{name} / {one.client_secret}  (client credentials, user {one.user.name})")
        for name, one in state.clients.items()
    ]
    for site in state.sites.values():
        connectors = sum(len(charger.connectors) for charger in site.chargers)
        size = f"{_count(len(site.chargers), 'charger')}, {_count(connectors, 'connector')}"
        rows.append(("site", f"{site.uuid}  ({site.name}: {size})"))
    lines = ["A local Plugchoice is running. Ctrl-C ends it; nothing is kept.", ""]
    lines += [f"  {name:<10}{value}" for name, value in rows]
    place = next(
        (
            (site.uuid, charger, charger.connectors[0])
            for site in state.sites.values()
            for charger in site.chargers
            if charger.connectors
        ),
        None,
    )
    exports = [f"export PLUGCHOICE_BASE_URL={root}/api"]
    exports += [f"export PLUGCHOICE_TOKEN={token}"] if token else []
    exports += [f"export PLUGCHOICE_SITE={next(iter(state.sites))}"] if state.sites else []
    lines += ["", "Let the provider use it:", "", *(f"  {line}" for line in exports)]
    if token and place:
        where, charger, connector = place
        path = f"chargers/{charger.uuid}/connectors/{connector.connector_id}"
        header = f"curl -s -H 'Authorization: Bearer {token}' -H 'Accept: application/json'"
        write = """-H 'Content-Type: application/json' -d '{"phase_rotation": "STR", "max_amperage": 16}'"""
        edit = """-H 'Content-Type: application/json' -d '{"max_amperage": 10}'"""
        tries = [
            "# the connectors of the first site",
            f"{header} {root}/api/v3/sites/{where}/connectors",
            f"# turn {charger.identity}, connector {connector.connector_id}",
            f"{header} -X PUT {write} {root}/api/v3/{path}",
            "# change it as somebody in the portal would: drift",
            f"curl -s -X PATCH {edit} {root}/_emulator/{path}",
            "# what was asked so far",
            f"curl -s {root}/_emulator/requests",
        ]
        lines += ["", "Try:", "", *(f"  {line}" for line in tries)]
    return "\n".join(lines) + "\n\n"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
