"""`ChargingSite`: the connectors of a site from one file, with their sum of current on each building line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypedDict, cast

import pulumi

from ._text import printable
from .balance import PhaseBalance
from .connector import ChargerConnector
from .errors import PlugchoiceError
from .gate import find_skipped_restore, gate, program_line
from .sitefile.definition import make_definition
from .sitefile.load import SiteFileError, build_site, load_site
from .sitefile.model import SiteFile

if TYPE_CHECKING:
    from .electrical.rotations import PhaseRotation
    from .inputs import OnAdopt, OnDestroy
    from .sitefile.model import ChargerEntry, ConnectorEntry
    from .sitefile.typed_dicts import SiteDefinition

SITE_FOLDER: Final = "sites"
#: Name of the component that `ChargingSite.for_stack` declares.
COMPONENT: Final = "site"
#: Type of a site in the state.
COMPONENT_TYPE: Final = "plugchoice:index:ChargingSite"


class ConnectorInputs(TypedDict):
    """The inputs of a `ChargerConnector` that a site file declares."""

    charger: str
    connector_id: int
    phase_rotation: PhaseRotation | None
    max_amperage: int | None
    site: str
    on_adopt: OnAdopt
    on_destroy: OnDestroy


class ChargingSite(pulumi.ComponentResource):
    """A site: its connectors, and a `PhaseBalance` on which they depend.

    Attributes:
        balance: the current on each building line; not set when the definition has mistakes.
        connectors: the managed connectors by name, such as `HRB-001/1` (identity or UUID of the charger, and number).
    """

    balance: PhaseBalance
    connectors: dict[str, ChargerConnector]

    def __init__(
        self,
        resource_name: str,
        *,
        file: str | Path | None = None,
        definition: SiteFile | SiteDefinition | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a site.

        Mistakes do not raise here: all mistakes of a program are reported together, before anything is written.

        Args:
            resource_name: name of the site in the stack; the names of its resources begin with it.
            file: path of the site file, relative to the program's folder.
            definition: the content of a site file as Python objects, instead of a file.
            opts: Pulumi's resource options.
        """
        entry = gate()
        line = program_line()
        site: SiteFile | None = None
        try:
            site = _load(resource_name, file, definition)
        except SiteFileError as error:
            entry.refuse(error.lines)
        except PlugchoiceError as error:
            entry.refuse([f"{line}: {printable(resource_name, 80)}: {error}"])
        skipped = find_skipped_restore("restore", opts)
        if skipped and site is not None and _restores(site):
            entry.refuse(f"{line}: {printable(resource_name, 80)}: {mistake}" for mistake in skipped)
            site = None
        uuid = None if site is None else site.site.lower()
        # The gate holds the registration back until the whole program is known to be good.
        super().__init__(COMPONENT_TYPE, resource_name, {"site": entry.hold(uuid)}, opts)
        self.connectors = {}
        if site is not None:
            declared = {**make_definition(site), "site": entry.hold(uuid)}
            self.balance = PhaseBalance(name_balance(resource_name), declared, pulumi.ResourceOptions(parent=self))
            self._declare_connectors(resource_name, site)
        self.register_outputs({})

    @classmethod
    def for_stack(cls, *, folder: str | Path = SITE_FOLDER, opts: pulumi.ResourceOptions | None = None) -> ChargingSite:
        """Declare the site of this stack from `sites/<stack>.yaml`; each site has its own stack.

        The component is called `site` whatever the stack is called, so that renaming a stack changes no resource.

        Args:
            folder: folder of the site files, relative to the program's folder.
            opts: Pulumi's resource options.
        """
        stack = pulumi.get_stack()
        # Before, it was called as the stack. Its resources are found with it, as their names begin with its name.
        aliases = [] if stack == COMPONENT else [pulumi.Alias(name=stack)]
        opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(aliases=aliases))
        return cls(COMPONENT, file=Path(folder) / f"{stack}.yaml", opts=opts)

    def _declare_connectors(self, name: str, site: SiteFile) -> None:
        for charger in site.chargers:
            for connector in charger.connectors:
                if not connector.managed:
                    continue
                opts = pulumi.ResourceOptions(parent=self, depends_on=[self.balance])
                if charger.second_key:
                    old_name = name_connector(name, charger.second_key, connector.connector_id)
                    opts.aliases = [pulumi.Alias(name=old_name)]
                self.connectors[f"{charger.key}/{connector.connector_id}"] = ChargerConnector(
                    name_connector(name, charger.key, connector.connector_id),
                    **make_connector_inputs(site, charger, connector),
                    opts=opts,
                )


def name_balance(component: str) -> str:
    """Return the name of the balance of a site in its stack."""
    return f"{component}-balance"


def name_connector(component: str, charger: str, number: int) -> str:
    """Return the name of a connector of a site in its stack.

    By charger, never by label or position: a reordered file must not rename resources.
    """
    return f"{component}-{charger}-{number}"


def make_connector_inputs(site: SiteFile, charger: ChargerEntry, connector: ConnectorEntry) -> ConnectorInputs:
    """Make the inputs of a managed connector of a site."""
    return {
        "charger": charger.second_key or charger.key,
        "connector_id": connector.connector_id,
        "phase_rotation": cast("PhaseRotation | None", connector.phase_rotation),
        "max_amperage": site.amps_of(charger, connector),
        "site": site.site.lower(),
        "on_adopt": site.on_adopt_of(charger, connector),
        "on_destroy": site.on_destroy_of(charger, connector),
    }


def _restores(site: SiteFile) -> bool:
    return any(
        connector.managed and site.on_destroy_of(charger, connector) == "restore"
        for charger in site.chargers
        for connector in charger.connectors
    )


def _load(name: str, file: str | Path | None, definition: SiteFile | SiteDefinition | None) -> SiteFile:
    if (file is None) == (definition is None):
        raise PlugchoiceError("needs either a site file or its content; set file or definition, not both")
    if file is not None:
        return load_site(file)
    # A model built in the program is not validated as a whole yet.
    content: Any = definition.model_dump(exclude_unset=True) if isinstance(definition, SiteFile) else definition
    return build_site(content, f"ChargingSite {printable(name, 60)}")
