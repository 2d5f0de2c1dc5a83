"""Every test here runs the real Pulumi CLI."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import warm
from support.pages import ROOT
from support.story import Story

if TYPE_CHECKING:
    from collections.abc import Iterator

_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of this folder."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.acceptance)


@pytest.fixture
def story(pulumi_cli: str, warm_process: str, tmp_path: Path) -> Iterator[Story]:
    """A reader of the docs, whose home folder has a clone and nothing else."""
    assert pulumi_cli
    home = tmp_path / "home"
    clone = home / "pulumi-plugchoice"
    shutil.copytree(ROOT / "examples", clone / "examples")
    (clone / "tools").symlink_to(ROOT / "tools")
    (clone / ".venv").symlink_to(sys.prefix)
    (home / ".gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.com\n[init]\ndefaultBranch = master\n")
    variables = {
        **os.environ,
        warm.VARIABLE: warm_process,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "PULUMI_CONFIG_PASSPHRASE": "test",
        "PULUMI_PYTHON_CMD": sys.executable,
        "PULUMI_SKIP_CONFIRMATIONS": "true",  # `pulumi up` does not ask
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    del variables["XDG_CACHE_HOME"]
    reader = Story(clone, variables, home, {"make demo": f"{sys.executable} tools/demo.py"})
    yield reader
    reader.end()
