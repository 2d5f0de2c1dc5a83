"""definition.py and assess.py: which connectors count, with which values, and what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi_plugchoice.api.models import Connector
from pulumi_plugchoice.electrical.figures import compute_figures
from pulumi_plugchoice.runtime.live import Live
from pulumi_plugchoice.sitefile.assess import FIGURES, assess, keep_figures, make_properties
from pulumi_plugchoice.sitefile.definition import (
    DECLARED,
    LiveValues,
    build_installation,
    make_definition,
    replace_settings,
)
from pulumi_plugchoice.sitefile.load import build_site

if TYPE_CHECKING:
    from pulumi_plugchoice.electrical.figures import Triple

UUID = "5f0c3c1e-0000-4000-8000-00000000000{}"


def define(*chargers: dict[str, Any]) -> dict[str, Any]:
    """The stored form of a site with these chargers."""
    site = {"site": UUID.format(0), "supply": {"net_type": "TN", "main_fuse_amps": 100}, "chargers": [*chargers]}
    return make_definition(build_site(site, "here"))


def declare(number: int, rotation: str | None = "RST", amps: int | None = 16, **more: Any) -> dict[str, Any]:
    """A charger with one connector; `more` are keys of the charger."""
    connector: dict[str, Any] = {"connector_id": 1, "phase_rotation": rotation, "max_amperage": amps}
    if rotation is None and amps is None:
        connector = {"connector_id": 1, "managed": False}
    return {"identity": f"HRB-{number}", **more, "connectors": [connector]}


def find(
    number: int,
    rotation: str | None = "RST",
    amps: int | None = 16,
    power_type: str = "AC_3_PHASE",
    connector_id: int = 1,
) -> Live:
    connector = Connector(connector_id=connector_id, phase_rotation=rotation, max_amperage=amps, power_type=power_type)
    return Live(UUID.format(number), f"HRB-{number}", connector)


def sum_lines(definition: dict[str, Any], *live: Live, prefer_live: bool = False) -> Triple:
    """One-phase A per line."""
    tally = build_installation(definition, LiveValues(live), prefer_live=prefer_live)
    return compute_figures(tally.installation).single_phase


def test_declared_values_count_before_live_ones() -> None:
    """For the site after the change. For the site before it, live values count where there are any."""
    definition = define(declare(1, "RST", 16), declare(2, "STR", 16))
    live = (find(1, "STR", 32), find(2, None, None))
    assert [sum_lines(definition, *live, prefer_live=prefer_live) for prefer_live in (False, True)] == [
        (16, 16, 0),
        (0, 48, 0),
    ]


def test_unmanaged_connectors_count_with_live_values() -> None:
    """Those of the file and those that it does not name. One setting alone is completed by the live one."""
    definition = define(declare(1, None, None), declare(2, "STR", None))
    assessment = assess(definition, LiveValues([find(1), find(2, "RST", 10), find(3, "TRS", 20)]))
    assert list(assessment.figures.single_phase) == [16, 10, 20]
    assert assessment.counted_live == {"HRB-1/1": "RST 16 A", "HRB-2/1": "STR 10 A", "HRB-3/1": "TRS 20 A"}
    assert assessment.not_counted == []


def test_connectors_that_cannot_count_are_listed_with_the_reason() -> None:
    """Never set, DC, a rotation that is none of the 15, or not in Plugchoice."""
    definition = define(declare(1, None, None), declare(2, None, None), declare(3, None, None), declare(4, "RST", None))
    live = LiveValues([find(1, None, None), find(2, power_type="DC"), find(3, "Unknown")])
    assert assess(definition, live).not_counted == [
        "HRB-1/1 (never set in Plugchoice)",
        "HRB-2/1 (DC, without ac_input_amps)",
        "HRB-3/1 ('Unknown' in Plugchoice is not a phase rotation)",
        "HRB-4/1 (live values not known)",
    ]


def test_a_dc_charger_counts_with_its_ac_input() -> None:
    """In the base. An AC socket of the same charger counts as a connector, in the group of the charger."""
    definition = define(declare(1, None, None, ac_input_amps=38))
    live = (find(1, None, None, "DC"), find(1, "RST", 16, connector_id=2))
    assert sum_lines(definition, *live) == (54, 38, 38)


def test_a_refresh_replaces_declared_settings_with_live_ones() -> None:
    """Only those that are declared and set live."""
    definition = define(declare(1, "RST", 16), declare(2, "RST", None), declare(3, "RST", 16), declare(4, "RST", 16))
    live = LiveValues([find(1, "STR", 20), find(2, "TRS", 32), find(3, None, 10)])
    replaced = replace_settings({**definition, "usable_amps": 100}, live)
    assert replaced["connectors"] == {
        "HRB-1/1": "STR 20 A",
        "HRB-2/1": "TRS",
        "HRB-3/1": "RST 10 A",
        "HRB-4/1": "RST 16 A",
    }
    assert {name: replaced.get(name) for name in DECLARED if name != "connectors"} == {
        name: definition.get(name) for name in DECLARED if name != "connectors"
    }
    assert "usable_amps" not in replaced


def test_a_declared_dc_connector_does_not_count_with_or_without_plugchoice() -> None:
    """Offline figures are those of a preview; what Plugchoice tells wins, and a difference is a warning."""
    charger = declare(1, None, 125)
    charger["connectors"][0]["dc"] = True
    definition = define(charger, declare(2, "STR", 16))
    offline = assess(definition, None)
    live = assess(definition, LiveValues([find(1, None, 125, "DC"), find(2, "STR")]))
    assert definition["dc"] == ["HRB-1/1"]
    assert list(offline.figures.single_phase) == list(live.figures.single_phase) == [0, 16, 0]
    assert offline.not_counted == live.not_counted == ["HRB-1/1 (DC, without ac_input_amps)"]
    assert offline.warnings == live.warnings == []
    other = assess(definition, LiveValues([find(1, "RST", 16), find(2, "STR")]))
    assert "HRB-1/1: dc is declared, but the connector is AC_3_PHASE in Plugchoice" in other.warnings
    assert other.figures.single_phase[0] == 125


def test_the_stored_properties_are_the_definition_and_the_figures() -> None:
    """A charger by UUID has the same name in any case."""
    definition = define({**declare(1), "identity": None, "uuid": UUID.format(1).upper()})
    properties = make_properties(definition, assess(definition, LiveValues([find(1)])))
    assert set(properties) == {*DECLARED, *FIGURES} - {"dc"}, "stored only where there is one"
    assert properties["connectors"] == {f"{UUID.format(1)}/1": "RST 16 A"}
    assert properties["single_phase_l1"] == 16, "the live connector is the declared one, and counts once"


def test_offline_the_stored_figures_stay() -> None:
    """They may count live values. With another definition the figures are new."""
    definition = define(declare(1, "RST", None))
    stored = make_properties(definition, assess(definition, LiveValues([find(1)])))
    offline = make_properties(definition, assess(definition, None))
    assert offline["single_phase_l1"] == 0
    assert keep_figures(offline, stored) == stored
    changed = {**stored, "main_fuse_amps": 63}
    assert keep_figures(offline, changed) == offline


def test_a_uuid_finds_its_charger_even_if_it_is_the_identity_of_another_one() -> None:
    """Whichever has the lower current."""
    connector = find(1).connector
    for low, high in ((6, 32), (32, 6)):
        mine = Live(UUID.format(1), "A", connector.model_copy(update={"max_amperage": low}))
        other = Live(UUID.format(2), UUID.format(1), connector.model_copy(update={"max_amperage": high}))
        assert LiveValues([mine, other]).get(f"{UUID.format(1).upper()}/1") is mine
