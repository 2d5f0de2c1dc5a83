"""Leaving a stack: retain, restore, and the resources that only seem to leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.emulator import charger_uuid, connector, seed
from support.stack import Stack, declaration

if TYPE_CHECKING:
    from support.emulator import Emulator


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


def test_restore_puts_back_what_was_found(stack: Stack, emulator: Emulator) -> None:
    """Both settings, as they were when they became managed."""
    stack.declare(declaration("bay", 1, phase_rotation="STR", max_amperage=20, on_destroy="restore"))
    stack.must_up()
    stack.declare(declaration("bay", 1, phase_rotation="TRS", max_amperage=25, on_destroy="restore"))
    stack.must_up()

    result = stack.destroy()

    assert result.code == 0
    assert emulator.live(1) == ("RST", 16)
    assert "HRB-001/1: restored to RST, 16 A" in result.output


def test_restore_of_a_partly_managed_connector_leaves_the_other_setting(stack: Stack, emulator: Emulator) -> None:
    """Only what was managed is put back; a portal edit of the other setting survives."""
    stack.declare(declaration("bay", 1, max_amperage=20, on_destroy="restore"))
    stack.must_up()
    emulator.edit(charger_uuid(1), phase_rotation="TSR")

    result = stack.destroy()

    assert result.code == 0
    assert emulator.live(1) == ("TSR", 16)


def test_restore_of_a_value_that_was_never_set_is_impossible_and_said(stack: Stack, emulator: Emulator) -> None:
    """A null cannot be written: that setting stays, the other one is put back."""
    emulator.reset(seed(1, {1: [connector(rotation=None, amperage=16)]}))
    stack.declare(declaration("bay", 1, phase_rotation="STR", max_amperage=20, on_destroy="restore"))
    stack.must_up()

    result = stack.destroy()

    assert result.code == 0
    assert emulator.live(1) == ("STR", 16)
    assert (
        "HRB-001/1: phase_rotation stays as it is: it was not set before it was managed, and the API cannot unset it"
        in result.output
    )


def test_failed_restore_keeps_the_resource(stack: Stack, emulator: Emulator) -> None:
    """A refused write is an error, the resource stays in the state, and a later destroy ends it."""
    stack.declare(declaration("bay", 1, phase_rotation="STR", max_amperage=20, on_destroy="restore"))
    stack.must_up()
    emulator.fault("status", method="PUT", status=403, times=None)

    failed = stack.destroy()

    assert failed.code != 0
    assert set(stack.resources()) == {"bay"}
    assert any("answered 403" in line for line in failed.lines("error: plugchoice:"))

    emulator.clear_faults()
    assert stack.destroy().code == 0
    assert emulator.live(1) == ("RST", 16)


def test_restore_of_a_vanished_charger_succeeds(stack: Stack, emulator: Emulator) -> None:
    """What is gone needs no restoring, once that is proven."""
    stack.declare(
        declaration("bay-1", 1, max_amperage=20, on_destroy="restore"),
        declaration("bay-2", 2, max_amperage=20, on_destroy="restore"),
    )
    stack.must_up()
    emulator.remove(charger_uuid(1))

    result = stack.destroy()

    assert result.code == 0, result.output
    assert emulator.live(2) == ("RST", 16)
    assert stack.resources() == {}


def test_rename_without_alias_does_not_restore(stack: Stack, emulator: Emulator) -> None:
    """The old name is deleted after the new one is created: the live values end as declared."""
    stack.declare(declaration("old-name", 1, phase_rotation="STR", max_amperage=20, on_destroy="restore"))
    stack.must_up()
    stack.declare(declaration("new-name", 1, phase_rotation="STR", max_amperage=20, on_destroy="restore"))

    result = stack.must_up()

    assert result.puts == []
    assert emulator.live(1) == ("STR", 20)
    assert set(stack.resources()) == {"new-name"}
    assert any(
        "aliases=" in line for line in result.lines("not restored to RST, 16 A, because this program still declares")
    )


def test_two_chargers_swapped_end_as_declared(stack: Stack, emulator: Emulator) -> None:
    """Both are replaced, both old ones are deleted with restore, and neither deletion undoes the other's creation."""
    emulator.reset(seed(2, {2: [connector(rotation="TRS", amperage=10)]}))
    stack.declare(
        declaration("a", 1, phase_rotation="STR", max_amperage=20, on_destroy="restore"),
        declaration("b", 2, phase_rotation="TSR", max_amperage=25, on_destroy="restore"),
    )
    stack.must_up()
    stack.declare(
        declaration("a", 2, phase_rotation="STR", max_amperage=20, on_destroy="restore"),
        declaration("b", 1, phase_rotation="TSR", max_amperage=25, on_destroy="restore"),
    )

    result = stack.must_up()

    assert emulator.live(2) == ("STR", 20)
    assert emulator.live(1) == ("TSR", 25)
    assert len(result.lines(": not restored to")) == 2


def test_forced_replacement_says_what_it_forgets(stack: Stack, emulator: Emulator) -> None:
    """The engine hands a replacement nothing of the resource before it; docs/supported.md warns, and a line tells."""
    stack.declare(declaration("bay", 1, max_amperage=20, on_destroy="restore"))
    stack.must_up()
    urn = stack.resources()["bay"]["urn"]

    replaced = stack.must_up("--replace", urn)

    assert replaced.puts == []
    assert emulator.live(1) == ("RST", 20)
    assert replaced.lines("HRB-001/1: not restored to 16 A, because this program still declares the connector;")
    assert stack.resources()["bay"]["outputs"]["adopted"] == {"max_amperage": 20}


def test_replacement_with_ignore_changes_is_no_duplicate(stack: Stack) -> None:
    """The engine checks a replacement again without ignore_changes; that is still one resource."""
    stack.declare(declaration("bay", 1, max_amperage=20))
    stack.must_up()
    stack.program(
        f"""
        ChargerConnector("bay", charger="{charger_uuid(2)}", connector_id=1, max_amperage=20, on_destroy="restore",
            opts=pulumi.ResourceOptions(ignore_changes=["on_destroy"]))
        """
    )

    assert stack.must_up().lines("declared twice") == []


def test_retain_on_delete_of_pulumi_works(stack: Stack, emulator: Emulator) -> None:
    """The provider is not asked at all."""
    stack.program(
        f"""
        ChargerConnector("bay", charger="{charger_uuid(1)}", connector_id=1, max_amperage=20, on_destroy="restore",
            opts=pulumi.ResourceOptions(retain_on_delete=True))
        """
    )
    stack.must_up()

    assert stack.destroy().code == 0
    assert emulator.live(1) == ("RST", 20)


def test_alias_keeps_the_connector(stack: Stack, emulator: Emulator) -> None:
    """With an alias a rename is no change at all."""
    stack.declare(declaration("old-name", 1, max_amperage=20, on_destroy="restore"))
    stack.must_up()
    stack.program(
        f"""
        ChargerConnector("new-name", charger="{charger_uuid(1)}", connector_id=1, max_amperage=20,
            on_destroy="restore", opts=pulumi.ResourceOptions(aliases=[pulumi.Alias(name="old-name")]))
        """
    )

    result = stack.must_up()

    assert "deleted" not in result.output
    assert result.puts == []
    assert set(stack.resources()) == {"new-name"}


def test_protected_connector_is_not_destroyed(stack: Stack) -> None:
    """Pulumi's own `protect` works."""
    stack.program(
        f"""
        ChargerConnector("bay", charger="{charger_uuid(1)}", connector_id=1, max_amperage=20,
            opts=pulumi.ResourceOptions(protect=True))
        """
    )
    stack.must_up()

    result = stack.destroy()

    assert result.code != 0
    assert set(stack.resources()) == {"bay"}
