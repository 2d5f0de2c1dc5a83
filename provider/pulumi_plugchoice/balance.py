"""`PhaseBalance`: the amps per building line of a site as a Pulumi resource. A preview shows them before and after.

It writes nothing to Plugchoice. Its inputs are the declared connectors and the figures computed from them. All
connectors of a `ChargingSite` depend on it, so what its `check` refuses is refused before any of them is written.

The module path and the name of `PhaseBalanceProvider` are pickled into every user's state: they never change, and the
class never gets instance attributes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
from pulumi import dynamic

from ._text import is_uuid, printable
from .electrical.groups import compare_groups
from .errors import OfflineError, PlugchoiceError
from .runtime.engine import for_engine, hide_tracebacks, is_known
from .runtime.session import current_session, open_session
from .runtime.stored import normalize_numbers
from .site_reading import complete_site, confirm_limits, find_exceeded
from .sitefile.assess import FIGURES, LINE_KEYS, assess, keep_figures, make_properties
from .sitefile.definition import (
    DECLARED,
    LiveValues,
    drop_connectors,
    find_new_connectors,
    parse_limits,
    replace_settings,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .electrical.groups import GroupMismatch
    from .electrical.limits import ExceededLimit
    from .runtime.session import Session
    from .sitefile.definition import Props

_OFFLINE = "PLUGCHOICE_OFFLINE is on: the amps per line are computed from declared values, live values are not read"


class PhaseBalance(dynamic.Resource, module="plugchoice", name="PhaseBalance"):
    """The amps per building line that a site's declared connectors add up to.

    Attributes:
        usable_amps: A per line of the main fuse after the safety margin.
        single_phase_l1: A on L1 when every connector charges a one-phase car, building included.
        single_phase_l2: the same on L2.
        single_phase_l3: the same on L3.
        three_phase_l1: A on L1 when every connector charges a three-phase car. No mix of cars draws more.
        three_phase_l2: the same on L2.
        three_phase_l3: the same on L3.
        full_imbalance: A between the most and the least loaded line when every connector charges a one-phase car.
        worst_imbalance: highest difference between two lines (A) when some connectors charge a one-phase car and
            others are empty. None without a neutral.
        cars_at_6_amps: number of one-phase cars that can charge at the same time with 6 A each.
        group_amps: by name of each group below the root: a text with its A per line L1/L2/L3, and those of its fuse.
        counted_live: settings of the connectors that count with a live value, such as `STR 16 A`, by connector.
        not_counted: the connectors that do not count, each with the reason.
    """

    if TYPE_CHECKING:
        group_amps: pulumi.Output[dict[str, str]]
        counted_live: pulumi.Output[dict[str, str]]
        not_counted: pulumi.Output[list[str]]
    usable_amps: pulumi.Output[int]
    single_phase_l1: pulumi.Output[float]
    single_phase_l2: pulumi.Output[float]
    single_phase_l3: pulumi.Output[float]
    three_phase_l1: pulumi.Output[float]
    three_phase_l2: pulumi.Output[float]
    three_phase_l3: pulumi.Output[float]
    full_imbalance: pulumi.Output[float]
    worst_imbalance: pulumi.Output[float | None]
    cars_at_6_amps: pulumi.Output[int]

    def __init_subclass__(cls, module: str = "plugchoice", name: str = "PhaseBalance", **kwargs: Any) -> None:
        # As in ChargerConnector: a subclass keeps the type token.
        super().__init_subclass__(module=module, name=name, **kwargs)

    def __init__(
        self,
        resource_name: str,
        definition: Mapping[str, pulumi.Input[Any]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the balance of a site. `ChargingSite` does this.

        Args:
            resource_name: name of the resource in the stack.
            definition: as `make_definition` returns it.
            opts: Pulumi's resource options.
        """
        super().__init__(PhaseBalanceProvider(), resource_name, {**dict.fromkeys(FIGURES), **definition}, opts)


class PhaseBalanceProvider(dynamic.ResourceProvider):
    """The calls of the engine, in their order. Without state: a run shares `session.py`."""

    serialize_as_secret_always = False

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Open the session, once per process. `req` has the whole stack config, decrypted."""
        hide_tracebacks()
        open_session(req.config.get)

    @for_engine
    def check(self, olds: Props, news: Props) -> dynamic.CheckResult:
        """Compute the figures, refuse what the site's owner does not allow, and print warnings.

        Args:
            olds: the stored inputs; empty for a new resource.
            news: the definition.
        """
        definition = {name: value for name, value in normalize_numbers(news).items() if name in DECLARED}
        if not all(is_known(value) for value in definition.values()):
            return dynamic.CheckResult(news, [])
        session = current_session()
        if session.is_offline:
            session.notices.say_once(_OFFLINE)
            properties = make_properties(definition, assess(definition, None))
            return dynamic.CheckResult(keep_figures(properties, normalize_numbers(olds)), [])
        reading = session.live.read_site(definition["site"])
        live = complete_site(session, definition, reading)
        assessment = assess(definition, live)
        site = definition["site"]
        mismatches = compare_groups(assessment.installation, session.live.list_groups(site))
        exceeded = find_exceeded(definition, assessment.figures, live)
        has_limits = definition["neutral"] and any(name != "presets" for name in definition.get("limits", ()))
        if has_limits and reading.may_lack_rows:
            session.guards.add(site, repr(definition), lambda: confirm_limits(session, definition, reading))
        failures = [
            *_refuse_groups(site, mismatches),
            *_refuse_limits(site, exceeded, has_neutral=definition["neutral"]),
        ]
        for line in assessment.warnings:
            _say(site, line, kind="warnings about amps per line")
        failures += [*_refuse_other_chargers(definition, live), *_judge_restored(olds, definition, live)]
        for line in assessment.not_counted:
            _say(site, f"not counted in the amps per line: {line}", kind="connectors not counted")
        return dynamic.CheckResult(make_properties(definition, assessment), failures)

    @for_engine
    def diff(self, id_: str, olds: Props, news: Props) -> dynamic.DiffResult:
        """Compare the stored definition and figures with the new ones, and report live figures that differ.

        Args:
            id_: the site's UUID.
            olds: the stored outputs.
            news: the checked inputs.
        """
        olds, news = normalize_numbers(olds), normalize_numbers(news)
        if not all(is_known(value) for value in news.values()):
            return dynamic.DiffResult(changes=True)
        session = current_session()
        damage = _find_damage(olds)
        if damage:
            session.notices.say(damage, kind="damaged states")
            return dynamic.DiffResult(changes=True)
        if not session.is_offline:
            _report_drift(session, olds)
            _report_new(session, olds, news)
        replaces = ["site"] if news["site"] != id_ else []
        if replaces or not _is_changed(olds, news):
            return dynamic.DiffResult(changes=bool(replaces), replaces=replaces)
        # The engine compares the properties itself, and so shows only those that changed: each of them is an input.
        return dynamic.DiffResult(changes=None)

    @for_engine
    def create(self, props: Props) -> dynamic.CreateResult:
        """Store the figures."""
        _begin_update(props["site"])
        return dynamic.CreateResult(props["site"], props)

    @for_engine
    def update(self, id_: str, olds: Props, news: Props) -> dynamic.UpdateResult:  # noqa: ARG002 - the engine's signature
        """Store the new figures."""
        _begin_update(news["site"])
        return dynamic.UpdateResult(news)

    @for_engine
    def read(self, id_: str, props: Props) -> dynamic.ReadResult:
        """Refresh: replace the declared settings with the live ones, so that drift shows as amps.

        Args:
            id_: the site's UUID.
            props: the stored outputs.
        """
        props = normalize_numbers(props)
        session = current_session()
        if session.is_offline:
            session.notices.say_once(_OFFLINE)
            return dynamic.ReadResult(id_, dict(props), dict(props))
        damage = _find_damage(props)
        if damage:
            raise PlugchoiceError(damage)
        inputs = _read_live(session, props)
        # Only an update records a connector that nobody declares: a refresh would make a new one look known.
        inputs = drop_connectors(inputs, find_new_connectors(props, inputs))
        others = {name: value for name, value in props.items() if name not in (*DECLARED, *FIGURES)}
        return dynamic.ReadResult(id_, others | inputs, dict(inputs))

    @for_engine
    def delete(self, id_: str, props: Props) -> None:  # noqa: ARG002 - the engine's signature
        """Remove nothing: the resource exists in the state only."""
        current_session().is_update = True


def _say(site: str, line: str, *, kind: str) -> None:
    """Print a line about a site. A stack may have several, so it begins with which."""
    current_session().notices.say(f"site {site}: {line}", kind=kind)


def _refuse_groups(site: str, mismatches: Iterable[GroupMismatch]) -> list[dynamic.CheckFailure]:
    """Refuse a live fuse above the declared one and a group that does not exist; report other differences."""
    failures = []
    for mismatch in mismatches:
        if mismatch.is_refused:
            name = "main_fuse_amps" if mismatch.key == "main_fuse_amps" else "groups"
            failures.append(dynamic.CheckFailure(name, mismatch.text))
        else:
            _say(site, mismatch.text, kind=f"groups with another {mismatch.key}")
    return failures


def _refuse_limits(site: str, exceeded: Iterable[ExceededLimit], *, has_neutral: bool) -> list[dynamic.CheckFailure]:
    """Refuse an exceeded limit when the change makes the site worse; report the others."""
    failures = []
    for limit in exceeded:
        if not has_neutral:
            # Without a neutral the figures rest on an assumption about cars.
            line = f"{limit.fact}; warning only: the supply has no neutral"
            _say(site, line, kind="exceeded limits")
        elif limit.is_worse:
            # On `limits`: the engine prints the property with its value, and a figure has none before this check.
            failures.append(dynamic.CheckFailure("limits", limit.text))
        else:
            _say(site, limit.text, kind="exceeded limits")
    return failures


def _refuse_other_chargers(definition: Props, live: LiveValues) -> Iterator[dynamic.CheckFailure]:
    """Refuse a charger whose identity and UUID are those of two chargers."""
    identities = {item.charger: item.identity for item in live.all}
    for identity, facts in definition["chargers"].items():
        uuid = facts.get("uuid")
        if uuid is None or identities.get(uuid) == identity:
            continue
        other = next((key for key, name in identities.items() if name == identity), None)
        if other or identities.get(uuid):
            found = f"{identity} has the UUID {other}" if other else f"that UUID is the charger {identities[uuid]}"
            text = f"charger {identity}: declared with the UUID {uuid}, but in Plugchoice {found}"
            yield dynamic.CheckFailure("site", f"{printable(text)}; correct identity or uuid")


def _find_damage(props: Props) -> str | None:
    """What is wrong with stored properties, as a line: a state may have been edited. Nothing else is stored of a site.

    They are computed with as they are, without anything else that could fail.
    """
    try:
        is_complete = is_uuid(props["site"]) and isinstance(props["unmanaged"], list)
        is_complete = is_complete and isinstance(props["connectors"], dict)
        _ = make_properties(props, assess(props, None)), find_new_connectors(props, props), parse_limits(props)
        _ = [name for name in props.get("restored", ()) if name in props["connectors"]]
    except (AttributeError, IndexError, KeyError, StopIteration, TypeError, ValueError):
        is_complete = False
    if is_complete:
        return None
    return (
        f"site {printable(props.get('site'), 60)}: the stored state of its balance is damaged; `pulumi up` stores it "
        "anew from the program"
    )


def _judge_restored(olds: Props, definition: Props, live: LiveValues) -> Iterator[dynamic.CheckFailure]:
    """Say which connectors will be restored; refuse to lose the original values of one that only has another name.

    Also when it is to be restored from now on only: its original values are recorded in any case.
    """
    if olds and _find_damage(normalize_numbers(olds)):
        return
    for name in olds.get("connectors", ()):
        if name in definition["connectors"]:
            continue
        was_restored = name in olds.get("restored", ())
        found = live.get(name)
        now = next((key for key in definition["connectors"] if found and live.get(key) is found), None)
        before, after = name.rpartition("/")[0], (now or "").rpartition("/")[0]
        if now is None and was_restored:
            current_session().notices.say(
                f"{name}: not declared any more, so it will be restored; the amps per line still count its "
                "present values; run a preview after the update",
                kind="connectors to be restored",
            )
        elif (was_restored or now in definition["restored"]) and definition["chargers"][after].get("uuid") != before:
            spelling = "uuid" if is_uuid(before) else "identity"
            yield dynamic.CheckFailure(
                "site",
                f"{printable(name)}: now declared as {printable(now)}, and as another resource it would lose "
                f'the original values for on_destroy="restore"; keep {spelling}: {printable(before)} as well',
            )


def _report_new(session: Session, olds: Props, news: Props) -> None:
    """Name the connectors of the site that nobody has declared and no update has recorded."""
    for name, text in find_new_connectors(olds, news).items():
        session.notices.say(
            f"{name}: on the site, but not declared ({text}); declare it, with `managed: false` if it is to stay as it "
            "is, or run `pulumi up` to record it",
            kind="connectors not declared",
        )


def _report_drift(session: Session, olds: Props) -> None:
    """Print one line when the live figures differ from the stored ones."""
    try:
        now = _read_live(session, olds)
    except PlugchoiceError:
        return  # the stored site is not the declared one, which `check` has read
    parts = []
    for name, cars in (("single_phase", "one-phase cars"), ("three_phase", "three-phase cars")):
        stored, live = ([str(props.get(f"{name}_{line}")) for line in LINE_KEYS] for props in (olds, now))
        if stored != live:
            parts.append(f"{cars} {'/'.join(live)} A live, {'/'.join(stored)} A stored")
    if parts:
        _say(olds["site"], f"amps per line L1/L2/L3: {'; '.join(parts)}", kind="different amps per line")


def _read_live(session: Session, props: Props) -> Props:
    """Return the definition with live settings, and its figures."""
    live = complete_site(session, props, session.live.read_site(props["site"]))
    definition = replace_settings(props, live)
    return make_properties(definition, assess(definition, live))


def _is_changed(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether there is something to apply.

    Unmanaged connectors count with their live values. A change of those alone is not a change of this resource: a line
    reports it, and the next update or refresh stores it. A connector that is new on the site is a change.
    """
    if find_new_connectors(olds, news):
        return True
    if any(_drop_uuids(olds.get(name)) != _drop_uuids(news.get(name)) for name in DECLARED):
        return True
    if any(olds.get(name) != news.get(name) for name in ("counted_live", "not_counted")):
        return False
    return any(olds.get(name) != news.get(name) for name in FIGURES)


def _drop_uuids(value: Any) -> Any:
    """The facts about chargers without their second name, which changes nothing about the site."""
    if not isinstance(value, dict):
        return value
    return {key: _drop_uuids(item) for key, item in value.items() if key != "uuid"}


def _begin_update(site: str) -> None:
    session = current_session()
    session.is_update = True
    if not session.is_offline:
        session.guards.check(site)
    else:
        # All connectors of the site depend on this resource, so this is the only line about them.
        raise OfflineError(f"site {site}: not updated, because PLUGCHOICE_OFFLINE is on; unset it and run again")
