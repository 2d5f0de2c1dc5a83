"""Setting a connector, with proof: nothing is reported as done that the API has not confirmed.

The PUT takes both settings, so a setting that is not managed is read just before the write and sent back as it is. An
answer that shows other values, or no answer at all, is followed by a fresh read: only the live value decides.
"""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING, Any

import stamina
from pydantic import ValidationError

from pulumi_plugchoice.api.models import ConnectorSettings
from pulumi_plugchoice.electrical.settings import SETTING_NAMES, find_changes, read_settings, show
from pulumi_plugchoice.errors import (
    ApiError,
    InvalidResponse,
    PlugchoiceError,
    ServerError,
    TransportError,
    UnknownSetting,
    WriteNotSettled,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_plugchoice.api.client import PlugchoiceClient
    from pulumi_plugchoice.api.models import Connector
    from pulumi_plugchoice.api.transport import Deadline

    from .live import Live, LiveConnectors


def settle(client: PlugchoiceClient, live: LiveConnectors, found: Live, wanted: Mapping[str, Any]) -> Live:
    """Bring a connector to the wanted settings, and return it as the API confirmed it.

    Args:
        client: where to write.
        live: the run's readings; updated.
        found: the connector as last read. When it already holds `wanted`, nothing is written.
        wanted: one or both settings, by name.

    Raises:
        WriteNotSettled: the live value differs after the write, or is not known.
        UnknownSetting: see `body_for`.
        PlugchoiceError: the API refused.
    """
    if not find_changes(wanted, found.connector):
        return found
    deadline = client.transport.deadline()
    charger, number = found.charger, found.connector.connector_id
    is_partial = len(wanted) < len(SETTING_NAMES)
    retried = itertools.count()
    unsettled: str | None = None
    failed_at = 0.0

    def again(error: Exception) -> bool | float:
        """Whether to write again, or after how many seconds (stamina's back-off hook)."""
        return isinstance(error, _Unsettled) and client.transport.backoff.wait(next(retried), deadline)

    for attempt in stamina.retry_context(on=again, attempts=None, timeout=None):
        with attempt:
            if attempt.num > 1:
                client.transport.budget.retried(time.monotonic() - failed_at)
            if is_partial:
                found = live.read_now(charger, number, deadline)
                if not find_changes(wanted, found.connector):
                    return found
            body = body_for(wanted, found)
            try:
                answered = client.put_connector(charger, number, body, deadline)
                doubt = None if _confirms(answered, found, body) else "the API answered with other values"
            except (TransportError, InvalidResponse, ServerError) as error:
                # The write may have been carried out; whoever knows is the connector itself.
                answered, doubt = None, str(error)
            except PlugchoiceError as error:
                if unsettled is None:
                    raise
                raise WriteNotSettled(
                    f"{_unknown(found, wanted)}: an earlier write ({unsettled}) may still take effect; then: {error}"
                ) from None
            if doubt is None and answered is not None:
                live.wrote(charger, answered)
                return _with(found, answered)
            unsettled = str(doubt)
            now = _look_again(live, found, wanted, unsettled, deadline)
            if not find_changes(body.model_dump(), now.connector):
                return now
            failed_at = time.monotonic()
            raise _Unsettled(_differs(now, body, unsettled))
    raise AssertionError("unreachable: stamina returns or raises")


class _Unsettled(WriteNotSettled):
    """The connector was read after the write and holds other values: worth another write until the deadline."""


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
        name = str(error.errors(include_url=False, include_input=False)[0]["loc"][0])
        live = f"is {show(name, values[name])} in Plugchoice, a value that the API does not accept"
        raise UnknownSetting(found.name, name, live) from None


def _confirms(answered: Connector, found: Live, body: ConnectorSettings) -> bool:
    """Whether an answer proves the write: about this connector of this charger, and with the values asked for."""
    known = found.connector
    for name in ("connector_id", "id", "charger_id"):
        one, other = getattr(answered, name), getattr(known, name)
        if one is not None and other is not None and one != other:
            return False
    return not find_changes(body.model_dump(), answered)


def _with(found: Live, answered: Connector) -> Live:
    return type(found)(found.charger, found.identity, answered)


def _look_again(live: LiveConnectors, found: Live, wanted: Mapping[str, Any], doubt: str, deadline: Deadline) -> Live:
    try:
        return live.read_now(found.charger, found.connector.connector_id, deadline)
    except PlugchoiceError as error:
        raise WriteNotSettled(
            f"{_unknown(found, wanted)}: {doubt}; and reading it back failed: {error}. "
            "Run `pulumi up` again: it reads first and writes only what differs"
        ) from (error if isinstance(error, ApiError) else None)


def _unknown(found: Live, wanted: Mapping[str, Any]) -> str:
    """What is not known, with the values that there were: the next run may not see these any more."""
    asked = ", ".join(show(name, wanted[name]) for name in SETTING_NAMES if name in wanted)
    were = ", ".join(show(name, getattr(found.connector, name)) for name in SETTING_NAMES if name in wanted)
    return f"it is not known whether {found.name} now holds {asked} (it was {were})"


def _differs(now: Live, body: ConnectorSettings, doubt: str) -> str:
    wanted = body.model_dump()
    details = ", ".join(
        f"{name} is {show(name, getattr(now.connector, name))}, not {show(name, wanted[name])}"
        for name in find_changes(wanted, now.connector)
    )
    return f"{now.name} did not take the write: {details} ({doubt})"
