"""`plugchoice doctor` with the real CLI: what it takes for granted of it is so, and nothing is written."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from click.testing import CliRunner
from pulumi_plugchoice.cli.group import plugchoice
from pulumi_plugchoice.doctor.backend import Backend, check_backend, check_stacks
from pulumi_plugchoice.doctor.engine import find_cli
from pulumi_plugchoice.doctor.project import find_project

if TYPE_CHECKING:
    import pytest
    from support.stack import Stack

HARBOUR = Path(__file__).parent.parent / "fixtures" / "sites" / "harbour.yaml"


def test_all_is_well_and_a_stack_is_there(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the CLI, its language host and the Python of this run; then the CLI is asked as for another backend."""
    (stack.folder / "sites").mkdir()
    (stack.folder / "sites" / "dev.yaml").write_bytes(HARBOUR.read_bytes())
    for name, value in stack.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(stack.folder)
    backend = stack.folder.parent / "backend"
    before = {path: path.read_bytes() for path in backend.rglob("*") if path.is_file()}

    result = CliRunner().invoke(plugchoice, ["doctor", "--format", "json"])

    checks = {check["name"]: check for check in json.loads(result.stdout)["checks"]}
    assert {check["status"] for check in checks.values()} == {"ok"}, checks
    assert result.exit_code == 0
    assert len(checks) == 14
    assert checks["stacks"]["message"] == "1 site file with a stack: dev"
    assert " with pulumi-plugchoice " in checks["python"]["message"]

    # A backend that is not a folder is the CLI's: these answers of it are relied on.
    monkeypatch.setattr(Backend, "folder", None)
    project, cli = find_project(stack.folder), find_cli(os.environ)
    assert project is not None
    here = Backend(os.environ["PULUMI_BACKEND_URL"], "PULUMI_BACKEND_URL")
    assert check_backend(here, cli, stack.folder, os.environ).message.startswith(
        f"{here.url} (PULUMI_BACKEND_URL), as "
    )
    found, missing = check_stacks(["dev", "other"], here, project, cli, os.environ)
    assert found.message == "1 site file with a stack: dev"
    assert missing.message == "1 site file without a stack: other"
    assert {path: path.read_bytes() for path in backend.rglob("*") if path.is_file()} == before

    # Left to itself, it would write its `meta.yaml` to an empty one.
    empty = stack.folder.parent / "empty"
    empty.mkdir()
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{empty}")
    there = Backend(f"file://{empty}", "PULUMI_BACKEND_URL")
    assert check_backend(there, cli, stack.folder, os.environ).status == "ok"
    assert [check.status for check in check_stacks(["dev"], there, project, cli, os.environ)] == ["warning"]
    assert list(empty.iterdir()) == []
