"""A user's program, for mypy and pyright: it uses every public name and every public call, and is never run.

A call that has to be refused carries a suppression of both. Both report a suppression that suppresses nothing, so this
file fails as soon as such a call is accepted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
from pulumi_plugchoice import (
    PHASE_ROTATIONS,
    Adopted,
    ChargerConnector,
    ChargerDefinition,
    ChargingSite,
    Connector,
    ConnectorDefinition,
    DefaultsDefinition,
    Figures,
    FileMistake,
    GroupDefinition,
    GroupFigures,
    LimitsDefinition,
    LineAmpsDefinition,
    Mistake,
    OnAdopt,
    OnDestroy,
    PhaseBalance,
    PhaseRotation,
    Plan,
    PlugchoiceError,
    SiteConnector,
    SiteDefinition,
    SiteFile,
    SiteFileError,
    SupplyDefinition,
    Visit,
    __version__,
    get_connector,
    get_site_connectors,
    load_site,
    plan_rotation,
)
from typing_extensions import assert_type

if TYPE_CHECKING:
    from pathlib import Path

CHARGER = "5f0c3c1e-0000-4000-8000-000000000001"
SITE = "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7"


def declare_connectors(
    rotation: PhaseRotation, on_adopt: OnAdopt, on_destroy: OnDestroy, amps: pulumi.Output[int]
) -> None:
    """`ChargerConnector` takes values and outputs, and refuses wrong ones."""
    options = pulumi.ResourceOptions(protect=True)
    ChargerConnector("one", charger=CHARGER, connector_id=1, phase_rotation="RST", max_amperage=16, opts=options)
    ChargerConnector("two", charger="HRB-002", connector_id=1, phase_rotation=None, max_amperage=amps, site=SITE)
    bay = ChargerConnector(
        "three",
        charger=pulumi.Output.from_input(CHARGER),
        connector_id=2,
        phase_rotation=rotation,
        on_adopt=on_adopt,
        on_destroy=on_destroy,
    )
    assert_type(bay.charger, pulumi.Output[str])
    assert_type(bay.connector_id, pulumi.Output[int])
    assert_type(bay.phase_rotation, "pulumi.Output[PhaseRotation | None]")
    assert_type(bay.max_amperage, "pulumi.Output[int | None]")
    assert_type(bay.site, "pulumi.Output[str | None]")
    assert_type(bay.managed, pulumi.Output[list[str]])
    assert_type(bay.adopted, pulumi.Output[Adopted])
    assert_type(bay.identity, "pulumi.Output[str | None]")
    assert_type(bay.power_type, "pulumi.Output[str | None]")
    assert_type(bay.standard, "pulumi.Output[str | None]")
    assert_type(bay.format, "pulumi.Output[str | None]")
    assert_type(bay.max_voltage, "pulumi.Output[int | None]")
    assert_type(ChargerConnector.get("seen", f"{CHARGER}/1", options), ChargerConnector)

    original: Adopted = {"max_amperage": 16}
    pulumi.export("original", original.get("phase_rotation", PHASE_ROTATIONS[0]))

    ChargerConnector("a", charger=CHARGER, connector_id=1, phase_rotation="rst")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ChargerConnector("b", charger=CHARGER, connector_id="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ChargerConnector("c", charger=CHARGER, connector_id=1, max_amperage="16")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ChargerConnector("d", charger=CHARGER, connector_id=1, on_adopt="keep")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ChargerConnector("e", charger=CHARGER, connector_id=1, on_destroy="delete")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ChargerConnector("f", charger=1, connector_id=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ChargerConnector("g", charger=CHARGER, connector_id=1, site=7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ChargerConnector("h", charger=CHARGER, connector_id=1, amps=16)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ChargerConnector("i", connector_id=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ChargerConnector("j", CHARGER, 1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ChargerConnector(name="k", charger=CHARGER, connector_id=1)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    bay.amps  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]


def declare_site(path: Path, model: SiteFile) -> None:
    """`ChargingSite` takes a file, a model or nested dicts."""
    amps: LineAmpsDefinition = {"L1": 20, "L2": 20, "L3": 20}
    supply: SupplyDefinition = {"net_type": "TN", "main_fuse_amps": 63}
    limits: LimitsDefinition = {"single_phase_amps": 50}
    defaults: DefaultsDefinition = {"breaker_amps": 16}
    groups: list[GroupDefinition] = [{"name": "main"}, {"name": "deck", "parent": "main", "fuse_amps": 32}]
    connector: ConnectorDefinition = {"connector_id": 1, "phase_rotation": "RST", "max_amperage": 16}
    charger: ChargerDefinition = {"identity": "HRB-001", "connectors": [connector]}
    definition: SiteDefinition = {
        "site": SITE,
        "supply": supply,
        "building_peak_amps": amps,
        "limits": limits,
        "groups": groups,
        "defaults": defaults,
        "chargers": [charger],
    }
    site = ChargingSite("harbour", definition=definition)
    assert_type(site.balance, PhaseBalance)
    assert_type(site.connectors, dict[str, ChargerConnector])
    assert_type(site.balance.usable_amps, pulumi.Output[int])
    assert_type(site.balance.single_phase_l1, pulumi.Output[float])
    ChargingSite(resource_name="quay", file=path)
    ChargingSite("deck", file="sites/deck.yaml", opts=pulumi.ResourceOptions(protect=True))
    ChargingSite("model", definition=model)
    assert_type(ChargingSite.for_stack(), ChargingSite)
    ChargingSite.for_stack(folder=path, opts=None)

    ChargingSite("a", definition={"site": SITE})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ChargingSite("b", definition={**definition, "lable": "x"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ChargingSite("c", file=7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    ChargingSite("d", "sites/deck.yaml")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    wrong: ConnectorDefinition = {"connector_id": 1, "phase_rotation": "rst"}  # type: ignore[typeddict-item]  # pyright: ignore[reportAssignmentType]
    unit: SupplyDefinition = {"net_type": "TNS", "main_fuse_amps": 63}  # type: ignore[typeddict-item]  # pyright: ignore[reportAssignmentType]
    pulumi.export("wrong", [wrong, unit])


def look_up() -> None:
    """Live connectors, and plans for a site file."""
    try:
        assert_type(get_connector(CHARGER, 1), Connector)
        assert_type(get_connector("HRB-001", 1, site=SITE), Connector)
        assert_type(get_site_connectors(), list[SiteConnector])
        assert_type(get_site_connectors(SITE), list[SiteConnector])
        site = load_site("sites/harbour.yaml")
        assert_type(site, SiteFile)
        assert_type(plan_rotation(site), Plan)
        plan = plan_rotation("sites/harbour.yaml")
        assert_type(plan, Plan)
        assert_type(plan.visits, tuple[Visit, ...])
        assert_type(plan.after, Figures)
        assert_type(plan.after.groups, tuple[GroupFigures, ...])
    except SiteFileError as error:
        pulumi.warn(f"{__version__}: {error}")
        for found in error.mistakes:
            assert_type(found, FileMistake)
            assert_type(found.mistake, Mistake)
    except PlugchoiceError as error:
        pulumi.error(str(error))

    get_connector(CHARGER, "1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    get_site_connectors(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    load_site(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    plan_rotation(7)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
