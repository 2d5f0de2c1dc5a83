"""Drift: a managed setting was changed outside of Pulumi."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi_plugchoice.electrical.settings import find_changes, show
from pulumi_plugchoice.errors import NotFound, PermissionDenied, PlugchoiceError

from .adoption import find_unknown_setting, needs_reading
from .live import UNREADABLE, is_about_site
from .stored import BY_IDENTITY, Props, format_name, pick_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .live import Live
    from .session import Session


def find_or_report(session: Session, charger: str, connector_id: int, olds: Props, news: Props) -> Live | None:
    """The live connector; None, said in a line, when this one cannot be read: then it counts as changed.

    An error here would stop all other resources. The update of this one reports it.

    Raises:
        PlugchoiceError: its site cannot be read, and so no connector of it; or the token can read no charger at all.
    """
    try:
        return session.find(charger, connector_id, news.get("site"))
    except UNREADABLE as error:
        if is_about_site(error):
            raise
        name = format_name(olds, charger, connector_id)
        if isinstance(error, NotFound | PermissionDenied) and session.live.sees_no_charger():
            raise PlugchoiceError(
                f"{name}: cannot be read, and the token sees no charger at all: {error}; use a token of the account "
                "that the chargers belong to"
            ) from None
        session.notices.say(
            f"{name}: counts as changed, because it cannot be compared: {_name_once(name, error)}",
            kind="connectors not readable",
        )
        return None


def find_to_write(session: Session, charger: str, connector_id: int, olds: Props, news: Props) -> Live:
    """The live connector that an update is about to write.

    Args:
        session: of this run.
        charger: UUID, lower case.
        connector_id: OCPP connector number.
        olds: the stored outputs; empty for a new resource.
        news: the checked inputs.

    Raises:
        PlugchoiceError: it cannot be read.
    """
    try:
        return session.find(charger, connector_id, news.get("site"))
    except UNREADABLE as error:
        if is_about_site(error):
            raise
        name = format_name(olds | news, charger, connector_id)
        raise PlugchoiceError(
            f"{name}: not updated, because it cannot be read: {_name_once(name, error)}; take it out of the program if "
            "it is gone; --continue-on-error updates the others"
        ) from None


def _name_once(name: str, error: PlugchoiceError) -> str:
    """The text of an error in a line that begins with the connector, as that of the error may, too."""
    return str(error).removeprefix(f"{name}: ")


def say_other_device(session: Session, olds: Props, news: Props) -> None:
    """Say that a charger is another device than before when it has the identity of the one before."""
    charger, number = news["charger"], news["connector_id"]
    if charger == olds.get("charger") or session.is_offline:
        return
    try:
        identity = news.get(BY_IDENTITY) or session.find(charger, number, news.get("site")).identity
    except PlugchoiceError:
        return  # `check` of the new resource reports it
    if identity is not None and identity == (olds.get(BY_IDENTITY) or olds.get("identity")):
        session.notices.say(
            f"{format_name(news, charger, number)}: another device has this identity now: charger {charger}, before "
            f"{olds.get('charger')}; check how it is wired",
            kind="replaced devices",
        )


def report_drift(session: Session, live: Live, stored: Mapping[str, Any], news: Mapping[str, Any] | None) -> None:
    """Say in one line which managed settings differ between Plugchoice and the state.

    A live value that is declared is no drift: an earlier run was interrupted, or somebody was faster than the program.

    Args:
        session: of this run.
        live: the connector as it is.
        stored: the stored outputs.
        news: the checked inputs; None in a refresh, which does not know them.
    """
    parts, behind = [], []
    for name in stored.get("managed", ()):
        now = getattr(live.connector, name)
        if now == stored.get(name) or (news is not None and name not in pick_settings(news)):
            continue
        if news is not None and now == news[name]:
            behind.append(f"{name} is {show(name, now)} live and declared, {show(name, stored.get(name))} stored")
            continue
        declared = f", {show(name, news[name])} declared" if news is not None else ""
        parts.append(f"{name} is {show(name, now)} live, {show(name, stored.get(name))} stored{declared}")
    if parts:
        session.notices.say(f"{live.name}: drift: {'; '.join(parts)}", kind="drift")
    if behind:
        session.notices.say(
            f"{live.name}: the state is behind: {'; '.join(behind)}; `pulumi up` records it",
            kind="connectors whose state is behind",
        )


def expect_write(session: Session, live: Live, inputs: Mapping[str, Any]) -> bool:
    """Return whether the update has to write the settings, and note it; report a write that will fail."""
    settings = pick_settings(inputs)
    if not find_changes(settings, live.connector):
        return False
    session.expect_write(live, inputs.get("site"), reads_first=needs_reading(inputs))
    missing = find_unknown_setting(live, settings)
    if missing:
        session.notices.say(f"{missing}; until then the update of this connector fails", kind="settings missing")
    return True
