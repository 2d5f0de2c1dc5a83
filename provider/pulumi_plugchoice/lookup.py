"""Looking at live connectors from a program, with everything the API tells: status, errors and timestamps included.

Nothing of this enters the state. Options come from the environment and, inside a Pulumi program, the stack's config.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pulumi

from . import config as names
from ._text import is_uuid, printable
from .config import OPTIONS, Options
from .errors import ConfigError, ConnectorNotFound, IdentityNotFound, OfflineError
from .runtime.notices import Notices

if TYPE_CHECKING:
    from .api.client import PlugchoiceClient
    from .api.models import Connector, SiteConnector


def get_connector(charger: str, connector_id: int, *, site: str | None = None) -> Connector:
    """The live connector, all 16 documented fields.

    Args:
        charger: UUID of the charger, or its OCPP identity (which needs a site).
        connector_id: OCPP connector number, 1 and up.
        site: UUID; default `plugchoice:site` or PLUGCHOICE_SITE. Used for an identity only.

    Raises:
        ConnectorNotFound: the charger has no connector with that number.
        IdentityNotFound: no charger of the site has that identity.
        PlugchoiceError: settings are missing, or the API does not answer as it should.
    """
    if is_uuid(charger):
        found = open_client().charger(charger.lower()).connectors
    else:
        listed = [item for item in get_site_connectors(site) if item.charger.identity == charger]
        if not listed:
            raise IdentityNotFound(f"no charger of the site has the identity {printable(charger)!r}")
        found = tuple(listed)
    for connector in found:
        if connector.connector_id == connector_id:
            return connector
    raise ConnectorNotFound(charger, connector_id, [connector.connector_id for connector in found])


def get_site_connectors(site: str | None = None) -> list[SiteConnector]:
    """All live connectors of a site, each with its charger: one call for 25 connectors.

    Args:
        site: UUID; default `plugchoice:site` or PLUGCHOICE_SITE.

    Raises:
        PlugchoiceError: settings are missing, or the API does not answer as it should.
    """
    uuid = site or names.find_site(_config(), os.environ)
    if uuid is not None and not is_uuid(uuid):
        raise ConfigError(f"site {printable(uuid, 60)!r} is not a UUID: give the UUID of the site (location)")
    if uuid is None:
        raise ConfigError("no site: give site=, or set PLUGCHOICE_SITE or plugchoice:site")
    return open_client().site_connectors(uuid.lower())


def open_client() -> PlugchoiceClient:
    """A client with the settings of the environment and, inside of a Pulumi program, of the stack's config.

    Raises:
        PlugchoiceError: settings are missing or cannot be right, or PLUGCHOICE_OFFLINE is on.
    """
    if names.is_offline(os.environ):
        raise OfflineError("live connectors cannot be looked up while PLUGCHOICE_OFFLINE is on")
    from .api import connect

    return connect(Options.load(_config(), os.environ), Notices().say_once)


def _config() -> dict[str, str | None]:
    """The stack's config by full key; empty outside of a Pulumi program."""
    config = pulumi.Config("plugchoice")
    return {setting.config: config.get(setting.config.split(":")[1]) for setting in OPTIONS if setting.config}
