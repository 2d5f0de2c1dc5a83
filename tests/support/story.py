"""Plays the pages of the docs: runs the code blocks in order, as a reader does, and compares what they show.

| Block | What is done with it |
|---|---|
| `sh` | Runs in bash; every command has to succeed. |
| `console` | Runs each line after `$ `, and compares the output with the lines below it. |
| `text` | Is compared with the output of the commands before it. |
| `diff` | Is applied to the files. |
| `<!-- test: … -->` | Runs as `sh`; a reader does not see it: somebody edits in the portal. |

In an output, a line `…` stands for any lines, and `…` in a line for any text. UUIDs, times, commits, versions and
absolute paths are not compared, lines about progress are left out. With `STORY_WRITE=1` what differs is written into
the page instead.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from .doc_blocks import is_played
from .pages import Block, read_blocks

if TYPE_CHECKING:
    from collections.abc import Mapping

WRITE: Final = "STORY_WRITE"
# What is printed on a slow machine only, or now and then.
_PROGRESS: Final = re.compile(
    r"^(plugchoice: \d+ of \d+ \w+ done|@ (previewing|updating|refreshing|destroying)\b.*"
    r"| *plugchoice: API calls: .*)\n",
    re.MULTILINE,
)
_ANSI: Final = re.compile(r"\x1b\[[0-9;]*m|<\{%[^%]*%\}>")  # the second is left by the engine without colours
_PLACEHOLDER: Final = re.compile(r"\b([A-Z_]+)=…")
_SAME: Final = (
    (re.compile(r"(?<=\s)/[\w.-]+(/[\w.-]+)+"), "PATH"),
    (re.compile(r"(?<![\w.])v?\d+\.\d+\.\d+\b(?!\.\d)"), "VERSION"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r", waited [\d.]+ s(?=, )"), ""),
    (re.compile(r"\b\d+(\.\d+)? ?(s|ms|min)\b"), "TIME"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z| UTC|[+-]\d\d:\d\d)?"), "DATE"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:PORT"),
    (re.compile(r"\b[0-9a-f]{7,40}\b"), "HEX"),
    (re.compile(r", [1-9]\d* of 500 left"), ", N of 500 left"),
    (re.compile(r"─{3,}"), "───"),
    (re.compile(r" +$", re.MULTILINE), ""),
    (re.compile(r" {2,}"), "  "),
)


#: The languages of blocks that a story runs or compares.
LANGUAGES: Final = {"sh", "console", "text", "diff", "hidden"}


@dataclass
class Story:
    """One reader: a folder, variables, and a local Plugchoice if one was started."""

    folder: Path
    variables: dict[str, str]
    home: Path
    instead: Mapping[str, str] = field(default_factory=dict)  # of a command that a page names
    servers: list[subprocess.Popen[str]] = field(default_factory=list)
    output: str = ""

    def play(self, page: Path) -> int:
        """Run the blocks of a page in order; return how many were run or compared."""
        count = 0
        edits = []
        for block in read_blocks(page):
            if not is_played(block):
                continue
            new = self.run(block)
            if new is not None and new != block.text:
                edits.append((block, new))
            count += block.language != "hidden"
        if edits:
            _write(page, edits)
        return count

    def run(self, block: Block) -> str | None:
        """Run one block; the text that it should have, if its output is another one and pages are written."""
        if block.language in {"sh", "hidden"}:
            if block.text.removeprefix(".venv/bin/").startswith("plugchoice emulator "):
                self.serve(block.text)
            else:
                status, output = self.shell("set -e\n" + self.instead.get(block.text.strip(), block.text))
                assert status == 0, f"{block.place}: exit status {status}:\n{block.text}\n{output}"
                self.output = self.output if block.language == "hidden" else output
            return None
        if block.language == "console":
            return self.console(block)
        if block.language == "text":
            return self.compare(block, block.text, self.output)
        if block.language == "diff":
            status, output = self.shell(f"patch -p1 --quiet <<'EDIT'\n{block.text}EDIT\n")
            assert status == 0, f"{block.place}: {output}"
            return None
        msg = f"{block.place}: a block of {block.language} is not run in a story"
        raise AssertionError(msg)

    def console(self, block: Block) -> str:
        """Run each command, and compare what stands below it."""
        parts = re.split(r"^\$ ", block.text, flags=re.MULTILINE)
        assert parts[0] == "", f"{block.place}: the block has to begin with `$ `"
        written = ""
        for part in parts[1:]:
            command, _, expected = part.partition("\n")
            while command.endswith("\\"):
                line, _, expected = expected.partition("\n")
                command = f"{command}\n{line}"
            _, self.output = self.shell(command)
            written += f"$ {command}\n{self.compare(block, expected, self.output)}"
        return written

    def compare(self, block: Block, expected: str, output: str) -> str:
        """The text that stands in the page, or with `STORY_WRITE` should; otherwise it has to agree."""
        output = "".join(f"{line.rstrip()}\n" for line in output.splitlines()).strip("\n")
        output += "\n" if output else ""
        if agree(expected, output):
            return expected
        if os.environ.get(WRITE):
            return output
        msg = f"{block.place}: the page shows\n{expected}\nand the output is\n{output}"
        raise AssertionError(msg)

    def shell(self, command: str) -> tuple[int, str]:
        """Run commands in bash; variables and the folder stay for the next ones."""
        state = self.home / ".story"
        script = (
            f"trap 'declare -px >{state}; pwd >{state}.folder' EXIT\nset -o pipefail\n"
            f"{_PLACEHOLDER.sub(_keep, command)}\n"
        )
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-c", script],
            cwd=self.folder,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        names = subprocess.run(
            ["bash", "--noprofile", "--norc", "-c", f"source {state}; env -0"],
            env={"PATH": self.variables["PATH"]},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        self.variables = dict(item.split("=", 1) for item in names.stdout.split("\0") if item)
        self.folder = Path(state.with_name(".story.folder").read_text().strip())
        return done.returncode, self._as_shown(done.stdout)

    def serve(self, command: str) -> None:
        """Start a local Plugchoice in the background, and paste what it prints, as a reader does."""
        line = _PLACEHOLDER.sub(_keep, command.strip())
        server = subprocess.Popen(
            [*shlex.split(line), "--port", "0"],
            cwd=self.folder,
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.servers.append(server)
        assert server.stdout
        for shown in server.stdout:
            words = shlex.split(shown) if shown.lstrip().startswith("export ") else []
            for word in words[1:]:
                name, _, value = word.partition("=")
                self.variables[name] = value
            if "Requests to try" in shown:
                break
        assert "PLUGCHOICE_BASE_URL" in self.variables

    def end(self) -> None:
        """Stop what was started."""
        for server in self.servers:
            server.send_signal(signal.SIGTERM)
            if server.stdout:
                server.stdout.close()
            server.wait(20)

    def _as_shown(self, output: str) -> str:
        output = _PROGRESS.sub("", _ANSI.sub("", output))
        # Of the machine that writes a page nothing may stand there.
        cli = shutil.which("pulumi", path=self.variables["PATH"])
        for folder, name in (
            (sys.prefix, "/home/ada/charging/.venv"),
            (str(Path(cli).parent) if cli else "", "/usr/local/bin"),
            (str(self.home), "/home/ada"),
        ):
            output = output.replace(folder, name) if folder else output
        return output


def _keep(match: re.Match[str]) -> str:
    """`export NAME=…`: the value is the reader's own, and the variable is set already."""
    return match[1]


def agree(expected: str, output: str) -> bool:
    """Whether an output is what a page shows of it."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "…" else ".*?".join(map(re.escape, line.split("…"))) + r"\n"
        for line in _same(expected).splitlines()
    )
    return re.fullmatch(pattern, _same(output)) is not None


def _same(text: str) -> str:
    for pattern, name in _SAME:
        text = pattern.sub(name, text)
    return text


def _write(page: Path, edits: list[tuple[Block, str]]) -> None:
    text = page.read_text(encoding="utf-8")
    for block, new in reversed(edits):
        shown = "".join(f"{block.indent}{line}".rstrip() + "\n" for line in new.splitlines())
        text = text[: block.start] + shown + text[block.end :]
    page.write_text(text, encoding="utf-8")
