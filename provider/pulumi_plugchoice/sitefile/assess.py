"""The assessment of a site: its figures, its warnings, and the connectors that do not count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice.electrical.figures import compute_figures
from pulumi_plugchoice.electrical.rotations import LINES
from pulumi_plugchoice.electrical.site_warnings import find_warnings

from .definition import DECLARED, build_installation, collect_facts, find_wrong_dc, make_definition, parse_limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_plugchoice.electrical.figures import Figures, Installation, Triple

    from .definition import LiveValues, Props
    from .model import SiteFile

#: How the names of stored figures end for each line: `single_phase_l1`.
LINE_KEYS: Final = tuple(f"l{number}" for number, _ in enumerate(LINES, 1))

#: The computed properties of `PhaseBalance`, as stored in every user's state.
FIGURES: Final = (
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


@dataclass(frozen=True)
class Assessment:
    """What a site adds up to.

    Attributes:
        figures: the figures.
        warnings: one line each.
        not_counted: the connectors that do not count, each with the reason.
        counted_live: settings of the connectors that count with a live value, by name.
        installation: the electrical side of the site.
    """

    figures: Figures
    warnings: list[str]
    not_counted: list[str]
    counted_live: dict[str, str]
    installation: Installation


def assess_site(site: SiteFile) -> Assessment:
    """Assess a site file alone, without live values."""
    return assess(make_definition(site), None)


def assess(definition: Mapping[str, Any], live: LiveValues | None) -> Assessment:
    """Assess a site.

    Args:
        definition: as `make_definition` returns it.
        live: the live connectors; None when they cannot be read.
    """
    tally = build_installation(definition, live)
    figures = compute_figures(tally.installation)
    limits, facts = parse_limits(definition), collect_facts(definition, live)
    warnings = [*find_warnings(tally.installation, figures, limits, facts), *find_wrong_dc(definition, live)]
    return Assessment(figures, warnings, tally.not_counted, tally.counted_live, tally.installation)


def make_properties(definition: Mapping[str, Any], assessment: Assessment) -> Props:
    """Make the stored properties of `PhaseBalance`: the definition and the figures."""
    figures = assessment.figures
    properties: Props = {
        **definition,
        "usable_amps": figures.usable_amps,
        **_name_lines("single_phase", figures.single_phase),
        **_name_lines("three_phase", figures.three_phase),
        "full_imbalance": figures.full_imbalance,
        "worst_imbalance": figures.worst_imbalance,
        "cars_at_6_amps": figures.cars_at_6_amps,
        "group_amps": {
            group.name: f"one-phase {_format_lines(group.single_phase)}, three-phase {_format_lines(group.three_phase)}"
            + ("" if group.usable_amps is None else f" of {group.usable_amps} A usable")
            for group in figures.groups
            if group.parent is not None
        },
        "counted_live": assessment.counted_live,
        "not_counted": sorted(assessment.not_counted),
    }
    return {name: value for name, value in properties.items() if value is not None}


def keep_figures(properties: Props, stored: Mapping[str, Any]) -> Props:
    """Keep the stored figures, which may count live values, when the definition is the stored one."""
    if any(stored.get(name) != properties.get(name) for name in DECLARED):
        return properties
    return properties | {name: stored[name] for name in FIGURES if name in stored}


def _name_lines(name: str, amps: Triple) -> Props:
    return {f"{name}_{line}": value for line, value in zip(LINE_KEYS, amps, strict=True)}


def _format_lines(amps: Triple) -> str:
    return "/".join(f"{value:g}" for value in amps) + " A"
