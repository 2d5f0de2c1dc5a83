"""The review of changes to site files for programs (`review.schema.json`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice.electrical.rotations import LINE_NAMES
from pulumi_plugchoice.electrical.site_warnings import sum_base

from .pending import convert_pending

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_plugchoice.electrical.figures import Triple
    from pulumi_plugchoice.electrical.limits import ExceededLimit
    from pulumi_plugchoice.sitefile.assess import Assessment

    from .change import SettingsChange, SiteChange, Values
    from .compare import Change
    from .others import OtherFile
    from .pending import Pending
    from .sides import Comparison, FileChange

#: JSON Schema of the report. Version 1: keys may be added, none changes its meaning.
SCHEMA_FILE: Final = Path(__file__).with_name("review.schema.json")


def format_json(comparison: Comparison, pending: Pending | None = None) -> str:
    """Format the comparison of two sides, and what is pending if Plugchoice was read."""
    files = [_convert_file(file) for file in comparison.files]
    return _format(
        files,
        pending,
        base=comparison.base,
        head=comparison.head,
        base_is_ahead=comparison.is_behind,
        other_files=[_convert_other(file) for file in comparison.others.files],
        more_files=comparison.others.more,
    )


def format_files(files: Sequence[FileChange], pending: Pending | None = None) -> str:
    """Format the comparison of one file, or the description of sites, without git."""
    sides: dict[str, Any] = {"base": None, "head": None, "base_is_ahead": False, "other_files": [], "more_files": 0}
    return _format([_convert_file(file) for file in files], pending, **sides)


def _format(files: list[dict[str, Any]], pending: Pending | None, **more: Any) -> str:
    report = {"version": 1, **more, "files": files, "live": pending and convert_pending(pending)}
    return json.dumps(report, indent=2) + "\n"


def _convert_other(file: OtherFile) -> dict[str, Any]:
    options = None if file.options is None else [vars(option) for option in file.options]
    return {"file": file.path, "kind": file.kind, "options": options}


def _convert_file(file: FileChange) -> dict[str, Any]:
    change = file.change
    return {
        "file": file.path,
        "file_before": file.old_path,
        "state": file.state,
        "problems": list(file.problems),
        "problems_before": list(file.old_problems),
        "site": change and change.site.site.lower(),
        "label": change and change.site.label,
        "changes": [_convert_change(item) for item in change.changes] if change else [],
        "connectors": [_convert_settings(item) for item in change.settings] if change else [],
        "amps": {
            "before": _convert_amps(change.old if change else None),
            "after": _convert_amps(change.new if change else None),
        },
        "exceeded_limits": [_convert_limit(item) for item in change.exceeded] if change else [],
        "warnings": _convert_warnings(change),
    }


def _convert_change(item: Change) -> dict[str, Any]:
    return {
        "path": list(item.path),
        "place": item.place,
        "key": item.key,
        "before": item.old,
        "after": item.new,
        "meaning": item.meaning,
        "rank": item.rank,
        "look_first": item.is_dangerous,
    }


def _convert_settings(item: SettingsChange) -> dict[str, Any]:
    return {
        "charger": item.charger.key,
        "connector": item.connector_id,
        "before": _convert_values(item.old),
        "after": _convert_values(item.new),
    }


def _convert_values(values: Values | None) -> dict[str, Any] | None:
    if values is None:
        return None
    rotation, amps = values
    line = rotation and LINE_NAMES[rotation[0]]
    return {"phase_rotation": rotation, "max_amperage": amps, "terminal_l1_wired_to": line}


def _convert_amps(assessment: Assessment | None) -> dict[str, Any] | None:
    if assessment is None:
        return None
    figures = assessment.figures
    base = sum_base(assessment.installation)
    return {
        "usable": figures.usable_amps,
        "single_phase": _name_lines(figures.single_phase),
        "three_phase": _name_lines(figures.three_phase),
        "without_cars": _name_lines((base[0], base[1], base[2])),
        "full_imbalance": figures.full_imbalance,
        "worst_imbalance": figures.worst_imbalance,
    }


def _name_lines(lines: Triple) -> dict[str, float]:
    return dict(zip(LINE_NAMES.values(), lines, strict=True))


def _convert_limit(item: ExceededLimit) -> dict[str, Any]:
    return {
        "limit": item.limit,
        "allowed": item.allowed,
        "amps": item.value,
        "line": item.line,
        "amps_before": item.live,
        "is_worse": item.is_worse,
    }


def _convert_warnings(change: SiteChange | None) -> dict[str, list[str]]:
    if change is None or change.new is None:
        return {"new": [], "standing": [], "not_counted": []}
    return {"new": change.new_warnings, "standing": change.standing_warnings, "not_counted": change.new.not_counted}
