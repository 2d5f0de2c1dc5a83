"""Plugchoice EV charger connectors as code: a Pulumi dynamic provider."""

from typing import TYPE_CHECKING, Any

from ._version import __version__
from .connector import ChargerConnector
from .errors import PlugchoiceError
from .lookup import get_connector, get_site_connectors
from .phases import PHASE_ROTATIONS, PhaseRotation

if TYPE_CHECKING:
    from .models import Connector, SiteConnector

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


def __getattr__(name: str) -> Any:
    # The models need pydantic, which takes a program a tenth of a second to import; most programs never name them.
    if name in ("Connector", "SiteConnector"):
        from . import models

        return getattr(models, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
