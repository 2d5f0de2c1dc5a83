"""The shape of a site file: one site, its supply, groups, chargers and connectors.

The field descriptions are what editors show: `site.schema.json` is generated from these models.
"""

from __future__ import annotations

import functools
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from pulumi_plugchoice._text import UUID_PATTERN
from pulumi_plugchoice.electrical.limits import PRESETS
from pulumi_plugchoice.electrical.rotations import MAX_AMPERAGE, MIN_AMPERAGE, PHASE_ROTATIONS
from pulumi_plugchoice.inputs import OnAdopt, OnDestroy

Amps = Annotated[int, Field(ge=1, le=10_000)]
LineCurrent = Annotated[int, Field(ge=0, le=10_000)]
Uuid = Annotated[str, Field(pattern=f"^{UUID_PATTERN}$")]

#: Of one file. A larger site is declared as several.
MOST_GROUPS: Final = 500
MOST_CONNECTORS: Final = 5_000

_LABEL: Final = "Name for people. It can change at any time."
_ON_ADOPT: Final = (
    "What to do with a connector whose live values differ from the declared ones when it is first managed: overwrite "
    "them, or match (fail)."
)
_ON_DESTROY: Final = (
    "What to leave when a connector is no longer managed: retain its values, or restore those it had before."
)
#: Where `on_adopt` and `on_destroy` of a group and of a connector come from.
_INHERITED: Final = " Default: that of the group above, else of the site."
_INHERITED_BY_CONNECTOR: Final = " Default: that of its group, of a group above, or of the site."


class Entry(BaseModel):
    """A mapping of the site file."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class LineAmps(Entry):
    """The current on each building line."""

    L1: LineCurrent = Field(description="A on line L1 (R).")
    L2: LineCurrent = Field(description="A on line L2 (S).")
    L3: LineCurrent = Field(description="A on line L3 (T).")


class Supply(Entry):
    """The supply of a site."""

    net_type: Literal["TN", "TT", "IT"] = Field(description="Net type: TN, TT or IT.")
    neutral: bool | None = Field(
        None,
        description="Whether the supply has a neutral. Default: true for TN and TT, false for IT. TT in Norway has "
        "none.",
    )
    main_fuse_amps: Amps = Field(description="Main fuse, A per line.")
    safety_margin_percent: int = Field(0, ge=0, le=50, description="Part of each fuse to keep free, %.")


class LimitsEntry(Entry):
    """The owner's limits: a preview fails if a change exceeds one and makes the site worse."""

    single_phase_amps: Amps | None = Field(
        None,
        description="Highest current on a line (A) when every connector charges a one-phase car, building included.",
    )
    three_phase_amps: Amps | None = Field(
        None,
        description="Highest current on a line (A) when every connector charges a three-phase car, building included.",
    )
    full_imbalance_amps: Amps | None = Field(
        None, description="Highest difference between two lines (A) when every connector charges a one-phase car."
    )
    worst_imbalance_amps: Amps | None = Field(
        None,
        description="Highest difference between two lines (A) when some connectors charge a one-phase car and others "
        "are empty.",
    )
    presets: list[str] = Field(
        default_factory=list,
        description="National rules from secondary sources, not verified. They only warn: " + ", ".join(PRESETS) + ".",
        json_schema_extra={"items": {"enum": list(PRESETS)}},
    )


class GroupEntry(Entry):
    """A load-balancing group."""

    name: str = Field(min_length=1, max_length=60, description="Name of the group in this file.")
    group_id: int | None = Field(
        None, ge=1, description="Number of the group in Plugchoice. The fuses are then compared."
    )
    parent: str | None = Field(
        None, description="Name of the parent group. Required for every group but the first, which is the root."
    )
    fuse_amps: Amps | None = Field(None, description="Fuse of the group, A per line. The root has the main fuse.")
    on_adopt: OnAdopt | None = Field(None, description=_ON_ADOPT + _INHERITED)
    on_destroy: OnDestroy | None = Field(None, description=_ON_DESTROY + _INHERITED)


class Defaults(Entry):
    """Values for chargers and connectors that do not set their own."""

    group: str | None = Field(None, description="Name of the group. Default: the root.")
    breaker_amps: Amps | None = Field(None, description="Breaker of a charger, A.")
    max_amperage: int | None = Field(
        None, ge=MIN_AMPERAGE, le=MAX_AMPERAGE, description="Maximum current of a managed connector, A per phase."
    )


class ConnectorEntry(Entry):
    """A connector of a charger."""

    connector_id: int = Field(ge=1, description="OCPP connector number, 1 for the first.")
    phase_rotation: str | None = Field(
        None,
        description="Building lines (R, S, T are L1, L2, L3) that feed terminals L1, L2, L3, as wired. Not set: "
        "unmanaged.",
        json_schema_extra={"enum": [*PHASE_ROTATIONS]},
    )
    planned_rotation: str | None = Field(
        None,
        description="Rotation that the installer will wire. It is not sent to Plugchoice.",
        json_schema_extra={"enum": [*PHASE_ROTATIONS]},
    )
    max_amperage: int | None = Field(
        None,
        ge=MIN_AMPERAGE,
        le=MAX_AMPERAGE,
        description="Maximum current, A per phase. Not set: defaults.max_amperage, else unmanaged.",
    )
    managed: bool = Field(
        True,  # noqa: FBT003 - pydantic's first argument is the default
        description="false: the connector is left as it is and counted with its live values.",
    )
    dc: bool = Field(
        False,  # noqa: FBT003 - as `managed`
        description="true: a DC connector. It is not counted; what its charger draws is ac_input_amps. Needed offline, "
        "where Plugchoice does not tell it.",
    )
    on_adopt: OnAdopt | None = Field(None, description=_ON_ADOPT + _INHERITED_BY_CONNECTOR)
    on_destroy: OnDestroy | None = Field(None, description=_ON_DESTROY + _INHERITED_BY_CONNECTOR)


class ChargerEntry(Entry):
    """A charger, named by its OCPP identity, by its UUID, or by both."""

    label: str | None = Field(None, description=_LABEL)
    identity: str | None = Field(None, min_length=1, max_length=45, description="OCPP identity.")
    uuid: Uuid | None = Field(None, description="UUID in Plugchoice, instead of the identity or beside it.")
    group: str | None = Field(None, description="Name of its group. Default: defaults.group, else the root.")
    breaker_amps: Amps | None = Field(None, description="Its breaker, A. Default: defaults.breaker_amps.")
    max_current: Amps | None = Field(None, description="Rated current of the charger, A per phase.")
    ac_input_amps: Amps | None = Field(None, description="Current that a DC charger draws, A per line.")
    rewirable: bool = Field(
        True,  # noqa: FBT003 - as `managed`
        description="false: a plan leaves its wiring as it is.",
    )
    connectors: list[ConnectorEntry] = Field(min_length=1, description="Its connectors.")

    @property
    def key(self) -> str:
        """Name of the charger in the stack: its identity, or its UUID in lower case."""
        return self.identity or (self.uuid or "").lower()

    @property
    def second_key(self) -> str | None:
        """Its UUID in lower case when it has both names: the name in the stack before it had an identity."""
        return self.uuid.lower() if self.identity and self.uuid else None


class SiteFile(Entry):
    """A site."""

    site: Uuid = Field(description="UUID of the site (location) in Plugchoice.")
    label: str | None = Field(None, description=_LABEL)
    supply: Supply = Field(description="Supply of the site.")
    building_peak_amps: LineAmps | None = Field(
        None,
        description="Peak current of the building without chargers, A per line. Note where and when it was measured.",
    )
    limits: LimitsEntry = Field(default_factory=LimitsEntry, description="The owner's limits.")
    groups: list[GroupEntry] = Field(
        default_factory=list,
        description="Load-balancing groups. The first is the root and has the main fuse. Default: one group, main.",
    )
    defaults: Defaults = Field(
        default_factory=Defaults, description="Values for chargers and connectors that do not set their own."
    )
    chargers: list[ChargerEntry] = Field(min_length=1, description="The chargers.")
    on_adopt: OnAdopt | None = Field(None, description=_ON_ADOPT + " Default: overwrite.")
    on_destroy: OnDestroy | None = Field(None, description=_ON_DESTROY + " Default: retain.")

    @property
    def has_neutral(self) -> bool:
        """Whether the supply has a neutral, by declaration or by net type."""
        neutral = self.supply.neutral
        return self.supply.net_type != "IT" if neutral is None else neutral

    @property
    def all_groups(self) -> list[GroupEntry]:
        """The groups, the root first. A file without groups has one, `main`."""
        return self.groups or [GroupEntry(name="main")]

    @property
    def root(self) -> GroupEntry:
        """The group with the main fuse."""
        return next(group for group in self.all_groups if group.parent is None)

    def group_of(self, charger: ChargerEntry) -> str:
        """Return the name of a charger's group."""
        return charger.group or self.defaults.group or self.root.name

    def breaker_of(self, charger: ChargerEntry) -> int | None:
        """Return the A of a charger's breaker; None when it is not set."""
        return charger.breaker_amps or self.defaults.breaker_amps

    def amps_of(self, charger: ChargerEntry, connector: ConnectorEntry) -> int | None:
        """Return the declared maximum current of a connector (A per phase); None when it is unmanaged.

        The default does not apply to DC chargers.
        """
        if connector.max_amperage is not None or not connector.managed or charger.ac_input_amps is not None:
            return connector.max_amperage
        return self.defaults.max_amperage

    def on_adopt_of(self, charger: ChargerEntry, connector: ConnectorEntry) -> OnAdopt:
        """Return `on_adopt` of the connector, its group, a group above or the site: the first that is set."""
        return connector.on_adopt or self._inherited[self.group_of(charger)][0] or self.on_adopt or "overwrite"

    def on_destroy_of(self, charger: ChargerEntry, connector: ConnectorEntry) -> OnDestroy:
        """Return `on_destroy`, from the same places as `on_adopt`."""
        return connector.on_destroy or self._inherited[self.group_of(charger)][1] or self.on_destroy or "retain"

    @functools.cached_property
    def _inherited(self) -> dict[str, tuple[OnAdopt | None, OnDestroy | None]]:
        """`on_adopt` and `on_destroy` of each group, its own or of the nearest group above that sets it."""
        by_name = {group.name: group for group in self.all_groups}
        found: dict[str, tuple[OnAdopt | None, OnDestroy | None]] = {}
        for group in by_name.values():
            chain = [group]  # up to a group whose values are known
            while (above := chain[-1].parent) and above not in found:
                chain.append(by_name[above])
            for item in reversed(chain):
                on_adopt, on_destroy = found[item.parent] if item.parent else (None, None)
                found[item.name] = (item.on_adopt or on_adopt, item.on_destroy or on_destroy)
        return found


#: The models by the key of the site file that they describe.
PARTS: Final[dict[str, type[BaseModel]]] = {
    "supply": Supply,
    "building_peak_amps": LineAmps,
    "limits": LimitsEntry,
    "groups": GroupEntry,
    "defaults": Defaults,
    "chargers": ChargerEntry,
    "connectors": ConnectorEntry,
}
