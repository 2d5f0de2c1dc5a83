"""`ChargingSite`: all connectors of a site from one file, with the amps per line that they add up to."""

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
    from collections.abc import Mapping

    from .electrical.rotations import PhaseRotation

SITE_FOLDER = "sites"


class ChargingSite(pulumi.ComponentResource):
    """A site: its connectors, and a `PhaseBalance` on which they depend.

    Attributes:
        balance: the amps per building line; None when the definition has mistakes.
        connectors: the managed connectors by name, `HRB-001/1` (identity or UUID of the charger, and number).
    """

    balance: PhaseBalance
    connectors: dict[str, ChargerConnector]

    def __init__(
        self,
        name: str,
        *,
        file: str | Path | None = None,
        definition: SiteFile | Mapping[str, Any] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a site.

        Mistakes do not raise here: all of a program's are reported together, before anything is written.

        Args:
            name: name of the site in the stack; the names of its resources begin with it.
            file: the site file, from the program's folder on.
            definition: the same as Python objects, in place of a file.
            opts: Pulumi's resource options.
        """
        entry = gate()
        line = program_line()
        site: SiteFile | None = None
        try:
            site = _load(name, file, definition)
        except SiteFileError as error:
            entry.refuse(error.lines)
        except PlugchoiceError as error:
            entry.refuse([f"{line}: {printable(name, 80)}: {error}"])
        uuid = None if site is None else site.site.lower()
        # Nothing of it is registered before the whole program is known to be good.
        super().__init__("plugchoice:index:ChargingSite", name, {"site": entry.hold(uuid)}, opts)
        self.connectors = {}
        if site is not None:
            declared = {**make_definition(site), "site": entry.hold(uuid)}
            self.balance = PhaseBalance(f"{name}-balance", declared, pulumi.ResourceOptions(parent=self))
            self._declare_connectors(name, site)
        self.register_outputs({})

    @classmethod
    def for_stack(cls, *, folder: str | Path = SITE_FOLDER, opts: pulumi.ResourceOptions | None = None) -> ChargingSite:
        """The site of this stack: `sites/<stack>.yaml`, so that each site has its stack.

        Args:
            folder: where the site files are, from the program's folder on.
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
                # By charger, never by label or place: re-ordering the file must not rename a resource.
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


def _load(name: str, file: str | Path | None, definition: SiteFile | Mapping[str, Any] | None) -> SiteFile:
    if (file is None) == (definition is None):
        raise PlugchoiceError("give either file=, the path of a site file, or definition=, the same as Python objects")
    if file is not None:
        return load_site(file)
    if isinstance(definition, SiteFile):
        # A model that was built in the program has not been looked at as a whole.
        definition = definition.model_dump(exclude_unset=True)
    return build_site(definition or {}, f"ChargingSite {printable(name, 60)}")
