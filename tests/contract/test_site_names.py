"""A charger of a site file by identity, by UUID, or both: nothing is mixed up, and no original value is lost.

tests/acceptance/test_site.py has the whole life of such a site, with the real engine.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from pulumi_plugchoice.balance import PhaseBalanceProvider
from pulumi_plugchoice.sitefile.definition import make_definition
from pulumi_plugchoice.sitefile.load import build_site
from support.emulator import SITE, TOKEN, charger_uuid
from support.engine_double import provider_process, wire

if TYPE_CHECKING:
    from support.emulator import Emulator

ONE, TWO = {"identity": "HRB-001"}, {"uuid": charger_uuid(1)}
BOTH = ONE | TWO


def definition(charger: dict[str, str], on_destroy: str = "restore", **more: Any) -> dict[str, Any]:
    """What `PhaseBalance` declares for a site of one charger."""
    connectors = [{"connector_id": 1, "phase_rotation": "RST", "max_amperage": 16}]
    content = {
        "site": SITE,
        "supply": {"net_type": "TN", "main_fuse_amps": 200},
        "on_destroy": on_destroy,
        "chargers": [{**charger, "connectors": connectors}],
        **more,
    }
    return make_definition(build_site(content, "site"))


def check(emulator: Emulator, olds: dict[str, Any], news: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Refusals as `property: text`, and the lines that are printed."""
    environment = {"PLUGCHOICE_BASE_URL": emulator.base_url, "PLUGCHOICE_TOKEN": TOKEN}
    printed = io.StringIO()
    with provider_process(environment, printed):
        result = PhaseBalanceProvider().check(wire(olds), wire(news))
    failures = [f"{failure.property}: {failure.reason}" for failure in result.failures]
    return failures, [line for line in printed.getvalue().splitlines() if "not declared any more" in line]


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        (ONE, BOTH, None),
        (TWO, BOTH, None),
        (BOTH, ONE, None),
        (ONE, TWO, "identity: HRB-001"),
        (BOTH, TWO, "identity: HRB-001"),
        (TWO, ONE, f"uuid: {charger_uuid(1)}"),
    ],
)
def test_another_name_that_would_lose_originals_is_refused(
    emulator: Emulator, before: dict[str, str], after: dict[str, str], kept: str | None
) -> None:
    """Unless both names are given: then an alias finds the resource. The charger counts as declared."""
    for on_destroy in ("restore", "retain"):  # recorded in any case, and now to be restored
        failures, said = check(emulator, definition(before, on_destroy), definition(after))
        assert said == []
        assert [failure.endswith(f"; keep {kept} as well") for failure in failures] == [True] * bool(kept)
    assert check(emulator, definition(before, "retain"), definition(after, "retain")) == ([], [])


def test_a_charger_that_leaves_the_file_will_be_restored(emulator: Emulator) -> None:
    """As before."""
    failures, said = check(emulator, definition(ONE), definition({"identity": "HRB-002"}))
    assert failures == []
    assert len(said) == 1


@pytest.mark.parametrize(
    ("charger", "text"),
    [
        (BOTH, None),
        ({**BOTH, "uuid": charger_uuid(1).upper()}, None),
        ({**ONE, "uuid": charger_uuid(2)}, f"HRB-001 has the UUID {charger_uuid(1)}"),
        ({**ONE, "uuid": charger_uuid(9)}, f"HRB-001 has the UUID {charger_uuid(1)}"),
        ({**TWO, "identity": "HRB-009"}, "that UUID is the charger HRB-001"),
    ],
)
def test_an_identity_and_a_uuid_of_two_chargers_are_refused(
    emulator: Emulator, charger: dict[str, str], text: str | None
) -> None:
    """The figures would be of one and the writes to the other."""
    failures, _ = check(emulator, {}, definition(charger))
    expected = (
        f"site: charger {charger['identity']}: declared with the UUID {charger['uuid'].lower()}, but in Plugchoice "
    )
    assert failures == ([f"{expected}{text}; correct identity or uuid"] if text else [])


@pytest.mark.parametrize(
    ("more", "property_name"),
    [
        ({"limits": {"single_phase_amps": 10}}, "limits"),
        ({"supply": {"net_type": "TN", "main_fuse_amps": 100}}, "main_fuse_amps"),
        ({"groups": [{"name": "main", "group_id": 999}]}, "groups"),
    ],
)
def test_what_is_refused_is_a_property_that_has_a_value(
    emulator: Emulator, more: dict[str, Any], property_name: str
) -> None:
    """The engine prints it: `property single_phase_l1 value {<nil>}` would tell nobody anything."""
    emulator.edit(charger_uuid(1), max_amperage=6)
    news = definition(ONE, **more)
    failures, _ = check(emulator, {}, news)
    assert [failure.partition(": ")[0] for failure in failures] == [property_name]
    assert news[property_name]
