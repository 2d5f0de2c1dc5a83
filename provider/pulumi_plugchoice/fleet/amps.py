"""The current on the lines of a site (A), as reports show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi_plugchoice.electrical.rotations import LINE_NAMES, LINES
from pulumi_plugchoice.sitefile.definition import build_installation

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pulumi_plugchoice.electrical.figures import Figures, Triple
    from pulumi_plugchoice.sitefile.definition import LiveValues, Tally

#: A by line, of one-phase and of three-phase cars.
Amps = dict[str, dict[str, float]]


def build_live_installation(definition: Mapping[str, Any], values: LiveValues, gone: Collection[str]) -> Tally:
    """Build the installation from the live settings.

    Args:
        definition: as `make_definition` returns it.
        values: the live connectors.
        gone: the declared connectors that the site does not have any more.
    """
    there = {
        **definition,
        "connectors": {name: text for name, text in definition["connectors"].items() if name not in gone},
        "unmanaged": [name for name in definition["unmanaged"] if name not in gone],
    }
    return build_installation(there, values, prefer_live=True)


def show_amps(figures: Figures) -> Amps:
    """The figures of a site by line."""
    return {"single_phase": _by_line(figures.single_phase), "three_phase": _by_line(figures.three_phase)}


def _by_line(amps: Triple) -> dict[str, float]:
    return {LINE_NAMES[letter]: value for letter, value in zip(LINES, amps, strict=True)}
