"""Removal: a connector no longer exists in Plugchoice, or no longer belongs to the stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi_plugchoice.electrical.settings import SETTING_NAMES, show
from pulumi_plugchoice.errors import ConnectorNotFound, NotFound, OfflineError, PlugchoiceError, UnknownSetting
from pulumi_plugchoice.inputs import is_accepted

from .live import is_about_site
from .stored import format_name, parse_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .session import Session

_GONE = "gone from Plugchoice (404 for its charger, while the same token can read others)"


def confirm_gone(session: Session, id_: str, props: Mapping[str, Any], error: ConnectorNotFound | NotFound) -> None:
    """Say that a connector leaves the state, or raise when nothing proves that it is gone.

    A token without access gets a 404 for every charger, and must not empty a stack.

    Args:
        session: of this run.
        id_: resource id.
        props: the stored outputs.
        error: that the read raised.
    """
    charger, number = parse_id(id_)
    name, site = format_name(props, charger, number), props.get("site")
    if isinstance(error, ConnectorNotFound):
        # The charger itself has answered. One without any connector has not reported them (yet): no proof.
        if not error.existing:
            raise error
        text = f"gone from Plugchoice ({error})"
    elif is_about_site(error) or not session.live.is_gone(charger, site):
        raise PlugchoiceError(
            f"{name}: kept in the state, because nothing proves that it is gone: {error}; if it is gone, run `pulumi "
            "state delete` with its URN; to go on without reading, use --refresh=false"
        ) from None
    else:
        text = _GONE
    session.notices.say(f"{name}: {text}; removed from the state", kind="connectors gone")


def say_still_declared(session: Session, name: str, props: Mapping[str, Any]) -> None:
    """Say that a connector is not restored: a renamed resource declares it under its new name."""
    adopted = props.get("adopted", {})
    originals = ", ".join(show(setting, adopted.get(setting)) for setting in props.get("managed", ()))
    session.notices.say(
        f"{name}: not restored to {originals}, because this program still declares the connector; if its resource was "
        "renamed, add aliases=[...] with the old name",
        kind="connectors not restored",
    )


def restore(session: Session, id_: str, props: Mapping[str, Any]) -> None:
    """Write back what each managed setting was before it was managed.

    Args:
        session: of this run.
        id_: resource id.
        props: the stored outputs.

    Raises:
        PlugchoiceError: the connector cannot be read or written; it then stays in the state.
    """
    charger, number = parse_id(id_)
    name = format_name(props, charger, number)
    if session.is_offline:
        raise OfflineError(f"{name}: not restored, because PLUGCHOICE_OFFLINE is on; unset it and run again")
    originals = props.get("adopted", {})
    managed = props.get("managed", ())
    wanted = {
        setting: originals[setting]
        for setting in SETTING_NAMES
        if setting in managed and is_accepted(setting, originals.get(setting))
    }
    for setting in managed:
        if setting not in wanted:
            original = originals.get(setting)
            before, cannot = "not set", "unset it"
            if original is not None:
                before, cannot = show(setting, original), "set that"
            session.notices.say(
                f"{name}: {setting} stays as it is: it was {before} before it was managed, and the API cannot {cannot}",
                kind="connectors not restored",
            )
    if not wanted:
        return
    try:
        # Past the shared reading: what has to be written depends on what is there now.
        live = session.live.read_now(charger, number)
    except (ConnectorNotFound, NotFound) as error:
        if isinstance(error, NotFound) and not session.live.is_gone(charger, props.get("site")):
            raise
        text = _GONE if isinstance(error, NotFound) else f"gone from Plugchoice ({error})"
        session.notices.say(f"{name}: {text}; nothing to restore", kind="connectors not restored")
        return
    try:
        session.settle(live, wanted, is_restore=True)
    except UnknownSetting as error:
        raise PlugchoiceError(
            f"{error.fact}; to restore this connector, set {error.setting} in Plugchoice and run the same command again"
        ) from None
    values = ", ".join(show(setting, value) for setting, value in wanted.items())
    session.notices.say(f"{name}: restored to {values}", kind="connectors restored")
