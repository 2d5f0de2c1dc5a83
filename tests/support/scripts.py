"""The programs in tools/, as modules."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import ModuleType

TOOLS: Final = Path(__file__).resolve().parents[2] / "tools"


def load(name: str) -> ModuleType:
    """Load a program anew, so that a test may change it.

    Args:
        name: its path below tools/, such as `pulumi/get.py`.
    """
    spec = importlib.util.spec_from_file_location(f"tool_{Path(name).stem}", TOOLS / name)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
