"""Ctrl-C while a program is being started: it has to wait until there is something that can be ended."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def hold_interrupts() -> Iterator[None]:
    """Let a Ctrl-C take effect at the end of the block, and not in it.

    Without that, one that comes while `subprocess.Popen` runs leaves a program behind that nobody knows. Threads other
    than the main one are never interrupted.

    Raises:
        KeyboardInterrupt: at the end of the block, if Ctrl-C came meanwhile.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        signal.raise_signal(signal.SIGINT)
