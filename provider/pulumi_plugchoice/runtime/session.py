"""What one provider process shares between all resources and threads.

The engine starts one process for a preview, an update or a refresh, passes it the stack's config, and calls the
provider from four threads. The provider object is pickled into every state and must stay empty, so the client, the
readings and the memory of the run are here.
"""

from __future__ import annotations

import atexit
import os
import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from pulumi_plugchoice import config
from pulumi_plugchoice._text import plural
from pulumi_plugchoice.api.budget import SAY_CALLS, Budget
from pulumi_plugchoice.config import OPTIONS, Options

from .engine import end_with_engine
from .guards import Guards
from .notices import Notices

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pulumi_plugchoice.api.client import PlugchoiceClient
    from pulumi_plugchoice.reviewed import Reviewed

    from .live import Live, LiveConnectors


class _PlannedWrite(NamedTuple):
    """A write that a preview expects of the update after it."""

    live: Live
    site: str | None
    reads_first: bool


class Session:
    """Options, client, readings and memory of one run. Safe to share between threads.

    Options are checked when they are first needed: a run without API calls, such as a destroy that retains, needs no
    token.

    Args:
        config: the stack's config by full key (`plugchoice:token`).
        environment: wins over `config`.
    """

    def __init__(self, config: Mapping[str, str | None], environment: Mapping[str, str]) -> None:
        self.config = dict(config)
        self._environment = dict(environment)
        self.notices = Notices()
        self.declarations = Declarations()
        self.guards = Guards()
        self.budget = Budget()
        # Whether the engine carries changes out. It does not say so, but only then it calls create, update or delete.
        self.is_update = False
        self._writes: dict[tuple[str, int], _PlannedWrite] = {}
        self._lock = threading.Lock()
        # Connectors for which the program names a site, or a charger by its identity on a site; noted by `check`.
        self._of_site: set[tuple[str, int]] = set()

    @cached_property
    def is_offline(self) -> bool:
        """Whether no API call may be made. Raises ConfigError when the option is neither on nor off."""
        return config.is_offline(self._environment)

    @cached_property
    def site(self) -> str | None:
        """UUID of the default site, or None. Raises ConfigError when it is not a UUID."""
        return config.find_site(self.config, self._environment)

    @cached_property
    def reviewed(self) -> Reviewed | None:
        """The writes that were reviewed; None when none are named. Raises PlugchoiceError for an unusable file."""
        path = config.find_reviewed(self._environment)
        if path is None:
            return None
        from pulumi_plugchoice.reviewed import load_reviewed

        return load_reviewed(path)

    @property
    def client(self) -> PlugchoiceClient:
        """The API. Raises ConfigError when an option is missing or wrong."""
        with self._lock:
            return self._client

    @property
    def live(self) -> LiveConnectors:
        """The readings of this run. Raises ConfigError when an option is missing or wrong."""
        with self._lock:
            return self._live

    def say_offline(self) -> None:
        """Say once what offline means for a preview."""
        self.notices.say_once(
            "PLUGCHOICE_OFFLINE is on: no API call is made; stored values are used, and drift is not detected"
        )

    def name_site(self, charger: str, connector_id: int) -> None:
        """Note that the program names the site of a connector; otherwise it has the default site."""
        self._of_site.add((charger, connector_id))

    def find(self, charger: str, connector_id: int, site: str | None) -> Live:
        """See `LiveConnectors.find`."""
        is_of_site = (charger, connector_id) in self._of_site
        return self.live.find(charger, connector_id, site, is_of_site=is_of_site)

    def settle(self, live: Live, wanted: Mapping[str, Any], **options: Any) -> Live:
        """See `writes.settle`."""
        from .writes import settle

        return settle(self.client, self.live, live, wanted, reviewed=self.reviewed, **options)

    def expect_write(self, live: Live, site: str | None, *, reads_first: bool) -> None:
        """Note that the update after this preview will write a connector.

        Args:
            live: the connector.
            site: UUID of its site, or None.
            reads_first: whether the update reads the connector before.
        """
        key = live.charger, live.connector.connector_id
        with self._lock:
            reads_first = reads_first or (key in self._writes and self._writes[key].reads_first)
            self._writes[key] = _PlannedWrite(live, site, reads_first)

    def close(self) -> None:
        """Print the last lines of a run: what will be refused or was left out, and how many API calls it made."""
        # An update has no need to know it before: it writes, and the API answers.
        writes = [] if self.is_update else list(self._writes.values())
        reads = self.budget.reads
        chargers = self._find_refused(writes) if writes else set()
        refused = [write for write in writes if write.live.charger in chargers]
        for write in refused:
            self.notices.say(
                f"{write.live.name}: the write will be refused: the token has no full access to this charger; ask the "
                "site's owner for it",
                kind="writes that will be refused",
            )
        if refused:
            self.notices.say(f"{len(refused)} of {plural(len(writes), 'write')} will be refused")
        self.notices.close()
        more_reads = sum(write.reads_first for write in writes) - (self.budget.reads - reads)
        always = self._environment.get(SAY_CALLS) == "always"
        line = self.budget.summarize(len(writes), more_reads, always=always)
        if line:
            self.notices.say(line)

    def _find_refused(self, writes: Iterable[_PlannedWrite]) -> set[str]:
        """The chargers that the token may not write to. Says when that is not known: a preview must not hide it."""
        chargers: set[str] = set()
        reasons: Sequence[object]
        try:
            chargers, reasons = self.live.find_refused((write.live.charger, write.site) for write in writes)
        except KeyboardInterrupt:  # somebody does not want to wait for it
            reasons = ["interrupted"]
        for reason in reasons:
            self.notices.say(
                f"permissions: not read, so this preview does not name writes that will be refused: {reason}",
                kind="permissions not read",
            )
        return chargers

    # Only used under the lock: four threads must not make four clients. The imports are here because the program's
    # process imports this module too, makes no call, and would spend a fifth of a second on requests and pydantic.
    @cached_property
    def _client(self) -> PlugchoiceClient:
        from pulumi_plugchoice.api import connect

        return connect(Options.load(self.config, self._environment), self.notices.say_once, self.budget)

    @cached_property
    def _live(self) -> LiveConnectors:
        from .live import LiveConnectors

        return LiveConnectors(self._client, lambda line: self.notices.say(line, kind="chargers not listed"))


class Declarations:
    """The connectors that this run's program declares, noted by `check`. Safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[tuple[str, int], tuple[str | None, str]] = {}

    def __contains__(self, connector: tuple[str, int]) -> bool:
        with self._lock:
            return connector in self._entries

    def add(self, charger: str, connector_id: int, identity: str | None, summary: str) -> str | None:
        """Note a declaration; returns the summary of another declaration of the same connector, or None.

        The engine checks a resource again when it replaces it, and then omits `ignore_changes`, so the settings do not
        tell two resources apart. How the charger is named does, and that is the one case that the program cannot see
        for itself (`gate.py`): once by identity, once by UUID.

        Args:
            charger: UUID.
            connector_id: OCPP connector number.
            identity: as declared, or None when the charger is declared by UUID.
            summary: of the declaration, for the message.
        """
        with self._lock:
            earlier, other = self._entries.setdefault((charger, connector_id), (identity, summary))
        return other if earlier != identity else None


_lock = threading.Lock()
_current: Session | None = None
_is_watched = False


def open_session(get: Callable[[str], Any]) -> None:
    """Start this process's session with the stack's config, unless it is open with the same config.

    Args:
        get: returns the config value of a full key, or None.
    """
    global _current, _is_watched  # noqa: PLW0603 - one process is one run of the engine; this module is its memory
    config = {option.config: get(option.config) for option in OPTIONS if option.config}
    with _lock:
        if not _is_watched:
            end_with_engine()
            _is_watched = True
        if _current is None or _current.config != config:
            _current = Session(config, os.environ)
            # The engine ends this process with SIGINT, which the SDK turns into an orderly exit. Lines printed then
            # still appear under the stack's diagnostics (tried with previews, updates, failures and Ctrl-C).
            atexit.register(_current.close)


def current_session() -> Session:
    """This process's session."""
    with _lock:
        if _current is None:
            raise RuntimeError("the engine calls configure() before anything else")
        return _current
