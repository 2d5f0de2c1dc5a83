"""`ChargerConnector`: a connector's phase rotation and maximum amperage, as a Pulumi resource.

First the resource that programs use, then the provider, its methods in the order in which the engine calls them. A
connector cannot be created or deleted through the API: `create` adopts one that exists, and `delete` leaves it, or
puts back what it was.

The module path and the name of `ChargerConnectorProvider` are pickled into every user's state: they never change, and
the class never gets instance attributes. See docs/architecture.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pulumi
from pulumi import dynamic

from . import inputs as rules
from ._text import is_uuid
from .electrical.settings import SETTING_NAMES, find_changes, read_settings, show
from .errors import ConnectorNotFound, IdentityNotFound, NotFound, OfflineError, PermissionDenied, PlugchoiceError
from .gate import gate, program_line
from .runtime import session as run
from .runtime.engine import for_engine, is_known, without_frames
from .runtime.stored import (
    BY_IDENTITY,
    COMPUTED,
    STORED_INPUTS,
    Props,
    charger_name,
    connector_key,
    declared_settings,
    facts_of,
    inputs_of,
    originals_of,
    outputs_of,
    split_id,
    whole_numbers,
    without_none,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

    from .electrical.rotations import PhaseRotation
    from .runtime.live import Live


class ChargerConnector(dynamic.Resource, module="plugchoice", name="ChargerConnector"):
    """The phase rotation and maximum amperage of one connector of a charger.

    Attributes:
        charger: UUID of the charger, lower case.
        connector_id: OCPP connector number.
        phase_rotation: the building lines on terminals L1, L2, L3 (`RST` is L1 L2 L3); None when not managed.
        max_amperage: A per phase; None when not managed.
        managed: names of the settings that this resource manages.
        adopted: what each managed setting was when it became managed; a missing name was unset.
        identity: OCPP identity of the charger.
        power_type: such as `AC_3_PHASE`.
        standard: such as `IEC 62196`.
        format: `Socket` or `Cable`.
        max_voltage: V.
    """

    charger: pulumi.Output[str]
    connector_id: pulumi.Output[int]
    phase_rotation: pulumi.Output[str | None]
    max_amperage: pulumi.Output[int | None]
    site: pulumi.Output[str | None]
    managed: pulumi.Output[list[str]]
    adopted: pulumi.Output[dict[str, Any]]
    identity: pulumi.Output[str | None]
    power_type: pulumi.Output[str | None]
    standard: pulumi.Output[str | None]
    format: pulumi.Output[str | None]
    max_voltage: pulumi.Output[int | None]

    def __init_subclass__(cls, module: str = "plugchoice", name: str = "ChargerConnector", **kwargs: Any) -> None:
        # A subclass in a program is still a ChargerConnector; the SDK's own default would give it another type.
        super().__init_subclass__(module=module, name=name, **kwargs)

    def __init__(
        self,
        resource_name: str,
        *,
        charger: pulumi.Input[str],
        connector_id: pulumi.Input[int],
        phase_rotation: pulumi.Input[PhaseRotation | str] | None = None,
        max_amperage: pulumi.Input[int] | None = None,
        site: pulumi.Input[str] | None = None,
        on_adopt: pulumi.Input[Literal["overwrite", "match"]] = "overwrite",
        on_destroy: pulumi.Input[Literal["retain", "restore"]] = "retain",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a connector.

        Wrong inputs do not raise here: all of a program's are reported together, before anything is written.

        Args:
            resource_name: name of the resource in the stack.
            charger: UUID of the charger, or its OCPP identity (which needs a site). Another charger: replace.
            connector_id: OCPP connector number, 1 and up. Another number: replace.
            phase_rotation: one of the 15 values of API page connectors/update-connector, or None: not managed, left
                as it is.
            max_amperage: A per phase, 1..1000, or None: not managed, left as it is.
            site: UUID of the site; default `plugchoice:site` or PLUGCHOICE_SITE. Lets all connectors of a site be read
                together.
            on_adopt: `overwrite`, or `match`: refuse when a live value differs from the declared one (one that was
                never set may be set).
            on_destroy: `retain`, or `restore`: put back what each managed setting was before it was managed.
            opts: Pulumi's resource options.
        """
        declared: dict[str, Any] = {
            "charger": charger,
            "connector_id": connector_id,
            "phase_rotation": phase_rotation,
            "max_amperage": max_amperage,
            "site": site,
            "on_adopt": on_adopt,
            "on_destroy": on_destroy,
        }
        props = {name: None if value == rules.DEFAULTS.get(name) else value for name, value in declared.items()}
        # One that is only read by its id declares nothing.
        if opts is None or opts.id is None:
            props["charger"] = _through_gate(resource_name, declared, opts)
        # What the provider computes has to be named here to become an attribute.
        props |= dict.fromkeys(COMPUTED)
        super().__init__(ChargerConnectorProvider(), resource_name, props, opts)

    @staticmethod
    def get(
        resource_name: str,
        id: pulumi.Input[str],  # noqa: A002 - the name that every Pulumi resource's `get` uses
        opts: pulumi.ResourceOptions | None = None,
    ) -> ChargerConnector:
        """Read a connector by its id `{charger uuid}/{connector_id}`; it is not managed, only shown.

        Args:
            resource_name: name of the resource in the stack.
            id: UUID of the charger, a slash, and the OCPP connector number.
            opts: Pulumi's resource options.
        """
        parts = pulumi.Output.from_input(id).apply(_program_split_id)
        return ChargerConnector(
            resource_name,
            charger=parts.apply(lambda both: both[0]),
            connector_id=parts.apply(lambda both: both[1]),
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id)),
        )


def _program_split_id(id_: str) -> tuple[str, int]:
    try:
        return split_id(id_)
    except PlugchoiceError as error:
        raise pulumi.RunError(f"plugchoice: {error}") from None


def _through_gate(
    resource_name: str, declared: Mapping[str, Any], opts: pulumi.ResourceOptions | None
) -> Awaitable[str]:
    """Note what is wrong with a declaration; the `charger` input, to be had once the whole program is known."""
    line = program_line()
    entry = gate()
    charger, number = declared["charger"], declared["connector_id"]
    site = declared["site"] if isinstance(declared["site"], str) else None
    found = rules.find_mistakes(declared, _is_plain, has_default_site=_program_has_site()) + _ignored(opts)
    entry.refuse(resource_name, line, found)
    if not found and _is_plain(charger) and _is_plain(number):
        entry.claim_or_refuse((charger, int(number), site), resource_name, line)
    return entry.open(charger, number, site, resource_name, line)


def _is_plain(value: object) -> bool:
    """Whether an input is a value that the program knows now, and not one that is still to come."""
    return not isinstance(value, pulumi.Output) and not hasattr(value, "__await__")


def _program_has_site() -> bool:
    """Whether resources without `site` get one from the settings."""
    import os

    from .config import SITE, find_value

    return find_value(SITE, {SITE.config: pulumi.Config("plugchoice").get("site")}, os.environ) is not None


def _ignored(opts: pulumi.ResourceOptions | None) -> list[rules.Mistake]:
    """`ignore_changes` on a setting: the engine would hand over the old value as if it were declared."""
    ignored = set(opts.ignore_changes or ()) if opts else set()
    return [
        rules.Mistake(
            name,
            None,
            "ignore_changes would write the old value back over an edit made in the portal",
            f"declare {name}=None, which leaves the setting as it is",
        )
        for name in SETTING_NAMES
        if name in ignored or "*" in ignored
    ]


class ChargerConnectorProvider(dynamic.ResourceProvider):
    """What the engine calls. Holds nothing: see `session.py` for what a run shares.

    Properties arrive with numbers as floats and without None entries; unknown ones as `pulumi.output.Unknown`.
    """

    serialize_as_secret_always = False

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Once per process: the whole stack config, decrypted."""
        without_frames()
        run.open_session(req.config.get)

    @for_engine
    def check(self, olds: Props, news: Props) -> dynamic.CheckResult:
        """Validate the inputs, and give them the form in which they are stored. Runs in preview and in update.

        Args:
            olds: the stored inputs; empty for a new resource, and again when it is to be replaced.
            news: the declared inputs.
        """
        session = run.current()
        inputs = {name: news[name] for name in rules.INPUT_NAMES if news.get(name) is not None}
        found = rules.find_mistakes(inputs, is_known, has_default_site=session.site is not None)
        if found:
            return dynamic.CheckResult(news, [_failure(mistake) for mistake in found])
        # An output may have held the default.
        inputs = {k: v for k, v in whole_numbers(inputs).items() if not is_known(v) or v != rules.DEFAULTS.get(k)}
        site = inputs.setdefault("site", session.site) if session.site else inputs.get("site")
        if site is not None and is_known(site):
            site = inputs["site"] = site.lower()
        charger = inputs["charger"]
        if not all(is_known(value) for value in (charger, inputs["connector_id"], site)):
            return dynamic.CheckResult(inputs, [])
        if is_uuid(charger):
            inputs["charger"] = charger.lower()
        else:
            failure = _find_by_identity(session, olds, inputs)
            if failure:
                return dynamic.CheckResult(inputs, [failure])
        return dynamic.CheckResult(inputs, _check_declared(session, olds, inputs))

    @for_engine
    def diff(self, id_: str, olds: Props, news: Props) -> dynamic.DiffResult:
        """Whether the connector has to be updated or replaced. Reads live values, so that a plain preview shows drift.

        Args:
            id_: resource id.
            olds: the stored outputs.
            news: the checked inputs.
        """
        olds, news = whole_numbers(olds), whole_numbers(news)
        session = run.current()
        charger, number = split_id(id_)
        if session.is_offline and news["charger"] == olds.get("identity"):
            # Now declared by identity, which an offline check cannot look up: still the same charger.
            news["charger"] = olds["charger"]
        replaces = [
            name for name in ("charger", "connector_id") if is_known(news[name]) and news[name] != olds.get(name)
        ]
        if replaces:
            return dynamic.DiffResult(changes=True, replaces=replaces)
        if not all(is_known(value) for value in news.values()):
            return dynamic.DiffResult(changes=True)
        changed = any(news.get(name) != olds.get(name) for name in STORED_INPUTS) or declared_settings(news) != {
            name: olds.get(name) for name in olds.get("managed", ())
        }
        if session.is_offline:
            session.notices.say_once(_OFFLINE_PREVIEW)
            return dynamic.DiffResult(changes=changed)
        try:
            live = session.live.find(charger, number, news.get("site"))
        except (NotFound, PermissionDenied, ConnectorNotFound) as error:
            if _is_about_site(error):
                raise
            # An error here would stop all other resources; the update of this one will report it.
            session.notices.say(f"{error}. Compared with the stored values only", kind="connectors not readable")
            return dynamic.DiffResult(changes=changed)
        _report_drift(session, live, olds, news)
        differs = bool(find_changes(declared_settings(news), live.connector))
        if differs:
            session.plan(live, declared_settings(news))
            missing = _missing_setting(live, declared_settings(news))
            if missing:
                session.notices.say(f"the update of {live.name} will fail: {missing.text}", kind="settings missing")
        return dynamic.DiffResult(changes=changed or differs)

    @for_engine
    def create(self, props: Props) -> dynamic.CreateResult:
        """Adopt the connector: write what differs, and remember what it was."""
        props = whole_numbers(props)
        session = run.current()
        session.is_update = True
        _refuse_offline(session, props)
        found = _find(session, props)
        _refuse_mismatch(found, props, list(declared_settings(props)))
        settled = session.settle(found, declared_settings(props))
        adopted = originals_of(found, list(declared_settings(props)))
        return dynamic.CreateResult(
            connector_key(props["charger"], props["connector_id"]), outputs_of(props, settled, adopted)
        )

    @for_engine
    def update(self, id_: str, olds: Props, news: Props) -> dynamic.UpdateResult:  # noqa: ARG002 - the engine's signature
        """Write what differs; a setting that becomes managed now has its original remembered.

        Args:
            id_: resource id.
            olds: the stored outputs.
            news: the checked inputs.
        """
        olds, news = whole_numbers(olds), whole_numbers(news)
        session = run.current()
        session.is_update = True
        _refuse_offline(session, news)
        found = _find(session, news)
        before = set(olds.get("managed", ()))
        added = [name for name in declared_settings(news) if name not in before]
        _refuse_mismatch(found, news, added)
        settled = session.settle(found, declared_settings(news))
        kept = {name: value for name, value in olds.get("adopted", {}).items() if name in declared_settings(news)}
        return dynamic.UpdateResult(outputs_of(news, settled, kept | originals_of(found, added)))

    @for_engine
    def read(self, id_: str, props: Props) -> dynamic.ReadResult:
        """Refresh: the live values, as outputs and as inputs, so that the next diff is exact.

        Args:
            id_: resource id.
            props: the stored outputs; for `ChargerConnector.get` its inputs.
        """
        props = whole_numbers(props)
        session = run.current()
        charger, number = split_id(id_)
        if session.is_offline:
            session.notices.say_once(_OFFLINE_PREVIEW)
            return dynamic.ReadResult(id_, dict(props), inputs_of(props))
        is_get = "managed" not in props
        site = props.get("site") or (session.site if is_get else None)
        try:
            live = session.live.find(charger, number, site)
        except ConnectorNotFound as error:
            if not is_get and _is_gone(session, charger, number, site):
                session.notices.say(f"{error}. It is gone: dropped from the state", kind="connectors gone")
                return dynamic.ReadResult("", {})
            raise
        except NotFound as error:
            if is_get:
                raise
            if not _is_about_site(error) and session.live.gone_is_proven(charger, site):
                session.notices.say(
                    f"charger {charger_name(props, charger)} is gone (404, while others answer the same token): "
                    f"connector {number} is dropped from the state",
                    kind="connectors gone",
                )
                return dynamic.ReadResult("", {})
            raise PlugchoiceError(
                f"connector {number} of charger {charger_name(props, charger)} is kept in the state: {error}, and "
                "nothing else was read with this token that could tell which. If it is gone, run "
                "`pulumi state delete` with its URN; to go on without reading, use --refresh=false"
            ) from None
        if is_get:
            facts = {
                "charger": charger,
                "connector_id": number,
                **without_none(read_settings(live.connector)),
                **facts_of(live),
            }
            return dynamic.ReadResult(id_, facts)
        _report_drift(session, live, props, None)
        now = {name: value for name, value in read_settings(live.connector).items() if name in props["managed"]}
        base = {name: value for name, value in props.items() if name not in SETTING_NAMES} | without_none(now)
        outs = base | {"managed": props["managed"], "adopted": props.get("adopted", {})} | facts_of(live)
        return dynamic.ReadResult(id_, outs, inputs_of(base))

    @for_engine
    def delete(self, id_: str, props: Props) -> None:
        """Retain: nothing. Restore: put back what each managed setting was before it was managed."""
        props = whole_numbers(props)
        session = run.current()
        session.is_update = True
        charger, number = split_id(id_)
        name = f"{charger_name(props, charger)}/{number}"
        if props.get("on_destroy") != "restore":
            session.notices.say(f"{name} keeps its settings in Plugchoice (on_destroy: retain)", kind="retained")
            return
        if (charger, number) in session.declared:
            adopted = props.get("adopted", {})
            originals = ", ".join(show(setting, adopted.get(setting)) for setting in props.get("managed", ()))
            session.notices.say(
                f"{name} is not restored to {originals}: this program still declares that connector. If its resource "
                "was renamed, aliases=[...] with the old name let Pulumi know it as the same",
                kind="not restored",
            )
            return
        if session.is_offline:
            raise OfflineError(f"{name} cannot be restored while PLUGCHOICE_OFFLINE is on: unset it, and run again")
        _restore(session, name, charger, number, props)


def _failure(mistake: rules.Mistake) -> dynamic.CheckFailure:
    """A mistake for the engine, which names the property and its value."""
    return dynamic.CheckFailure(mistake.place or "charger", mistake.text)


_OFFLINE_PREVIEW = "PLUGCHOICE_OFFLINE is on: no API call is made, the stored values are believed, drift is not seen"


def _find(session: run.Session, props: Mapping[str, Any]) -> Live:
    return session.live.find(props["charger"], props["connector_id"], props.get("site"))


def _find_by_identity(session: run.Session, olds: Props, inputs: Props) -> dynamic.CheckFailure | None:
    """Put the UUID in the place of an OCPP identity; the failure when there is no such charger."""
    identity = inputs["charger"]
    inputs[BY_IDENTITY] = identity
    if session.is_offline:
        # Known from an earlier run, or left as it is: a preview can show it, and an update refuses.
        if olds.get(BY_IDENTITY) == identity:
            inputs["charger"] = olds["charger"]
        return None
    try:
        inputs["charger"] = session.live.charger_of(identity, inputs["site"])
    except IdentityNotFound as error:
        if olds.get(BY_IDENTITY) != identity:
            return dynamic.CheckFailure("charger", str(error))
        # Known from an earlier run: diff says that it cannot be read, its update reports it, the others go on.
        session.notices.say(f"{error}. The charger that it was before is taken", kind="identities not found")
        inputs["charger"] = olds["charger"]
    return None


def _check_declared(session: run.Session, olds: Props, inputs: Props) -> list[dynamic.CheckFailure]:
    """Look for a second declaration of the connector, and look it up when it, or one of its settings, is new."""
    charger, number = inputs["charger"], inputs["connector_id"]
    summary = _summary(inputs)
    other = session.declared.add(charger, number, inputs.get(BY_IDENTITY), summary)
    if other is not None:
        return [
            dynamic.CheckFailure(
                "charger",
                f"connector {number} of charger {inputs.get(BY_IDENTITY, charger)} is declared twice in this program, "
                f"here as {summary} and elsewhere as {other}: keep one",
            )
        ]
    is_same = (olds.get("charger"), olds.get("connector_id")) == (charger, number)
    added = [name for name in declared_settings(inputs) if not (is_same and olds.get(name) is not None)]
    if not added or session.is_offline:
        if session.is_offline:
            session.notices.say_once(_OFFLINE_PREVIEW)
        return []
    if olds and not is_same:
        return []  # to be replaced: the engine checks again, with no olds, and that is when it is adopted
    try:
        live = _find(session, inputs)
    except ConnectorNotFound as error:
        if olds:
            return []  # diff says so, and does not stop the others
        return [dynamic.CheckFailure("connector_id", str(error))]
    except (NotFound, PermissionDenied) as error:
        if _is_about_site(error):
            raise
        if olds:
            return []
        return [dynamic.CheckFailure("charger", str(error))]
    missing = None if olds else _missing_setting(live, declared_settings(inputs))
    if missing:
        return [_failure(missing)]
    return _adoption(session, live, inputs, added)


def _adoption(session: run.Session, live: Live, inputs: Props, added: list[str]) -> list[dynamic.CheckFailure]:
    """Say what adopting changes; the failures when `on_adopt` asks for equal values."""
    declared = {name: inputs[name] for name in added if is_known(inputs[name])}
    differ = find_changes(declared, live.connector)
    if inputs.get("on_adopt") == "match":
        refused = [name for name in differ if getattr(live.connector, name) is not None]
        if refused:
            return [dynamic.CheckFailure(name, _mismatch(live, name, declared[name])) for name in refused]
    if differ:
        session.plan(live, declared_settings(inputs))
        changes = ", ".join(
            f"{show(name, getattr(live.connector, name))} -> {show(name, declared[name])}" for name in differ
        )
        session.notices.say(f"{live.name} is adopted: {changes}", kind="adopted")
    return []


def _missing_setting(live: Live, declared: Mapping[str, Any]) -> rules.Mistake | None:
    """The setting that has to be declared before another can be written: the PUT takes both, and nothing is guessed."""
    known = {name: value for name, value in declared.items() if is_known(value)}
    if not find_changes(known, live.connector):
        return None
    unmanaged = {name: value for name, value in read_settings(live.connector).items() if name not in declared}
    for name, value in unmanaged.items():
        if value is None:
            text = f"{name} of {live.name} has never been set in Plugchoice"
        elif rules.judge(name, value):
            text = f"{name} of {live.name} is {show(name, value)} in Plugchoice, which the API does not take back"
        else:
            continue
        return rules.Mistake(name, None, f"{text}, and a write has to send both settings", f"declare {name} as well")
    return None


def _mismatch(live: Live, name: str, wanted: Any) -> str:
    return (
        f"{live.name} has {show(name, getattr(live.connector, name))} where {show(name, wanted)} is declared, and "
        'on_adopt is "match": declare the live value, change it in Plugchoice, or adopt with on_adopt="overwrite"'
    )


def _refuse_mismatch(live: Live, inputs: Props, added: list[str]) -> None:
    """`check` has looked already; between it and the update the portal may have been used."""
    if inputs.get("on_adopt") != "match":
        return
    declared = {name: value for name, value in declared_settings(inputs).items() if name in added}
    for name in find_changes(declared, live.connector):
        if getattr(live.connector, name) is not None:
            raise PlugchoiceError(_mismatch(live, name, declared[name]))


def _refuse_offline(session: run.Session, props: Props) -> None:
    if session.is_offline:
        name = f"{props.get(BY_IDENTITY, props['charger'])}/{props['connector_id']}"
        raise OfflineError(f"{name} is not written: PLUGCHOICE_OFFLINE is on; unset it, and run again")


def _summary(inputs: Mapping[str, Any]) -> str:
    """A declaration in a few words."""
    declared = declared_settings(inputs).items()
    settings = ", ".join(show(name, value) for name, value in declared if is_known(value))
    return f"{inputs.get(BY_IDENTITY, inputs['charger'])}/{inputs['connector_id']} ({settings or 'not yet known'})"


def _is_about_site(error: PlugchoiceError) -> bool:
    """Whether a 403 or 404 is the site's: then no connector of it can be read, and one error says so for all."""
    return isinstance(error, NotFound | PermissionDenied) and error.path.startswith("/v3/sites/")


def _is_gone(session: run.Session, charger: str, number: int, site: str | None) -> bool:
    """Whether the charger itself answers without that number; a site's list alone is no proof."""
    try:
        session.live.read_now(charger, number)
    except ConnectorNotFound as error:
        # A charger that lists no connector at all has not reported them (yet, or again): no proof.
        return bool(error.existing)
    except NotFound:
        return session.live.gone_is_proven(charger, site)
    return False


def _report_drift(session: run.Session, live: Live, stored: Mapping[str, Any], news: Mapping[str, Any] | None) -> None:
    """One line when a managed setting was changed outside of Pulumi: live differs from stored.

    `stored` are outputs, `news` checked inputs, or None in a refresh, which does not know them.
    """
    parts = []
    for name in stored.get("managed", ()):
        now = getattr(live.connector, name)
        if now == stored.get(name) or (news is not None and name not in declared_settings(news)):
            continue
        declared = f", {show(name, news[name])} declared" if news is not None else ""
        parts.append(f"{name} is {show(name, now)} live, {show(name, stored.get(name))} stored{declared}")
    if parts:
        session.notices.say(f"drift on {live.name}: {'; '.join(parts)}", kind="drift")


def _restore(session: run.Session, name: str, charger: str, number: int, props: Mapping[str, Any]) -> None:
    originals = props.get("adopted", {})
    managed = props.get("managed", ())
    wanted = {setting: originals[setting] for setting in managed if setting in originals}
    for setting in managed:
        if setting not in originals:
            session.notices.say(
                f"{setting} of {name} was unset before it was managed, and the API cannot unset it: it stays as it is",
                kind="not restored",
            )
    if not wanted:
        return
    try:
        # Past the shared reading: what is put back depends on what is there now.
        found = session.live.read_now(charger, number)
    except ConnectorNotFound as error:
        session.notices.say(f"{error}. It is gone: nothing to restore", kind="not restored")
        return
    except NotFound:
        site = props.get("site")
        if session.live.gone_is_proven(charger, site):
            session.notices.say(f"the charger of {name} is gone: nothing to restore", kind="not restored")
            return
        raise
    session.settle(found, wanted)
    put_back = ", ".join(show(setting, wanted[setting]) for setting in SETTING_NAMES if setting in wanted)
    session.notices.say(f"{name} is restored to {put_back}", kind="restored")
