"""`ChargerConnector`: the phase rotation and maximum amperage of a connector, as a Pulumi resource.

First the resource that programs use, then its provider: the six calls, in the order in which the engine makes them.
The API cannot create or delete a connector: `create` adopts one that exists, and `delete` leaves it as it is or
restores its original settings.

The module path and the name of `ChargerConnectorProvider` are pickled into every user's state: they never change, and
the class never gets instance attributes. See docs/decisions/0002-empty-provider-objects.md.
"""

# No `from __future__ import annotations`: the SDK evaluates those of the resource once per instance, and text is slow.

from typing import TYPE_CHECKING, Any, TypedDict

import pulumi
from pulumi import dynamic

from ._text import is_uuid
from .electrical.rotations import PhaseRotation
from .electrical.settings import find_changes, read_settings
from .errors import ConnectorNotFound, NotFound, OfflineError, PlugchoiceError
from .gate import gate, is_plain
from .inputs import DEFAULTS, INPUT_NAMES, REPLACING, OnAdopt, OnDestroy, find_mistakes
from .runtime.adoption import check_adoption, needs_reading, refuse_mismatch, resolve_identity
from .runtime.drift import expect_write, find_or_report, find_to_write, report_drift, say_other_device
from .runtime.engine import for_engine, hide_tracebacks, is_known
from .runtime.removal import confirm_gone, restore, say_still_declared
from .runtime.session import current_session, open_session
from .runtime.stored import (
    COMPUTED,
    Props,
    drop_none,
    find_damage,
    format_name,
    is_managed,
    make_id,
    make_outputs,
    normalize_inputs,
    normalize_numbers,
    parse_id,
    pick_inputs,
    pick_settings,
    prove_storable,
    read_facts,
    read_originals,
    refresh_props,
    refuse_damage,
)

if TYPE_CHECKING:
    from .runtime.live import Live
    from .runtime.session import Session


class Adopted(TypedDict, total=False):
    """What each managed setting was when it became managed; a missing name was not set.

    Attributes:
        phase_rotation: as the API returned it, which may be a value that it does not accept.
        max_amperage: A per phase, a whole number that the engine hands to programs as a float.
    """

    phase_rotation: str
    max_amperage: float


class ChargerConnector(dynamic.Resource, module="plugchoice", name="ChargerConnector"):
    """The phase rotation and maximum amperage of one connector of a charger.

    Attributes:
        charger: UUID of the charger, lower case.
        connector_id: OCPP connector number.
        phase_rotation: the building lines on terminals L1, L2, L3 (`RST` is L1 L2 L3); None when not managed.
        max_amperage: maximum current per phase, A; None when not managed.
        site: UUID of the site, lower case; None without one.
        managed: names of the settings that this resource manages.
        adopted: what each managed setting was when it became managed; a missing name was not set.
        identity: OCPP identity of the charger.
        power_type: such as `AC_3_PHASE`.
        standard: such as `IEC 62196`.
        format: `Socket` or `Cable`.
        max_voltage: rated voltage, V, as Plugchoice tells it.
    """

    if TYPE_CHECKING:
        charger: pulumi.Output[str]
        connector_id: pulumi.Output[int]
        phase_rotation: pulumi.Output[PhaseRotation | None]
        max_amperage: pulumi.Output[int | None]
        site: pulumi.Output[str | None]
        managed: pulumi.Output[list[str]]
        adopted: pulumi.Output[Adopted]
        identity: pulumi.Output[str | None]
        power_type: pulumi.Output[str | None]
        standard: pulumi.Output[str | None]
        format: pulumi.Output[str | None]
        max_voltage: pulumi.Output[int | None]
    else:
        # What the SDK needs: it makes whole numbers of the engine's floats.
        connector_id: pulumi.Output[int]
        max_amperage: pulumi.Output[int]
        max_voltage: pulumi.Output[int]

    def __init_subclass__(cls, module: str = "plugchoice", name: str = "ChargerConnector", **kwargs: Any) -> None:
        # A subclass in a program is still a ChargerConnector; the SDK's own default would give it another type.
        super().__init_subclass__(module=module, name=name, **kwargs)

    def __init__(
        self,
        resource_name: str,
        *,
        charger: pulumi.Input[str],
        connector_id: pulumi.Input[int],
        phase_rotation: pulumi.Input[PhaseRotation] | None = None,
        max_amperage: pulumi.Input[int] | None = None,
        site: pulumi.Input[str] | None = None,
        on_adopt: pulumi.Input[OnAdopt] = "overwrite",
        on_destroy: pulumi.Input[OnDestroy] = "retain",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare a connector.

        Mistakes do not raise here: all mistakes of a program are reported together, before anything is written.

        Args:
            resource_name: name of the resource in the stack.
            charger: UUID of the charger, or its OCPP identity (which needs a site). Another charger: replace.
            connector_id: OCPP connector number, 1 and up. Another number: replace.
            phase_rotation: the building lines (R, S, T are L1, L2, L3) on terminals L1, L2, L3, as wired. None: not
                managed, left as it is.
            max_amperage: maximum current per phase, 1 to 1000 A. None: not managed, left as it is.
            site: UUID of the site; default `plugchoice:site` or PLUGCHOICE_SITE. The connectors of a site are read
                together.
            on_adopt: `overwrite` writes the declared values. `match` refuses a live value that differs from the
                declared one; a setting that has no live value may be set.
            on_destroy: `retain` leaves the settings as they are. `restore` writes back what each managed setting was
                before it was managed.
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
        # A coroutine can be awaited once only, and both the gate and the SDK wait for a value.
        declared = {
            name: value if is_plain(value) else pulumi.Output.from_input(value) for name, value in declared.items()
        }
        props = {
            name: None if is_plain(value) and value == DEFAULTS.get(name) else value for name, value in declared.items()
        }
        # A resource that is only read by its id declares nothing.
        if opts is None or opts.id is None:
            props["charger"] = gate().admit(resource_name, declared, opts)
        # The SDK makes an attribute only of what is named here.
        props |= dict.fromkeys(COMPUTED)
        super().__init__(ChargerConnectorProvider(), resource_name, props, opts)

    @staticmethod
    def get(
        resource_name: str,
        id: pulumi.Input[str],  # noqa: A002 - the name that every Pulumi resource's `get` uses
        opts: pulumi.ResourceOptions | None = None,
    ) -> "ChargerConnector":
        """Read a connector by its id `{charger uuid}/{connector_id}`, without managing it.

        Args:
            resource_name: name of the resource in the stack.
            id: UUID of the charger, a slash, and the OCPP connector number.
            opts: Pulumi's resource options.
        """
        parts = pulumi.Output.from_input(id).apply(_parse_id_in_program)
        return ChargerConnector(
            resource_name,
            charger=parts.apply(lambda both: both[0]),
            connector_id=parts.apply(lambda both: both[1]),
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id)),
        )


def _parse_id_in_program(id_: str) -> tuple[str, int]:
    try:
        return parse_id(id_)
    except PlugchoiceError as error:
        raise pulumi.RunError(f"plugchoice: {error}") from None


class ChargerConnectorProvider(dynamic.ResourceProvider):
    """The six calls of the engine. Holds nothing: `runtime/session.py` has what a run shares.

    Properties arrive with numbers as floats and without None entries; unknown ones as `pulumi.output.Unknown`.
    """

    serialize_as_secret_always = False

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Receive the whole stack config, decrypted. Called once per process, before the other calls."""
        hide_tracebacks()
        open_session(req.config.get)

    @for_engine
    def check(self, olds: Props, news: Props) -> dynamic.CheckResult:
        """Validate the inputs, and return them in the form in which they are stored. Part of preview and update.

        Args:
            olds: the stored inputs; empty for a new resource, and again when it is to be replaced.
            news: the declared inputs.
        """
        session = current_session()
        inputs = {name: news[name] for name in INPUT_NAMES if news.get(name) is not None}
        mistakes = find_mistakes(inputs, is_known, has_default_site=session.site is not None)
        if mistakes:
            # The engine prints property and value, so a mistake about nothing goes to an input that has one.
            given = next(iter(inputs), "charger")
            failures = [
                dynamic.CheckFailure(mistake.place, mistake.text)
                if mistake.place in inputs
                else dynamic.CheckFailure(given, str(mistake))
                for mistake in mistakes
            ]
            return dynamic.CheckResult(news, failures)
        inputs = normalize_inputs(inputs, session.site)
        if not all(is_known(inputs.get(name)) for name in ("charger", "connector_id", "site")):
            return dynamic.CheckResult(inputs, [])
        names_site = news.get("site") is not None or not is_uuid(inputs["charger"])
        failures = [] if is_uuid(inputs["charger"]) else resolve_identity(session, olds, inputs)
        if names_site:
            session.name_site(inputs["charger"], inputs["connector_id"])
        return dynamic.CheckResult(inputs, failures or check_adoption(session, olds, inputs))

    @for_engine
    def diff(self, id_: str, olds: Props, news: Props) -> dynamic.DiffResult:
        """Tell whether to update or replace. Reads live values, so a plain preview shows drift.

        Args:
            id_: resource id.
            olds: the stored outputs.
            news: the checked inputs.
        """
        olds, news = normalize_numbers(olds), normalize_numbers(news)
        session = current_session()
        charger, number = parse_id(id_)
        damage = find_damage(id_, olds)
        if damage:
            # An error here would stop all other resources. The update of this one fails.
            session.notices.say(damage, kind="damaged states")
            return dynamic.DiffResult(changes=True)
        if session.is_offline and news["charger"] == olds.get("identity"):
            # Now declared by identity, which an offline check cannot look up: the same charger.
            news["charger"] = olds["charger"]
        replaces = [name for name in REPLACING if is_known(news[name]) and news[name] != olds.get(name)]
        if replaces:
            say_other_device(session, olds, news)
            return dynamic.DiffResult(changes=True, replaces=replaces)
        if not all(is_known(value) for value in news.values()):
            return dynamic.DiffResult(changes=True)
        before = {name: olds.get(name) for name in olds.get("managed", ())}
        is_edited = pick_settings(news) != before or any(news.get(name) != olds.get(name) for name in INPUT_NAMES)
        if session.is_offline:
            session.say_offline()
            return dynamic.DiffResult(changes=is_edited)
        live = find_or_report(session, charger, number, olds, news)
        if live is None:
            return dynamic.DiffResult(changes=True)
        report_drift(session, live, olds, news)
        return dynamic.DiffResult(changes=expect_write(session, live, news) or is_edited)

    @for_engine
    def create(self, props: Props) -> dynamic.CreateResult:
        """Adopt the connector: write what differs, and record what it was."""
        props = normalize_numbers(props)
        return dynamic.CreateResult(make_id(props["charger"], props["connector_id"]), _write({}, props))

    @for_engine
    def update(self, id_: str, olds: Props, news: Props) -> dynamic.UpdateResult:
        """Write what differs; record what a setting was that becomes managed now.

        Args:
            id_: resource id.
            olds: the stored outputs.
            news: the checked inputs.
        """
        olds, news = normalize_numbers(olds), normalize_numbers(news)
        refuse_damage(id_, olds)
        return dynamic.UpdateResult(_write(olds, news))

    @for_engine
    def read(self, id_: str, props: Props) -> dynamic.ReadResult:
        """Refresh: return the live values as outputs and as inputs, so that the next diff is exact.

        Args:
            id_: resource id.
            props: the stored outputs; for `ChargerConnector.get` its inputs.
        """
        props = normalize_numbers(props)
        charger, number = parse_id(id_)
        session = current_session()
        if session.is_offline:
            session.say_offline()
            return dynamic.ReadResult(id_, dict(props), pick_inputs(props))
        if not is_managed(props):
            return _read_unmanaged(session, id_, props)
        refuse_damage(id_, props)
        try:
            live = session.live.find(charger, number, props.get("site"))
        except (ConnectorNotFound, NotFound) as error:
            confirm_gone(session, id_, props, error)
            return dynamic.ReadResult("", {})
        report_drift(session, live, props, None)
        outputs, inputs = refresh_props(props, live)
        return dynamic.ReadResult(id_, outputs, inputs)

    @for_engine
    def delete(self, id_: str, props: Props) -> None:
        """Retain: change nothing. Restore: write back what each managed setting was before it was managed."""
        props = normalize_numbers(props)
        charger, number = parse_id(id_)
        name = format_name(props, charger, number)
        session = current_session()
        session.is_update = True
        if props.get("on_destroy") not in (None, "retain"):
            refuse_damage(id_, props)
        if props.get("on_destroy") != "restore":
            session.notices.say(
                f"{name}: settings stay in Plugchoice as they are (on_destroy: retain)", kind="retained"
            )
        elif (charger, number) in session.declarations:
            say_still_declared(session, name, props)
        else:
            restore(session, id_, props)


def _write(olds: Props, news: Props) -> Props:
    """Bring a connector to its declared settings, and return the outputs: complete before the write is sent."""
    session = current_session()
    session.is_update = True
    charger, number = news["charger"], news["connector_id"]
    if session.is_offline:
        name = format_name(news, charger, number)
        raise OfflineError(f"{name}: not written, because PLUGCHOICE_OFFLINE is on; unset it and run again")
    settings = pick_settings(news)
    added = [name for name in settings if name not in olds.get("managed", ())]
    kept = {name: value for name, value in olds.get("adopted", {}).items() if name in settings}
    outputs: Props = {}

    def prepare(before: "Live") -> None:
        nonlocal outputs
        refuse_mismatch(before, news, added)
        outputs = make_outputs(news, before, kept | read_originals(before, added))
        prove_storable(before.name, outputs)

    found = find_to_write(session, charger, number, olds, news)
    if find_changes(settings, found.connector):
        session.guards.check(news.get("site"))
    session.settle(found, settings, prepare=prepare, is_adoption=bool(added), reads_first=needs_reading(news, added))
    return outputs


def _read_unmanaged(session: "Session", id_: str, props: Props) -> dynamic.ReadResult:
    """A connector for `ChargerConnector.get`."""
    charger, number = parse_id(id_)
    live = session.live.find(charger, number, props.get("site") or session.site)
    settings = drop_none(read_settings(live.connector))
    return dynamic.ReadResult(id_, {"charger": charger, "connector_id": number, **settings, **read_facts(live)})
