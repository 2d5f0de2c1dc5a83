"""The two settings of a connector: their names, and how to compare and print them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from pulumi_plugchoice._text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping


#: The two settings, in the order in which messages name them.
SETTING_NAMES: Final = ("phase_rotation", "max_amperage")


class HasSettings(Protocol):
    """Anything with both settings, such as a live connector (`api.models.Connector`)."""

    @property
    def phase_rotation(self) -> str | None: ...
    @property
    def max_amperage(self) -> int | None: ...


def read_settings(connector: HasSettings) -> dict[str, Any]:
    """Return both settings of a live connector; None for one that was never set."""
    return {name: getattr(connector, name) for name in SETTING_NAMES}


def find_changes(wanted: Mapping[str, Any], connector: HasSettings) -> list[str]:
    """Return the names in `wanted` whose live value is different.

    Args:
        wanted: declared values by name; a missing name is unmanaged.
        connector: the live one.
    """
    live = read_settings(connector)
    return [name for name in SETTING_NAMES if name in wanted and wanted[name] != live[name]]


def show(name: str, value: Any) -> str:
    """Format a setting's value for people: `RST`, `16 A`, `not set`.

    Args:
        name: `phase_rotation` or `max_amperage`.
        value: a live or declared value; None: not set.
    """
    if value is None:
        return "not set"
    # A live rotation is whatever the server sent.
    return f"{value} A" if name == "max_amperage" else printable(value, 30) or "empty"
