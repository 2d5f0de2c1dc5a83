"""Lines from the provider's process to the person who runs `pulumi`.

The engine shows what a provider prints to stderr once, under the stack's diagnostics. A run over a thousand connectors
must not print a thousand lines: of each kind 20 are printed, and the others counted.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from typing import Final

from pulumi_plugchoice._text import printable

MOST_LINES: Final = 20
_PREFIX: Final = "plugchoice: "
# Long enough for a line that lists the chargers of a site; a server's texts are cut where they are received.
_LONGEST_LINE: Final = 1500


class Notices:
    """Prints at most `MOST_LINES` lines of each kind, and counts the others. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: Counter[str] = Counter()
        self._once: set[str] = set()

    def say(self, line: str, *, kind: str = "") -> None:
        """Print a line. Lines of the same `kind` are counted together; without a kind every line is printed."""
        with self._lock:
            self._lines[kind] += 1
            if not kind or self._lines[kind] <= MOST_LINES:
                _print(line)

    def say_once(self, line: str) -> None:
        """Print a line, unless the same line was printed before."""
        with self._lock:
            if line not in self._once:
                self._once.add(line)
                _print(line)

    def close(self) -> None:
        """Print how many lines of each kind were left out."""
        with self._lock:
            for kind, count in self._lines.items():
                if kind and count > MOST_LINES:
                    _print(f"{kind}: {count - MOST_LINES} more, {count} in total")
            self._lines.clear()


def _print(line: str) -> None:
    # One write a line: four engine threads share this stream.
    sys.stderr.write(f"{_PREFIX}{printable(line, _LONGEST_LINE)}\n")
    sys.stderr.flush()
