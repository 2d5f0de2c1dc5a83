"""Plugchoice EV charger connectors as code: a Pulumi dynamic provider."""

from importlib import import_module as _import_module
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .api.models import Connector, SiteConnector
    from .balance import PhaseBalance
    from .connector import Adopted, ChargerConnector
    from .electrical.figures import Figures, GroupFigures
    from .electrical.planner import Plan, Visit
    from .electrical.rotations import PHASE_ROTATIONS, PhaseRotation
    from .errors import PlugchoiceError
    from .inputs import Mistake, OnAdopt, OnDestroy
    from .lookup import get_connector, get_site_connectors
    from .site import ChargingSite
    from .sitefile.load import FileMistake, SiteFileError, load_site
    from .sitefile.model import SiteFile
    from .sitefile.plan import plan_rotation
    from .sitefile.typed_dicts import (
        ChargerDefinition,
        ConnectorDefinition,
        DefaultsDefinition,
        GroupDefinition,
        LimitsDefinition,
        LineAmpsDefinition,
        SiteDefinition,
        SupplyDefinition,
    )

__all__ = [
    "PHASE_ROTATIONS",
    "Adopted",
    "ChargerConnector",
    "ChargerDefinition",
    "ChargingSite",
    "Connector",
    "ConnectorDefinition",
    "DefaultsDefinition",
    "Figures",
    "FileMistake",
    "GroupDefinition",
    "GroupFigures",
    "LimitsDefinition",
    "LineAmpsDefinition",
    "Mistake",
    "OnAdopt",
    "OnDestroy",
    "PhaseBalance",
    "PhaseRotation",
    "Plan",
    "PlugchoiceError",
    "SiteConnector",
    "SiteDefinition",
    "SiteFile",
    "SiteFileError",
    "SupplyDefinition",
    "Visit",
    "__version__",
    "get_connector",
    "get_site_connectors",
    "load_site",
    "plan_rotation",
]

# A program imports only what it uses: pydantic alone takes a tenth of a second.
_MODULES = {
    "PHASE_ROTATIONS": "electrical.rotations",
    "Adopted": "connector",
    "ChargerConnector": "connector",
    "ChargingSite": "site",
    "Connector": "api.models",
    "Figures": "electrical.figures",
    "FileMistake": "sitefile.load",
    "GroupFigures": "electrical.figures",
    "Mistake": "inputs",
    "OnAdopt": "inputs",
    "OnDestroy": "inputs",
    "PhaseBalance": "balance",
    "PhaseRotation": "electrical.rotations",
    "Plan": "electrical.planner",
    "PlugchoiceError": "errors",
    "SiteConnector": "api.models",
    "SiteFile": "sitefile.model",
    "SiteFileError": "sitefile.load",
    "Visit": "electrical.planner",
    "get_connector": "lookup",
    "get_site_connectors": "lookup",
    "load_site": "sitefile.load",
    "plan_rotation": "sitefile.plan",
}


def __getattr__(name: str) -> Any:
    if name in __all__:
        module = _import_module(f".{_MODULES.get(name, 'sitefile.typed_dicts')}", __name__)
        return globals().setdefault(name, getattr(module, name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
