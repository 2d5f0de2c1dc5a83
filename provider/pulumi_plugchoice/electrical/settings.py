"""The two settings of a connector: their names, how they compare, and how people write them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from pulumi_plugchoice._text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping


#: The two settings, in the order in which they are spoken of.
SETTING_NAMES: Final = ("phase_rotation", "max_amperage")


class Connector(Protocol):
    """What has both settings: a live connector (`api.models.Connector`)."""

    @property
    def phase_rotation(self) -> str | None: ...
    @property
    def max_amperage(self) -> int | None: ...


def settings_of(connector: Connector) -> dict[str, Any]:
    """Both settings of a live connector; None for one that was never set."""
    return {name: getattr(connector, name) for name in SETTING_NAMES}


def differing(wanted: Mapping[str, Any], connector: Connector) -> list[str]:
    """The names in `wanted` whose live value is another."""
    live = settings_of(connector)
    return [name for name in SETTING_NAMES if name in wanted and wanted[name] != live[name]]


def shown(name: str, value: Any) -> str:
    """A setting's value as people write it: `RST`, `16 A`, `unset`."""
    if value is None:
        return "unset"
    # A live rotation is whatever the server sent.
    return f"{value} A" if name == "max_amperage" else printable(value, 30)
