"""Plugchoice EV charger connectors as code: a Pulumi dynamic provider."""

from ._version import __version__
from .connector import ChargerConnector
from .errors import PlugchoiceError
from .lookup import get_connector, get_site_connectors
from .models import Connector, SiteConnector
from .phases import PHASE_ROTATIONS, PhaseRotation

__all__ = [
    "PHASE_ROTATIONS",
    "ChargerConnector",
    "Connector",
    "PhaseRotation",
    "PlugchoiceError",
    "SiteConnector",
    "__version__",
    "get_connector",
    "get_site_connectors",
]
