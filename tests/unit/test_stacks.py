"""How the Pulumi CLI is run, and what is read of its output."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING

import pytest
from pulumi_plugchoice.fleet.stacks import CommandFailed, Stacks, name_resource

if TYPE_CHECKING:
    from pathlib import Path

URN = "urn:pulumi:depot::sites::plugchoice:index:ChargingSite$pulumi-python:dynamic/plugchoice:ChargerConnector::"


@pytest.mark.parametrize(
    "name", ["site", "site-HRB-001-1", "site-a::b-1", "site-urn:pulumi:x::y-1", "site-::-1", "site-ü-1"]
)
def test_a_name_may_have_colons(name: str) -> None:
    """An identity can have them: it is part of the name."""
    assert name_resource(URN + name) == name


def test_a_cli_that_cannot_be_run_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no program, or there is no place for what it prints."""
    program = tmp_path / "pulumi"
    program.write_text("")
    program.chmod(0o644)
    with pytest.raises(CommandFailed, match=r"^pulumi stack: cannot be run \(Permission denied\)$"):
        Stacks(tmp_path, str(program)).create("harbour")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(CommandFailed, match=r"^pulumi stack: cannot be run \(No such file or directory\)$"):
        Stacks(tmp_path, str(program)).create("harbour")
