"""Drift: a managed setting was changed outside of Pulumi."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi_plugchoice.electrical.settings import find_changes, show
from pulumi_plugchoice.errors import ConnectorNotFound, NotFound, PermissionDenied

from .adoption import find_unknown_setting, needs_reading
from .live import is_about_site
from .stored import Props, format_name, pick_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .live import Live
    from .session import Session


def find_or_report(session: Session, charger: str, connector_id: int, olds: Props, news: Props) -> Live | None:
    """The live connector; None, said in a line, when only stored values can be compared.

    An error here would stop all other resources. The update of this one reports it.

    Raises:
        PlugchoiceError: its site cannot be read, and so no connector of it.
    """
    if session.is_offline:
        session.say_offline()
        return None
    try:
        return session.live.find(charger, connector_id, news.get("site"))
    except (NotFound, PermissionDenied, ConnectorNotFound) as error:
        if is_about_site(error):
            raise
        name = format_name(olds, charger, connector_id)
        session.notices.say(f"{name}: compared with the stored values only: {error}", kind="connectors not readable")
        return None


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
    session.expect_write(live, reads_first=needs_reading(inputs))
    missing = find_unknown_setting(live, settings)
    if missing:
        session.notices.say(f"{missing}; until then the update of this connector fails", kind="settings missing")
    return True
