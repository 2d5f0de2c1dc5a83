"""What is refused and what is only said: a site's figures against its owner's limits, its fuses and its chargers. Pure.

Only limits that the owner declared can refuse, and only when the site would be worse than it is: a site that is wired
unevenly must be declarable as it is, and nobody may be pushed to declare letters that are not true.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .figures import LEAST_AMPS, single_phase
from .rotations import LINE_NAMES, LINES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .figures import Figures, Installation


@dataclass(frozen=True)
class Limits:
    """What the owner of a site declares; A.

    Attributes:
        single_phase_amps: at most so many on a line when every point charges a one-phase car.
        three_phase_amps: at most so many on a line when every point charges a three-phase car.
        full_imbalance_amps: at most so many between two lines, every point in use.
        worst_imbalance_amps: at most so many between two lines, some points empty.
        presets: names of `PRESETS`; these only warn.
    """

    single_phase_amps: int | None = None
    three_phase_amps: int | None = None
    full_imbalance_amps: int | None = None
    worst_imbalance_amps: int | None = None
    presets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Preset:
    """A rule that is told of a country; its norm was not at hand, so it is unverified and only warns.

    Attributes:
        amps: at most so many between two lines.
        source: where it was read.
    """

    amps: int
    source: str


PRESETS: Final[Mapping[str, Preset]] = {
    "DE-4.6kVA": Preset(20, "4.6 kVA between lines at the whole connection, building included (e-handbuch.de)"),
    "AT-16A": Preset(16, "3.7 kW between lines, found mainly as a threshold of devices (documents.kostal.com)"),
    "CH-16A": Preset(16, "3.7 kW between lines, found mainly as a threshold of devices (documents.kostal.com)"),
}

_MEANING: Final = {
    "single_phase_amps": "when every point charges a one-phase car",
    "three_phase_amps": "when every point charges a three-phase car",
    "full_imbalance_amps": "between two lines, when every point charges one-phase",
    "worst_imbalance_amps": "between two lines, when some points charge one-phase and others are empty",
}


@dataclass(frozen=True)
class Broken:
    """A declared limit that the declared connectors exceed.

    Attributes:
        limit: its name in the site file.
        allowed: A.
        value: A, as declared.
        line: `L1`, `L2`, `L3`, or None for a figure of all lines.
        live: A of the same line or figure as it is now, or None when that is not known.
        is_worse: whether the site would be worse than it is: more on its most loaded line, or more above the limit on
            all lines together. What only moves from one line to another is not.
    """

    limit: str
    allowed: float
    value: float
    line: str | None
    live: float | None
    is_worse: bool

    @property
    def fact(self) -> str:
        """The limit and by what it is broken."""
        where = f" on {self.line}" if self.line else ""
        return f"limit {self.limit} {self.allowed:g} A: {self.value:g} A{where} {_MEANING[self.limit]}"

    @property
    def text(self) -> str:
        """One line: the limit, the numbers, and what follows."""
        now = "not known now" if self.live is None else f"{self.live:g} A now"
        if self.is_worse:
            what_to_do = "change the connectors, or the limit"
            return f"{self.fact} ({now}); refused because it would be worse than it is: {what_to_do}"
        return f"{self.fact} ({now}); broken, and the site is no worse than it is"


def broken(limits: Limits, figures: Figures, live: Figures | None) -> list[Broken]:
    """The declared limits that the figures exceed.

    Args:
        limits: as declared.
        figures: of the declared connectors.
        live: of the live ones, or None when they are not known.
    """
    found = []
    for name, after, now in (
        ("single_phase_amps", figures.single_phase, live.single_phase if live else None),
        ("three_phase_amps", figures.three_phase, live.three_phase if live else None),
    ):
        allowed = getattr(limits, name)
        if allowed is None:
            continue
        is_worse = now is None or max(after) > max(now) or _above(after, allowed) > _above(now, allowed)
        for place, letter in enumerate(LINES):
            if after[place] > allowed:
                before = None if now is None else now[place]
                # Of several lines, those that got no worse themselves are not what is refused.
                is_culprit = before is None or after[place] > before
                line = LINE_NAMES[letter]
                found.append(Broken(name, allowed, after[place], line, before, is_worse and is_culprit))
    for name, amps, before in (
        ("full_imbalance_amps", figures.full_imbalance, live.full_imbalance if live else None),
        ("worst_imbalance_amps", figures.worst_imbalance, live.worst_imbalance if live else None),
    ):
        allowed = getattr(limits, name)
        if allowed is not None and amps is not None and amps > allowed:
            found.append(Broken(name, allowed, amps, None, before, before is None or amps > before))
    return found


def _above(lines: tuple[float, ...], allowed: float) -> float:
    return sum(max(0.0, line - allowed) for line in lines)


@dataclass(frozen=True)
class ChargerFacts:
    """What a charger is, for the warnings about it.

    Attributes:
        charger: OCPP identity or UUID.
        breaker_amps: A of its circuit breaker.
        max_current: A that it is made for.
        ac_input_amps: A per line that a DC charger takes.
        power_types: by connector number, as Plugchoice tells: `AC_1_PHASE`, `AC_3_PHASE`, `DC`, or None.
        sockets: by connector number, rotation and A.
    """

    charger: str
    breaker_amps: int | None
    max_current: int | None
    ac_input_amps: int | None
    power_types: Mapping[int, str | None]
    sockets: Mapping[int, tuple[str | None, int | None]]


def warnings(
    installation: Installation, figures: Figures, limits: Limits, chargers: Sequence[ChargerFacts]
) -> list[str]:
    """What a reviewer should know, one line each, with numbers. Nothing of it refuses."""
    return [
        *_about_fuses(figures),
        *_about_imbalance(installation, figures, limits),
        *_about_rotations(installation),
        *(line for facts in chargers for line in _about_charger(facts, has_neutral=installation.neutral)),
    ]


def _about_fuses(figures: Figures) -> Iterator[str]:
    for group in figures.groups:
        if group.usable is None:
            continue
        name = "the main fuse" if group.parent is None else f"the fuse of group {group.name}"
        over = _over(group.single_phase, group.usable)
        if over:
            yield (
                f"{name} has {group.usable} A usable per line, and one-phase cars at every point draw {over}: "
                "it relies on load balancing"
            )
            continue
        over = _over(group.three_phase, group.usable)
        if over:
            yield (
                f"{name} has {group.usable} A usable per line, and three-phase cars at every point draw {over}: "
                "it relies on load balancing"
            )


def _over(lines: tuple[float, ...], usable: int) -> str:
    over = [(LINE_NAMES[letter], amps) for letter, amps in zip(LINES, lines, strict=True) if amps > usable]
    if len(over) == len(LINES) and len({amps for _, amps in over}) == 1:
        return f"{over[0][1]:g} A on each line"
    return ", ".join(f"{amps:g} A on {name}" for name, amps in over)


def _about_imbalance(installation: Installation, figures: Figures, limits: Limits) -> Iterator[str]:
    worst = figures.worst_imbalance
    if worst is not None and limits.full_imbalance_amps is not None and worst > limits.full_imbalance_amps:
        yield (
            f"empty bays: up to {worst:g} A between two lines when some points charge one-phase and others are empty, "
            f"{figures.full_imbalance:g} A when every point charges one-phase"
        )
    allowed = [amps for amps in (limits.full_imbalance_amps, limits.worst_imbalance_amps) if amps is not None]
    allowed += [PRESETS[name].amps for name in limits.presets if name in PRESETS]
    if allowed and installation.neutral:
        base = _base_of_all(installation)
        large = [point.name for point in installation.points if _least_alone(point.amps, base) > min(allowed)]
        if large:
            yield (
                f"{_names(large)}: one point of this size with a one-phase car breaks a limit of {min(allowed)} A "
                "between lines in any rotation"
            )
    for name in limits.presets:
        yield from _about_preset(name, installation, figures)


def _about_preset(name: str, installation: Installation, figures: Figures) -> Iterator[str]:
    preset = PRESETS.get(name)
    if preset is None:
        return
    full, worst = figures.full_imbalance, figures.worst_imbalance
    if max(full, worst or 0) > preset.amps:
        empty = "" if worst is None else f", up to {worst:g} A when some are empty"
        yield (
            f"preset {name} (unverified): {full:g} A between two lines when every point charges one-phase{empty}; "
            f"{preset.amps} A allowed; {preset.source}"
        )
    ratings = max(single_phase(installation.points))
    if name == "DE-4.6kVA" and ratings > preset.amps:
        yield (
            f"preset {name} (unverified): {ratings:g} A one-phase on a line; a secondary source adds that one-phase "
            f"ratings may sum up to {preset.amps} A per line, or a device has to even them out"
        )


def _base_of_all(installation: Installation) -> tuple[float, ...]:
    return tuple(sum(lines) for lines in zip((0, 0, 0), *installation.base.values(), strict=True))


def _least_alone(amps: float, base: tuple[float, ...]) -> float:
    """A between lines that one point with a one-phase car makes beside the base, on the line where it is least."""
    return min(
        max(lines) - min(lines)
        for lines in ([there + (amps if place == line else 0) for place, there in enumerate(base)] for line in range(3))
    )


def _about_rotations(installation: Installation) -> Iterator[str]:
    by_letters = Counter(len(point.rotation) for point in installation.points)
    if installation.neutral and by_letters[2]:
        names = [point.name for point in installation.points if len(point.rotation) == 2]
        yield f"{_names(names)}: two letters load both lines where there is a neutral; they are no pair"
    if not installation.neutral and by_letters[1]:
        names = [point.name for point in installation.points if len(point.rotation) == 1]
        yield f"{_names(names)}: one letter, and without neutral a one-phase load hangs between two lines"
    low = [point.name for point in installation.points if point.amps < LEAST_AMPS]
    if low:
        yield f"{_names(low)}: less than {LEAST_AMPS} A, and a car charges with {LEAST_AMPS} A or not at all"


_LETTERS: Final = {"AC_1_PHASE": 1, "AC_2_PHASE": 2, "AC_3_PHASE": 3}


def _about_charger(facts: ChargerFacts, *, has_neutral: bool) -> Iterator[str]:
    for number, (rotation, amps) in sorted(facts.sockets.items()):
        name = f"{facts.charger}/{number}"
        kind = facts.power_types.get(number)
        if kind == "DC" and rotation is not None:
            yield f"{name}: {rotation} is declared for a DC connector, which has no phase rotation of its own"
        letters = _LETTERS.get(kind or "")
        # Without neutral a one-phase connector is fed by two lines.
        fits = {letters} if has_neutral or letters != 1 else {1, 2}
        if letters is not None and rotation is not None and len(rotation) not in fits:
            yield f"{name}: {rotation} has {_count(len(rotation), 'letter')}, and Plugchoice says {kind}"
        if amps is not None and facts.max_current is not None and amps > facts.max_current and kind != "DC":
            yield f"{name}: {amps} A, and the charger is made for {facts.max_current} A"
    yield from _about_breaker(facts)


def _about_breaker(facts: ChargerFacts) -> Iterator[str]:
    """The sockets share the charger's cable; Plugchoice advises 80 % of the breaker (S:12927913)."""
    breaker = facts.breaker_amps
    if breaker is None:
        return
    is_dc = facts.ac_input_amps is not None
    loads = [
        amps or 0
        for number, (rotation, amps) in facts.sockets.items()
        if facts.power_types.get(number) != "DC" and (rotation is not None or not is_dc)
    ]
    what = f"{facts.charger}: {_count(len(loads), 'socket')}"
    together = sum(loads)
    if facts.ac_input_amps is not None:
        what = f"{what} and AC input" if loads else f"{facts.charger}: AC input"
        together += facts.ac_input_amps
    advised = eighty_percent(breaker)
    if together > breaker:
        yield f"{what} of {together} A together, and the breaker has {breaker} A"
    elif together > advised:
        yield f"{what} of {together} A together; the vendor advises 80 % of the breaker, {advised} A of {breaker} A"


def eighty_percent(breaker_amps: int) -> int:
    """A that the vendor advises for a breaker: 20 gives 16, 32 gives 25, 40 gives 32."""
    return breaker_amps * 80 // 100


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _names(names: Sequence[str]) -> str:
    """At most five names, and how many more there are."""
    listed = ", ".join(sorted(names)[:5])
    return listed if len(names) <= 5 else f"{listed} and {len(names) - 5} more"
