"""Plugchoice EV charger connectors as code: a Pulumi dynamic provider."""

import importlib
from typing import TYPE_CHECKING, Any

from ._version import __version__
from .connector import ChargerConnector
from .errors import PlugchoiceError
from .lookup import get_connector, get_site_connectors
from .phases import PHASE_ROTATIONS, PhaseRotation

if TYPE_CHECKING:
    from .evidence import Evidence
    from .models import Connector, SiteConnector
    from .planning import plan_rotation
    from .site import ChargingSite
    from .site_file import SiteFile, SiteFileError, load_site
    from .wiring import check_wiring

__all__ = [
    "PHASE_ROTATIONS",
    "ChargerConnector",
    "ChargingSite",
    "Connector",
    "Evidence",
    "PhaseRotation",
    "PlugchoiceError",
    "SiteConnector",
    "SiteFile",
    "SiteFileError",
    "__version__",
    "check_wiring",
    "get_connector",
    "get_site_connectors",
    "load_site",
    "plan_rotation",
]


# Pydantic takes a program a tenth of a second to import; those that name nothing of these do not pay for it.
_LATER = {
    "ChargingSite": "site",
    "Connector": "models",
    "Evidence": "evidence",
    "SiteConnector": "models",
    "SiteFile": "site_file",
    "SiteFileError": "site_file",
    "check_wiring": "wiring",
    "load_site": "site_file",
    "plan_rotation": "planning",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(importlib.import_module(f".{_LATER[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
