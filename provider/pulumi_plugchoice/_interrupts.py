"""Ctrl-C or SIGTERM while a program is being started: it has to wait until there is something that can be ended."""

from __future__ import annotations

import contextlib
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def hold_interrupts() -> Iterator[None]:
    """Let Ctrl-C, and SIGTERM where it has a handler, take effect at the end of the block, and not in it.

    Without that, one that comes while `subprocess.Popen` runs leaves a program behind that nobody knows. Threads other
    than the main one are never interrupted.

    Raises:
        KeyboardInterrupt: at the end of the block, if Ctrl-C came meanwhile; or what the handler raises.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda number, _: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
        if callable(signal.getsignal(number))  # otherwise it ends this process, or does nothing, as before
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:  # also when the program could not be started
            signal.raise_signal(came[0])
