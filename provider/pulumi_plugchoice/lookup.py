"""Read live connectors from a program, with all that the API tells: status, errors and timestamps too.

Nothing of it enters the state. Options come from the environment and, in a Pulumi program, from the stack's config.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import pulumi

from . import config
from ._text import is_uuid, printable
from .config import OPTIONS, Options
from .errors import (
    ConfigError,
    ConnectorNotFound,
    IdentityNotFound,
    InvalidConnector,
    OfflineError,
    PlugchoiceError,
)
from .identities import describe_closest, list_identities, show_identity
from .inputs import judge
from .runtime.notices import Notices

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .api.client import PlugchoiceClient
    from .api.models import Charger, Connector, SiteConnector


def get_connector(charger: str, connector_id: int, *, site: str | None = None) -> Connector:
    """Read a live connector with all of its 16 documented fields.

    Args:
        charger: UUID of the charger, or its OCPP identity (which needs a site).
        connector_id: OCPP connector number, 1 and up.
        site: UUID; default `plugchoice:site` or PLUGCHOICE_SITE. Used for an identity only.

    Raises:
        ConnectorNotFound: the charger has no connector with that number.
        IdentityNotFound: no charger of the site has that identity.
        InvalidConnector: the answer about this connector cannot be used.
        PlugchoiceError: an option is missing or wrong, or the API cannot be read.
    """
    with contextlib.closing(open_client()) as client:
        if is_uuid(charger):
            return _pick(client.charger(charger.lower()), charger, connector_id)
        listed = client.site_listing(_find_site(site))
        uuid = _find_by_identity(listed.chargers, charger)
        for item in listed.connectors:
            if (item.charger.uuid.lower(), item.connector_id) == (uuid, connector_id):
                return item
        # A list that comes in pages can lose a row: the charger itself decides.
        return _pick(client.charger(uuid), charger, connector_id)


def get_site_connectors(site: str | None = None) -> list[SiteConnector]:
    """Read all live connectors of a site, each with its charger: one call for 25 connectors.

    Args:
        site: UUID; default `plugchoice:site` or PLUGCHOICE_SITE.

    Raises:
        PlugchoiceError: an option is missing or wrong, or the API cannot be read.
    """
    uuid = _find_site(site)
    with contextlib.closing(open_client()) as client:
        return client.site_connectors(uuid)


def _find_by_identity(chargers: Mapping[str, str | None], identity: str) -> str:
    """The UUID of the charger with that identity."""
    what = f"charger '{show_identity(identity)}'"
    found = [uuid for uuid, name in chargers.items() if name == identity]
    if len(found) > 1:
        raise IdentityNotFound(
            f"{what}: {len(found)} chargers of the site have this identity; give the UUID instead: "
            + " or ".join(sorted(found))
        )
    if not found:
        closest = describe_closest(identity, [(name, uuid) for uuid, name in chargers.items()])
        names = list_identities(chargers.values()) or "no charger with a connector"
        raise IdentityNotFound(f"{what}: no charger of the site has this identity; {closest}it lists {names}")
    return found[0]


def describe_sites() -> str:
    """The sites that the token's user sees, for a message that asks for one; empty when they cannot be read."""
    from .api import sites

    try:
        with contextlib.closing(open_client()) as client:
            return sites.describe_sites(client.sites())
    except PlugchoiceError:
        return ""


def open_client() -> PlugchoiceClient:
    """Open a client with the options of the environment and, in a Pulumi program, of the stack's config. Close it.

    Raises:
        PlugchoiceError: an option is missing or wrong, or PLUGCHOICE_OFFLINE is on.
    """
    if config.is_offline(os.environ):
        raise OfflineError("live connectors are not read, because PLUGCHOICE_OFFLINE is on; unset it and run again")
    from .api import connect

    return connect(Options.load(_config(), os.environ), Notices().say_once)


def _find_site(site: str | None) -> str:
    uuid = site or config.find_site(_config(), os.environ)
    mistake = None if uuid is None else judge("site", uuid)
    if mistake:
        raise ConfigError(str(mistake))
    if uuid is None:
        raise ConfigError(f"site: not set; give site=, or set PLUGCHOICE_SITE or plugchoice:site{describe_sites()}")
    return uuid.lower()


def _pick(found: Charger, charger: str, connector_id: int) -> Connector:
    if connector_id in found.invalid:
        raise InvalidConnector(f"{printable(charger, 60)}/{connector_id}", found.invalid[connector_id])
    for connector in found.connectors:
        if connector.connector_id == connector_id:
            return connector
    existing = [connector.connector_id for connector in found.connectors]
    raise ConnectorNotFound(charger, connector_id, [*existing, *found.invalid])


def _config() -> dict[str, str | None]:
    """The stack's config by full key; empty outside of a Pulumi program."""
    stack = pulumi.Config("plugchoice")
    return {option.config: stack.get(option.config.split(":")[1]) for option in OPTIONS if option.config}
