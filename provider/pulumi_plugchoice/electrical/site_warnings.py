"""What a reviewer needs to know of fuses, imbalance, rotations and chargers. A warning never fails a preview."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import plural

from .figures import LEAST_AMPS, sum_single_phase
from .limits import PRESETS
from .rotations import LINE_NAMES, LINES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .figures import Figures, Installation, Triple
    from .limits import Limits


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
    """Find what a reviewer needs to know, one line each.

    Args:
        installation: groups, connectors and other loads, as declared.
        figures: `compute_figures` of it.
        limits: the owner's limits.
        chargers: breakers, presets and DC chargers, as declared.

    Returns:
        Lines for people; none of them is an error.
    """
    return [
        *(fuse.text for fuse in find_overloaded_fuses(figures)),
        *_check_imbalance(installation, figures, limits),
        *_check_rotations(installation),
        *(line for charger in chargers for line in _check_charger(charger, has_neutral=installation.neutral)),
    ]


@dataclass(frozen=True)
class OverloadedFuse:
    """A fuse that the connectors exceed when all of them charge.

    Attributes:
        group: name of the group.
        is_main: whether it is the main fuse.
        text: one line with the currents.
    """

    group: str
    is_main: bool
    text: str


def find_overloaded_fuses(figures: Figures) -> Iterator[OverloadedFuse]:
    """Find the fuses for which a site relies on load balancing: usual, and never an error by itself.

    Args:
        figures: of the site.
    """
    for group in figures.groups:
        if group.usable_amps is None:
            continue
        fuse = "main fuse" if group.parent is None else f"fuse of group {group.name}"
        for cars, lines in (("one-phase", group.single_phase), ("three-phase", group.three_phase)):
            currents = _format_excess(lines, group.usable_amps)
            if currents:
                text = (
                    f"{fuse}: {currents} when every connector charges a {cars} car, {group.usable_amps} A usable; "
                    "the site relies on load balancing"
                )
                yield OverloadedFuse(group.name, group.parent is None, text)
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
        base = sum_base(installation)
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


def sum_base(installation: Installation) -> tuple[float, ...]:
    """Add up the A per line of the building and all DC chargers.

    Args:
        installation: as declared.

    Returns:
        A on L1, L2, L3.
    """
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

    Args:
        breaker_amps: rating of the breaker, A.

    Returns:
        A, rounded down.
    """
    return breaker_amps * 80 // 100


def _format_names(names: Sequence[str]) -> str:
    """List at most five names, and count the others."""
    names = sorted(names)
    return ", ".join(names[:5]) if len(names) <= 5 else f"{', '.join(names[:5])} and {len(names) - 5} more"
