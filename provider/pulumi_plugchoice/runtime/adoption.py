"""Adoption: a connector, or one of its settings, becomes managed.

`check` does this, so that a preview shows what adoption changes and refuses what cannot work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi.dynamic import CheckFailure

from pulumi_plugchoice.electrical.settings import SETTING_NAMES, find_changes, show
from pulumi_plugchoice.errors import (
    ConnectorNotFound,
    IdentityNotFound,
    PlugchoiceError,
    UnknownSetting,
)
from pulumi_plugchoice.inputs import is_accepted

from .engine import is_known
from .live import UNREADABLE, is_about_site
from .stored import BY_IDENTITY, Props, format_name, pick_settings

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from .live import Live
    from .session import Session


def resolve_identity(session: Session, olds: Props, inputs: Props) -> list[CheckFailure]:
    """Replace the OCPP identity in `inputs` with the charger's UUID.

    Args:
        session: of this run.
        olds: the stored inputs; empty for a new resource.
        inputs: normalized; changed in place.

    Returns:
        A failure when the site has no such charger.
    """
    identity = inputs["charger"]
    inputs[BY_IDENTITY] = identity
    is_same = olds.get(BY_IDENTITY) == identity and "charger" in olds
    if session.is_offline:
        # Without an earlier run the identity stays: a preview can show it, and an update refuses.
        if is_same:
            inputs["charger"] = olds["charger"]
        return []
    try:
        inputs["charger"] = session.live.find_charger(identity, inputs["site"])
    except IdentityNotFound as error:
        if not is_same:
            return [CheckFailure("charger", str(error))]
        # A failure here would stop all other resources. The update of this one reports that it cannot be read.
        session.notices.say(f"{error}; using the charger recorded in the state", kind="identities not found")
        inputs["charger"] = olds["charger"]
    return []


def check_adoption(session: Session, olds: Props, inputs: Props) -> list[CheckFailure]:
    """Refuse a second declaration of a connector, and read the connector when it, or a setting of it, is new.

    Args:
        session: of this run.
        olds: the stored inputs; empty for a new resource, and again when it is to be replaced.
        inputs: normalized, with the charger's UUID.
    """
    charger, number = inputs["charger"], inputs["connector_id"]
    name = format_name(inputs, charger, number)
    summary = _summarize(name, inputs)
    other = session.declarations.add(charger, number, inputs.get(BY_IDENTITY), summary)
    if other is not None:
        reason = f"{name}: declared twice in this program, here as {summary} and elsewhere as {other}; keep one"
        return [CheckFailure("charger", reason)]
    if session.is_offline:
        session.say_offline()
        return []
    is_same = (olds.get("charger"), olds.get("connector_id")) == (charger, number)
    if olds and not is_same:
        return []  # to be replaced: the engine checks it again without olds
    added = [name for name in pick_settings(inputs) if olds.get(name) is None]
    if not added:
        return []
    try:
        live = session.find(charger, number, inputs.get("site"))
    except UNREADABLE as error:
        if is_about_site(error):
            raise
        # Of a stored connector diff says so, and the others go on.
        at = "connector_id" if isinstance(error, ConnectorNotFound) else "charger"
        return [] if olds else [CheckFailure(at, str(error))]
    settings = pick_settings(inputs)
    missing = None if olds else find_unknown_setting(live, settings)
    if missing:
        return [CheckFailure(next(iter(settings)), str(missing))]
    return _compare(session, live, inputs, added)


def _compare(session: Session, live: Live, inputs: Props, added: list[str]) -> list[CheckFailure]:
    """Say what adoption changes; with `on_adopt="match"`, a failure for each live value that differs."""
    settings = pick_settings(inputs)
    wanted = {name: settings[name] for name in added if is_known(settings[name])}
    failures = [CheckFailure(name, text) for name, text in find_mismatches(live, inputs, wanted).items()]
    differences = find_changes(wanted, live.connector)
    if differences and not failures:
        session.expect_write(live, inputs.get("site"), reads_first=needs_reading(inputs, added))
        changes = ", ".join(
            f"{show(name, getattr(live.connector, name))} -> {show(name, wanted[name])}" for name in differences
        )
        session.notices.say(f"{live.name}: adoption changes {changes}", kind="adopted connectors")
        _say_not_restorable(session, live, inputs, differences)
    return failures


def _say_not_restorable(session: Session, live: Live, inputs: Props, names: Collection[str]) -> None:
    """Say which original values `on_destroy="restore"` will not put back, because the API does not take them."""
    if inputs.get("on_destroy") != "restore":
        return
    for name in names:
        value = getattr(live.connector, name)
        if value is not None and not is_accepted(name, value):
            session.notices.say(
                f"{live.name}: {name} is {show(name, value)} in Plugchoice, which the API does not take back; "
                'on_destroy="restore" will leave it as it is then',
                kind="original values that cannot be restored",
            )


def needs_reading(inputs: Mapping[str, Any], added: Collection[str] = ()) -> bool:
    """Whether a write reads the connector just before: the shared reading may be a minute old.

    It does for a setting that is left as it is, for `on_adopt="match"`, and for originals that are to be restored.

    Args:
        inputs: the declared ones.
        added: settings that become managed.
    """
    is_recorded = inputs.get("on_adopt") == "match" or inputs.get("on_destroy") == "restore"
    return len(pick_settings(inputs)) < len(SETTING_NAMES) or (is_recorded and bool(added))


def refuse_mismatch(live: Live, inputs: Props, names: Collection[str]) -> None:
    """Before a write, compare once more: between `check` and the update somebody may have used the portal.

    Args:
        live: the connector as it is before the write.
        inputs: the declared ones.
        names: settings that become managed.

    Raises:
        PlugchoiceError: `on_adopt` is "match", and the live value of a setting in `names` differs.
    """
    wanted = {name: value for name, value in pick_settings(inputs).items() if name in names}
    for text in find_mismatches(live, inputs, wanted).values():
        raise PlugchoiceError(text)


def find_mismatches(live: Live, inputs: Props, wanted: Mapping[str, Any]) -> dict[str, str]:
    """What `on_adopt="match"` refuses, by setting; a setting without a live value may be set.

    Args:
        live: the connector as it is.
        inputs: the declared ones.
        wanted: the settings that become managed.
    """
    if inputs.get("on_adopt") != "match":
        return {}
    values = {name: getattr(live.connector, name) for name in find_changes(wanted, live.connector)}
    return {
        name: f"{live.name}: {name} is {show(name, value)} in Plugchoice and "
        f'{show(name, wanted[name])} is declared, which on_adopt="match" refuses; '
        f"{'declare the live value, ' if is_accepted(name, value) else ''}"
        'change it in Plugchoice, or set on_adopt="overwrite"'
        for name, value in values.items()
        if value is not None
    }


def find_unknown_setting(live: Live, settings: Mapping[str, Any]) -> UnknownSetting | None:
    """The reason why a write of these settings would fail, or None: it needs a value for the other setting too."""
    if len(settings) == len(SETTING_NAMES) or not all(is_known(value) for value in settings.values()):
        return None
    if not find_changes(settings, live.connector):
        return None
    from .writes import body_for

    try:
        body_for(settings, live)
    except UnknownSetting as error:
        return error
    return None


def _summarize(name: str, inputs: Mapping[str, Any]) -> str:
    """A declaration in a few words."""
    settings = pick_settings(inputs).items()
    known = ", ".join(show(setting, value) for setting, value in settings if is_known(value))
    return f"{name} ({known or 'values not known yet'})"
