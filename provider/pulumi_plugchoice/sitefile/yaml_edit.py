"""Edits of YAML text that change nothing else: comments, order, layout and line ends stay."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice.errors import PlugchoiceError

from .yaml_text import BYTE_ORDER_MARK, parse

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .yaml_text import Document, KeyPath


def edit_values(text: str, changes: Mapping[KeyPath, str | None], file: str) -> str:
    """Set or remove scalars of mappings, and change nothing else in the text.

    A new key is added at the end of its mapping. A mapping in braces stays in braces, one over several lines stays so.

    Args:
        text: YAML without mistakes.
        changes: new text of each value, by path; None removes its key.
        file: name of the file, for the message.

    Raises:
        PlugchoiceError: the layout of the text does not allow the edit without changing something else.
    """
    if text.startswith(BYTE_ORDER_MARK):
        return BYTE_ORDER_MARK + edit_values(text[len(BYTE_ORDER_MARK) :], changes, file)
    document = parse(text)
    siblings: dict[KeyPath, list[KeyPath]] = {}
    for key in document.keys:
        siblings.setdefault(key[:-1], []).append(key)
    edits: list[tuple[int, int, str]] = []
    for path, value in changes.items():
        if value is None:
            if path in document.keys:
                edits += _remove(text, document, path, siblings[path[:-1]])
        elif path in document.values:
            old = document.values[path]
            edits.append((old.start, old.end, value))
        else:
            edits.append(_insert(text, document, path, value, siblings[path[:-1]]))
    # YAML has more layouts than these edits know, so the result is parsed and compared.
    changed = _replace(text, edits)
    after = parse(changed)
    if document.findings or after.findings or after.data != _apply(document.data, changes):
        line = min(document.locate(path).line for path in changes)
        raise PlugchoiceError(f"{file}:{line}: the layout cannot be edited without other changes; edit it by hand")
    return changed


def _replace(text: str, edits: list[tuple[int, int, str]]) -> str:
    """Replace parts of a text, given by start and end. Of two that overlap, the later one is dropped."""
    parts: list[str] = []
    at = 0
    for start, end, new in sorted(edits):
        if start >= at:
            parts += text[at:start], new
            at = end
    return "".join([*parts, text[at:]])


def _apply(data: Any, changes: Mapping[KeyPath, str | None]) -> Any:
    """Apply the changes to the data, and return it."""
    values = {value: parse(value).data for value in set(changes.values()) if value is not None}
    for path, value in changes.items():
        inner = data
        for part in path[:-1]:
            inner = inner[part]
        if value is not None:
            inner[path[-1]] = values[value]
        else:
            inner.pop(path[-1], None)
    return data


def _insert(text: str, document: Document, path: KeyPath, value: str, siblings: list[KeyPath]) -> tuple[int, int, str]:
    """Add a key after the last key of its mapping."""
    mapping = document.values[path[:-1]]
    last = max((document.values[other] for other in siblings), key=lambda position: position.start)
    new = f"{path[-1]}: {value}"
    if mapping.is_flow:
        # After a key without a value, a comma alone would be read as part of the key.
        return last.end, last.end, f"{' ' if text[last.end - 1] == ':' else ''}, {new}"
    first = min((document.keys[other] for other in siblings), key=lambda position: position.start)
    end = text.find("\n", last.end)
    indent = " " * (first.column - 1)
    if end < 0:
        return len(text), len(text), f"\n{indent}{new}"
    line_end = "\r\n" if text[end - 1] == "\r" else "\n"
    return end + 1, end + 1, f"{indent}{new}{line_end}"


def _remove(text: str, document: Document, path: KeyPath, siblings: list[KeyPath]) -> Iterator[tuple[int, int, str]]:
    key, value = document.keys[path], document.values[path]
    others = [document.keys[other] for other in siblings if other != path]
    if document.values[path[:-1]].is_flow:
        yield from _remove_in_braces(text, document, path, siblings)
        return
    start = text.rfind("\n", 0, key.start) + 1
    end = text.find("\n", value.end)
    rest = text[value.end : len(text) if end < 0 else end]
    following = min((position.start for position in others if position.start > key.start), default=None)
    if rest.strip():  # a comment stays: it may be about more than this value
        yield key.start, value.end, ""
    elif text[start : key.start].strip():  # the first key of a list item: the dash stays
        is_next = following is not None and not text[value.end : following].strip()
        yield key.start, following if is_next and following is not None else value.end, ""
    elif end < 0:  # the last line of a text without a final line end
        yield len(text[:start].rstrip("\r\n")), len(text), ""
    else:
        yield start, end + 1, ""


_COMMA: Final = re.compile(r"\s*,[ \t]*")


def _remove_in_braces(
    text: str, document: Document, path: KeyPath, siblings: list[KeyPath]
) -> Iterator[tuple[int, int, str]]:
    key, value = document.keys[path], document.values[path]
    before = [document.values[other].end for other in siblings if document.keys[other].start < key.start]
    after = _COMMA.match(text, value.end)
    if before and re.fullmatch(r"\s*,\s*", text[max(before) : key.start]):
        yield max(before), value.end, ""
    elif after:
        yield key.start, after.end(), ""
    else:
        comma = text.find(",", max(before)) if before else -1
        if 0 <= comma < key.start:  # a comment stands between: remove only the comma
            yield comma, comma + 1, ""
        yield key.start, value.end, ""
