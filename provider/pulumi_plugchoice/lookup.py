"""Read live connectors from a program, with all that the API tells: status, errors and timestamps too.

Nothing of it enters the state. Options come from the environment and, in a Pulumi program, from the stack's config.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pulumi

from . import config
from ._text import is_uuid, printable
from .config import OPTIONS, Options
from .errors import ConfigError, ConnectorNotFound, IdentityNotFound, OfflineError
from .inputs import judge
from .runtime.notices import Notices

if TYPE_CHECKING:
    from .api.client import PlugchoiceClient
    from .api.models import Connector, SiteConnector


def get_connector(charger: str, connector_id: int, *, site: str | None = None) -> Connector:
    """Read a live connector with all of its 16 documented fields.

    Args:
        charger: UUID of the charger, or its OCPP identity (which needs a site).
        connector_id: OCPP connector number, 1 and up.
        site: UUID; default `plugchoice:site` or PLUGCHOICE_SITE. Used for an identity only.

    Raises:
        ConnectorNotFound: the charger has no connector with that number.
        IdentityNotFound: no charger of the site has that identity.
        PlugchoiceError: an option is missing or wrong, or the API cannot be read.
    """
    if is_uuid(charger):
        found = open_client().charger(charger.lower()).connectors
    else:
        listed = [item for item in get_site_connectors(site) if item.charger.identity == charger]
        if not listed:
            raise IdentityNotFound(
                f"charger {printable(charger)!r}: no charger of the site has this identity; check it, or give the "
                "charger's UUID"
            )
        found = tuple(listed)
    for connector in found:
        if connector.connector_id == connector_id:
            return connector
    raise ConnectorNotFound(charger, connector_id, [connector.connector_id for connector in found])


def get_site_connectors(site: str | None = None) -> list[SiteConnector]:
    """Read all live connectors of a site, each with its charger: one call for 25 connectors.

    Args:
        site: UUID; default `plugchoice:site` or PLUGCHOICE_SITE.

    Raises:
        PlugchoiceError: an option is missing or wrong, or the API cannot be read.
    """
    uuid = site or config.find_site(_config(), os.environ)
    mistake = None if uuid is None else judge("site", uuid)
    if mistake:
        raise ConfigError(str(mistake))
    if uuid is None:
        raise ConfigError("site: not set; give site=, or set PLUGCHOICE_SITE or plugchoice:site")
    return open_client().site_connectors(uuid.lower())


def open_client() -> PlugchoiceClient:
    """Open a client with the options of the environment and, in a Pulumi program, of the stack's config.

    Raises:
        PlugchoiceError: an option is missing or wrong, or PLUGCHOICE_OFFLINE is on.
    """
    if config.is_offline(os.environ):
        raise OfflineError("live connectors are not read, because PLUGCHOICE_OFFLINE is on; unset it and run again")
    from .api import connect

    return connect(Options.load(_config(), os.environ), Notices().say_once)


def _config() -> dict[str, str | None]:
    """The stack's config by full key; empty outside of a Pulumi program."""
    stack = pulumi.Config("plugchoice")
    return {option.config: stack.get(option.config.split(":")[1]) for option in OPTIONS if option.config}
