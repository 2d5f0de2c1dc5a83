"""The owner's limits, and the rules of a country as presets.

Only a limit that the owner declares can fail a preview, and only when the change makes the site worse. Anyone can
declare a site as it is wired, however uneven, and nobody has to declare wrong letters to get past a check.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .rotations import LINE_NAMES, LINES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .figures import Figures, Triple


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


def describe_other_limit(name: str, figures: Figures) -> str:
    """What to say of a declared limit that `find_exceeded_limits` does not find: one figure needs a neutral.

    Args:
        name: of the limit, a field of `Limits`.
        figures: of the site.
    """
    if name == "worst_imbalance_amps" and figures.worst_imbalance is None:
        return "not computed, because the supply has no neutral"
    return "not exceeded"


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
