"""Shortens a review to what a forge takes: whole parts are left out, the important ones last.

A review is split by the lines with which its parts begin. Foreign text is in code spans, never at the beginning of a
line, so it cannot begin a part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import printable

from .markdown import FOOTER, code, link
from .others import OTHER_FILES
from .report import BEHIND, LETTERS, NO_CHANGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

#: Of a comment and of an issue: GitHub counts characters, and takes them up to 4 bytes each.
MOST_CHARACTERS: Final = {"github": 65_536, "gitlab": 1_000_000}

# How a part begins; its rank, where 0 is the most important; and its name in the line that counts what is left out.
_KINDS: Final = (
    (r"### Review: |Base `|Digest of these writes: |### What an update sends$", 0, "line"),
    (re.escape(BEHIND[:40]), 0, "line"),
    (re.escape(LETTERS), 0, "line"),
    (re.escape(FOOTER[:40]), 0, "line"),
    (r"Nothing: |Plugchoice was not read: |Without `--base`", 0, "line"),
    (re.escape(OTHER_FILES), 1, "other files"),
    (r"[0-9]+ more files? differ", 1, "number of other files"),
    (r"\*\*Not all writes are known", 1, "reasons why not all writes are known"),
    (r"\*\*Look at these first\*\*", 1, "changes to look at first"),
    (r"\*\*(New or changed warnings|Warnings)\*\*", 2, "new or changed warnings"),
    (r"\| File \| Site ", 3, "table of all files"),
    (r"- (\*\*)?limit ", 4, "limits"),
    (r"- `", 2, "warnings"),
    (r"\| Connector \| The base declares", 3, "table of drift"),
    (r"### ", 5, "sections"),
    (r"\*\*Connectors\*\*", 3, "connectors"),
    (r"[0-9]+ writes?(, .*)?, as Plugchoice is now:", 6, "table of writes"),
    (r"\*\*All keys\*\*", 7, "keys of added and removed sites"),
    (r"\*\*Other changes\*\*", 7, "other changes"),
    (r"\| A per line", 8, "amps per line"),
    (r"<details>", 9, "warnings as before"),
)
_OTHER: Final = (3, "other parts")
_SECTION_RANK: Final = 5
#: These lines take in the next block: a title and its table.
_TITLE: Final = re.compile(r"\*\*[^*]+\*\*$|[0-9]+ writes?(, .*)?, as Plugchoice is now:$|### (?!Review: )")
_HERE: Final = "*Parts of this section are left out.*"
_RESERVE: Final = 1_000  # for the line that counts what is left out


@dataclass
class _Part:
    """A part of a review.

    Attributes:
        text: its lines.
        rank: how important it is; 0 is the most.
        name: for people.
        section: place of the line `### ` above it; None when it belongs to no site.
    """

    text: str
    rank: int
    name: str
    section: int | None = None


def has_content(text: str) -> bool:
    """Whether a review says more than that no file differs that it is about, and nothing has drifted and is sent."""
    begins = (OTHER_FILES, "### Drift: ", "**Not all writes are known")
    ends = ", as Plugchoice is now:"
    lines = text.splitlines()
    return lines[0] != f"### Review: {NO_CHANGE}" or any(
        line.startswith(begins) or line.endswith(ends) for line in lines
    )


def format_commits(head: str, base: str, run_url: str) -> str:
    """The line that names the commits of a comment, and the run that wrote it."""
    parts = [f"head {code(head[:12])}"] if head else []
    parts += [f"base {code(base[:12])}"] if base else []
    parts += [link("this run", run_url)] if run_url else []
    return f"Written for {', '.join(parts)}." if parts else ""


def fit(text: str, most: int, unit: str, where: str, *, taken: int = 0, measure: Callable[[str], int] = len) -> str:
    """Shorten a review.

    Args:
        text: the review.
        most: what fits.
        unit: `characters`, for people.
        where: a sentence about where the whole review is.
        taken: how much of it other text takes.
        measure: counts the units of a text.
    """
    if measure(text) <= most - taken:
        return text
    parts = list(_split(text))
    left = most - taken - _RESERVE
    kept: set[int] = set()
    costs = [measure(part.text) + 2 for part in parts]
    for place in sorted(range(len(parts)), key=lambda place: (parts[place].rank, costs[place], place)):
        section = parts[place].section
        needed = [place] if section is None or section in kept else [section, place]
        # A section that is kept may need the line that says that parts of it are left out.
        cost = sum(costs[item] + (len(_HERE) + 2 if parts[item].rank == _SECTION_RANK else 0) for item in needed)
        if place not in kept and cost <= left:
            left -= cost
            kept.update(needed)
    return "\n\n".join(_join(parts, kept, most, unit, where)) + "\n"


def _join(parts: Sequence[_Part], kept: set[int], most: int, unit: str, where: str) -> Iterator[str]:
    """The parts that are kept, with a line about the others below the first, and one in each section that lost some."""
    missing: dict[str, int] = {}
    cut = set()
    for place, part in enumerate(parts):
        if place not in kept:
            missing[part.name] = missing.get(part.name, 0) + 1
            cut.add(part.section)
    ranks = {part.name: part.rank for part in parts}
    counts = ", ".join(f"{name} ({missing[name]})" for name in sorted(missing, key=lambda name: ranks[name]))
    note = f"**Left out, because at most {most:,} {unit} fit here: {counts}.** {where}"
    is_noted = False
    for place, part in enumerate(parts):
        if place in kept:
            yield part.text
            if part.rank == _SECTION_RANK and place in cut:
                yield _HERE
        if not is_noted:
            yield note
            is_noted = True


def _split(text: str) -> Iterator[_Part]:
    """The parts in order."""
    section: int | None = None
    place = 0
    blocks = list(_list_blocks(text))
    while blocks:
        block = blocks.pop(0)
        if _TITLE.match(block.rpartition("\n")[2]) and blocks and not blocks[0].startswith("### "):
            if block.startswith("### "):
                while blocks and blocks[0].startswith(
                    ("File `", "The file before", "- before the change: ", "Nothing ")
                ):
                    block += f"\n\n{blocks.pop(0)}"
            else:
                block += f"\n\n{blocks.pop(0)}"
        rank, name = next((kind[1:] for kind in _KINDS if re.match(kind[0], block)), _OTHER)
        is_section = rank == _SECTION_RANK
        if block.startswith("### "):
            section = place if is_section else None
        yield _Part(block, rank, name, None if rank == 0 or is_section else section)
        place += 1


def _list_blocks(text: str) -> Iterator[str]:
    """What blank lines separate; all of `<details>` is one."""
    lines: list[str] = []
    depth = 0
    for line in [*text.split("\n"), ""]:
        depth += line.startswith("<details>") - line.startswith("</details>")
        if line or depth:
            lines.append(line)
        elif lines:
            yield "\n".join(lines)
            lines = []
    if lines:
        yield "\n".join(lines)


def fit_plain(text: str, most: int, where: str) -> str:
    """Plain text as a block of code, with as many of its lines as fit."""
    lines = [" " * (len(line) - len(line.lstrip(" "))) + printable(line, 2000) for line in text.splitlines()]
    fence = "`" * max(3, 1 + max((len(run) for line in lines for run in re.findall("`+", line)), default=0))
    left = most - 2 * len(fence) - _RESERVE
    shown: list[str] = []
    for line in lines:
        left -= len(line) + 1
        if left < 0:
            break
        shown.append(line)
    more = (
        [] if len(shown) == len(lines) else ["", f"**{len(lines) - len(shown)} more lines do not fit here.** {where}"]
    )
    return "\n".join([fence + "text", *shown, fence, *more, ""])
