"""The code blocks of Markdown pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent.parent
# A fenced block; a `<!-- test: … -->` holds shell commands that a reader does not see.
_BLOCK: Final = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^ *```$"
    r"|^<!-- test:\s(?P<hidden>.*?)-->$",
    re.MULTILINE | re.DOTALL,
)
_GENERATED: Final = re.compile(r"<!-- generated: \w+ -->.*?<!-- /generated -->", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A code block, without its indentation."""

    page: Path
    line: int
    language: str
    text: str
    start: int
    end: int
    indent: str

    @property
    def place(self) -> str:
        """For messages."""
        return f"{self.page}:{self.line}"

    @property
    def key(self) -> tuple[str, str]:
        """Page and first line, by which a list names it."""
        return self.page.relative_to(ROOT).as_posix(), self.text.partition("\n")[0].strip()


def read_blocks(page: Path) -> list[Block]:
    """The blocks that a person wrote, in order."""
    text = page.read_text(encoding="utf-8")
    generated = [match.span() for match in _GENERATED.finditer(text)]
    found = []
    for match in _BLOCK.finditer(text):
        if any(start <= match.start() < end for start, end in generated):
            continue
        indent = match["indent"] or ""
        inner = match["text"] if match["hidden"] is None else match["hidden"].rstrip() + "\n"
        found.append(
            Block(
                page=page,
                line=text.count("\n", 0, match.start()) + 1,
                language=match["language"] or "hidden",
                text="".join(line.removeprefix(indent) for line in inner.splitlines(keepends=True)),
                start=match.start("text"),
                end=match.end("text"),
                indent=indent,
            )
        )
    return found
