"""`ChargingSite`: the connectors of a site from one file, with their sum of current on each building line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pulumi

from ._text import printable
from .balance import PhaseBalance
from .connector import ChargerConnector
from .errors import PlugchoiceError
from .gate import gate, program_line
from .sitefile.definition import make_definition
from .sitefile.load import SiteFileError, build_site, load_site
from .sitefile.model import SiteFile

if TYPE_CHECKING:
    from .electrical.rotations import PhaseRotation
    from .sitefile.typed_dicts import SiteDefinition

SITE_FOLDER = "sites"


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
        uuid = None if site is None else site.site.lower()
        # The gate holds the registration back until the whole program is known to be good.
        super().__init__("plugchoice:index:ChargingSite", resource_name, {"site": entry.hold(uuid)}, opts)
        self.connectors = {}
        if site is not None:
            declared = {**make_definition(site), "site": entry.hold(uuid)}
            self.balance = PhaseBalance(f"{resource_name}-balance", declared, pulumi.ResourceOptions(parent=self))
            self._declare_connectors(resource_name, site)
        self.register_outputs({})

    @classmethod
    def for_stack(cls, *, folder: str | Path = SITE_FOLDER, opts: pulumi.ResourceOptions | None = None) -> ChargingSite:
        """Declare the site of this stack from `sites/<stack>.yaml`; each site has its own stack.

        Args:
            folder: folder of the site files, relative to the program's folder.
            opts: Pulumi's resource options.
        """
        stack = pulumi.get_stack()
        return cls(stack, file=Path(folder) / f"{stack}.yaml", opts=opts)

    def _declare_connectors(self, name: str, site: SiteFile) -> None:
        opts = pulumi.ResourceOptions(parent=self, depends_on=[self.balance])
        for charger in site.chargers:
            for connector in charger.connectors:
                if not connector.managed:
                    continue
                number = connector.connector_id
                # By charger, never by label or position: a reordered file must not rename resources.
                self.connectors[f"{charger.key}/{number}"] = ChargerConnector(
                    f"{name}-{charger.key}-{number}",
                    charger=charger.key,
                    connector_id=number,
                    phase_rotation=cast("PhaseRotation | None", connector.phase_rotation),
                    max_amperage=site.amps_of(charger, connector),
                    site=site.site.lower(),
                    on_adopt=site.on_adopt_of(charger, connector),
                    on_destroy=site.on_destroy_of(charger, connector),
                    opts=opts,
                )


def _load(name: str, file: str | Path | None, definition: SiteFile | SiteDefinition | None) -> SiteFile:
    if (file is None) == (definition is None):
        raise PlugchoiceError("needs either a site file or its content; set file or definition, not both")
    if file is not None:
        return load_site(file)
    # A model built in the program is not validated as a whole yet.
    content: Any = definition.model_dump(exclude_unset=True) if isinstance(definition, SiteFile) else definition
    return build_site(content, f"ChargingSite {printable(name, 60)}")
