"""The types of `ChargingSite(definition=...)`: a site file as nested dicts. Importable without pydantic.

`tests/unit/test_typed_dicts.py` compares every field with the models of the site file (`model.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    # Python 3.10 has no NotRequired. A program that declares a site does not pay for another import.
    from typing_extensions import NotRequired

    from pulumi_plugchoice.electrical.rotations import PhaseRotation
    from pulumi_plugchoice.inputs import OnAdopt, OnDestroy


class LineAmpsDefinition(TypedDict):
    """The current on each building line.

    Attributes:
        L1: A on line L1 (R).
        L2: A on line L2 (S).
        L3: A on line L3 (T).
    """

    L1: int
    L2: int
    L3: int


class SupplyDefinition(TypedDict):
    """The supply of a site.

    Attributes:
        net_type: TN, TT or IT.
        main_fuse_amps: main fuse, A per line.
        neutral: whether the supply has a neutral. Default: True for TN and TT, False for IT. In Norway TT has none.
        safety_margin_percent: part of each fuse to keep free, %. Default: 0.
    """

    net_type: Literal["TN", "TT", "IT"]
    main_fuse_amps: int
    neutral: NotRequired[bool | None]
    safety_margin_percent: NotRequired[int]


class LimitsDefinition(TypedDict):
    """The owner's limits: a preview fails if a change exceeds one and makes the site worse.

    Attributes:
        single_phase_amps: highest current on a line (A) when every connector charges a one-phase car, building
            included.
        three_phase_amps: highest current on a line (A) when every connector charges a three-phase car, building
            included.
        full_imbalance_amps: highest difference between two lines (A) when every connector charges a one-phase car.
        worst_imbalance_amps: highest difference between two lines (A) when some connectors charge a one-phase car and
            others are empty.
        presets: national rules from secondary sources, not verified. They only warn. Default: none.
    """

    single_phase_amps: NotRequired[int | None]
    three_phase_amps: NotRequired[int | None]
    full_imbalance_amps: NotRequired[int | None]
    worst_imbalance_amps: NotRequired[int | None]
    presets: NotRequired[list[str]]


class GroupDefinition(TypedDict):
    """A load-balancing group.

    Attributes:
        name: name of the group in this definition.
        group_id: number of the group in Plugchoice; the fuses are then compared.
        parent: name of the parent group. Required for every group but the first, which is the root.
        fuse_amps: fuse of the group, A per line. The root has the main fuse.
        on_adopt: as for the site, for the connectors of this group.
        on_destroy: as for the site, for the connectors of this group.
    """

    name: str
    group_id: NotRequired[int | None]
    parent: NotRequired[str | None]
    fuse_amps: NotRequired[int | None]
    on_adopt: NotRequired[OnAdopt | None]
    on_destroy: NotRequired[OnDestroy | None]


class DefaultsDefinition(TypedDict):
    """Values for chargers and connectors that do not set their own.

    Attributes:
        group: name of the group. Default: the root.
        breaker_amps: breaker of a charger, A.
        max_amperage: maximum current of a managed connector, A per phase.
    """

    group: NotRequired[str | None]
    breaker_amps: NotRequired[int | None]
    max_amperage: NotRequired[int | None]


class ConnectorDefinition(TypedDict):
    """A connector of a charger.

    Attributes:
        connector_id: OCPP connector number, 1 for the first.
        phase_rotation: building lines (R, S, T are L1, L2, L3) that feed terminals L1, L2, L3, as wired. Not set:
            unmanaged.
        planned_rotation: rotation that the installer will wire. It is not sent to Plugchoice.
        max_amperage: maximum current, A per phase. Not set: `defaults.max_amperage`, else unmanaged.
        managed: False for a connector that is left as it is and counted with its live values. Default: True.
        dc: True for a DC connector. It is not counted; what its charger draws is `ac_input_amps`. Default: False.
        on_adopt: as for the site, for this connector.
        on_destroy: as for the site, for this connector.
    """

    connector_id: int
    phase_rotation: NotRequired[PhaseRotation | None]
    planned_rotation: NotRequired[PhaseRotation | None]
    max_amperage: NotRequired[int | None]
    managed: NotRequired[bool]
    dc: NotRequired[bool]
    on_adopt: NotRequired[OnAdopt | None]
    on_destroy: NotRequired[OnDestroy | None]


class ChargerDefinition(TypedDict):
    """A charger. Set its identity, its UUID, or both.

    Attributes:
        connectors: its connectors.
        label: name for people. It can change at any time.
        identity: OCPP identity.
        uuid: UUID in Plugchoice, instead of the identity or beside it.
        group: name of its group. Default: `defaults.group`, else the root.
        breaker_amps: its breaker, A.
        max_current: rated current of the charger, A per phase.
        ac_input_amps: current that a DC charger draws, A per line.
        rewirable: False if a plan must leave its wiring as it is. Default: True.
    """

    connectors: list[ConnectorDefinition]
    label: NotRequired[str | None]
    identity: NotRequired[str | None]
    uuid: NotRequired[str | None]
    group: NotRequired[str | None]
    breaker_amps: NotRequired[int | None]
    max_current: NotRequired[int | None]
    ac_input_amps: NotRequired[int | None]
    rewirable: NotRequired[bool]


class SiteDefinition(TypedDict):
    """A site, as in a site file.

    Attributes:
        site: UUID of the site (location) in Plugchoice.
        supply: its supply.
        chargers: its chargers.
        label: name for people. It can change at any time.
        building_peak_amps: peak current of the building without chargers, A per line.
        limits: the owner's limits.
        groups: load-balancing groups. The first is the root and has the main fuse. Default: one group, `main`.
        defaults: values for chargers and connectors that do not set their own.
        on_adopt: what to do with a connector whose live values differ from the declared ones when it is first managed:
            `overwrite` them, or `match` (fail). Default: `overwrite`.
        on_destroy: what to leave when a connector is no longer managed: `retain` its values, or `restore` those it had
            before. Default: `retain`.
    """

    site: str
    supply: SupplyDefinition
    chargers: list[ChargerDefinition]
    label: NotRequired[str | None]
    building_peak_amps: NotRequired[LineAmpsDefinition | None]
    limits: NotRequired[LimitsDefinition]
    groups: NotRequired[list[GroupDefinition]]
    defaults: NotRequired[DefaultsDefinition]
    on_adopt: NotRequired[OnAdopt | None]
    on_destroy: NotRequired[OnDestroy | None]
