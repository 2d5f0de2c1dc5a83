"""gate.py: a program's mistakes are reported together, and nothing is registered with them."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pulumi
import pytest
from pulumi_plugchoice import ChargerConnector, ChargingSite
from pulumi_plugchoice.gate import _EFFECTS_OF_NONE, ProgramRefused
from pulumi_plugchoice.inputs import INPUT_NAMES
from support.program import Ran, run, run_on_one_stack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FIRST, SECOND = (f"5f0c3c1e-0000-4000-8000-00000000000{index}" for index in (1, 2))
SITE = "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7"


def at(program: Callable[[], object], line: int) -> str:
    """The `line`-th line of a program's body, as messages name it."""
    _, start = inspect.getsourcelines(program)
    return f"test_gate.py:{start + line}"


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Files outside of the working folder are shown by their name alone."""
    monkeypatch.chdir(tmp_path)


def test_a_good_program_registers_its_connectors() -> None:
    """With the inputs it gave; those at their default are not sent."""

    def program() -> None:
        ChargerConnector("a", charger=FIRST, connector_id=1, phase_rotation="RST", max_amperage=16)
        ChargerConnector("b", charger="HRB-002", connector_id=1, max_amperage=20, site=SITE, on_adopt="match")

    ran = run(program)
    assert ran.error is None
    assert {name: {k: v for k, v in inputs.items() if k != "__provider"} for name, inputs in ran.inputs.items()} == {
        "a": {"charger": FIRST, "connector_id": 1, "phase_rotation": "RST", "max_amperage": 16},
        "b": {"charger": "HRB-002", "connector_id": 1, "max_amperage": 20, "site": SITE, "on_adopt": "match"},
    }
    assert set(ran.types.values()) == {"pulumi-python:dynamic/plugchoice:ChargerConnector"}


def test_all_mistakes_of_a_program_are_one_error_and_nothing_is_registered() -> None:
    """Good connectors declared before and after them included: no PUT leaves."""

    def program() -> None:
        ChargerConnector("good", charger=FIRST, connector_id=1, phase_rotation="RST")
        ChargerConnector("typo", charger=SECOND, connector_id=1, phase_rotation="rst")  # type: ignore[arg-type]  # the mistake
        ChargerConnector("two", charger="HRB-003", connector_id=0, max_amperage=16)
        ChargerConnector("last", charger=SECOND, connector_id=2, phase_rotation="RST")

    ran = run(program)
    assert ran.message == (
        "plugchoice: 3 problems in this program; no connector was written:\n"
        f"  {at(program, 2)}: typo: phase_rotation: 'rst' is not a phase rotation; did you mean 'RST'?\n"
        f"  {at(program, 3)}: two: connector_id: 0 is out of range; allowed: an OCPP connector number, 1 and up\n"
        f"  {at(program, 3)}: two: charger: 'HRB-003' is not a UUID; to use an OCPP identity, set site, "
        "plugchoice:site or PLUGCHOICE_SITE"
    )
    assert ran.inputs == {}


def test_one_mistake_is_one_problem() -> None:
    """In the singular."""

    def program() -> None:
        ChargerConnector("a", charger=FIRST, connector_id=1, max_amperage=0)

    assert run(program).message == (
        "plugchoice: 1 problem in this program; no connector was written:\n"
        f"  {at(program, 1)}: a: max_amperage: 0 is out of range; allowed: 1 to 1000 A"
    )


def test_the_same_connector_twice_is_a_mistake() -> None:
    """UUIDs are the same in either case; two resources would overwrite each other's values."""

    def program() -> None:
        ChargerConnector("a", charger=FIRST, connector_id=1, phase_rotation="RST")
        ChargerConnector("b", charger=FIRST.upper(), connector_id=1, phase_rotation="STR")
        ChargerConnector("c", charger=FIRST, connector_id=2, phase_rotation="RST")

    ran = run(program)
    assert ran.message == (
        "plugchoice: 1 problem in this program; no connector was written:\n"
        f"  {at(program, 2)}: b: connector 1 of charger {FIRST.upper()} is already declared by a ({at(program, 1)}); "
        "keep one, because two resources would overwrite each other's values"
    )
    assert ran.inputs == {}


def test_identities_that_differ_in_case_are_two_chargers() -> None:
    """OCPP says nothing else."""

    def program() -> None:
        for name in ("HRB-001", "hrb-001"):
            ChargerConnector(name, charger=name, connector_id=1, phase_rotation="RST", site=SITE)

    ran = run(program)
    assert ran.error is None
    assert set(ran.inputs) == {"HRB-001", "hrb-001"}


def test_the_same_connector_twice_is_found_behind_outputs_as_well() -> None:
    """When they are known in time, as in an update."""

    def program() -> None:
        ChargerConnector("a", charger=FIRST, connector_id=1, phase_rotation="RST")
        ChargerConnector("b", charger=pulumi.Output.from_input(FIRST), connector_id=1, phase_rotation="STR")

    ran = run(program)
    assert ran.message == (
        f"plugchoice: {at(program, 2)}: b: connector 1 of charger {FIRST} is already declared by a ({at(program, 1)}); "
        "keep one, because two resources would overwrite each other's values"
    )
    assert set(ran.inputs) <= {"a"}


def test_an_output_is_not_checked_in_the_program() -> None:
    """The provider's `check` does that, once the value is there."""

    def program() -> None:
        rotation: Any = pulumi.Output.from_input("rst")
        ChargerConnector("a", charger=FIRST, connector_id=1, phase_rotation=rotation, max_amperage=16)

    ran = run(program)
    assert ran.error is None
    assert ran.inputs["a"]["phase_rotation"] == "rst"


def test_an_identity_is_fine_with_a_site_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """PLUGCHOICE_SITE."""
    monkeypatch.setenv("PLUGCHOICE_SITE", SITE)

    def program() -> None:
        ChargerConnector("a", charger="HRB-001", connector_id=1, phase_rotation="RST")

    assert run(program).error is None


@pytest.mark.parametrize("ignored", ["phase_rotation", "*"])
def test_ignore_changes_on_a_setting_is_refused(ignored: str) -> None:
    """The engine would hand over the old value as if it were declared."""

    def program() -> None:
        options = pulumi.ResourceOptions(ignore_changes=[ignored])
        ChargerConnector("a", charger=FIRST, connector_id=1, phase_rotation="RST", opts=options)

    assert (
        f"{at(program, 2)}: a: phase_rotation: ignore_changes would write the old value back over an edit made in the "
        "portal; declare phase_rotation=None, which leaves the setting as it is"
    ) in run(program).message


def test_two_programs_in_one_process_share_neither_problems_nor_connectors() -> None:
    """The Automation API runs many."""

    def bad() -> None:
        ChargerConnector("a", charger=FIRST, connector_id=1, phase_rotation="XYZ")  # type: ignore[arg-type]  # the mistake

    def good() -> None:
        ChargerConnector("other", charger=FIRST, connector_id=1, phase_rotation="RST")

    def failed(ran: Ran) -> bool:
        return ran.error is not None

    assert [failed(run(program)) for program in (bad, good, good, bad, good)] == [True, False, False, True, False]


def test_tests_with_mocks_share_neither_problems_nor_connectors() -> None:
    """They run on one stack, after one `set_mocks`: what one reported is forgotten, and each declares its own."""

    def bad() -> None:
        ChargerConnector("a", charger=FIRST, connector_id=1, phase_rotation="XYZ")  # type: ignore[arg-type]  # the mistake
        ChargerConnector("b", charger=FIRST, connector_id=2, phase_rotation="RST")

    def twice() -> None:
        first = ChargerConnector("a", charger=FIRST, connector_id=1, phase_rotation="RST")
        ChargerConnector("b", charger=first.charger, connector_id=1, phase_rotation="RST")

    def good() -> None:
        ChargerConnector("other", charger=FIRST, connector_id=1, phase_rotation="RST")

    def bad_site() -> None:
        ChargingSite("s", file="none.yaml")

    programs = (bad, good, good, twice, good, bad_site, good, bad, bad, good)
    results = run_on_one_stack(*programs)
    assert [ran.error is None for ran in results] == [program is good for program in programs]
    assert {ran.message.count("\n") for ran, program in zip(results, programs, strict=True) if program is bad} == {1}
    assert all(set(ran.inputs) == {"other"} for ran, program in zip(results, programs, strict=True) if program is good)


def test_within_one_test_with_mocks_a_connector_is_declared_once() -> None:
    """As in a real run."""

    def program() -> None:
        ChargerConnector("a", charger=FIRST, connector_id=1, phase_rotation="RST")
        ChargerConnector("b", charger=FIRST, connector_id=1, phase_rotation="RST")

    assert "is already declared by a" in run_on_one_stack(program, program)[1].message


def test_the_error_is_not_its_own_cause() -> None:
    """The SDK raises it from itself; who walks along the causes, as test runners do, would never end."""

    def bad() -> None:
        ChargerConnector("a", charger=FIRST, connector_id=1, phase_rotation="XYZ")  # type: ignore[arg-type]  # the mistake

    error = run(bad).error
    seen: list[BaseException] = []
    while error is not None:
        assert error not in seen
        seen.append(error)
        error = error.__cause__ or error.__context__
    assert isinstance(seen[0], pulumi.RunError)
    other = ValueError()
    with pytest.raises(ProgramRefused) as caught:
        raise ProgramRefused from other
    assert caught.value.__cause__ is other


def test_without_a_stack_there_is_nothing_to_declare_in() -> None:
    """As in a test or a notebook without mocks: one line, no half-made resource."""
    with pytest.raises(pulumi.RunError) as refused:
        ChargerConnector("a", charger=FIRST, connector_id=1, phase_rotation="RST")
    assert str(refused.value) == "plugchoice resources can only be declared in a Pulumi program"


def test_a_name_with_control_characters_is_made_printable() -> None:
    """Names come from files and other systems."""

    def program() -> None:
        ChargerConnector("a\n\x1b[2J", charger=FIRST, connector_id=1, max_amperage=0)

    assert run(program).message == (
        "plugchoice: 1 problem in this program; no connector was written:\n"
        f"  {at(program, 1)}: a \\x1b[2J: max_amperage: 0 is out of range; allowed: 1 to 1000 A"
    )


@pytest.mark.parametrize(
    ("options", "skipped"),
    [
        ({"retain_on_delete": True}, ["retain_on_delete"]),
        ({"deleted_with": "other"}, ["deleted_with"]),
        ({"retain_on_delete": True, "deleted_with": "other"}, ["retain_on_delete", "deleted_with"]),
        ({"retain_on_delete": False}, []),
        ({"protect": True}, []),
    ],
)
@pytest.mark.parametrize("as_output", [False, True])
def test_a_restore_that_the_engine_would_skip_is_refused(
    options: dict[str, Any], skipped: list[str], *, as_output: bool
) -> None:
    """Pulumi does not call the provider for such a resource, so nothing would be restored."""

    def program() -> None:
        other = ChargerConnector("other", charger=SECOND, connector_id=1, max_amperage=16)
        given = {**options, "deleted_with": other} if "deleted_with" in options else options
        restore: Any = pulumi.Output.from_input("restore") if as_output else "restore"
        opts = pulumi.ResourceOptions(**given)
        ChargerConnector("a", charger=FIRST, connector_id=1, max_amperage=16, on_destroy=restore, opts=opts)
        ChargerConnector("retained", charger=FIRST, connector_id=2, max_amperage=16, opts=opts)

    ran = run(program)
    lines = [
        f"a: on_destroy: 'restore' does nothing with {name}: the engine then does not call the provider; remove one of "
        "the two"
        for name in skipped
    ]
    if not lines:
        assert ran.error is None
    elif as_output:
        assert ran.message == f"plugchoice: {at(program, 5)}: {lines[0]}"
        assert "a" not in ran.inputs
    else:
        assert ran.message.splitlines()[1:] == [f"  {at(program, 5)}: {line}" for line in lines]
        assert ran.inputs == {}


def test_a_site_whose_restores_the_engine_would_skip_is_refused() -> None:
    """Its connectors inherit the option."""
    site: Any = {
        "site": SITE,
        "supply": {"net_type": "TN", "main_fuse_amps": 100},
        "chargers": [{"identity": "A", "connectors": [{"connector_id": 1, "phase_rotation": "RST"}]}],
    }

    def program() -> None:
        ChargingSite("site", definition=site, opts=pulumi.ResourceOptions(retain_on_delete=True))

    assert run(program).error is None
    site["on_destroy"] = "restore"
    assert run(program).message.splitlines()[1:] == [
        f"  {at(program, 1)}: site: on_destroy: 'restore' does nothing with retain_on_delete: the engine then does "
        "not call the provider; remove one of the two"
    ]


@pytest.mark.parametrize(
    ("name", "effect"),
    [
        ("phase_rotation", "this setting is not managed"),
        ("max_amperage", "this setting is not managed"),
        ("site", "the default site counts"),
        ("on_adopt", "it is 'overwrite'"),
        ("on_destroy", "it is 'retain'"),
    ],
)
@pytest.mark.parametrize("kind", ["output", "coroutine"])
def test_an_output_without_a_value_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, name: str, effect: str, kind: str
) -> None:
    """As `stack_reference.get_output("missing")` is; nobody meant to let go of a setting. None itself is meant."""
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda line, *_: said.append(line))

    async def nothing() -> None:
        return None

    def program() -> None:
        given: dict[str, Any] = {"phase_rotation": "RST", "max_amperage": 16, "on_destroy": "restore"}
        given[name] = pulumi.Output.from_input(None) if kind == "output" else nothing()
        ChargerConnector("a", charger=FIRST, connector_id=1, **given)
        ChargerConnector("b", charger=SECOND, connector_id=1, max_amperage=16, phase_rotation=None)

    ran = run(program)
    assert ran.error is None
    assert said == [
        f"plugchoice: {at(program, 3)}: a: {name}: the output has no value (None), so {effect}; to require a value, "
        "use `require_output` of the StackReference, or declare one"
    ]
    assert name not in ran.inputs["a"]


def test_each_input_that_can_be_left_out_says_what_an_output_without_a_value_does() -> None:
    """A new one, too: the engine drops such an output, and nobody would hear of it."""
    assert set(_EFFECTS_OF_NONE) == set(INPUT_NAMES) - {"charger", "connector_id"}


def test_an_output_that_is_not_known_yet_is_no_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the preview of a new resource."""
    said: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", lambda line, *_: said.append(line))

    def program() -> None:
        unknown: Any = pulumi.Output.from_input(pulumi.output.UNKNOWN)
        ChargerConnector("a", charger=FIRST, connector_id=1, max_amperage=unknown)

    assert run(program, preview=True).error is None
    assert said == []
