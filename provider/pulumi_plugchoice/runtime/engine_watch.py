"""Ends this process when the engine that started it is gone.

The engine starts its plugins in process groups of their own and ends them with a signal. When it is killed itself
(SIGKILL, a runner taken away), nobody does: the provider would live on, and a write in flight that gets no answer would
be read back and written again, minutes later, over what somebody has set since (seen with the real engine).
"""

from __future__ import annotations

import os
import select
import sys
import threading


def end_with_engine() -> None:
    """From now on, exit at once when nobody reads this process's stderr any more: the engine does while it lives.

    Where the system has no poll(2), or stderr is no pipe, nothing is watched.
    """
    if hasattr(select, "poll"):
        threading.Thread(target=_wait_and_exit, name="engine-watch", daemon=True).start()


def _wait_and_exit() -> None:
    try:
        watched = select.poll()
        # No event is asked for: an error, here that the pipe's other end is closed, is always reported.
        watched.register(sys.__stderr__.fileno() if sys.__stderr__ else 2, 0)
        watched.poll()
    except (OSError, ValueError):
        return
    # No clean-up: the engine is not there to hear of it, and another thread may be about to write.
    os._exit(1)
