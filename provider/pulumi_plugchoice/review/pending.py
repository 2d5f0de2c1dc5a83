"""What an update will write, and what has drifted, as a part of a review: Markdown, and JSON (`review.schema.json`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from pulumi_plugchoice._text import plural
from pulumi_plugchoice.electrical.rotations import LINE_NAMES, LINES
from pulumi_plugchoice.electrical.settings import SETTING_NAMES, show
from pulumi_plugchoice.reviewed import RESTORE, compute_digest, show_values

from .markdown import code, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pulumi_plugchoice.electrical.figures import Figures
    from pulumi_plugchoice.reviewed import ReviewedWrite

#: What an update does with a value that has drifted: it writes another one, or what was recorded at adoption; the files
#: declare it now; or nobody manages it any more.
Effect = Literal["overwritten", "restored", "declared", "kept"]

_EFFECTS: Final[dict[Effect, str]] = {
    "overwritten": "overwrites it",
    "restored": "restores what was recorded when it was adopted",
    "declared": "leaves it: it is declared now",
    "kept": "leaves it: no longer managed",
}
_LONGEST: Final = 1000


@dataclass(frozen=True)
class PendingWrite:
    """A write that an update sends.

    Attributes:
        file: site file, with `/`.
        name: of the connector in that file: `HRB-001/1`.
        write: the write.
    """

    file: str
    name: str
    write: ReviewedWrite


@dataclass(frozen=True)
class Drift:
    """A connector that is not as the base declares it.

    Attributes:
        file: site file, with `/`.
        name: of the connector in the base: `HRB-001/1`.
        charger: UUID, lower case.
        connector_id: OCPP connector number.
        base: the settings that differ, as the base declares them.
        live: the same settings, as Plugchoice has them.
        effect: what an update does with them.
    """

    file: str
    name: str
    charger: str
    connector_id: int
    base: Mapping[str, Any]
    live: Mapping[str, Any]
    effect: Effect


@dataclass(frozen=True)
class SiteAmps:
    """The figures of a site as a preview shows them, where they are not those of its file alone.

    Attributes:
        file: site file, with `/`.
        figures: with the values that Plugchoice has where the file declares none.
    """

    file: str
    figures: Figures


@dataclass
class Pending:
    """What an update will write, and what has drifted since the base.

    Attributes:
        writes: in the order of the files.
        drift: likewise; empty without a base.
        notes: what else is to be known about restores and drift, one line each.
        problems: why the writes are not known, or one would fail; one line each. There is no digest then.
        has_base: whether there is a base to compare with. Without one, restores are not known either.
        files: number of site files whose sites were read.
        amps: the sites whose amps per line are others than those of their files alone.
    """

    writes: list[PendingWrite] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    has_base: bool = False
    files: int = 0
    amps: list[SiteAmps] = field(default_factory=list)

    @property
    def digest(self) -> str | None:
        """What stands for all writes; None when they are not known."""
        return None if self.problems else compute_digest(item.write for item in self.writes)


def describe_pending(pending: Pending) -> list[str]:
    """The lines of the sections: what has drifted, what an update sends, and the digest."""
    lines = [*_list_drift(pending.drift), *_list_amps(pending.amps), "### What an update sends", ""]
    restores = sum(item.write.after == RESTORE for item in pending.writes)
    if pending.writes:
        what = f", {restores} of them {'a restore' if restores == 1 else 'restores'}" if restores else ""
        rows = [
            (
                code(item.name),
                code(show_values(item.write.before)),
                f"restored: {show_values(RESTORE)}"
                if item.write.after == RESTORE
                else code(show_values(item.write.after)),
                code(item.file, 200),
            )
            for item in pending.writes
        ]
        lines += [f"{plural(len(rows), 'write')}{what}, as Plugchoice is now:", ""]
        lines += [*table(("Connector", "Plugchoice has", "The update sends", "File"), rows), ""]
    elif not pending.problems:
        # What other files change is not known here.
        is_read = "Nothing: Plugchoice has the declared values."
        lines += [is_read if pending.files else "Plugchoice was not read: no site file changed.", ""]
    if not pending.has_base:
        lines += ["Without `--base` or `--before`, connectors that an update restores are not known.", ""]
    if pending.problems:
        lines += ["**Not all writes are known, or a preview fails, so there is no digest:**", ""]
        lines += [*(f"- {code(line, _LONGEST)}" for line in pending.problems), ""]
    if pending.notes:
        lines += [*(f"- {code(line, _LONGEST)}" for line in pending.notes), ""]
    if pending.digest is not None:
        lines += [f"Digest of these writes: `{pending.digest}`"]
    return lines if lines[-1] else lines[:-1]


def _list_drift(drift: Sequence[Drift]) -> list[str]:
    if not drift:
        return []
    rows = [
        (code(item.name), code(_show(item.base)), code(_show(item.live)), _EFFECTS[item.effect], code(item.file, 200))
        for item in drift
    ]
    head = ("Connector", "The base declares", "Plugchoice has", "The update", "File")
    return [
        f"### Drift: {plural(len(rows), 'connector')} changed in Plugchoice since the base",
        "",
        *table(head, rows),
        "",
    ]


def _list_amps(sites: Sequence[SiteAmps]) -> list[str]:
    if not sites:
        return []
    rows = [
        (code(site.file, 200), cars, *(f"{amps:g}" for amps in lines), f"{site.figures.usable_amps}")
        for site in sites
        for cars, lines in (
            ("one-phase cars", site.figures.single_phase),
            ("three-phase cars", site.figures.three_phase),
        )
    ]
    lines = [LINE_NAMES[letter] for letter in LINES]
    return [
        "### Amps per line in a preview, which also counts what Plugchoice has and the files do not declare",
        "",
        *table(("File", "A per line, every connector charges", *lines, "Usable"), rows),
        "",
    ]


def _show(values: Mapping[str, Any]) -> str:
    return ", ".join(show(name, values[name]) for name in SETTING_NAMES if name in values)


def convert_pending(pending: Pending) -> dict[str, Any]:
    """Return the key `live` of the JSON report."""
    return {
        "digest": pending.digest,
        "writes": [
            {
                "file": item.file,
                "name": item.name,
                "charger": item.write.charger,
                "connector": item.write.connector_id,
                "kind": "restore" if item.write.after == RESTORE else "declared",
                "live": _name_settings(item.write.before),
                "after": None if item.write.after == RESTORE else _name_settings(item.write.after),
            }
            for item in pending.writes
        ],
        "drift": [
            {
                "file": item.file,
                "name": item.name,
                "charger": item.charger,
                "connector": item.connector_id,
                "base": dict(item.base),
                "live": dict(item.live),
                "effect": item.effect,
            }
            for item in pending.drift
        ],
        "amps": [
            {
                "file": item.file,
                "usable": item.figures.usable_amps,
                "single_phase": dict(zip(LINE_NAMES.values(), item.figures.single_phase, strict=True)),
                "three_phase": dict(zip(LINE_NAMES.values(), item.figures.three_phase, strict=True)),
            }
            for item in pending.amps
        ],
        "notes": pending.notes,
        "problems": pending.problems,
        "has_base": pending.has_base,
    }


def _name_settings(values: Sequence[object]) -> dict[str, object]:
    return dict(zip(SETTING_NAMES, values, strict=True))
