"""YAML as people write it, read with the position of every value.

The library's parser gives events; this module builds plain dicts, lists and scalars of YAML 1.2 from them, with a
position for each. It refuses what a person and a program can read differently: duplicate keys, anchors and merge keys,
tags, and plain words that YAML 1.1 reads as something else (`NO`, `on`, `016`, `1_000`, `12:30`, dates).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.inputs import Mistake

if TYPE_CHECKING:
    from collections.abc import Iterator

KeyPath = tuple["str | int", ...]

#: Some editors write it at the start of a file.
BYTE_ORDER_MARK: Final = "\ufeff"
#: A site of a thousand connectors takes a tenth of this.
MAX_BYTES: Final = 1 << 20
_MAX_DEPTH: Final = 20
#: More lines than anyone reads at once.
MAX_MISTAKES: Final = 100
#: Stands in the data for a value that was refused. It is not None: a key with a refused value is set.
REFUSED: Final = object()

_INT: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)\.[0-9]+")
_AMBIGUOUS: Final = (
    (re.compile(r"y|n|yes|no|on|off", re.IGNORECASE), "some programs read it as true or false"),
    (re.compile(r"[-+]?0[0-9_]+"), "some programs read a number with a leading 0 as octal"),
    (re.compile(r"[-+]?0(x[0-9a-fA-F_]+|o[0-7_]+|b[01_]+)"), "some programs read it as a number to another base"),
    (re.compile(r"[-+]?[0-9]+(_[0-9]+)+(\.[0-9_]*)?"), "some programs read it as a number"),
    (re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?"), "some programs read it as a number to base 60"),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.?[0-9]*)[eE][-+]?[0-9]+"), "some programs read it as a number"),
    (re.compile(r"[-+]?\.(inf|nan)|\.nan", re.IGNORECASE), "some programs read it as a number"),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.)"), "some programs read it as a number"),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?"), "some programs read it as a date"),
    (re.compile(r"TRUE|FALSE|True|False"), "some programs read it as true or false"),
    (re.compile(r"NULL|Null"), "some programs read it as null"),
)


@dataclass(frozen=True)
class Position:
    """The position of a value or key.

    Attributes:
        line: from 1.
        column: from 1.
        start: offset in the text.
        end: offset of its end.
        is_flow: whether a mapping or list is written in braces or brackets.
    """

    line: int
    column: int
    start: int
    end: int
    is_flow: bool = False


_START: Final = Position(1, 1, 0, 0)


@dataclass(frozen=True)
class Finding:
    """A mistake, and the value or key that it is about.

    Attributes:
        path: path of the value.
        mistake: the mistake; its place is the path as text.
        position: where it is in the text; None for the position of the path.
        is_key: whether it is about the key and not about its value.
    """

    path: KeyPath
    mistake: Mistake
    position: Position | None = None
    is_key: bool = False


def format_path(path: KeyPath) -> str:
    """Format a path as messages show it: `chargers[3].group`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{printable(part, 60)}" for part in path).lstrip(".")


@dataclass
class Document:
    """A parsed text.

    Attributes:
        data: dicts, lists, text, numbers, booleans, None, and `REFUSED`.
        values: the position of each value, by path.
        keys: the position of each key, by the path of its value.
        findings: the mistakes. A refused value is `REFUSED` in `data`.
        is_complete: whether the text was read to its end.
    """

    data: Any = None
    values: dict[KeyPath, Position] = field(default_factory=dict)
    keys: dict[KeyPath, Position] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    is_complete: bool = False

    def locate(self, path: KeyPath) -> Position:
        """Return the position of a value; when it is missing, of the part of the file that lacks it."""
        while path and path not in self.values:
            path = path[:-1]
        return self.values.get(path, _START)


def parse(text: str) -> Document:
    """Parse the one document in `text`. A text that is not YAML gives one finding."""
    # Importing the library takes 50 ms, which only a program that reads a file should pay.
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    document = Document()
    try:
        events = YAML(typ="rt", pure=True).parse(text)
        _Builder(document, text).build(events)
        document.is_complete = True
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        position = Position(mark.line + 1, mark.column + 1, mark.index, mark.index) if mark else _START
        mistake = _explain(text, position, str(error.problem or error.context))
        document.findings.append(Finding((), mistake, position))
    except YAMLError as error:
        mistake = Mistake("", None, f"not valid YAML: {printable(error)}")
        document.findings.append(Finding((), mistake, _locate_control_character(text)))
    except _Refusal as refusal:
        document.findings.append(refusal.finding)
    return document


def _explain(text: str, position: Position, problem: str) -> Mistake:
    lines = text.splitlines()
    line = lines[position.line - 1] if position.line <= len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())] or "\\t" in problem:
        return Mistake("", None, "tab in the indentation", "indent YAML with spaces only")
    return Mistake("", None, f"not valid YAML: {printable(problem, 120)}")


def _locate_control_character(text: str) -> Position:
    match = re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff]", text)
    at = match.start() if match else 0
    return Position(text.count("\n", 0, at) + 1, at - (text.rfind("\n", 0, at) + 1) + 1, at, at)


class _Refusal(Exception):
    """A mistake after which the rest of the text is not read."""

    def __init__(self, position: Position, path: KeyPath, reason: str, suggestion: str = "") -> None:
        self.finding = Finding(path, Mistake(format_path(path), None, reason, suggestion), position)
        super().__init__(reason)


class _Builder:
    """Builds a document from events. Without recursion, so that a file cannot overflow the stack."""

    def __init__(self, document: Document, text: str) -> None:
        self._document = document
        self._text = text

    def build(self, events: Iterator[Any]) -> None:
        # For each open mapping or list: itself, its path, the key that waits for a value, its position.
        stack: list[tuple[Any, KeyPath, Any, Position]] = []
        documents = 0
        key: Any = _NO_KEY
        for event in events:
            kind = type(event).__name__
            if len(self._document.findings) > MAX_MISTAKES:
                reason = f"more than {MAX_MISTAKES} mistakes, the rest of the file is not checked"
                raise _Refusal(_read_position(event), (), reason)
            if kind == "DocumentStartEvent":
                documents += 1
                if documents > 1:
                    raise _Refusal(_read_position(event), (), "second document (---)", "give each site its own file")
            if kind in ("StreamStartEvent", "StreamEndEvent", "DocumentStartEvent", "DocumentEndEvent"):
                continue
            position = _read_position(event)
            if kind in ("MappingEndEvent", "SequenceEndEvent"):
                value, path, key, opened = stack.pop()
                self._document.values[path] = replace(opened, end=position.end)
                continue
            container, path = (stack[-1][0], stack[-1][1]) if stack else (None, ())
            if isinstance(container, dict) and key is _NO_KEY:
                key = self._read_key(event, kind, container, path, position)
                continue
            here: KeyPath = ()
            if stack:
                here = (*path, len(container) if isinstance(container, list) else key)
            _refuse_references(event, kind, here, position)
            position = self._locate_value(event, kind, here, position)
            value = self._read_value(event, kind, here, position)
            self._document.values[here] = position
            self._add(container, key, value)
            if kind in ("MappingStartEvent", "SequenceStartEvent"):
                if len(stack) >= _MAX_DEPTH:
                    raise _Refusal(position, (), f"nested more than {_MAX_DEPTH} levels deep")
                stack.append((value, here, _NO_KEY, replace(position, is_flow=bool(event.flow_style))))
            key = _NO_KEY

    def _add(self, container: Any, key: Any, value: Any) -> None:
        if isinstance(container, list):
            container.append(value)
        elif container is not None:
            container[key] = value
        else:
            self._document.data = value

    def _locate_value(self, event: Any, kind: str, path: KeyPath, position: Position) -> Position:
        """Return the position of a value. The scanner puts an empty one at the next word, not after its colon."""
        key = self._document.keys.get(path)
        if kind != "ScalarEvent" or event.style is not None or event.value or key is None:
            return position
        colon = self._text.find(":", key.end) + 1
        return Position(key.line, key.column, colon, colon)

    def _read_key(self, event: Any, kind: str, container: dict[Any, Any], path: KeyPath, position: Position) -> Any:
        _refuse_references(event, kind, path, position)
        if kind != "ScalarEvent":
            raise _Refusal(position, path, "key is not plain text")
        key = str(event.value)
        if key == "<<" and event.style is None:
            raise _Refusal(position, path, "merge key (<<) is not supported", _WRITE_OUT)
        here = (*path, key)
        if key in container:
            reason = f"key is set twice, first in line {self._document.keys[here].line}"
            mistake = Mistake(format_path(here), None, reason, "keep one")
            self._document.findings.append(Finding(here, mistake, position))
        self._document.keys[here] = position
        return key

    def _read_value(self, event: Any, kind: str, path: KeyPath, position: Position) -> Any:
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
        for pattern, why in _AMBIGUOUS:
            if pattern.fullmatch(text):
                value = printable(text, 60)
                mistake = Mistake(format_path(path), value, f"is ambiguous: {why}", _suggest_scalar(text))
                self._document.findings.append(Finding(path, mistake, position))
                return REFUSED
        if _INT.fullmatch(text):
            # Longer than any current. As text it stays what was written.
            return int(text) if len(text) < 19 else text
        return float(text) if _FLOAT.fullmatch(text) else text


_NO_KEY: Final = object()
_WRITE_OUT: Final = "write the value out"


def _refuse_references(event: Any, kind: str, path: KeyPath, position: Position) -> None:
    if kind == "AliasEvent":
        raise _Refusal(position, path, "alias (*) is not supported", _WRITE_OUT)
    if getattr(event, "anchor", None):
        raise _Refusal(position, path, f"anchor (&{printable(event.anchor, 30)}) is not supported", _WRITE_OUT)
    tag = getattr(event, "tag", None)
    if tag:
        raise _Refusal(position, path, f"tag ({printable(tag, 60)}) is not supported", "write the value without it")


def _suggest_scalar(text: str) -> str:
    quoted = f'"{printable(text, 60)}" if it is text'
    word = text.lower()
    if word in ("true", "false", "null"):
        return f"write {word}, or {quoted}"
    if word in ("y", "n", "yes", "no", "on", "off"):
        return f"write true or false, or {quoted}"
    digits = text.lstrip("+-0_").replace("_", "")
    return f"write {digits}, or {quoted}" if digits.isdecimal() else f"write {quoted}"


def _read_position(event: Any) -> Position:
    start, end = event.start_mark, event.end_mark
    return Position(start.line + 1, start.column + 1, start.index, end.index)
