"""Plugchoice EV charger connectors as code: a Pulumi dynamic provider."""

import importlib
from typing import TYPE_CHECKING, Any

from ._version import __version__
from .connector import ChargerConnector
from .electrical.rotations import PHASE_ROTATIONS, PhaseRotation
from .errors import PlugchoiceError
from .lookup import get_connector, get_site_connectors

if TYPE_CHECKING:
    from .api.models import Connector, SiteConnector
    from .site import ChargingSite
    from .sitefile.load import SiteFileError, load_site
    from .sitefile.model import SiteFile
    from .sitefile.plan import plan_rotation
    from .wiring.evidence import Evidence
    from .wiring.sampling import check_wiring

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
    "Connector": "api.models",
    "Evidence": "wiring.evidence",
    "SiteConnector": "api.models",
    "SiteFile": "sitefile.model",
    "SiteFileError": "sitefile.load",
    "check_wiring": "wiring.sampling",
    "load_site": "sitefile.load",
    "plan_rotation": "sitefile.plan",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(importlib.import_module(f".{_LATER[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
