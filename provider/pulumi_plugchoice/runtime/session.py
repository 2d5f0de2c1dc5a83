"""What one provider process shares between all resources and threads.

The engine starts one process for a preview, an update or a refresh, hands it the stack's config, and lets four threads
call the provider. The provider object itself is pickled into every state and must stay empty; this is where the client,
the readings and the memory of the run live instead.
"""

from __future__ import annotations

import atexit
import os
import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pulumi_plugchoice import config as names
from pulumi_plugchoice.api.budget import Budget
from pulumi_plugchoice.config import OPTIONS, Options
from pulumi_plugchoice.electrical.settings import SETTING_NAMES

from .engine_watch import end_with_engine
from .notices import Notices

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pulumi_plugchoice.api.client import PlugchoiceClient

    from .live import Live, LiveConnectors


class Session:
    """Options, client, readings and memory of one run. Safe to share between threads.

    Options are checked when they are first needed, so that a call that needs no API (a destroy that retains, say)
    works without a token.

    Args:
        config: the stack's config by full key (`plugchoice:token`).
        environment: wins over `config`.
    """

    def __init__(self, config: Mapping[str, str | None], environment: Mapping[str, str]) -> None:
        self.config = dict(config)
        self._environment = dict(environment)
        self.notices = Notices()
        self.declared = Declared()
        self.budget = Budget()
        # Whether the engine carries changes out. It does not say; a preview never asks to create, update or delete.
        self.is_update = False
        self._planned: dict[tuple[str, int], bool] = {}
        self._lock = threading.Lock()

    @cached_property
    def is_offline(self) -> bool:
        """Whether no API call may be made. Raises ConfigError when the setting is neither on nor off."""
        return names.is_offline(self._environment)

    @cached_property
    def site(self) -> str | None:
        """UUID of the default site, or None. Raises ConfigError when it is no UUID."""
        return names.find_site(self.config, self._environment)

    @property
    def client(self) -> PlugchoiceClient:
        """The API. Raises ConfigError when a setting is missing or cannot be right."""
        with self._lock:
            return self._client

    @property
    def live(self) -> LiveConnectors:
        """The readings of this run. Raises ConfigError likewise."""
        with self._lock:
            return self._live

    def settle(self, found: Live, wanted: Mapping[str, Any]) -> Live:
        """See `writes.settle`."""
        from .writes import settle

        return settle(self.client, self.live, found, wanted)

    def plan(self, found: Live, wanted: Mapping[str, Any]) -> None:
        """Note that the update of this preview will write a connector."""
        with self._lock:
            is_partial = len(wanted) < len(SETTING_NAMES)
            self._planned[found.charger, found.connector.connector_id] = is_partial

    def close(self) -> None:
        """Print what the end of a run has to say: lines left out, and the API calls it took."""
        self.notices.close()
        planned = {} if self.is_update else self._planned
        line = self.budget.summarize(len(planned), sum(planned.values()))
        if line:
            self.notices.say(line)

    # Only reached under the lock: four threads must not make four clients. The imports are here because the program's
    # process imports this module too, never makes a call, and would pay a fifth of a second for requests and pydantic.
    @cached_property
    def _client(self) -> PlugchoiceClient:
        from pulumi_plugchoice.api import connect

        return connect(Options.load(self.config, self._environment), self.notices.say_once, self.budget)

    @cached_property
    def _live(self) -> LiveConnectors:
        from .live import LiveConnectors

        return LiveConnectors(self._client, lambda line: self.notices.say(line, kind="chargers not listed"))


class Declared:
    """The connectors that the program of this run declares, as `check` has seen them. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._declared: dict[tuple[str, int], tuple[str | None, str]] = {}

    def __contains__(self, connector: tuple[str, int]) -> bool:
        with self._lock:
            return connector in self._declared

    def add(self, charger: str, connector_id: int, identity: str | None, summary: str) -> str | None:
        """Note a declaration; returns the summary of another one of the same connector, or None.

        The engine checks a resource again when it replaces it, and then leaves `ignore_changes` out, so the rest of a
        declaration does not tell two resources apart. How the charger is named does, and that is the one kind of double
        declaration that the program cannot see for itself (`gate.py`): one by identity, one by UUID.

        Args:
            charger: UUID.
            connector_id: OCPP connector number.
            identity: as declared, or None when the charger is declared by UUID.
            summary: of the declaration, for the message.
        """
        with self._lock:
            earlier, other = self._declared.setdefault((charger, connector_id), (identity, summary))
        return other if earlier != identity else None


_lock = threading.Lock()
_current: Session | None = None
_is_watched = False


def open_session(get: Callable[[str], Any]) -> None:
    """Start this process's session with the stack's config, unless it is open with the same.

    Args:
        get: gives the config value of a full key, or None.
    """
    global _current, _is_watched  # noqa: PLW0603 - one process is one run of the engine; this module is its memory
    config = {setting.config: get(setting.config) for setting in OPTIONS if setting.config}
    with _lock:
        if not _is_watched:
            end_with_engine()
            _is_watched = True
        if _current is None or _current.config != config:
            _current = Session(config, os.environ)
            # The engine ends this process with SIGINT, which the SDK turns into an orderly exit; what is printed then
            # is still shown under the stack's diagnostics (tried with previews, updates, failures and Ctrl-C).
            atexit.register(_current.close)


def current() -> Session:
    """This process's session."""
    with _lock:
        if _current is None:
            raise RuntimeError("the engine calls configure() before anything else")
        return _current
