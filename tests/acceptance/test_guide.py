"""The guide is one story: its pages are played in order, with the real CLI, and the outputs that they show are real."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import warm
from support.doc_blocks import GUIDE, NOT_RUN, ROOT
from support.story import Story

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def story(pulumi_cli: str, warm_process: str, tmp_path: Path) -> Iterator[Story]:
    """A reader with a home folder that has a clone and nothing else."""
    assert pulumi_cli
    home = tmp_path / "home"
    clone = home / "pulumi-plugchoice"
    clone.mkdir(parents=True)
    for name in ("examples", "tools"):
        (clone / name).symlink_to(ROOT / name)
    (clone / ".venv").symlink_to(sys.prefix)
    (home / ".gitconfig").write_text("[user]\nname = Ada\nemail = ada@example.com\n[init]\ndefaultBranch = main\n")
    variables = {
        **os.environ,
        **warm.PYTHON,
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
    variables.pop("XDG_CACHE_HOME", None)
    story = Story(clone, variables, home, {"make demo": f"{sys.executable} tools/demo.py"})
    try:
        yield story
    finally:
        story.end()


def test_the_guide_is_what_happens(story: Story, record_property: Callable[[str, object], None]) -> None:
    """Every block of every page, in the order of the guide."""
    count = sum(story.play(page, NOT_RUN) for page in GUIDE if page.exists())
    record_property("blocks of the guide", count)
