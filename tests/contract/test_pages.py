"""Random portal edits, and lists whose pages lose, repeat and move rows: no drift stays unseen.

The providers are the real ones, over HTTP to the real emulator and its fault `page`; the engine is
`support.engine_double`. `--hypothesis-profile=long` plays many times as many.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test
from pulumi_plugchoice.sitefile.definition import make_definition
from pulumi_plugchoice.sitefile.load import build_site
from support.emulator import SITE, TOKEN, charger_uuid, connector, identity, seed
from support.engine_double import Engine, Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.emulator import Emulator

IS_LONG: Final = settings.get_current_profile_name() == "long"
SETTINGS: Final = settings(
    max_examples=1000 if IS_LONG else 20,
    stateful_step_count=30 if IS_LONG else 12,
    derandomize=not IS_LONG,
    phases=set(Phase) - ({Phase.explain} if IS_LONG else {Phase.explain, Phase.shrink}),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)

# HRB-001 to HRB-004 are managed, HRB-002 with both of its sockets; the others belong to somebody else.
SLOTS: Final = ((1, 1), (2, 1), (2, 2), (3, 1), (4, 1))
FOREIGN: Final = ((5, 1), (6, 1), (7, 1))
ROWS: Final = len(SLOTS) + len(FOREIGN)
PLACES: Final = st.lists(st.integers(0, ROWS - 1), max_size=3)
LINKS: Final = st.sampled_from(
    [None, None, "other_host", "relative", "query_only", "no_query", "null", "missing", "loop"]
)
FAULTS: Final = st.fixed_dictionaries(
    {
        "page": st.sampled_from([None, 1, 2, 2, 3]),
        "lost": PLACES,
        "doubled": PLACES,
        "moved": PLACES,
        "link": LINKS,
        "times": st.sampled_from([1, 1, 2, 3, None]),
        "skip": st.sampled_from([0, 0, 1]),
    }
).filter(lambda fault: any(fault[name] for name in ("lost", "doubled", "moved", "link")))
AMPS: Final = st.sampled_from([6, 10, 16, 16, 20])


def declare(slot: tuple[int, int], by: str) -> dict[str, Any]:
    """A managed connector: with its charger's UUID on the default site or a named one, or by identity."""
    index, number = slot
    inputs = {"charger": charger_uuid(index), "connector_id": number, "max_amperage": 16, "phase_rotation": "RST"}
    if by == "named":
        return {**inputs, "site": SITE}
    return {**inputs, "charger": identity(index)} if by == "identity" else inputs


def declare_balance() -> dict[str, Any]:
    """The sums of the site."""
    chargers = [
        {
            "identity": identity(index),
            "connectors": [
                {"connector_id": number, "phase_rotation": "RST", "max_amperage": 16}
                for other, number in SLOTS
                if other == index
            ],
        }
        for index in (1, 2, 3, 4)
    ]
    supply = {"net_type": "TN", "main_fuse_amps": 800}
    limits = {"single_phase_amps": 200}
    return make_definition(build_site({"site": SITE, "supply": supply, "limits": limits, "chargers": chargers}, "here"))


class Machine(RuleBasedStateMachine):
    """A stack of five connectors on a site of eight, and its alarm."""

    emulator: Emulator
    counts: Counter[str]

    @initialize(
        by=st.lists(st.sampled_from(["default", "named", "identity"]), min_size=len(SLOTS), max_size=len(SLOTS)),
        has_balance=st.booleans(),
        page_size=st.sampled_from([1, 2, 3, 5]),
    )
    def start(self, by: list[str], has_balance: bool, page_size: int) -> None:
        """All is as declared."""
        self.emulator.reset(seed(7, {2: [connector(1), connector(2)]}))
        self.emulator.switch(page_size=page_size)
        self.engine = Engine(
            {
                "PLUGCHOICE_BASE_URL": self.emulator.base_url,
                "PLUGCHOICE_TOKEN": TOKEN,
                "PLUGCHOICE_SITE": SITE,
                "PLUGCHOICE_DEADLINE_SECONDS": "5",
            }
        )
        self.program = {"balance": declare_balance()} if has_balance else {}
        self.program |= {
            f"{index}-{number}": declare((index, number), by[place]) for place, (index, number) in enumerate(SLOTS)
        }
        report = self.engine.up(self.program)
        assert report.went_well, report.errors
        self.has_faults = False

    @rule(slot=st.sampled_from(SLOTS + FOREIGN), amps=AMPS)
    def edit_in_the_portal(self, slot: tuple[int, int], amps: int) -> None:
        self.emulator.edit(charger_uuid(slot[0]), slot[1], max_amperage=amps)

    @rule(place=st.integers(0, len(SLOTS) - 1), times=st.sampled_from([1, 2, 4, None]), moved=PLACES)
    def preview_drift_that_is_hidden(self, place: int, times: int | None, moved: list[int]) -> None:
        """The row of a connector that has drifted is missing: what the alarm is for."""
        self.edit_in_the_portal(SLOTS[place], 20)
        self.disturb({"lost": [place], "moved": moved, "times": times})
        self.preview()
        self.calm()

    @rule(fault=FAULTS)
    def preview_under_a_fault(self, fault: dict[str, Any]) -> None:
        self.disturb(fault)
        self.preview()

    @rule(fault=FAULTS)
    def disturb(self, fault: dict[str, Any]) -> None:
        """From now on pages are wrong."""
        self.emulator.fault("page", **fault, path="^/v3/sites/[^/]+/connectors$")
        self.has_faults = True

    @rule()
    def calm(self) -> None:
        """Pages are right again."""
        self.emulator.clear_faults()
        self.has_faults = False

    @rule()
    def preview(self) -> None:
        """All drift is a change, and said, or the run has an error."""
        drifted = self.find_drifted()
        report = self.engine.preview(self.program)
        self.judge(report)
        if report.errors:
            return
        assert drifted <= set(report.changes), (drifted, report)
        for name in drifted:
            told = [line for line in report.lines if f"HRB-00{name[0]}/{name[2]}: " in line and "drift" in line]
            red = [line for line in report.lines if f"HRB-00{name[0]}/{name[2]}: counts as changed" in line]
            assert told or red, (name, report.lines)
        if not self.has_faults:
            assert set(report.changes) - {"balance"} == drifted
        self.counts["drift seen under a fault"] += bool(drifted and self.has_faults)

    @rule()
    def up(self) -> None:
        """A good end is as declared, and only the drifted ones were written."""
        drifted = self.find_drifted()
        before = self.emulator.puts_seen()
        report = self.engine.up(self.program, continue_on_error=True)
        self.judge(report)
        assert self.emulator.puts_seen() - before <= len(drifted)
        if report.went_well:
            assert self.find_drifted() == set()
            self.counts["put right"] += bool(drifted)

    def find_drifted(self) -> set[str]:
        """The managed connectors that are not as declared."""
        values = self.emulator.values()
        return {f"{index}-{number}" for index, number in SLOTS if values[charger_uuid(index), number] != ("RST", 16)}

    def judge(self, report: Report) -> None:
        """No error without a fault, and none that is not a line."""
        assert self.has_faults or not report.errors, report.errors
        assert not any("Traceback" in line or "\n" in line for line in (*report.lines, *report.errors))
        self.counts["red"] += bool(report.errors)
        self.counts["runs"] += 1


@pytest.mark.slow
@pytest.mark.timeout(0 if IS_LONG else 300)
def test_whatever_the_pages_do_drift_is_reported_or_the_run_is_red(
    emulator_process: Emulator, record_property: Callable[[str, object], None]
) -> None:
    """Lost, doubled and moved rows, links of all shapes, once, some times or always."""
    counted: Counter[str] = Counter()

    class OnThisEmulator(Machine):
        emulator = emulator_process
        counts = counted

    run_state_machine_as_test(OnThisEmulator, settings=SETTINGS)

    text = ", ".join(f"{count} {what}" for what, count in sorted(counted.items()))
    record_property("stateful", text)
    print(text)  # noqa: T201 - shown with -rP
    seen = ("runs", "red", "drift seen under a fault", "put right")
    assert [what for what in seen if not counted[what]] == [], "what the sequences are for does happen in them"
