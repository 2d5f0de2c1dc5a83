"""`PhaseBalance`: a site's amps per line as a Pulumi resource, so that a preview shows them before and after.

Nothing of it is written to Plugchoice: its inputs are the declared connectors and the figures computed from them. All
connectors of a `ChargingSite` depend on it, so what its `check` refuses is refused before any of them is written.

The module path and the name of `PhaseBalanceProvider` are pickled into every user's state: they never change, and the
class never gets instance attributes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
from pulumi import dynamic

from .electrical.figures import compute_figures
from .electrical.limits import find_exceeded_limits, find_warnings
from .errors import OfflineError, PlugchoiceError
from .runtime import session as run
from .runtime.engine import for_engine, is_known, without_frames
from .runtime.stored import whole_numbers
from .sitefile.definition import DECLARED, LINE_KEYS, LiveValues, as_text, counted, facts_of, from_text, limits_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .api.models import SiteGroup
    from .electrical.figures import Figures, Triple
    from .sitefile.definition import Counted, Props

#: Computed by `check`; what a reader of the preview sees change.
FIGURES = (
    "usable_amps",
    *(f"single_phase_{line}" for line in LINE_KEYS),
    *(f"three_phase_{line}" for line in LINE_KEYS),
    "full_imbalance",
    "worst_imbalance",
    "cars_at_6_amps",
    "group_amps",
    "counted_live",
    "not_counted",
)


class PhaseBalance(dynamic.Resource, module="plugchoice", name="PhaseBalance"):
    """The amps on the three building lines that a site's declared connectors add up to.

    Attributes:
        usable_amps: A per line that the main fuse leaves after the safety margin.
        single_phase_l1: A on L1 when every point charges a one-phase car; l2, l3 likewise.
        three_phase_l1: A on L1 when every point charges a three-phase car: bounds every mix of cars.
        full_imbalance: A between the most and the least loaded line when every point charges one-phase.
        worst_imbalance: A between two lines when some points are in use and some are empty, at worst.
        cars_at_6_amps: one-phase cars that the usable amps serve at 6 A each.
    """

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
        # As in ChargerConnector: a subclass is still a PhaseBalance.
        super().__init_subclass__(module=module, name=name, **kwargs)

    def __init__(
        self,
        resource_name: str,
        definition: Mapping[str, pulumi.Input[Any]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare it; `ChargingSite` does.

        Args:
            resource_name: name of the resource in the stack.
            definition: as `definition.definition_of` gives it.
            opts: Pulumi's resource options.
        """
        super().__init__(PhaseBalanceProvider(), resource_name, {**dict.fromkeys(FIGURES), **definition}, opts)


class PhaseBalanceProvider(dynamic.ResourceProvider):
    """What the engine calls. Holds nothing: see `session.py` for what a run shares."""

    serialize_as_secret_always = False

    def configure(self, req: dynamic.ConfigureRequest) -> None:
        """Once per process: the whole stack config, decrypted."""
        without_frames()
        run.open_session(req.config.get)

    @for_engine
    def check(self, olds: Props, news: Props) -> dynamic.CheckResult:
        """Compute the figures; refuse what the site's owner said must not happen, and warn of the rest.

        Args:
            olds: the stored inputs; empty for a new resource.
            news: the definition.
        """
        definition = {name: value for name, value in whole_numbers(news).items() if name in DECLARED}
        if not all(is_known(value) for value in definition.values()):
            return dynamic.CheckResult(news, [])
        session = run.current()
        if session.is_offline:
            session.notices.say_once(_OFFLINE)
            return dynamic.CheckResult(_stored(definition, counted(definition, None), whole_numbers(olds)), [])
        site = definition["site"]
        live = LiveValues(session.live.of_site(site))
        after = counted(definition, live)
        computed = compute_figures(after.installation)
        failures = _fuse_failures(definition, session.live.groups(site), session)
        failures += _limit_failures(definition, computed, counted(definition, live, as_live=True), session)
        for line in find_warnings(after.installation, computed, limits_of(definition), facts_of(definition, live)):
            session.notices.say(line, kind="warnings about phases")
        for name in olds.get("restored", ()):
            if name not in definition["connectors"]:
                session.notices.say(
                    f"{name} is no longer declared, and on_destroy puts back what it was: the amps per line count it "
                    "as it is now; look at the preview after this update",
                    kind="connectors to be restored",
                )
        for line in after.left_out:
            session.notices.say(f"not counted in the amps per line: {line}", kind="connectors not counted")
        return dynamic.CheckResult(_stored(definition, after), failures)

    @for_engine
    def diff(self, id_: str, olds: Props, news: Props) -> dynamic.DiffResult:
        """Compare the stored figures and definition with the new ones; say when live figures are others.

        Args:
            id_: the site's UUID.
            olds: the stored outputs.
            news: the checked inputs.
        """
        olds, news = whole_numbers(olds), whole_numbers(news)
        if not all(is_known(value) for value in news.values()):
            return dynamic.DiffResult(changes=True)
        session = run.current()
        if not session.is_offline:
            _report_live(session, olds)
        return dynamic.DiffResult(
            changes=_is_changed(olds, news),
            replaces=["site"] if news["site"] != id_ else [],
        )

    @for_engine
    def create(self, props: Props) -> dynamic.CreateResult:
        """Remember the figures."""
        _begin_update()
        return dynamic.CreateResult(props["site"], props)

    @for_engine
    def update(self, id_: str, olds: Props, news: Props) -> dynamic.UpdateResult:  # noqa: ARG002 - the engine's signature
        """Remember the new figures."""
        _begin_update()
        return dynamic.UpdateResult(news)

    @for_engine
    def read(self, id_: str, props: Props) -> dynamic.ReadResult:
        """Refresh: the same connectors with their live values, so that drift shows as amps.

        Args:
            id_: the site's UUID.
            props: the stored outputs.
        """
        props = whole_numbers(props)
        session = run.current()
        if session.is_offline:
            session.notices.say_once(_OFFLINE)
            return dynamic.ReadResult(id_, dict(props), dict(props))
        now = _as_live(props, LiveValues(session.live.of_site(props["site"])))
        stored = {name: value for name, value in props.items() if name not in (*DECLARED, *FIGURES)} | now
        return dynamic.ReadResult(id_, stored, dict(now))

    @for_engine
    def delete(self, id_: str, props: Props) -> None:  # noqa: ARG002 - the engine's signature
        """Nothing was made, so there is nothing to remove."""
        run.current().is_update = True


def _begin_update() -> None:
    session = run.current()
    session.is_update = True
    if session.is_offline:
        # All connectors of the site depend on this: one line for them.
        raise OfflineError("the site is not updated: PLUGCHOICE_OFFLINE is on; unset it, and run again")


_OFFLINE = "PLUGCHOICE_OFFLINE is on: amps per line are computed from declared values, live ones are not looked at"


def _stored(definition: Props, found: Counted, olds: Mapping[str, Any] | None = None) -> Props:
    """The inputs as they are stored: the definition, and the figures.

    `olds` are given offline: what an earlier run counted with live values is believed.
    """
    computed = compute_figures(found.installation)
    stored: Props = {
        **definition,
        "usable_amps": computed.usable_amps,
        **_by_line("single_phase", computed.single_phase),
        **_by_line("three_phase", computed.three_phase),
        "full_imbalance": computed.full_imbalance,
        "worst_imbalance": computed.worst_imbalance,
        "cars_at_6_amps": computed.cars_at_6_amps,
        "group_amps": {
            group.name: f"one-phase {_amps(group.single_phase)}, three-phase {_amps(group.three_phase)}"
            + ("" if group.usable_amps is None else f" of {group.usable_amps} A usable")
            for group in computed.groups
            if group.parent is not None
        },
        "counted_live": found.live,
        "not_counted": sorted(found.left_out),
    }
    if olds and {name: olds.get(name) for name in DECLARED} == {name: definition.get(name) for name in DECLARED}:
        stored |= {name: olds[name] for name in FIGURES if name in olds}
    return {name: value for name, value in stored.items() if value is not None}


def _as_live(props: Props, live: LiveValues) -> Props:
    """The stored form with live values in the place of the declared ones; a setting never set stays as declared."""
    definition: Props = {name: props[name] for name in DECLARED if name in props}
    connectors = {}
    for name, text in definition.get("connectors", {}).items():
        found = live.get(name)
        connectors[name] = _live_text(text, found.connector) if found else text
    definition["connectors"] = connectors
    return _stored(definition, counted(definition, live))


def _live_text(text: str, connector: Any) -> str:
    """Of what is declared, the live values."""
    rotation, amps = from_text(text)
    if rotation is not None and connector.phase_rotation is not None:
        rotation = as_text(connector.phase_rotation, None)
    if amps is not None and connector.max_amperage is not None:
        amps = connector.max_amperage
    return as_text(rotation, amps)


def _by_line(name: str, amps: Triple) -> Props:
    return {f"{name}_{line}": value for line, value in zip(LINE_KEYS, amps, strict=True)}


def _amps(amps: Triple) -> str:
    return "/".join(f"{value:g}" for value in amps) + " A"


def _fuse_failures(
    definition: Mapping[str, Any], groups: list[SiteGroup], session: run.Session
) -> list[dynamic.CheckFailure]:
    """Live fuses against the declared ones: a cloud that believes in more than there is lets chargers draw it."""
    by_id = {group.id: group for group in groups}
    failures = []
    for name, declared in sorted(definition["groups"].items()):
        is_root = "parent" not in declared
        number = declared.get("group_id")
        group = by_id.get(number) if number is not None else None
        if is_root and number is None:
            group = next((item for item in groups if item.group_id is None), None)
        if group is None:
            if number is not None:
                has = ", ".join(str(item) for item in sorted(by_id)) or "none"
                failures.append(
                    dynamic.CheckFailure(
                        "groups", f"group {name}: the site has no group {number} in Plugchoice; it has {has}"
                    )
                )
            continue
        fuse = definition["main_fuse_amps"] if is_root else declared.get("fuse_amps")
        key = "main_fuse_amps" if is_root else "groups"
        what = f"group {name} ({group.id})"
        if fuse is not None and group.total_amps is not None and group.total_amps > fuse:
            failures.append(
                dynamic.CheckFailure(
                    key,
                    f"{what} has {group.total_amps} A in Plugchoice where a fuse of {fuse} A is declared: load "
                    "balancing would let chargers draw more than the fuse carries; correct the one that is wrong",
                )
            )
        elif fuse is not None and group.total_amps is not None and group.total_amps < fuse:
            session.notices.say(
                f"{what} has {group.total_amps} A in Plugchoice, and a fuse of {fuse} A is declared",
                kind="fuses that differ",
            )
        if is_root and group.net_type is not None and group.net_type != definition["net_type"]:
            session.notices.say(
                f"{what} has net type {group.net_type} in Plugchoice, and {definition['net_type']} is declared",
                kind="nets that differ",
            )
    return failures


def _limit_failures(
    definition: Mapping[str, Any], after: Figures, live: Counted, session: run.Session
) -> list[dynamic.CheckFailure]:
    """Declared limits that are broken: refused when it is worse than now, and only said when it is not."""
    failures = []
    for found in find_exceeded_limits(limits_of(definition), after, compute_figures(live.installation)):
        if not definition["neutral"]:
            # Without neutral the figures rest on an assumption about cars: they only warn.
            session.notices.say(f"{found.fact}; warning only: the supply has no neutral", kind="limits broken")
        elif found.is_worse:
            failures.append(dynamic.CheckFailure(_property_of(found.limit, found.line), found.text))
        else:
            session.notices.say(found.text, kind="limits broken")
    return failures


def _property_of(limit: str, line: str | None) -> str:
    name = limit.removesuffix("_amps")
    return name if line is None else f"{name}_{line.lower()}"


def _is_changed(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether there is something to apply.

    Connectors that this site does not manage count with their live values. When only those have changed (the portal, or
    another resource of the same program), nothing of this resource's has: a line tells, and the next change or refresh
    takes them in.
    """
    if any(olds.get(name) != news.get(name) for name in DECLARED):
        return True
    if any(olds.get(name) != news.get(name) for name in _LIVE):
        return False
    return any(olds.get(name) != news.get(name) for name in FIGURES)


_LIVE = ("counted_live", "not_counted")


def _report_live(session: run.Session, olds: Mapping[str, Any]) -> None:
    """One line when the live figures are not those last applied."""
    try:
        live = LiveValues(session.live.of_site(olds["site"]))
    except PlugchoiceError:
        return  # the site was another one; check has read the one that is declared
    now = _as_live(dict(olds), live)
    parts = []
    for name, words in (("single_phase", "one-phase cars"), ("three_phase", "three-phase cars")):
        before: tuple[Any, ...] = tuple(olds.get(f"{name}_{line}") for line in LINE_KEYS)
        after: tuple[Any, ...] = tuple(now.get(f"{name}_{line}") for line in LINE_KEYS)
        if before != after:
            parts.append(f"{words} {'/'.join(map(str, after))} A live, {'/'.join(map(str, before))} A declared last")
    if parts:
        session.notices.say(f"amps per line L1/L2/L3: {'; '.join(parts)}", kind="amps that differ")
