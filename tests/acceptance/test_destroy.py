"""Leaving a stack: retain, restore, and the resources that only seem to leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from support.emulator import charger_uuid, connector, seed
from support.stack import Stack, declaration

if TYPE_CHECKING:
    from support.emulator import Emulator

RESTORE: dict[str, Any] = {"phase_rotation": "STR", "max_amperage": 20, "on_destroy": "restore"}


def with_options(name: str, index: int, options: str, **inputs: Any) -> str:
    """A declaration with Pulumi's resource options."""
    return f"{declaration(name, index, **inputs)[:-1]}, opts=pulumi.ResourceOptions({options}))"


def test_retain_writes_nothing_and_says_so(stack: Stack, emulator: Emulator) -> None:
    """Destroy by default leaves the connectors as they are; it needs no API at all."""
    stack.declare(*[declaration(f"bay-{i}", i, phase_rotation="STR", max_amperage=20) for i in (1, 2)])
    stack.must_up()

    result = stack.destroy(PLUGCHOICE_TOKEN=None)

    assert result.code == 0, result.output
    assert len(result.calls) == 0
    assert emulator.live(1) == ("STR", 20)
    assert "HRB-001/1: settings stay in Plugchoice as they are (on_destroy: retain)" in result.output
    assert stack.resources() == {}


def test_a_destroy_restores_what_was_found_and_keeps_what_it_could_not_restore(
    stack: Stack, emulator: Emulator
) -> None:
    """Each in its own way; a refused write is an error, keeps the resource, and a later destroy ends it."""
    emulator.reset(seed(6, {3: [connector(rotation=None, amperage=16)]}))

    def declare(rotation: str) -> None:
        stack.declare(
            declaration("changed", 1, phase_rotation=rotation, max_amperage=20, on_destroy="restore"),
            declaration("partial", 2, max_amperage=20, on_destroy="restore"),
            declaration("never-set", 3, **RESTORE),
            declaration("refused", 4, **RESTORE),
            declaration("vanished", 5, **RESTORE),
            with_options("retained", 6, "retain_on_delete=True", phase_rotation="STR", max_amperage=20),
        )

    declare("STR")
    stack.must_up()
    declare("TRS")
    stack.must_up()
    emulator.edit(charger_uuid(2), phase_rotation="TSR")
    emulator.remove(charger_uuid(5))
    emulator.fault("status", method="PUT", path=charger_uuid(4), status=403, times=None)

    failed = stack.destroy("--continue-on-error")

    assert failed.code != 0
    assert any("answered 403" in line for line in failed.lines("error: plugchoice:"))
    assert set(stack.resources()) == {"refused"}
    assert emulator.live(1) == ("RST", 16), "as it was when it became managed, not before the last change"
    assert "HRB-001/1: restored to RST, 16 A" in failed.output
    assert emulator.live(2) == ("TSR", 16), "a portal edit of the setting that was not managed survives"
    assert emulator.live(3) == ("STR", 16), "null cannot be written"
    assert (
        "HRB-003/1: phase_rotation stays as it is: it was not set before it was managed, and the API cannot unset it"
        in failed.output
    )
    assert emulator.live(6) == ("STR", 20), "with Pulumi's retain_on_delete the provider is not asked"

    emulator.clear_faults()
    ended = stack.destroy()

    assert ended.code == 0, ended.output
    assert emulator.live(4) == ("RST", 16)
    assert stack.resources() == {}


def test_resources_that_are_renamed_swapped_or_replaced_end_as_declared(stack: Stack, emulator: Emulator) -> None:
    """The old ones are deleted after the new ones are created, and no deletion undoes a creation."""
    emulator.reset(seed(9, {3: [connector(rotation="TRS", amperage=10)]}))
    amps: dict[str, Any] = {"max_amperage": 20, "on_destroy": "restore"}
    other: dict[str, Any] = {"phase_rotation": "TSR", "max_amperage": 25, "on_destroy": "restore"}
    stack.declare(
        declaration("old-name", 1, **RESTORE),
        declaration("a", 2, **RESTORE),
        declaration("b", 3, **other),
        declaration("replaced", 4, **amps),
        declaration("ignoring", 5, max_amperage=20),
        declaration("old-alias", 7, **amps),
        with_options("protected", 8, "protect=True", max_amperage=20),
    )
    stack.must_up()
    stack.declare(
        declaration("new-name", 1, **RESTORE),
        declaration("a", 3, **RESTORE),
        declaration("b", 2, **other),
        declaration("replaced", 4, **amps),
        with_options("ignoring", 6, 'ignore_changes=["on_destroy"]', **amps),
        with_options("new-alias", 7, 'aliases=[pulumi.Alias(name="old-alias")]', **amps),
        with_options("protected", 8, "protect=True", max_amperage=20),
    )

    result = stack.must_up("--replace", stack.resources()["replaced"]["urn"])

    resources = stack.resources()
    assert set(resources) == {"new-name", "a", "b", "replaced", "ignoring", "new-alias", "protected"}
    assert {path.split("/")[3] for path, _ in result.puts} == {charger_uuid(index) for index in (2, 3, 6)}
    assert [emulator.live(index) for index in (1, 2, 3, 4, 6, 7)] == [
        ("STR", 20),
        ("TSR", 25),
        ("STR", 20),
        ("RST", 20),
        ("RST", 20),
        ("RST", 20),
    ]
    kept = result.lines(": not restored to")
    assert len(kept) == 4, "the renamed one, both swapped ones and the replaced one"
    assert any("HRB-001/1: not restored to RST, 16 A, because this program still declares" in line for line in kept)
    assert any("aliases=" in line for line in kept)
    assert any("HRB-004/1: not restored to 16 A, because this program still declares the conn" in line for line in kept)
    assert resources["replaced"]["outputs"]["adopted"] == {"max_amperage": 20}, (
        "docs/reference/supported.md warns of it"
    )
    assert result.lines("declared twice") == [], "the engine checks a replacement again without ignore_changes"
    assert "old-alias" not in result.output, "with an alias a rename is no change at all"

    destroyed = stack.destroy()

    assert destroyed.code != 0
    assert "protected" in stack.resources()
