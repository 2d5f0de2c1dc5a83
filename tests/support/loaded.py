"""What a command of `plugchoice` imports."""

from __future__ import annotations

import subprocess
import sys

_CODE = """
import sys
from pulumi_plugchoice.cli import main
sys.argv = ["plugchoice", *sys.argv[1:]]
try:
    main()
finally:
    print(*{name.partition(".")[0] for name in sys.modules})
"""


def list_loaded(*arguments: str) -> set[str]:
    """The libraries that are loaded when the command with these arguments ends, which has to go well."""
    command = [sys.executable, "-c", _CODE, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())
