"""YAML as people write it, read with the position of every value.

The library's parser gives events; this module builds plain dicts, lists and scalars of YAML 1.2 from them, with a
position for each. It refuses what a person and a program can read differently: duplicate keys, anchors and merge keys,
tags, and plain words that YAML 1.1 reads as something else (`NO`, `on`, `016`, `1_000`, `12:30`, dates).
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

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
#: No mapping of a site file has twenty keys, and no list half as many entries.
_MOST_KEYS: Final = 100
_MOST_ENTRIES: Final = 10_000
#: 16 for each of 5,000 connectors.
_MAX_VALUES: Final = 80_000
#: libyaml compares each %TAG with all before it.
_MOST_DIRECTIVES: Final = 100
_DIRECTIVE: Final = re.compile(r"^%|\r%", re.MULTILINE)
#: More lines than anyone reads at once.
MAX_MISTAKES: Final = 100
#: Stands in the data for a value that was refused. It is not None: a key with a refused value is set.
REFUSED: Final = object()

# Not part of YAML, and line ends that editors do not count.
_FORBIDDEN: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")
# Patterns take time in proportion to the text: no part can be divided between two repetitions.
_TABS: Final = re.compile(r"^[ \t]+(?=#|\r?$)", re.MULTILINE)
_INT: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT: Final = re.compile(r"[-+]?(0|[1-9][0-9]*)\.[0-9]+")
_AMBIGUOUS: Final = (
    (re.compile(r"(?i:y|n|yes|no|on|off)"), "some programs read it as true or false"),
    (re.compile(r"[-+]?0[0-9_]+"), "some programs read a number with a leading 0 as octal"),
    (re.compile(r"[-+]?0(x[0-9a-fA-F_]+|o[0-7_]+|b[01_]+)"), "some programs read it as a number to another base"),
    (re.compile(r"[-+]?[0-9]+(_[0-9]+)+(\.[0-9_]*)?"), "some programs read it as a number"),
    (re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?"), "some programs read it as a number to base 60"),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+"), "some programs read it as a number"),
    (re.compile(r"(?i:[-+]?\.(inf|nan)|\.nan)"), "some programs read it as a number"),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.)"), "some programs read it as a number"),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?"), "some programs read it as a date"),
    (re.compile(r"TRUE|FALSE|True|False"), "some programs read it as true or false"),
    (re.compile(r"NULL|Null"), "some programs read it as null"),
)
#: The longest of these words, and what all others begin with.
_LONGEST_WORD: Final = 5
_FIRST_OF_NUMBERS: Final = frozenset("+-.0123456789")
#: One match decides for most words; which pattern it was, and why, is looked up for a mistake only.
_ANY_AMBIGUOUS: Final = re.compile("|".join(f"(?:{pattern.pattern})" for pattern, _ in _AMBIGUOUS))


class Position(NamedTuple):
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


def is_text(word: str) -> bool:
    """Whether a plain word, without quotes, is read as text."""
    return isinstance(_read_plain(word), str)


def parse(text: str) -> Document:
    """Parse the one document in `text`. A text that is not YAML gives one finding."""
    # Importing the library takes 20 ms, which only a program that reads a file should pay.
    import yaml

    document = Document()
    found = _FORBIDDEN.search(text)
    if found:
        mistake = Mistake("", None, f"not valid YAML: control character U+{ord(found[0]):04X}", "remove it")
        document.findings.append(Finding((), mistake, _locate(text, found.start())))
        return document
    found = next(itertools.islice(_DIRECTIVE.finditer(text), _MOST_DIRECTIVES, None), None)
    if found:
        mistake = Mistake("", None, f"more than {_MOST_DIRECTIVES} directives (%)", "is it the right file?")
        document.findings.append(Finding((), mistake, _locate(text, found.end() - 1)))
        return document
    # The parser takes a tab before a comment, but not at the start of a line.
    scanned = _TABS.sub(lambda tabs: " " * len(tabs[0]), text) if "\t" in text else text
    # libyaml's parser, in C, is forty times faster than the other one, which stands in where PyYAML was built without.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _Builder(document, text).build(iter(loader(scanned).get_event, None))
        document.is_complete = True
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        position = _locate(text, min(mark.index, len(text))) if mark else _START  # the end is not on a line of its own
        mistake = _explain(text, position, str(error.problem or error.context))
        document.findings.append(Finding((), mistake, position))
    except _Refusal as refusal:
        document.findings.append(refusal.finding)
    return document


def _explain(text: str, position: Position, problem: str) -> Mistake:
    start = text.rfind("\n", 0, position.start) + 1
    line = text[start : start + 1000].partition("\n")[0]
    if "\t" in line[: len(line) - len(line.lstrip())] or "tab character" in problem:
        return Mistake("", None, "tab in the indentation", "indent YAML with spaces only")
    return Mistake("", None, f"not valid YAML: {printable(problem, 120)}")


def _locate(text: str, at: int) -> Position:
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
        self._documents = 0

    def build(self, events: Iterator[Any]) -> None:
        from yaml import NodeEvent, ScalarEvent

        document = self._document
        # For each open mapping or list: itself, its path, its position.
        stack: list[tuple[Any, KeyPath, Position]] = []
        container: Any = None
        outer: KeyPath = ()
        key: Any = _NO_KEY
        for event in events:
            if not isinstance(event, NodeEvent):
                if self._is_end(event):
                    _, path, (line, column, start, _, is_flow) = stack.pop()
                    document.values[path] = Position(line, column, start, event.end_mark.index, is_flow)
                    container, outer = stack[-1][:2] if stack else (None, ())
                continue
            position = _read_position(event)
            in_mapping = isinstance(container, dict)
            if in_mapping and key is _NO_KEY:
                if event.anchor or event.tag or not isinstance(event, ScalarEvent):
                    _refuse_reference(event, outer, position)
                    raise _Refusal(position, outer, "key is not plain text")
                key = self._read_key(event, container, outer, position)
                continue
            here = (*outer, key if in_mapping else len(container)) if stack else ()
            if event.anchor or event.tag:
                _refuse_reference(event, here, position)
            if isinstance(event, ScalarEvent):
                value = self._read_scalar(event, here, position)
            else:
                value = self._open(event, len(stack), position)
            document.values[here] = position
            if in_mapping:
                container[key] = value
                key = _NO_KEY
            else:
                self._append(container, value, position)
            if not isinstance(event, ScalarEvent):
                stack.append((value, here, position._replace(is_flow=bool(event.flow_style))))
                container, outer = value, here

    def _is_end(self, event: Any) -> bool:
        """Whether an event that is no value ends a mapping or list."""
        kind = type(event).__name__
        if kind == "DocumentStartEvent":
            self._documents += 1
            if self._documents > 1:
                raise _Refusal(_read_position(event), (), "second document (---)", "give each site its own file")
        return kind in ("MappingEndEvent", "SequenceEndEvent")

    def _open(self, event: Any, levels: int, position: Position) -> Any:
        """Return a new mapping or list. Stops early in a text that nobody writes."""
        if levels >= _MAX_DEPTH:
            raise _Refusal(position, (), f"nested more than {_MAX_DEPTH} levels deep")
        if len(self._document.values) > _MAX_VALUES:
            raise _Refusal(position, (), f"more than {_MAX_VALUES:,} values", _RIGHT_FILE)
        return {} if type(event).__name__ == "MappingStartEvent" else []

    def _append(self, container: Any, value: Any, position: Position) -> None:
        if container is None:
            self._document.data = value
            return
        container.append(value)
        if len(container) > _MOST_ENTRIES:
            raise _Refusal(position, (), f"more than {_MOST_ENTRIES:,} entries", _RIGHT_FILE)

    def _add_finding(self, finding: Finding) -> None:
        if len(self._document.findings) >= MAX_MISTAKES:
            reason = f"more than {MAX_MISTAKES} mistakes, the rest of the file is not checked"
            raise _Refusal(finding.position or _START, (), reason)
        self._document.findings.append(finding)

    def _read_key(self, event: Any, container: dict[Any, Any], path: KeyPath, position: Position) -> str:
        key = str(event.value)
        if key == "<<" and not event.style:
            raise _Refusal(position, path, "merge key (<<) is not supported", _WRITE_OUT)
        here = (*path, key)
        if len(container) >= _MOST_KEYS:
            raise _Refusal(position, (), f"more than {_MOST_KEYS} keys", _RIGHT_FILE)
        if key in container:
            reason = f"key is set twice, first in line {self._document.keys[here].line}"
            mistake = Mistake(format_path(here), None, reason, "keep one")
            self._add_finding(Finding(here, mistake, position))
        self._document.keys[here] = position
        return key

    def _read_scalar(self, event: Any, path: KeyPath, position: Position) -> Any:
        text = str(event.value)
        if event.style:
            return text
        value = _read_plain(text)
        if value is REFUSED:
            why = next(why for pattern, why in _AMBIGUOUS if pattern.fullmatch(text))
            mistake = Mistake(format_path(path), printable(text, 60), f"is ambiguous: {why}", _suggest_scalar(text))
            self._add_finding(Finding(path, mistake, position))
        return value


def _read_plain(text: str) -> Any:
    """Read a word without quotes. One that is ambiguous is `REFUSED`."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > _LONGEST_WORD and text[0] not in _FIRST_OF_NUMBERS:
        return text  # as most are
    if _ANY_AMBIGUOUS.fullmatch(text):
        return REFUSED
    if _INT.fullmatch(text):
        # Longer than any current. As text it stays what was written.
        return int(text) if len(text) < 19 else text
    return float(text) if _FLOAT.fullmatch(text) else text


_NO_KEY: Final = object()
_WORDS: Final = {"": None, "~": None, "null": None, "true": True, "false": False}
_RIGHT_FILE: Final = "is it the right file?"
_WRITE_OUT: Final = "write the value out"


def _refuse_reference(event: Any, path: KeyPath, position: Position) -> None:
    if type(event).__name__ == "AliasEvent":
        raise _Refusal(position, path, "alias (*) is not supported", _WRITE_OUT)
    if event.anchor:
        raise _Refusal(position, path, f"anchor (&{printable(event.anchor, 30)}) is not supported", _WRITE_OUT)
    if event.tag:
        reason = f"tag ({printable(event.tag, 60)}) is not supported"
        raise _Refusal(position, path, reason, "write the value without it")


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
