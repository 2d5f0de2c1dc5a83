"""The sites that a command of the fleet works on, each with its stack and the reason."""

from __future__ import annotations

import difflib
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice._text import plural, printable, show_path
from pulumi_plugchoice.errors import PlugchoiceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: JSON Schema of `format_sites_json`. Version 1: keys may be added, none changes its meaning.
SCHEMA_FILE: Final = Path(__file__).with_name("fleet_list.schema.json")
_ENDING: Final = ".yaml"
# What Pulumi allows for the name of a stack; one with a hyphen first would be an option.
_STACK: Final = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]{0,99}")

_SHARD: Final = re.compile(r"([0-9]{1,4})/([0-9]{1,4})")


class SelectionError(PlugchoiceError):
    """A selection that cannot be: a wrong name or number."""


@dataclass(frozen=True)
class Layout:
    """Where a project has its files.

    Attributes:
        folder: of Pulumi.yaml.
        program: folder of the program.
        configs: folder of the stacks' config files.
        sites: folder of the site files.
    """

    folder: Path
    program: Path
    configs: Path
    sites: Path


@dataclass(frozen=True)
class SelectedSite:
    """A site to work on.

    Attributes:
        name: of the site: its file's name without the ending.
        file: its site file.
        reason: why it is selected.
    """

    name: str
    file: Path
    reason: str

    @property
    def stack(self) -> str:
        """The name of its stack, as `ChargingSite.for_stack` expects it."""
        return self.name


def find_sites(folder: Path) -> dict[str, Path]:
    """Find the site files of a project, by the name of the site.

    Raises:
        PlugchoiceError: there is none, or the name of one cannot be the name of a stack.
    """
    files = sorted(file for file in folder.glob(f"*{_ENDING}") if not file.is_dir())
    if not files:
        reason = "has no site file (*.yaml)" if folder.is_dir() else "there is no such folder"
        raise PlugchoiceError(
            f"{show_path(shorten(folder))}: {reason}; name the folder of the site files with --folder"
        )
    for file in files:
        if not _STACK.fullmatch(file.stem):
            raise PlugchoiceError(
                f"{show_path(shorten(file))}: {printable(file.stem, 60)!r} cannot be the name of a stack; use letters, "
                "digits, hyphens, underscores and dots"
            )
    return {file.stem: shorten(file) for file in files}


def shorten(path: Path) -> Path:
    """The path as seen from the current folder, or the whole one when that is shorter, or that folder is gone."""
    try:
        return min(Path(os.path.relpath(path)), path, key=lambda one: len(str(one)))
    except (OSError, ValueError):  # ValueError: another drive of Windows
        return path


def select_all(sites: dict[str, Path]) -> list[SelectedSite]:
    """Select all sites."""
    return [SelectedSite(name, file, "all sites") for name, file in sites.items()]


def select_named(sites: dict[str, Path], names: Sequence[str]) -> list[SelectedSite]:
    """Select sites by their names, or by their files.

    Raises:
        SelectionError: there is no such site.
    """
    by_path = {os.path.realpath(file): name for name, file in sites.items()}
    found = {}
    for given in names:
        name = given if given in sites else by_path.get(os.path.realpath(given)) if "\0" not in given else None
        if name is None:
            raise SelectionError(f"{printable(given, 100)}: {describe_unknown(given, sites)}")
        found[name] = SelectedSite(name, sites[name], "named")
    return [found[name] for name in sites if name in found]


def describe_unknown(given: str, sites: Mapping[str, Path]) -> str:
    """Say that there is no such site, and which one may be meant."""
    close = difflib.get_close_matches(given, sites, 1)
    folder = next(iter(sites.values())).parent
    advice = f"did you mean {close[0]}?" if close else f"name one of {show_path(shorten(folder))}/*.yaml"
    return f"there is no such site; {advice}"


def split(sites: Sequence[SelectedSite], shards: int) -> list[list[SelectedSite]]:
    """Deal sites to shards, one after the other; shards that get none are left out."""
    return [list(sites[number::shards]) for number in range(min(shards, len(sites)))]


def pick_shard(sites: Sequence[SelectedSite], number: int, shards: int) -> list[SelectedSite]:
    """The sites of one shard, counted from 1; none when there are fewer sites than shards."""
    return list(sites[number - 1 :: shards])


def put_first(sites: Sequence[SelectedSite], name: str) -> list[SelectedSite]:
    """The sites with one of them first, if it is there."""
    return sorted(sites, key=lambda site: site.name != name)


def format_outputs(sites: Sequence[SelectedSite]) -> list[str]:
    """The first site, and a JSON list of the others, as outputs of a step of GitHub Actions."""
    names = [site.name for site in sites]
    return [f"canary={''.join(names[:1])}", f"rest={json.dumps(names[1:])}"]


def parse_shard(text: str) -> tuple[int, int]:
    """Parse `2/8`.

    Raises:
        SelectionError: it is not a shard, or there is no such one.
    """
    match = _SHARD.fullmatch(text)
    number, shards = (int(match[1]), int(match[2])) if match else (0, 0)
    if not 1 <= number <= shards:
        raise SelectionError(
            f"--shard {printable(text, 40)}: is not a shard; write I/N, such as 1/8, with I from 1 to N"
        )
    return number, shards


def format_sites_text(sites: Sequence[SelectedSite]) -> list[str]:
    """A line for each site, and one with their number."""
    lines = [f"{site.name}: {printable(site.reason, 300)}" for site in sites]
    return [*lines, plural(len(sites), "site")]


def format_sites_json(sites: Sequence[SelectedSite]) -> str:
    """The sites as JSON."""
    rows = [
        {"name": site.name, "file": shorten(site.file).as_posix(), "stack": site.stack, "reason": site.reason}
        for site in sites
    ]
    return json.dumps({"version": 1, "sites": rows}, indent=2) + "\n"


def format_matrix(sites: Sequence[SelectedSite], shards: int, style: str) -> str:
    """The legs of a CI matrix as JSON, on one line.

    Args:
        sites: the sites to deal.
        shards: how many legs at most.
        style: `github`: an object for `strategy.matrix`; `gitlab`: a list for `parallel.matrix`.
    """
    legs = [
        (f"{number}/{shards}", " ".join(site.name for site in part))
        for number, part in enumerate(split(sites, shards), 1)
    ]
    matrix: Any
    if style == "gitlab":
        matrix = [{"SHARD": shard, "SITES": names} for shard, names in legs]
    else:
        matrix = {"include": [{"shard": shard, "sites": names} for shard, names in legs]}
    return json.dumps(matrix, separators=(",", ":"))
