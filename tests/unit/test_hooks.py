"""`.pre-commit-hooks.yaml`: the hook that users' repositories take from here."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from click.testing import CliRunner
from pulumi_plugchoice.cli.group import plugchoice

_ROOT: Final = Path(__file__).parent.parent.parent
_SITE: Final = _ROOT / "examples" / "site" / "sites" / "fjord.yaml"


def _hook() -> dict[str, Any]:
    (hook,) = yaml.safe_load((_ROOT / ".pre-commit-hooks.yaml").read_text())
    assert isinstance(hook, dict)
    return hook


def test_the_hook_runs_the_check_of_all_site_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A charger that a new file repeats is in a file that has not changed: so all are checked, whichever changed."""
    hook = _hook()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites" / "fjord.yaml").write_bytes(_SITE.read_bytes())
    program, *arguments = shlex.split(hook["entry"])

    assert program == "plugchoice"
    assert hook["pass_filenames"] is False
    assert CliRunner().invoke(plugchoice, arguments).exit_code == 0

    (tmp_path / "sites" / "new.yaml").write_bytes(_SITE.read_bytes())
    result = CliRunner().invoke(plugchoice, arguments)
    assert result.exit_code == 1
    assert "sites/new.yaml:" in result.output


def test_the_hook_installs_what_the_command_needs() -> None:
    """Without the extra, the command would end with a line that asks for it. Both pre-commit and prek read it so."""
    assert _hook()["language"] == "python"
    assert _hook()["additional_dependencies"] == [".[cli]"]


@pytest.mark.parametrize(
    ("path", "is_site"),
    [
        ("sites/harbour.yaml", True),
        ("charging/sites/harbour.yaml", True),
        ("sites/site.schema.json", False),
        ("sites/old/harbour.yaml", False),
        ("websites/harbour.yaml", False),
        ("Pulumi.harbour.yaml", False),
    ],
)
def test_the_hook_starts_for_site_files(path: str, *, is_site: bool) -> None:
    """pre-commit searches each changed path for the pattern."""
    assert bool(re.search(_hook()["files"], path)) is is_site
