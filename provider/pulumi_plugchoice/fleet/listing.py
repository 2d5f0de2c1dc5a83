"""The sites of an account and the connectors of a site as tables, as CSV, and as JSON (`*.schema.json`)."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pulumi_plugchoice._text import plural, show_path
from pulumi_plugchoice.sitefile.definition import format_settings

from .inventory import MARKS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .inventory import ConnectorEntry, Inventory, Settings
    from .sites import Account

#: JSON Schemas. Version 1: keys may be added, none changes its meaning.
SITES_SCHEMA: Final = Path(__file__).with_name("sites.schema.json")
CONNECTORS_SCHEMA: Final = Path(__file__).with_name("connectors.schema.json")

_TYPES: Final = {"AC_3_PHASE": "3-phase", "AC_2_PHASE": "2-phase", "AC_1_PHASE": "1-phase", "DC": "DC", None: "-"}
_YES_NO: Final = {True: "yes", False: "no", None: ""}
_CARS: Final = {"single_phase": "one-phase cars", "three_phase": "three-phase cars"}
# What a spreadsheet takes for a formula at the start of a cell. Which character separates the cells depends on the
# country, so a text must not become two cells either. The last four are the wide forms.
_FORMULA: Final = re.compile("(^|[;,|\t\"'])(\\s*)(?=[=+\\-@\uff1d\uff0b\uff0d\uff20])")


class Table(NamedTuple):
    """A table for people.

    Attributes:
        heads: of the columns.
        rows: of text that is safe to print. No row begins with text that people gave.
        whole: the columns that are not broken into lines, by number.
    """

    heads: list[str]
    rows: list[list[str]]
    whole: tuple[int, ...] = (0,)


def tabulate_sites(account: Account, *, with_files: bool) -> Table:
    """The sites as a table; the files that declare them are a column when there are site files."""
    rows = [
        [
            entry.uuid,
            entry.name or "-",
            "-" if entry.chargers is None else str(entry.chargers),
            _YES_NO[entry.configurable] or "-",
            *([show_path(entry.file) if entry.file else "-"] if with_files else []),
        ]
        for entry in account.sites
    ]
    return Table(["SITE", "NAME", "CHARGERS", "MAY CHANGE", *(["FILE"] if with_files else [])], rows)


def tabulate_connectors(inventory: Inventory) -> Table:
    """The connectors as a table; what the site file declares is a column when there is one."""
    has_file = inventory.file is not None
    rows = [
        [
            _TYPES.get(entry.power_type, "other"),
            entry.name,
            _show_settings(entry.live),
            *([_show_declared(entry)] if has_file else []),
            "; ".join([*(MARKS[mark] for mark in entry.marks), *([entry.reason] if entry.reason else [])]),
        ]
        for entry in inventory.connectors
    ]
    return Table(
        ["TYPE", "CONNECTOR", "LIVE", *(["DECLARED"] if has_file else []), "NOTE"], rows, (0, 2, 3)[: 2 + has_file]
    )


def _show_settings(settings: Settings | None) -> str:
    return "-" if settings is None else format_settings(settings.phase_rotation, settings.max_amperage) or "not set"


def _show_declared(entry: ConnectorEntry) -> str:
    if entry.managed is None:
        return "-"
    return _show_settings(entry.declared) if entry.managed else "not managed"


def title_inventory(inventory: Inventory) -> str:
    """The first line about a site."""
    parts = [f"site {inventory.uuid}"]
    parts += [f" ({inventory.name})"] if inventory.name else []
    parts += [f", {show_path(inventory.file)}"] if inventory.file else []
    return "".join(parts)


def summarize_inventory(inventory: Inventory) -> Iterator[str]:
    """The amps per line, and how many connectors have which mark."""
    for name, cars in _CARS.items():
        live = f"{_show_lines(inventory.live[name])} A live"
        if inventory.declared is None:
            yield f"L1/L2/L3 {live}, {cars}"
        else:
            yield f"L1/L2/L3 {_show_lines(inventory.declared[name])} A declared, {live}, {cars}"
    if inventory.not_counted:
        yield f"not counted in the live amps: {plural(len(inventory.not_counted), 'connector')}"
    connectors = [entry for entry in inventory.connectors if entry.live is not None]
    counts = Counter(mark for entry in inventory.connectors for mark in entry.marks)
    marks = [f"{counts[mark]} {text}" for mark, text in MARKS.items() if counts[mark]]
    yield ": ".join([plural(len(connectors), "connector"), *([", ".join(marks)] if marks else [])])


def _show_lines(amps: dict[str, float]) -> str:
    return "/".join(f"{value:g}" for value in amps.values())


def format_sites_csv(account: Account) -> str:
    """The sites as CSV."""
    rows = [
        (entry.uuid, entry.name, entry.chargers, _YES_NO[entry.configurable], entry.file and entry.file.as_posix())
        for entry in account.sites
    ]
    return _format_csv(("site", "name", "chargers", "configurable", "file"), rows)


def format_connectors_csv(inventory: Inventory) -> str:
    """The connectors as CSV."""
    heads = (
        "site",
        "charger",
        "identity",
        "connector_id",
        "power_type",
        "connection_status",
        "configurable",
        "live_phase_rotation",
        "live_max_amperage",
        "declared_phase_rotation",
        "declared_max_amperage",
        "managed",
        "marks",
        "reason",
    )
    rows = [
        (
            inventory.uuid,
            entry.charger,
            entry.identity,
            entry.connector_id,
            entry.power_type,
            entry.connection_status,
            _YES_NO[entry.configurable],
            *((entry.live.phase_rotation, entry.live.max_amperage) if entry.live else (None, None)),
            *((entry.declared.phase_rotation, entry.declared.max_amperage) if entry.declared else (None, None)),
            _YES_NO[entry.managed],
            " ".join(entry.marks),
            entry.reason,
        )
        for entry in inventory.connectors
    ]
    return _format_csv(heads, rows)


def _format_csv(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Format rows as CSV that no spreadsheet runs: a `'` before what it would take for a formula."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(heads)
    for row in rows:
        writer.writerow(_FORMULA.sub(r"\1\2'", cell) if isinstance(cell, str) else cell for cell in row)
    return stream.getvalue()


def format_sites_json(account: Account, calls: int) -> str:
    """The sites as JSON.

    Args:
        account: the sites.
        calls: number of API calls that were made.
    """
    sites = [
        {
            "site": entry.uuid,
            "name": entry.name,
            "chargers": entry.chargers,
            "configurable": entry.configurable,
            "file": entry.file and entry.file.as_posix(),
        }
        for entry in account.sites
    ]
    return _dump({"version": 1, "calls": calls, "sites": sites, "problems": account.problems})


def format_connectors_json(inventory: Inventory, calls: int) -> str:
    """The connectors of a site as JSON.

    Args:
        inventory: the connectors.
        calls: number of API calls that were made.
    """
    connectors = [
        {
            "name": entry.name,
            "charger": entry.charger,
            "identity": entry.identity,
            "connector_id": entry.connector_id,
            "power_type": entry.power_type,
            "connection_status": entry.connection_status,
            "configurable": entry.configurable,
            "live": entry.live and vars(entry.live),
            "declared": entry.declared and {"managed": entry.managed, **vars(entry.declared)},
            "marks": entry.marks,
            "reason": entry.reason,
        }
        for entry in inventory.connectors
    ]
    return _dump(
        {
            "version": 1,
            "calls": calls,
            "site": inventory.uuid,
            "name": inventory.name,
            "configurable": inventory.configurable,
            "file": inventory.file and inventory.file.as_posix(),
            "connectors": connectors,
            "amps": {"declared": inventory.declared, "live": inventory.live},
            "not_counted": inventory.not_counted,
            "problems": inventory.problems,
        }
    )


def _dump(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2) + "\n"
