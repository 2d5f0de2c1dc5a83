"""Appends items to lists of YAML text, in the style of the list. Nothing else changes."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.errors import PlugchoiceError

from .yaml_text import BYTE_ORDER_MARK, format_path, parse
from .yaml_write import format_comment, format_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .yaml_text import Document, KeyPath, Position

# An item in braces that is longer gets a line for each key, if the list has no style of its own.
_WIDTH: Final = 110


@dataclass(frozen=True)
class NewItem:
    """A mapping to append to a list.

    Attributes:
        path: path of the list: `("chargers",)`, `("chargers", 3, "connectors")`.
        value: text, numbers, booleans; one value may be a list of such mappings, as `connectors` is.
        comment: one line without `#`, written above the item.
        comments: as `comment`, of the mappings in `value`'s list, by index. Where a comment cannot stand directly above
            what it is about, it begins with its first key and value.
    """

    path: KeyPath
    value: Mapping[str, Any]
    comment: str = ""
    comments: Mapping[int, str] = field(default_factory=dict)

    @property
    def all_comments(self) -> list[str]:
        """Its comments, in order, for one place; each names what it is about if that could be another."""
        entries: list[Mapping[str, Any]] = next(
            (value for value in self.value.values() if _is_list_of_mappings(value)), []
        )
        comments = [self.comments.get(index, "") for index in range(len(entries))]
        if len(entries) > 1:
            comments = [_name(comment, entry) for comment, entry in zip(comments, entries, strict=True)]
        return [self.comment, *comments]


def _is_list_of_mappings(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(entry, Mapping) for entry in value)


def _name(comment: str, item: Mapping[str, Any]) -> str:
    """Put the first key and value of an item before its comment: `connector_id 2: not set`."""
    first = next((f"{key} {value}: " for key, value in item.items()), "")
    return f"{first}{comment}" if comment else ""


@dataclass(frozen=True)
class ItemStyle:
    """How the items of a list are written.

    Attributes:
        is_flow: whether in braces; None for those that fit in a line.
        gap: blanks after the dash.
        list_is_flow: whether a list in an item is in brackets; None for one entry without a comment that fits.
        list_indent: columns from the key of such a list to its dashes.
        entry_is_flow: whether the entries of such a list are in braces.
        entry_gap: blanks after their dashes.
    """

    is_flow: bool | None = None
    gap: int = 1
    list_is_flow: bool | None = None
    list_indent: int = 2
    entry_is_flow: bool = True
    entry_gap: int = 1


_PLAIN_STYLE: Final = ItemStyle()


def format_item(item: NewItem, indent: int, style: ItemStyle = _PLAIN_STYLE) -> list[str]:
    """Format an item of a list with dashes, as lines without line ends.

    An item in braces is one line, with all its comments above it.

    Args:
        item: the item.
        indent: blanks before the dash.
        style: how the list is written.
    """
    start = f"{' ' * indent}-{' ' * style.gap}"
    line = start + format_value(item.value)
    is_flow = style.is_flow
    if is_flow is None:
        is_flow = len(line) <= _WIDTH and not any(item.comments.values())
    if is_flow or not item.value:
        return [*_format_comments([item], indent), line]
    inner = " " * len(start)
    lines: list[str] = []
    for key, value in item.value.items():
        lines += [inner + line for line in _format_key(key, value, item.comments, len(inner), style)]
    lines[0] = start + lines[0].lstrip(" ")
    return [*format_comment(item.comment, indent), *lines]


def _format_key(key: str, value: Any, comments: Mapping[int, str], indent: int, style: ItemStyle) -> list[str]:
    """Format a key and its value, as lines for which `indent` columns are left out."""
    line = f"{format_value(key)}: {format_value(value)}"
    if not _is_list_of_mappings(value):
        return [line]
    is_flow = style.list_is_flow
    if is_flow is None:
        is_flow = len(value) == 1 and indent + len(line) <= _WIDTH
    if is_flow and not any(comments.values()):
        return [line]
    entry_style = ItemStyle(style.entry_is_flow, style.entry_gap)
    entries = [NewItem((), entry, comments.get(index, "")) for index, entry in enumerate(value)]
    return [
        f"{format_value(key)}:",
        *(line for entry in entries for line in format_item(entry, style.list_indent, entry_style)),
    ]


def _format_comments(items: Sequence[NewItem], indent: int) -> list[str]:
    return [line for item in items for comment in item.all_comments for line in format_comment(comment, indent)]


def append_items(text: str, items: Sequence[NewItem], file: str) -> str:
    """Append items to lists, and change nothing else in the text.

    The items of a list stay in order, and look like those before them. A list that is missing is added at the end of
    its mapping. Where an item shares its line with the rest of its list, its comments stand above that line.

    Args:
        text: YAML without mistakes.
        items: the items.
        file: name of the file, for the message.

    Raises:
        PlugchoiceError: the layout of the text does not allow it without changing something else.
    """
    if not items:
        return text
    if text.startswith(BYTE_ORDER_MARK):
        return BYTE_ORDER_MARK + append_items(text[len(BYTE_ORDER_MARK) :], items, file)
    lists: dict[KeyPath, list[NewItem]] = {}
    for item in items:
        lists.setdefault(item.path, []).append(item)
    document = parse(text)
    appender = _Appender(text, document)
    edits = [list(appender.append(path, new)) for path, new in lists.items()]
    changed = _replace(text, [edit for some in edits for edit in some])
    # YAML has more layouts than these edits know, so the result is parsed and compared.
    after = parse(changed)
    if all(edits) and not document.findings and not after.findings and after.data == _apply(document.data, lists):
        return changed
    middle = len(lists) // 2
    if middle:  # for the message: the first list that fails alone
        paths = list(lists)
        append_items(text, [item for path in paths[:middle] for item in lists[path]], file)
        append_items(text, [item for path in paths[middle:] for item in lists[path]], file)
    path, (first, *others) = next(iter(lists.items()))
    what, more = printable(format_value(first.value), 150), f" and {len(others)} more" if others else ""
    raise PlugchoiceError(
        f"{file}:{document.locate(path).line}: the layout cannot be edited without other changes; add {what}{more} to "
        f"{format_path(path)} by hand"
    )


class _Edit(NamedTuple):
    """A replacement, and its place among those at the same offset."""

    start: int
    end: int
    text: str
    rank: tuple[int, int, bool] = (0, 0, False)


def _replace(text: str, edits: list[_Edit]) -> str:
    parts: list[str] = []
    at = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.rank)):
        parts += text[at : edit.start], edit.text
        at = edit.end
    return "".join([*parts, text[at:]])


def _apply(data: Any, lists: Mapping[KeyPath, Sequence[NewItem]]) -> Any:
    """Append the items to the data, and return it."""
    for path, new in lists.items():
        outer = _look_up(data, path[:-1])
        outer[path[-1]] = [*(outer.get(path[-1]) or []), *(item.value for item in new)]
    return data


_MISSING: Final = object()


def _look_up(data: Any, path: KeyPath) -> Any:
    try:
        for part in path:
            data = data[part]
    except (KeyError, IndexError, TypeError):
        return _MISSING
    return data


# White space and comments between two values in brackets.
_BETWEEN: Final = re.compile(r"(?:\s|#[^\n]*)*")
_BLANK_LINE: Final = re.compile(r"\n[ \t]*\r?\n")


class _Appender:
    """Finds the edits that append items to the lists of one text."""

    def __init__(self, text: str, document: Document) -> None:
        self._text = text
        self._document = document
        self._data = document.data
        self._values = document.values

    def append(self, path: KeyPath, items: list[NewItem]) -> Iterator[_Edit]:
        """Find the edits for one list: none where it cannot be appended to."""
        outer, value = _look_up(self._data, path[:-1]), _look_up(self._data, path)
        if self._document.findings or not isinstance(outer, dict) or not outer:
            return
        is_flow = self._values[path[:-1]].is_flow
        if value is _MISSING:
            yield from self._add_key(path, items, list(outer), is_flow=is_flow)
        elif isinstance(value, list) and not self._values[path].is_flow:
            yield self._append_lines(path, items, len(value))
        elif isinstance(value, list) and value:
            yield from self._append_in_brackets(path, items, len(value))
        elif isinstance(value, list):
            yield self._fill_brackets(path, items)
        elif value is None:
            yield self._set_list(path, items, is_flow=is_flow)

    def _set_list(self, path: KeyPath, items: list[NewItem], *, is_flow: bool) -> _Edit:
        """Write the list of a key without a value, or with the value null."""
        start, end = self._values[path].start, self._values[path].end
        if start < end or is_flow:
            blank = " " if self._text[start - 1] == ":" else ""
            return _Edit(start, end, f"{blank}[{self._format_entries(path, items)}]")
        key = self._document.keys[path].column
        at = self._skip_comments(end, key + 1)
        return self._insert_lines(at, self._format_list(items, key), path)

    def _add_key(self, path: KeyPath, items: list[NewItem], others: list[str], *, is_flow: bool) -> Iterator[_Edit]:
        """Add a list that is missing, after the last key of its mapping."""
        first, last = (*path[:-1], others[0]), (*path[:-1], others[-1])
        name, end = path[-1], self._find_end(last)
        if is_flow:
            # After a key without a value, a comma alone would be read as part of the key.
            comma = " , " if self._text[end - 1] == ":" else ", "
            values = ", ".join(format_value(item.value) for item in items)
            yield _Edit(end, end, f"{comma}{name}: [{values}]", (0, -len(path), True))
            yield from self._comment_above(items, end)
            return
        key = self._document.keys[first].column
        lines = [f"{' ' * (key - 1)}{name}:", *self._format_list(items, key)]
        yield self._insert_lines(self._skip_comments(end, key + 1), lines, path, is_key=True)

    # Lists with dashes.

    def _append_lines(self, path: KeyPath, items: list[NewItem], count: int) -> _Edit:
        column = self._values[path].column
        last = (*path, count - 1)
        style = self._read_style(path, count)
        between = self._text[self._find_end((*path, count - 2)) : self._values[last].start] if count > 1 else ""
        spaced = [""] if _BLANK_LINE.search(between) else []
        lines = [line for item in items for line in [*spaced, *format_item(item, column - 1, style)]]
        # A comment in the column of the list's key belongs to what follows.
        at = self._skip_comments(self._find_end(last), max(column, self._document.keys[path].column + 1))
        return self._insert_lines(at, lines, path)

    def _read_style(self, path: KeyPath, count: int) -> ItemStyle:
        """Read the style of a list with dashes: that of its last items, or what fits if it has items of both kinds."""
        paths: list[KeyPath] = [(*path, index) for index in range(count)]
        flows = {self._values[item].is_flow for item in paths}
        style = ItemStyle(is_flow=flows.pop() if len(flows) == 1 else None, gap=self._read_gap(paths[-1]))
        for item in reversed(paths):
            value = _look_up(self._data, item)
            if self._values[item].is_flow or not isinstance(value, dict):
                continue
            for key, entries in value.items():
                if entries and isinstance(entries, list):
                    return self._read_list_style(style, (*item, key), len(entries))
        return style

    def _read_list_style(self, style: ItemStyle, path: KeyPath, count: int) -> ItemStyle:
        if self._values[path].is_flow:
            return replace(style, list_is_flow=True)
        last = (*path, count - 1)
        return replace(
            style,
            list_is_flow=False,
            list_indent=self._values[path].column - self._document.keys[path].column,
            entry_is_flow=self._values[last].is_flow,
            entry_gap=self._read_gap(last),
        )

    def _read_gap(self, path: KeyPath) -> int:
        """Return the number of blanks after the dash of an item."""
        return max(1, self._values[path].column - self._values[path[:-1]].column - 1)

    def _format_list(self, items: list[NewItem], key: int) -> list[str]:
        """Format a new list with dashes, below a key in column `key`, indented as the first such list of the text."""
        indents = (
            self._values[path].column - other.column
            for path, other in self._document.keys.items()
            if isinstance(_look_up(self._data, path), list) and not self._values[path].is_flow
        )
        indent = key - 1 + next(indents, ItemStyle.list_indent)
        return [line for item in items for line in format_item(item, indent)]

    def _find_end(self, path: KeyPath) -> int:
        """Return where a value ends. The parsers differ in where a block ends, so it is the end of the last in it."""
        value = _look_up(self._data, path)
        while isinstance(value, (dict, list)) and value and not self._values[path].is_flow:
            last = list(value)[-1] if isinstance(value, dict) else len(value) - 1
            path, value = (*path, last), value[last]
        return self._values[path].end

    def _skip_comments(self, at: int, column: int) -> int:
        """Return the start of the line after `at`, or after the comments there that stand in `column` or further in."""
        if self._text[at - 1] != "\n":  # the end of a text over several lines
            at = self._next_line(at)
        line = at
        while line < len(self._text):
            following = self._next_line(line)
            words = self._text[line:following].lstrip(" \t")
            if words.startswith("#") and following - line - len(words) + 1 >= column:
                at = following
            elif words.strip():
                break
            line = following
        return at

    def _next_line(self, at: int) -> int:
        return self._text.find("\n", at) + 1 or len(self._text)

    def _insert_lines(self, at: int, lines: list[str], path: KeyPath, *, is_key: bool = False) -> _Edit:
        """Insert whole lines. At the same place, those of an inner list come first and a new key last."""
        line_end = self._line_end(at)
        new = line_end.join(lines)
        text = new + line_end if self._text[at - 1] == "\n" else line_end + new
        return _Edit(at, at, text, (0, -len(path), is_key))

    def _line_end(self, at: int) -> str:
        """Return the line end that the text has before `at`; in its first line, that of the line."""
        end = self._text.rfind("\n", 0, at)
        end = self._text.find("\n") if end < 0 else end
        return "\r\n" if end > 0 and self._text[end - 1] == "\r" else "\n"

    # Lists in brackets.

    def _append_in_brackets(self, path: KeyPath, items: list[NewItem], count: int) -> Iterator[_Edit]:
        last_path = (*path, count - 1)
        last = self._values[last_path]
        bracket = self._values[path].end - 1
        indent = last.start - self._line_start(last.start)
        if not self._is_blank_before(last.start):
            yield _Edit(last.end, last.end, "".join(f", {format_value(item.value)}" for item in items))
            yield from self._comment_above(items, last.start)
        elif self._is_blank_before(bracket):
            between = _BETWEEN.match(self._text, last.end)
            has_comma = between is not None and self._text.startswith(",", between.end())
            if not has_comma:
                yield _Edit(last.end, last.end, ",")
            rows = _format_rows(items, indent, "," if has_comma else "")
            yield self._insert_lines(self._line_start(bracket), rows, path)
        else:
            yield _Edit(last.end, last.end, self._line_end(last.start).join([",", *_format_rows(items, indent)]))

    def _fill_brackets(self, path: KeyPath, items: list[NewItem]) -> _Edit:
        """Write the items of an empty list."""
        bracket = self._values[path].end - 1
        if not self._is_blank_before(bracket):
            return _Edit(bracket, bracket, self._format_entries(path, items))
        start = self._line_start(bracket)
        return self._insert_lines(start, _format_rows(items, bracket - start + ItemStyle.list_indent), path)

    def _format_entries(self, path: KeyPath, items: list[NewItem]) -> str:
        """Format all that stands in the brackets of a list that was empty: what fits in the line, or lines."""
        key = self._document.keys[path]
        values = ", ".join(format_value(item.value) for item in items)
        if key.column + len(f"{path[-1]}: [{values}]") <= _WIDTH and not _format_comments(items, 0):
            return values
        return self._line_end(key.start).join(["", *_format_rows(items, key.column - 1 + ItemStyle.list_indent)])

    def _comment_above(self, items: list[NewItem], at: int) -> Iterator[_Edit]:
        """Write the comments of items above a line; if it begins inside of a text, above the line where that begins."""
        named = [replace(item, comment=_name(item.comment, item.value)) for item in items]
        if not _format_comments(named, 0):
            return
        start = self._line_start(at)
        for text in self._long_texts:
            if text.start < start < text.end:
                start = self._line_start(text.start)
        line = self._text[start:at]
        lines = _format_comments(named, len(line) - len(line.lstrip(" ")))
        yield _Edit(start, start, self._line_end(start).join([*lines, ""]), (1, 0, False))

    @functools.cached_property
    def _long_texts(self) -> list[Position]:
        """The keys and texts over several lines, the last first."""
        values = (self._values[path] for path in self._values if isinstance(_look_up(self._data, path), str))
        places = [*self._document.keys.values(), *values]
        return sorted((place for place in places if "\n" in self._text[place.start : place.end]), reverse=True)

    def _line_start(self, at: int) -> int:
        return self._text.rfind("\n", 0, at) + 1

    def _is_blank_before(self, at: int) -> bool:
        """Whether `at` is the first in its line."""
        return not self._text[self._line_start(at) : at].strip()


def _format_rows(items: list[NewItem], indent: int, last: str = "") -> list[str]:
    """Format a line for each item of a list in brackets, with a comma after all but the last; that one has `last`."""
    rows: list[str] = []
    for item in items:
        comma = last if item is items[-1] else ","
        rows += [*_format_comments([item], indent), f"{' ' * indent}{format_value(item.value)}{comma}"]
    return rows
