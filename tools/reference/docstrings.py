"""What griffe reads from the package: signatures as they stand in the source, and docstrings by section."""

from __future__ import annotations

import functools
import itertools
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import griffe

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[2]
PACKAGE: Final = "pulumi_plugchoice"


@functools.cache
def load_package() -> griffe.Module:
    """The package, read and not imported."""
    found = griffe.load(PACKAGE, search_paths=[ROOT / "provider"], docstring_parser="google", resolve_aliases=True)
    return cast("griffe.Module", found)


def find(name: str) -> griffe.Object:
    """An object by its name below the package, as in `errors.NotFound`; a public name leads to where it is defined."""
    found = load_package()[name]
    return cast("griffe.Object", found.final_target if found.is_alias else found)


def list_public(module: griffe.Object) -> list[str]:
    """The names of a module: those of its `__all__`, else all that it defines without an underscore."""
    if module.exports is not None:
        return [str(name) for name in module.exports]
    return [name for name, item in module.members.items() if not name.startswith("_") and not item.is_alias]


def read_text(item: griffe.Object) -> str:
    """The docstring before its sections, with each paragraph on one line."""
    texts = [section.value for section in _sections(item) if section.kind.value == "text"]
    return "\n\n".join(_unwrap(str(text)) for text in texts) or _read_comment(item)


def _read_comment(item: griffe.Object) -> str:
    """What `#:` says above a constant, or `#` behind it."""
    if not isinstance(item, griffe.Attribute) or item.lineno is None:
        return ""
    lines = cast("Path", item.filepath).read_text(encoding="utf-8").splitlines()
    above = list(itertools.takewhile(lambda line: line.startswith("#:"), reversed(lines[: item.lineno - 1])))
    behind = lines[item.lineno - 1].partition("  # ")[2]
    return " ".join(line.removeprefix("#:").strip() for line in reversed(above)) or behind


def read_items(item: griffe.Object, kind: str) -> Iterator[tuple[str, str, str]]:
    """Name, type and description of each entry of a section, such as `parameters`; an error's name is its type."""
    for section in _sections(item):
        if section.kind.value == kind:
            for entry in cast("list[Any]", section.value):
                name = str(getattr(entry, "name", None) or entry.annotation or "")
                yield name, str(entry.annotation or ""), _unwrap(entry.description)


def _sections(item: griffe.Object) -> list[griffe.DocstringSection]:
    return item.docstring.parsed if item.docstring else []


def _unwrap(text: str) -> str:
    """One line for each paragraph; lines that are indented or in a list stay."""
    return re.sub(r"(?<=\S)\n(?=[^\s\-*|>])", " ", text.strip())
