"""Writes a connector's settings, and reports nothing as done that the API has not confirmed.

The PUT takes both settings, so a setting that is not managed is read just before the write and sent back as it is. An
answer with other values, or no answer, is followed by a fresh read: only the live value decides.
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

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_plugchoice.api.client import PlugchoiceClient
    from pulumi_plugchoice.api.models import Connector
    from pulumi_plugchoice.api.retry import Deadline

    from .live import Live, LiveConnectors


def settle(client: PlugchoiceClient, live: LiveConnectors, found: Live, wanted: Mapping[str, Any]) -> Live:
    """Bring a connector to the wanted settings, and return it as the API confirmed it.

    Args:
        client: where to write.
        live: the run's readings; updated.
        found: the connector as last read. When it has the wanted values already, nothing is written.
        wanted: one or both settings, by name.

    Raises:
        WriteNotSettled: after the write, the live value differs or is not known.
        UnknownSetting: see `body_for`.
        PlugchoiceError: the API refused.
    """
    if not find_changes(wanted, found.connector):
        return found
    deadline = client.deadline()
    charger, number = found.charger, found.connector.connector_id
    doubt: str | None = None

    def try_write() -> Live:
        nonlocal found, doubt
        if len(wanted) < len(SETTING_NAMES):
            found = live.read_now(charger, number, deadline)
            if not find_changes(wanted, found.connector):
                return found
        body = body_for(wanted, found)
        try:
            answer = client.put_connector(charger, number, body, deadline)
        except NoConnection:
            raise
        except (TransportError, InvalidResponse, ServerError) as error:
            # The write may have been carried out. Only the connector can tell.
            doubt = str(error)
        else:
            if _is_confirmation(answer, found, body):
                live.update(charger, answer)
                return replace(found, connector=answer)
            doubt = "the API answered with other values"
        now = _read_back(live, found, wanted, doubt, deadline)
        if find_changes(body.model_dump(), now.connector):
            raise WriteNotTaken(_describe_difference(now, body, doubt))
        return now

    try:
        return client.retry(try_write, deadline, idempotent=False)
    except WriteNotSettled:
        raise
    except PlugchoiceError as error:
        if doubt is None:
            raise
        raise WriteNotSettled(
            f"{_describe_doubt(found, wanted)}: an earlier write may still take effect ({doubt}); "
            f"the last one failed: {error}"
        ) from None


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


def _is_confirmation(answer: Connector, found: Live, body: ConnectorSettings) -> bool:
    """Whether an answer proves the write: it is about this connector of this charger, and has the values sent."""
    for name in ("connector_id", "id", "charger_id"):
        one, other = getattr(answer, name), getattr(found.connector, name)
        if one is not None and other is not None and one != other:
            return False
    return not find_changes(body.model_dump(), answer)


def _read_back(live: LiveConnectors, found: Live, wanted: Mapping[str, Any], doubt: str, deadline: Deadline) -> Live:
    try:
        return live.read_now(found.charger, found.connector.connector_id, deadline)
    except PlugchoiceError as error:
        raise WriteNotSettled(
            f"{_describe_doubt(found, wanted)}: {doubt}; reading it back failed too: {error}; "
            "run `pulumi up` again: it reads first and writes only what differs"
        ) from (error if isinstance(error, ApiError) else None)


def _describe_doubt(found: Live, wanted: Mapping[str, Any]) -> str:
    """What is not known, with the values from before the write: the next run may not see those any more."""
    after = ", ".join(show(name, wanted[name]) for name in SETTING_NAMES if name in wanted)
    before = ", ".join(show(name, getattr(found.connector, name)) for name in SETTING_NAMES if name in wanted)
    return f"{found.name}: it is not known whether the write of {after} took effect (before: {before})"


def _describe_difference(now: Live, body: ConnectorSettings, doubt: str) -> str:
    wanted = body.model_dump()
    details = ", ".join(
        f"{name} is {show(name, getattr(now.connector, name))}, not {show(name, wanted[name])}"
        for name in find_changes(wanted, now.connector)
    )
    return f"{now.name}: the write did not take effect: {details} ({doubt}); run `pulumi up` again"
