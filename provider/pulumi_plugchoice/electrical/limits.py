"""The checks of a site: its owner's limits, its fuses and its chargers.

Only a limit that the owner declares can fail a preview, and only when the change makes the site worse. Anyone can
declare a site as it is wired, however uneven, and nobody has to declare wrong letters to get past a check.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from pulumi_plugchoice._text import plural

from .figures import LEAST_AMPS, sum_single_phase
from .rotations import LINE_NAMES, LINES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .figures import Figures, Installation, Triple


@dataclass(frozen=True)
class Limits:
    """The limits (A) that the owner of a site declares.

    Attributes:
        single_phase_amps: highest current on a line when every connector charges a one-phase car.
        three_phase_amps: highest current on a line when every connector charges a three-phase car.
        full_imbalance_amps: highest difference between two lines when every connector charges a one-phase car.
        worst_imbalance_amps: highest difference between two lines when some connectors charge a one-phase car and
            others are empty.
        presets: names of `PRESETS`, which only warn.
    """

    single_phase_amps: int | None = None
    three_phase_amps: int | None = None
    full_imbalance_amps: int | None = None
    worst_imbalance_amps: int | None = None
    presets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Preset:
    """A national rule as secondary sources describe it. Not verified in the text of the norm, so it only warns.

    Attributes:
        amps: highest difference between two lines, A.
        source: where the rule was read.
    """

    amps: int
    source: str


PRESETS: Final[Mapping[str, Preset]] = {
    "DE-4.6kVA": Preset(20, "4.6 kVA between lines for the whole connection, building included (e-handbuch.de)"),
    "AT-16A": Preset(16, "3.7 kW between lines, mostly given as a threshold for devices (documents.kostal.com)"),
    "CH-16A": Preset(16, "3.7 kW between lines, mostly given as a threshold for devices (documents.kostal.com)"),
}

_CONDITIONS: Final = {
    "single_phase_amps": "when every connector charges a one-phase car",
    "three_phase_amps": "when every connector charges a three-phase car",
    "full_imbalance_amps": "between two lines when every connector charges a one-phase car",
    "worst_imbalance_amps": "between two lines when some connectors charge a one-phase car and others are empty",
}


@dataclass(frozen=True)
class ExceededLimit:
    """A declared limit that the declared connectors exceed.

    Attributes:
        limit: its name in the site file.
        allowed: A.
        value: A of the declared connectors.
        line: `L1`, `L2`, `L3`; None for a difference between lines.
        live: A of the live connectors, on the same line; None when it is not known.
        is_worse: whether the change makes the site worse: a higher current on the most loaded line, or a higher excess
            on all lines together. Load that only moves from one line to another does not make it worse.
    """

    limit: str
    allowed: float
    value: float
    line: str | None
    live: float | None
    is_worse: bool

    @property
    def fact(self) -> str:
        """The limit, and the value that exceeds it."""
        where = f" on {self.line}" if self.line else ""
        return f"limit {self.limit} ({self.allowed:g} A) exceeded: {self.value:g} A{where} {_CONDITIONS[self.limit]}"

    @property
    def text(self) -> str:
        """The whole line: the limit, the declared and the live value, and what follows."""
        live = "live value not known" if self.live is None else f"{self.live:g} A live"
        if self.is_worse:
            return f"{self.fact}, {live}; this makes the site worse: change the connectors or the limit"
        return f"{self.fact}, {live}; allowed, because the change does not make it worse"


def find_exceeded_limits(limits: Limits, declared: Figures, live: Figures | None) -> list[ExceededLimit]:
    """Find the limits that the declared connectors exceed.

    Args:
        limits: the owner's limits.
        declared: figures of the declared connectors.
        live: figures of the live connectors; None when they are not known.
    """
    exceeded: list[ExceededLimit] = []
    for name, after, before in (
        ("single_phase_amps", declared.single_phase, live.single_phase if live else None),
        ("three_phase_amps", declared.three_phase, live.three_phase if live else None),
    ):
        allowed = getattr(limits, name)
        if allowed is not None:
            exceeded += _compare_lines(name, allowed, after, before)
    for name, amps, old in (
        ("full_imbalance_amps", declared.full_imbalance, live.full_imbalance if live else None),
        ("worst_imbalance_amps", declared.worst_imbalance, live.worst_imbalance if live else None),
    ):
        allowed = getattr(limits, name)
        if allowed is not None and amps is not None and amps > allowed:
            exceeded.append(ExceededLimit(name, allowed, amps, None, old, old is None or amps > old))
    return exceeded


def _compare_lines(name: str, allowed: float, after: Triple, before: Triple | None) -> Iterator[ExceededLimit]:
    is_worse = before is None or max(after) > max(before) or _sum_excess(after, allowed) > _sum_excess(before, allowed)
    for place, letter in enumerate(LINES):
        if after[place] > allowed:
            live = None if before is None else before[place]
            # Of several lines above the limit, only those with a higher current than now are to blame.
            is_to_blame = live is None or after[place] > live
            yield ExceededLimit(name, allowed, after[place], LINE_NAMES[letter], live, is_worse and is_to_blame)


def _sum_excess(lines: Triple, allowed: float) -> float:
    return sum(max(0.0, line - allowed) for line in lines)


class LiveGroup(Protocol):
    """A load-balancing group as Plugchoice has it (`api.models.SiteGroup`)."""

    @property
    def id(self) -> int: ...
    @property
    def group_id(self) -> int | None:
        """Number of the parent group; None for the root."""

    @property
    def total_amps(self) -> int | None: ...
    @property
    def net_type(self) -> str | None: ...


@dataclass(frozen=True)
class GroupMismatch:
    """A difference between a declared group and the group in Plugchoice.

    Attributes:
        key: key of the site file that differs: `group_id`, `fuse_amps`, `main_fuse_amps` or `net_type`.
        text: one line with both values.
        is_refused: whether it fails the preview.
    """

    key: str
    text: str
    is_refused: bool


def compare_groups(installation: Installation, live: Iterable[LiveGroup]) -> list[GroupMismatch]:
    """Compare the declared groups, their fuses and the net type with those in Plugchoice."""
    by_id = {group.id: group for group in live}
    mismatches = []
    for group in installation.groups:
        is_root = group.parent is None
        if group.group_id is not None:
            found = by_id.get(group.group_id)
        else:
            found = next((item for item in by_id.values() if item.group_id is None), None) if is_root else None
        if found is None:
            if group.group_id is not None:
                others = ", ".join(map(str, sorted(by_id))) or "none"
                text = f"group {group.name}: the site has no group {group.group_id} in Plugchoice; its groups: {others}"
                mismatches.append(GroupMismatch("group_id", text, is_refused=True))
            continue
        place = f"group {group.name} ({found.id})"
        if group.fuse_amps is not None and found.total_amps not in (None, group.fuse_amps):
            key = "main_fuse_amps" if is_root else "fuse_amps"
            mismatches.append(_compare_fuse(key, place, group.fuse_amps, found.total_amps or 0))
        if is_root and found.net_type not in (None, installation.net_type):
            text = f"{place}: net type is {found.net_type} in Plugchoice, {installation.net_type} is declared"
            mismatches.append(GroupMismatch("net_type", text, is_refused=False))
    return mismatches


def _compare_fuse(key: str, place: str, declared: int, live: int) -> GroupMismatch:
    text = f"{place}: {live} A in Plugchoice, the declared fuse is {declared} A"
    if live < declared:
        return GroupMismatch(key, text, is_refused=False)
    # Load balancing goes by the live value.
    text = f"{text}; load balancing would let chargers draw more than the fuse carries: correct the wrong value"
    return GroupMismatch(key, text, is_refused=True)


@dataclass(frozen=True)
class ChargerFacts:
    """The facts about a charger that its warnings depend on.

    Attributes:
        charger: OCPP identity or UUID.
        breaker_amps: A of its circuit breaker.
        max_current: A that the charger is rated for.
        ac_input_amps: A per line that a DC charger draws.
        power_types: by connector number, as in Plugchoice: `AC_1_PHASE`, `AC_3_PHASE`, `DC`, or None.
        sockets: by connector number, rotation and A.
    """

    charger: str
    breaker_amps: int | None
    max_current: int | None
    ac_input_amps: int | None
    power_types: Mapping[int, str | None]
    sockets: Mapping[int, tuple[str | None, int | None]]


def find_warnings(
    installation: Installation, figures: Figures, limits: Limits, chargers: Sequence[ChargerFacts]
) -> list[str]:
    """Find what a reviewer needs to know, one line each. A warning never fails a preview."""
    return [
        *_check_fuses(figures),
        *_check_imbalance(installation, figures, limits),
        *_check_rotations(installation),
        *(line for charger in chargers for line in _check_charger(charger, has_neutral=installation.neutral)),
    ]


def _check_fuses(figures: Figures) -> Iterator[str]:
    for group in figures.groups:
        if group.usable_amps is None:
            continue
        fuse = "main fuse" if group.parent is None else f"fuse of group {group.name}"
        for cars, lines in (("one-phase", group.single_phase), ("three-phase", group.three_phase)):
            currents = _format_excess(lines, group.usable_amps)
            if currents:
                yield (
                    f"{fuse}: {currents} when every connector charges a {cars} car, {group.usable_amps} A usable; "
                    "the site relies on load balancing"
                )
                break


def _format_excess(lines: Triple, usable_amps: int) -> str:
    """Name the lines above the usable current: `144 A on L1`, or `144 A on each line`."""
    over = [(LINE_NAMES[letter], amps) for letter, amps in zip(LINES, lines, strict=True) if amps > usable_amps]
    if len(over) == len(LINES) and len({amps for _, amps in over}) == 1:
        return f"{over[0][1]:g} A on each line"
    return ", ".join(f"{amps:g} A on {name}" for name, amps in over)


def _check_imbalance(installation: Installation, figures: Figures, limits: Limits) -> Iterator[str]:
    worst = figures.worst_imbalance
    if worst is not None and limits.full_imbalance_amps is not None and worst > limits.full_imbalance_amps:
        yield (
            f"empty bays: up to {worst:g} A between two lines when some connectors charge a one-phase car and others "
            f"are empty, {figures.full_imbalance:g} A when every connector does"
        )
    allowed = [amps for amps in (limits.full_imbalance_amps, limits.worst_imbalance_amps) if amps is not None]
    allowed += [PRESETS[name].amps for name in limits.presets if name in PRESETS]
    if allowed and installation.neutral:
        base = _sum_base(installation)
        large = [
            point.name for point in installation.points if _compute_least_imbalance(point.amps, base) > min(allowed)
        ]
        if large:
            yield (
                f"{_format_names(large)}: a single one-phase car exceeds the limit of {min(allowed)} A between lines "
                "in any rotation"
            )
    for name in limits.presets:
        if name in PRESETS:
            yield from _check_preset(name, installation, figures)


def _check_preset(name: str, installation: Installation, figures: Figures) -> Iterator[str]:
    preset = PRESETS[name]
    full, worst = figures.full_imbalance, figures.worst_imbalance
    if max(full, worst or 0) > preset.amps:
        empty = "" if worst is None else f", up to {worst:g} A when some are empty"
        yield (
            f"preset {name} (unverified): {full:g} A between two lines when every connector charges a one-phase car"
            f"{empty}, {preset.amps} A allowed; source: {preset.source}"
        )
    ratings = max(sum_single_phase(installation.points))
    if name == "DE-4.6kVA" and ratings > preset.amps:
        yield (
            f"preset {name} (unverified): one-phase ratings add up to {ratings:g} A on a line; a secondary source "
            f"allows {preset.amps} A per line, or more with a balancing device"
        )


def _sum_base(installation: Installation) -> tuple[float, ...]:
    return tuple(sum(lines) for lines in zip((0, 0, 0), *installation.base.values(), strict=True))


def _compute_least_imbalance(amps: float, base: tuple[float, ...]) -> float:
    """Compute the A between lines that one one-phase car adds to the base, on the line where it is lowest."""
    return min(
        max(lines) - min(lines)
        for lines in ([there + (amps if place == line else 0) for place, there in enumerate(base)] for line in range(3))
    )


def _check_rotations(installation: Installation) -> Iterator[str]:
    by_letters = Counter(len(point.rotation) for point in installation.points)
    if installation.neutral and by_letters[2]:
        names = [point.name for point in installation.points if len(point.rotation) == 2]
        yield f"{_format_names(names)}: two letters load both lines in full, because the supply has a neutral"
    if not installation.neutral and by_letters[1]:
        names = [point.name for point in installation.points if len(point.rotation) == 1]
        yield (
            f"{_format_names(names)}: one letter, but without a neutral a one-phase load is connected between two "
            "lines; name both"
        )
    low = [point.name for point in installation.points if point.amps < LEAST_AMPS]
    if low:
        yield f"{_format_names(low)}: maximum current below {LEAST_AMPS} A; a car needs {LEAST_AMPS} A to charge"


_LETTERS: Final = {"AC_1_PHASE": 1, "AC_2_PHASE": 2, "AC_3_PHASE": 3}


def _check_charger(charger: ChargerFacts, *, has_neutral: bool) -> Iterator[str]:
    for number, (rotation, amps) in sorted(charger.sockets.items()):
        name = f"{charger.charger}/{number}"
        power_type = charger.power_types.get(number)
        if power_type == "DC" and rotation is not None:
            yield f"{name}: phase_rotation {rotation} on a DC connector, which has no phase rotation of its own"
        letters = _LETTERS.get(power_type or "")
        # Without a neutral, a one-phase connector is fed by two lines.
        fitting = {letters} if has_neutral or letters != 1 else {1, 2}
        if letters is not None and rotation is not None and len(rotation) not in fitting:
            yield f"{name}: {rotation} has {plural(len(rotation), 'letter')}, but the connector is {power_type}"
        if amps is not None and charger.max_current is not None and amps > charger.max_current and power_type != "DC":
            yield f"{name}: {amps} A, but the charger is rated for {charger.max_current} A"
    yield from _check_breaker(charger)


_COUNTS: Final = {1: "one socket", 2: "two sockets", 3: "three sockets"}


def _check_breaker(charger: ChargerFacts) -> Iterator[str]:
    """Compare all that a charger draws with its breaker: its sockets share one cable."""
    breaker = charger.breaker_amps
    if breaker is None:
        return
    is_dc = charger.ac_input_amps is not None
    loads = [
        amps or 0
        for number, (rotation, amps) in charger.sockets.items()
        if charger.power_types.get(number) != "DC" and (rotation is not None or not is_dc)
    ]
    parts = [_COUNTS.get(len(loads), f"{len(loads)} sockets")] if loads else []
    if charger.ac_input_amps is not None:
        parts.append("AC input")
        loads.append(charger.ac_input_amps)
    total = sum(loads)
    draw = f"{' and '.join(parts)}, {total} A{' in total' if len(loads) > 1 else ''}"
    recommended = compute_eighty_percent(breaker)
    if total > breaker:
        yield f"{charger.charger}: {draw}, but the breaker is {breaker} A"
    elif total > recommended:
        yield (
            f"{charger.charger}: {draw}; Plugchoice recommends at most 80 % of the breaker, {recommended} A of "
            f"{breaker} A"
        )


def compute_eighty_percent(breaker_amps: int) -> int:
    """Compute the current (A) that Plugchoice recommends for a breaker: 16 for 20, 25 for 32, 32 for 40.

    Source: https://support.volttime.com/en/articles/12927913-configuring-chargers
    """
    return breaker_amps * 80 // 100


def _format_names(names: Sequence[str]) -> str:
    """List at most five names, and count the others."""
    names = sorted(names)
    return ", ".join(names[:5]) if len(names) <= 5 else f"{', '.join(names[:5])} and {len(names) - 5} more"
