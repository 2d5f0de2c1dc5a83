"""YAML as people write it, read with the place of every value, and changed without touching anything else.

The library's parser gives events; what is built from them here is plain dicts, lists and scalars of YAML 1.2, and a
place for each. What a person and a machine could read differently is refused: duplicate keys, anchors and merge keys,
tags, and plain words that YAML 1.1 took for something else (`NO`, `on`, `016`, `1_000`, `12:30`, dates).
"""

from __future__ import annotations

import copy
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.errors import PlugchoiceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Path = tuple["str | int", ...]

#: A site of a thousand connectors is a tenth of this.
MOST_BYTES: Final = 1 << 20
_DEEPEST: Final = 20
#: Nobody reads more lines at once.
MOST_PROBLEMS: Final = 100

_INT: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)\.[0-9]+")
_TROUBLE: Final = (
    (re.compile(r"y|n|yes|no|on|off", re.IGNORECASE), "some programs read it as true or false"),
    (re.compile(r"[-+]?0[0-9_]+"), "some programs read a number with a leading 0 as octal"),
    (re.compile(r"[-+]?0(x[0-9a-fA-F_]+|o[0-7_]+|b[01_]+)"), "some programs read it as a number to another base"),
    (re.compile(r"[-+]?[0-9]+(_[0-9]+)+(\.[0-9_]*)?"), "some programs read it as a number"),
    (re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?"), "some programs read it as a number to base 60"),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.?[0-9]*)[eE][-+]?[0-9]+"), "some programs read it as a number"),
    (re.compile(r"[-+]?\.(inf|nan)|\.nan", re.IGNORECASE), "some programs read it as a number"),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.)"), "some programs read it as a number"),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?"), "some programs read it as a date"),
    (re.compile(r"TRUE|FALSE|True|False"), "write true or false in small letters"),
    (re.compile(r"NULL|Null"), "write null in small letters, or leave the key out"),
)


@dataclass(frozen=True)
class Place:
    """Where a value or key stands.

    Attributes:
        line: from 1.
        column: from 1.
        start: offset in the text.
        end: offset behind it.
        is_flow: for a mapping or list, whether it is written in braces or brackets.
    """

    line: int
    column: int
    start: int
    end: int
    is_flow: bool = False


@dataclass
class Document:
    """What a text holds.

    Attributes:
        data: dicts, lists, text, numbers, booleans, None.
        values: the place of each value, by path.
        keys: the place of each mapping's keys, by the path of their values.
        problems: what is refused, with its place and path.
        is_whole: whether the text was read to its end.
    """

    data: Any = None
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    problems: list[tuple[Place, Path, str]] = field(default_factory=list)
    is_whole: bool = False

    def place(self, path: Path) -> Place:
        """Of the value, or of what holds it when it is not there."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, _START)


_START: Final = Place(1, 1, 0, 0)


def parse(text: str) -> Document:
    """The one document in `text`; what cannot be read as YAML is its only problem then."""
    # Half a tenth of a second, which only those who read a file have to pay.
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    document = Document()
    try:
        events = YAML(typ="rt", pure=True).parse(text)
        _Builder(document, text).build(events)
        document.is_whole = True
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(mark.line + 1, mark.column + 1, mark.index, mark.index) if mark else _START
        document.problems.append((place, (), _not_yaml(text, place, str(error.problem or error.context))))
    except YAMLError as error:
        document.problems.append((_place_of_odd_character(text), (), f"cannot be read as YAML: {printable(error)}"))
    except _Refused as refused:
        document.problems.append((refused.place, refused.path, refused.text))
    return document


def _not_yaml(text: str, place: Place, problem: str) -> str:
    line = text.splitlines()[place.line - 1] if place.line <= len(text.splitlines()) else ""
    if "\t" in line[: len(line) - len(line.lstrip())] or "\\t" in problem:
        return "a tab: YAML is indented with blanks only"
    return f"cannot be read as YAML: {printable(problem, 120)}"


def _place_of_odd_character(text: str) -> Place:
    match = re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]", text)
    at = match.start() if match else 0
    return Place(text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1, at, at)


class _Refused(Exception):
    def __init__(self, place: Place, path: Path, text: str) -> None:
        self.place, self.path, self.text = place, path, text
        super().__init__(text)


class _Builder:
    """Makes a document of events, without recursion: a file must not decide how deep the stack gets."""

    def __init__(self, document: Document, text: str) -> None:
        self._document = document
        self._text = text

    def build(self, events: Iterator[Any]) -> None:
        # Each open collection: what it is, its path, and the key that waits for its value.
        stack: list[tuple[Any, Path, Any, Place]] = []
        documents = 0
        key: Any = _NO_KEY
        for event in events:
            kind = type(event).__name__
            if len(self._document.problems) > MOST_PROBLEMS:
                raise _Refused(_place(event), (), f"more than {MOST_PROBLEMS} mistakes: the rest is not looked at")
            if kind == "DocumentStartEvent":
                documents += 1
                if documents > 1:
                    raise _Refused(_place(event), (), "a second document (---): one file is one site")
            if kind in ("StreamStartEvent", "StreamEndEvent", "DocumentStartEvent", "DocumentEndEvent"):
                continue
            place = _place(event)
            if kind in ("MappingEndEvent", "SequenceEndEvent"):
                value, path, key, opened = stack.pop()
                self._document.values[path] = Place(
                    opened.line, opened.column, opened.start, place.end, is_flow=opened.is_flow
                )
                continue
            container, path = (stack[-1][0], stack[-1][1]) if stack else (None, ())
            if isinstance(container, dict) and key is _NO_KEY:
                key = self._key(event, kind, container, path, place)
                continue
            here: Path = ()
            if stack:
                here = (*path, len(container) if isinstance(container, list) else key)
            self._refuse_anchors(event, kind, here, place)
            place = self._place_of_value(event, kind, here, place)
            value = self._value(event, kind, here, place)
            self._document.values[here] = place
            self._keep(container, key, value)
            if kind in ("MappingStartEvent", "SequenceStartEvent"):
                if len(stack) >= _DEEPEST:
                    raise _Refused(place, (), f"more than {_DEEPEST} levels deep")
                opened = Place(place.line, place.column, place.start, place.end, is_flow=bool(event.flow_style))
                stack.append((value, here, _NO_KEY, opened))
            key = _NO_KEY

    def _keep(self, container: Any, key: Any, value: Any) -> None:
        if isinstance(container, list):
            container.append(value)
        elif container is not None:
            container[key] = value
        else:
            self._document.data = value

    def _place_of_value(self, event: Any, kind: str, path: Path, place: Place) -> Place:
        """The scanner puts an empty value where the next word is; it is behind its key's colon."""
        key = self._document.keys.get(path)
        if kind != "ScalarEvent" or event.style is not None or event.value or key is None:
            return place
        colon = self._text.find(":", key.end) + 1
        return Place(key.line, key.column, colon, colon)

    def _key(self, event: Any, kind: str, container: dict[Any, Any], path: Path, place: Place) -> Any:
        if kind != "ScalarEvent":
            raise _Refused(place, path, "a key that is not plain text" if kind != "AliasEvent" else _ALIAS)
        self._refuse_anchors(event, kind, path, place)
        key = str(event.value)
        if key == "<<" and event.style is None:
            raise _Refused(place, path, "a merge key (<<): write out what it stands for")
        here = (*path, key)
        if key in container:
            first = self._document.keys[here]
            self._document.problems.append(
                (place, path, f"key {printable(key, 60)!r} is there twice, first in line {first.line}: keep one")
            )
        self._document.keys[here] = place
        return key

    def _refuse_anchors(self, event: Any, kind: str, path: Path, place: Place) -> None:
        if kind == "AliasEvent":
            raise _Refused(place, path, _ALIAS)
        if getattr(event, "anchor", None):
            raise _Refused(place, path, f"an anchor (&{printable(event.anchor, 30)}): write out what it stands for")
        tag = getattr(event, "tag", None)
        if tag:
            raise _Refused(place, path, f"a tag ({printable(tag, 60)}): write the value without it")

    def _value(self, event: Any, kind: str, path: Path, place: Place) -> Any:
        if kind == "MappingStartEvent":
            return {}
        if kind == "SequenceStartEvent":
            return []
        text = str(event.value)
        if event.style is not None:
            return text
        if text in ("", "~", "null"):
            return None
        if text in ("true", "false"):
            return text == "true"
        for pattern, why in _TROUBLE:
            if pattern.fullmatch(text):
                self._document.problems.append(
                    (place, path, f"{printable(text, 60)} is not clear: {why}; {_advice(text)}")
                )
                return None
        if _INT.fullmatch(text):
            # One that long is no number of amps; as text it stays what was written.
            return int(text) if len(text) < 19 else text
        return float(text) if _FLOAT.fullmatch(text) else text


def _advice(text: str) -> str:
    if text.lower() in ("y", "n", "yes", "no", "on", "off"):
        return f'write true or false, or "{text}" in quotes if it is text'
    plain = text.lstrip("+-0_").replace("_", "")
    if plain.isdecimal():
        return f'write {plain}, or "{text}" in quotes if it is text'
    return f'write "{printable(text, 60)}" in quotes if it is text'


_ALIAS: Final = "an alias (*): write out what it stands for"
_NO_KEY: Final = object()


def _place(event: Any) -> Place:
    start, end = event.start_mark, event.end_mark
    return Place(start.line + 1, start.column + 1, start.index, end.index)


# ---------------------------------------------------------------- changes

#: What some editors put before the first letter of a file.
_MARK: Final = "\ufeff"


def with_values(text: str, changes: Mapping[Path, str | None]) -> str:
    """`text` with scalars of mappings set or (None) removed, and nothing else changed: comments, order, line ends.

    A key that is not there is put behind the one that stands before it in `changes`' mapping: behind the last one of
    the mapping. Both ways of writing a mapping, in braces or over several lines, stay as they are.

    Args:
        text: YAML without problems.
        changes: new text of a value, by path.

    Raises:
        PlugchoiceError: the text is laid out in a way that cannot be changed without changing something else.
    """
    if text.startswith(_MARK):
        return _MARK + with_values(text[len(_MARK) :], changes)
    document = parse(text)
    edits: list[tuple[int, int, str]] = []
    for path, value in changes.items():
        if value is None:
            if path in document.keys:
                edits += _removals(text, document, path)
        elif path in document.values:
            place = document.values[path]
            edits.append((place.start, place.end, value))
        else:
            edits.append(_insertion(text, document, path, value))
    changed = text
    for start, end, new in sorted(edits, reverse=True):
        changed = changed[:start] + new + changed[end:]
    # YAML has more layouts than these edits know. What was not asked for must not be written.
    after = parse(changed)
    if document.problems or after.problems or after.data != _as_asked(document.data, changes):
        places = ", ".join(sorted({str(document.place(path).line) for path in changes}))
        raise PlugchoiceError(f"the layout of the file is not one that can be changed (line {places}): edit it by hand")
    return changed


def _as_asked(data: Any, changes: Mapping[Path, str | None]) -> Any:
    """What `data` has to be after the changes."""
    wanted = copy.deepcopy(data)
    for path, value in changes.items():
        inner = wanted
        for part in path[:-1]:
            inner = inner[part]
        if value is not None:
            inner[path[-1]] = parse(value).data
        else:
            inner.pop(path[-1], None)
    return wanted


def _insertion(text: str, document: Document, path: Path, value: str) -> tuple[int, int, str]:
    """Behind the mapping's last key whose value is on one line."""
    mapping = document.values[path[:-1]]
    siblings = [other for other in document.keys if other[:-1] == path[:-1]]
    last = max((document.values[other] for other in siblings), key=lambda place: place.start)
    new = f"{path[-1]}: {value}"
    if mapping.is_flow:
        # Behind a key without a value a comma alone would be taken for a part of the key.
        return last.end, last.end, f"{' ' if text[last.end - 1] == ':' else ''}, {new}"
    first = min((document.keys[other] for other in siblings), key=lambda place: place.start)
    end = text.find("\n", last.end)
    indent = " " * (first.column - 1)
    if end < 0:
        return len(text), len(text), f"\n{indent}{new}"
    line_end = "\r\n" if text[end - 1] == "\r" else "\n"
    return end + 1, end + 1, f"{indent}{new}{line_end}"


def _removals(text: str, document: Document, path: Path) -> Iterator[tuple[int, int, str]]:
    key, value = document.keys[path], document.values[path]
    others = [place for other, place in document.keys.items() if other[:-1] == path[:-1] and other != path]
    if document.values[path[:-1]].is_flow:
        yield from _removals_in_braces(text, document, path)
        return
    start = text.rfind("\n", 0, key.start) + 1
    end = text.find("\n", value.end)
    rest = text[value.end : len(text) if end < 0 else end]
    following = min((place.start for place in others if place.start > key.start), default=None)
    if rest.strip():  # a comment: it may be about more than this value
        yield key.start, value.end, ""
    elif text[start : key.start].strip():  # the first key of a list's item: its dash stays
        is_next = following is not None and not text[value.end : following].strip()
        yield key.start, following if is_next and following is not None else value.end, ""
    elif end < 0:  # the last line, without an end of its own: the one before becomes that
        yield len(text[:start].rstrip("\r\n")), len(text), ""
    else:
        yield start, end + 1, ""


def _removals_in_braces(text: str, document: Document, path: Path) -> Iterator[tuple[int, int, str]]:
    key, value = document.keys[path], document.values[path]
    before = [
        document.values[other].end
        for other, place in document.keys.items()
        if other[:-1] == path[:-1] and place.start < key.start
    ]
    after = re.match(r"\s*,[ \t]*", text[value.end :])
    if before and re.fullmatch(r"\s*,\s*", text[max(before) : key.start]):
        yield max(before), value.end, ""
    elif after:
        yield key.start, value.end + after.end(), ""
    else:
        comma = text.find(",", max(before)) if before else -1
        if 0 <= comma < key.start:  # a comment stands between: only the comma goes
            yield comma, comma + 1, ""
        yield key.start, value.end, ""
