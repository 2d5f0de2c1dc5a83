r"""Regular expressions that match in time linear in the text: no pattern of a fault can hold the emulator up.

Of Python's syntax: characters, `.`, classes such as `[^/]` and `\d`, groups, `|`, `*`, `+`, `?`, `^` and `$`. The
states that a pattern can be in are followed together, one character after the other, so nothing is ever tried again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_PATTERN = 300


class PatternError(Exception):
    """What is wrong with a pattern."""


@dataclass(eq=False)
class _State:
    """A place in a pattern. `test` takes a character, or is "^" or "$", or None: then it leads on without one."""

    test: Callable[[str], object] | str | None = None
    following: list[_State] = field(default_factory=list)


class Pattern:
    """A pattern, searched anywhere in a text."""

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST_PATTERN:
            raise PatternError(f"it has {len(text)} characters; allowed: {LONGEST_PATTERN}")
        self._text = text
        self._at = 0
        try:
            first, last = self._alternatives()
        except RecursionError:
            raise PatternError("its groups are nested too deep") from None
        if self._at < len(text):
            raise PatternError(f"unbalanced parenthesis at position {self._at}")
        self._first = first
        self._last = last

    def search(self, text: str) -> bool:
        """Whether the pattern matches anywhere in `text`."""
        states: set[_State] = set()
        for at in range(len(text) + 1):
            states = self._closure({*states, self._first}, is_start=at == 0, is_end=at == len(text))
            if self._last in states:
                return True
            if at < len(text):
                moved = [one for one in states if callable(one.test) and one.test(text[at])]
                states = {following for one in moved for following in one.following}
        return False

    @staticmethod
    def _closure(states: set[_State], *, is_start: bool, is_end: bool) -> set[_State]:
        """The states, and those that they lead to without a character."""
        found: set[_State] = set()
        waiting = list(states)
        while waiting:
            one = waiting.pop()
            if one in found:
                continue
            found.add(one)
            if one.test is None or (one.test == "^" and is_start) or (one.test == "$" and is_end):
                waiting += one.following
        return found

    # Each part of the pattern is a pair: the state that it begins with, and an empty one that it ends with.

    def _alternatives(self) -> tuple[_State, _State]:
        first, last = _State(), _State()
        while True:
            begin, end = self._sequence()
            first.following.append(begin)
            end.following.append(last)
            if self._peek() != "|":
                return first, last
            self._at += 1

    def _sequence(self) -> tuple[_State, _State]:
        first = last = _State()
        while self._peek() not in ("", "|", ")"):
            begin, end = self._repeated()
            last.following.append(begin)
            last = end
        return first, last

    def _repeated(self) -> tuple[_State, _State]:
        begin, end = self._atom()
        while self._peek() in ("*", "+", "?"):
            kind = self._take()
            first, last = _State(None, [begin]), _State()
            end.following.append(last)
            if kind != "?":
                end.following.append(begin)
            if kind != "+":
                first.following.append(last)
            begin, end = first, last
        return begin, end

    def _atom(self) -> tuple[_State, _State]:
        sign = self._take()
        end = _State()
        if sign == "(":
            return self._group()
        if sign in "*+?{":
            raise PatternError(f"nothing to repeat at position {self._at - 1}, or a count, which is not supported")
        if sign in "^$":
            return _State(sign, [end]), end
        if sign == ".":
            return _State(lambda _: True, [end]), end
        if sign in "[\\":
            return _State(self._class(sign), [end]), end
        return _State(sign.__eq__, [end]), end

    def _group(self) -> tuple[_State, _State]:
        if self._peek() == "?":
            if not self._text.startswith("?:", self._at):
                raise PatternError(f"unsupported group at position {self._at - 1}; use (...) or (?:...)")
            self._at += 2
        inside = self._alternatives()
        if self._peek() != ")":
            raise PatternError("missing )")
        self._at += 1
        return inside

    def _class(self, sign: str) -> Callable[[str], object]:
        """A test by the standard library: of one character it is as quick as any."""
        begin = self._at - 1
        if sign == "[":
            self._at += 1 if self._peek() == "^" else 0
            self._at += 1 if self._peek() == "]" else 0
            while self._peek() not in ("]", ""):
                self._at += 2 if self._peek() == "\\" else 1
            self._at += 1
        else:
            self._at += 1
        text = self._text[begin : self._at]
        if re.fullmatch(r"\\[0-9bBAZ]", text):
            raise PatternError(f"{text} is not supported")
        try:
            return re.compile(text).fullmatch
        except re.error as error:
            raise PatternError(str(error)) from None

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        self._at += 1
        return self._text[self._at - 1]
