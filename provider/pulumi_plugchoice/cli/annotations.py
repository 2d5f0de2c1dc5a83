"""Annotations of GitHub Actions, for `plugchoice check` and `plugchoice drift`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pulumi_plugchoice._text import plural

from .common import echo

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pulumi_plugchoice.review.annotations import Note


def print_github(notes: Iterable[Note], command: str) -> None:
    """Print the annotations that GitHub shows of one step; the other notes go to the job summary.

    Args:
        notes: the findings.
        command: its name, for the title in the summary.
    """
    from pulumi_plugchoice.review.annotations import format_github, format_summary
    from pulumi_plugchoice.review.job_summary import add_to_summary

    lines, others = format_github(notes)
    for line in lines:
        echo(line)
    if others:
        is_there = add_to_summary(format_summary(others, command), os.environ)
        where = "below and in the job summary" if is_there else "below"
        echo(f"plugchoice: {plural(len(others), 'finding')} without an annotation, listed {where}")
