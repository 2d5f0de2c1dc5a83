"""Writes a connector's settings, and reports nothing as done that the API has not confirmed.

The PUT takes both settings, so a setting that is not managed is read just before the write and sent back as it is. All
waits come before that read. An answer with other values, or no answer, is followed by a fresh read: only the live value
decides.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from pulumi_plugchoice.api.models import ConnectorSettings
from pulumi_plugchoice.electrical.settings import SETTING_NAMES, find_changes, read_settings, show
from pulumi_plugchoice.errors import (
    ApiError,
    InvalidResponse,
    NoConnection,
    PlugchoiceError,
    ServerError,
    TransportError,
    UnknownSetting,
    WriteNotSettled,
    WriteNotTaken,
)
from pulumi_plugchoice.quota.waits import LONG_WAIT
from pulumi_plugchoice.reviewed import ReviewedWrite

from .engine import note_write
from .live import Live

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pulumi_plugchoice.api.client import PlugchoiceClient
    from pulumi_plugchoice.api.models import Connector
    from pulumi_plugchoice.api.transport import Turn
    from pulumi_plugchoice.reviewed import Reviewed

    from .live import LiveConnectors


def settle(
    client: PlugchoiceClient,
    live: LiveConnectors,
    found: Live,
    wanted: Mapping[str, Any],
    *,
    prepare: Callable[[Live], object] = lambda _: None,
    is_adoption: bool = False,
    reads_first: bool = False,
    reviewed: Reviewed | None = None,
    is_restore: bool = False,
) -> Live:
    """Bring a connector to the wanted settings, and return it as the API confirmed it.

    Args:
        client: where to write.
        live: the run's readings; updated.
        found: the connector as last read. When it has the wanted values already, nothing is written.
        wanted: one or both settings, by name.
        prepare: called with the connector as it is before the write, before each try; what it raises stops the write.
        is_adoption: `prepare` records the values that the write replaces: after a long wait, and before a second try,
            they are read again.
        reads_first: read the connector before the first try too. A write of one setting always does.
        reviewed: the writes that may be sent; None: all. With them, the connector is always read before.
        is_restore: the wanted values are those that were recorded at adoption. It is reviewed as such.

    Raises:
        WriteNotSettled: after the write, the live value differs or is not known.
        UnknownSetting: see `body_for`.
        PlugchoiceError: the API refused.
    """
    if not find_changes(wanted, found.connector):
        prepare(found)
        return found
    options = {"is_adoption": is_adoption, "reads_first": reads_first, "is_restore": is_restore}
    return _Write(client, live, found, wanted, prepare, reviewed=reviewed, **options).run()


class _Write:
    """The tries of one write; see `settle`.

    A try waits first, for its place in the request limit, and then sends its read, if it needs one, and its PUT: no
    value in a PUT is older than the last wait.
    """

    def __init__(
        self,
        client: PlugchoiceClient,
        live: LiveConnectors,
        found: Live,
        wanted: Mapping[str, Any],
        prepare: Callable[[Live], object],
        *,
        is_adoption: bool,
        reads_first: bool,
        reviewed: Reviewed | None,
        is_restore: bool,
    ) -> None:
        self._client = client
        self._live = live
        self._wanted = wanted
        self._prepare = prepare
        self._is_adoption = is_adoption
        self._reads_first = reads_first or reviewed is not None or len(wanted) < len(SETTING_NAMES)
        self._reviewed = reviewed
        self._is_restore = is_restore
        self._deadline = client.deadline()
        self._now = found
        self._before = found  # without what an earlier try may have written
        self._doubt: str | None = None  # why it is not known whether an earlier try was carried out

    def run(self) -> Live:
        try:
            return self._client.retry(self._try, self._deadline, idempotent=False)
        except WriteNotSettled:
            raise
        except PlugchoiceError as error:
            if self._doubt is None:
                raise
            raise WriteNotSettled(
                f"{self._describe_doubt()}: an earlier write may still take effect ({self._doubt}); "
                f"the last one failed: {error}"
            ) from None

    def _try(self) -> Live:
        reads, self._reads_first = self._reads_first, self._reads_first or self._is_adoption

        def work(turn: Turn) -> Live | ConnectorSettings | None:
            if reads:
                self._note(self._live.read_now(self._charger, self._number, turn=turn))
            elif self._is_adoption and turn.waited > LONG_WAIT:
                return None
            self._prepare(self._before)
            if not find_changes(self._wanted, self._now.connector):
                return self._now
            body = body_for(self._wanted, self._now)
            if self._reviewed is not None:
                write = describe_write(self._before, body)
                self._reviewed.refuse_others(self._now.name, write, is_restore=self._is_restore)
            return self._put(body, turn)

        result = self._client.in_turn(1 + reads, self._deadline, work)
        if result is None:
            return self._try()  # now with a read
        if isinstance(result, Live):
            return result
        now = self._read_back()
        if find_changes(result.model_dump(), now.connector):
            raise WriteNotTaken(_describe_difference(now, result, self._doubt or ""))
        return now

    def _put(self, body: ConnectorSettings, turn: Turn) -> Live | ConnectorSettings:
        """The connector as confirmed; what was sent when only reading the connector can tell what came of it."""
        note_write()
        try:
            answer = self._client.put_connector(self._charger, self._number, body, turn=turn)
        except NoConnection:
            raise
        except (TransportError, InvalidResponse, ServerError) as error:
            # The write may have been carried out. Only the connector can tell.
            self._doubt = str(error)
            return body
        if _is_confirmation(answer, self._now, body):
            self._live.update(self._charger, answer)
            return replace(self._now, connector=answer)
        self._doubt = "the API answered with other values"
        return body

    def _note(self, now: Live) -> None:
        """Take a new reading. After a try with an unknown result, a wanted value in it may be ours."""
        before = read_settings(self._before.connector)
        ours = {
            name: before[name]
            for name, value in self._wanted.items()
            if self._doubt is not None and value == getattr(now.connector, name)
        }
        self._now, self._before = now, replace(now, connector=now.connector.model_copy(update=ours))

    def _read_back(self) -> Live:
        try:
            return self._live.read_now(self._charger, self._number, self._deadline)
        except PlugchoiceError as error:
            raise WriteNotSettled(
                f"{self._describe_doubt()}: {self._doubt}; reading it back failed too: {error}; "
                "run the same command again: it reads first and writes only what differs"
            ) from (error if isinstance(error, ApiError) else None)

    def _describe_doubt(self) -> str:
        """What is not known, with the values from before the write: the next run may not see those any more."""
        names = [name for name in SETTING_NAMES if name in self._wanted]
        after = ", ".join(show(name, self._wanted[name]) for name in names)
        before = ", ".join(show(name, getattr(self._before.connector, name)) for name in names)
        return f"{self._now.name}: it is not known whether the write of {after} took effect (before: {before})"

    @property
    def _charger(self) -> str:
        return self._now.charger

    @property
    def _number(self) -> int:
        return self._now.connector.connector_id


def body_for(wanted: Mapping[str, Any], found: Live) -> ConnectorSettings:
    """The body of the PUT, which always holds both settings: the wanted ones, and the live value of the other.

    Sends nothing, so a preview can call it to say that the update will fail.

    Args:
        wanted: one or both settings, by name; known values only.
        found: the connector as last read.

    Raises:
        UnknownSetting: a setting that is not wanted has no live value that the API would accept.
    """
    for name, value in read_settings(found.connector).items():
        if name not in wanted and value is None:
            raise UnknownSetting(found.name, name, "is not set in Plugchoice")
    values = read_settings(found.connector) | dict(wanted)
    try:
        return ConnectorSettings.model_validate(values)
    except ValidationError as error:
        name = str(error.errors()[0]["loc"][0])
        live = f"is {show(name, values[name])} in Plugchoice, a value that the API does not accept"
        raise UnknownSetting(found.name, name, live) from None


def describe_write(before: Live, body: ConnectorSettings) -> ReviewedWrite:
    """Describe a write as a review names it."""
    values = read_settings(before.connector)
    old = values["phase_rotation"], values["max_amperage"]
    number = before.connector.connector_id
    return ReviewedWrite(before.charger, number, old, (body.phase_rotation, body.max_amperage))


def _is_confirmation(answer: Connector, found: Live, body: ConnectorSettings) -> bool:
    """Whether an answer proves the write: it is about this connector of this charger, and has the values sent."""
    for name in ("connector_id", "id", "charger_id"):
        one, other = getattr(answer, name), getattr(found.connector, name)
        if one is not None and other is not None and one != other:
            return False
    return not find_changes(body.model_dump(), answer)


def _describe_difference(now: Live, body: ConnectorSettings, doubt: str) -> str:
    wanted = body.model_dump()
    details = ", ".join(
        f"{name} is {show(name, getattr(now.connector, name))}, not {show(name, wanted[name])}"
        for name in find_changes(wanted, now.connector)
    )
    return f"{now.name}: the write did not take effect: {details} ({doubt}); run the same command again"
