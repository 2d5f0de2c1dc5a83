"""What a run of the stacks of many sites did, on the report page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .html import Html, element, page

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Kind of the table, which has a style of its own, and its columns.
KIND: Final = "run"
HEAD: Final = ("Site", "Wave", "Result", "Changes", "Writes", "Calls", "Time")


@dataclass(frozen=True)
class RunRow:
    """What became of the stack of a site.

    Attributes:
        site: its name.
        cells: wave, result, changes, writes, calls, time.
        errors: why it failed, one line each; empty when it did not.
        number: of its section on the page.
    """

    site: str
    cells: tuple[str, str, str, str, str, str]
    errors: Sequence[str]
    number: int


@dataclass(frozen=True)
class RunView:
    """A run.

    Attributes:
        title: what was run, and when.
        summary: how many stacks ended how.
        rows: the stacks.
        problems: what has stopped the run beside the stacks, one line each.
    """

    title: str
    summary: str
    rows: Sequence[RunRow]
    problems: Sequence[str] = ()


def describe_run(run: RunView) -> Html:
    """The part of the page about a run: what went wrong, and a table of all stacks."""
    problems = [*run.problems, *(f"{row.site}: {line}" for row in run.rows for line in row.errors)]
    rows = [
        element(
            "tr",
            element("th", element("a", row.site, href=f"#site-{row.number}"), scope="row"),
            *(
                element("td", element("strong", cell) if row.errors and place == 1 else cell)
                for place, cell in enumerate(row.cells)
            ),
        )
        for row in run.rows
    ]
    return element(
        "div",
        element("h2", run.title),
        element("p", run.summary),
        [element("p", line, class_="problem") for line in problems],
        element(
            "table",
            element("caption", "One row for each stack"),
            element("thead", element("tr", *(element("th", name, scope="col") for name in HEAD))),
            element("tbody", *rows),
            class_=KIND,
        )
        if rows
        else None,
    )


def render_unfinished(title: str) -> str:
    """The page of a run that has not ended. It stays when the run is killed."""
    text = "This run has not ended. If nothing runs any more, it was killed."
    return page(title, element("main", element("h1", title), element("p", text)))
