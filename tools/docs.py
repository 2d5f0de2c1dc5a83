"""Writes the generated parts of the docs: options, command help, faults, messages, the site file's schema, a picture.

    python tools/docs.py           # write
    python tools/docs.py --check   # fail when something is not current

Generated text stands between `<!-- generated: NAME -->` and `<!-- /generated -->`.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from docs_site import list_missing_pages
from pulumi_plugchoice._version import __version__
from pulumi_plugchoice.cli.common import Command
from pulumi_plugchoice.cli.group import list_commands, plugchoice
from pulumi_plugchoice.config import OPTIONS
from pulumi_plugchoice.review.svg import draw_amps_per_line
from pulumi_plugchoice.sitefile.load import load_site
from pulumi_plugchoice.sitefile.plan import plan_rotation
from pulumi_plugchoice.sitefile.schema import SCHEMA_FILE, schema_text

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
FILES = ("README.md", "docs/reference/cli.md", "docs/explanation/reliability.md")
_MARKED = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- /generated -->)", re.DOTALL)


def options() -> str:
    rows = ["| Environment (wins) | Stack config | Meaning |", "|---|---|---|"]
    for option in OPTIONS:
        config = f"`{option.config}`{' (secret)' if option.secret else ''}" if option.config else ""
        rows.append(f"| `{option.environment}` | {config} | {option.help} |")
    return "\n".join(rows)


def commands() -> str:
    """The help text of the command and its subcommands."""
    parts = []
    context = plugchoice.make_context("plugchoice", [], resilient_parsing=True, terminal_width=100)
    named = list_commands()
    for group in (name for name, command in plugchoice.commands.items() if isinstance(command, click.Group)):
        named[group] = plugchoice.commands[group]
    for name in ["", *sorted(named)]:
        command = named.get(name, plugchoice)
        own = context
        for part in name.split():
            inner = own.command.commands[part] if isinstance(own.command, click.Group) else command
            own = inner.make_context(part, [], parent=own, resilient_parsing=True)
        text = _emulator_help() if name == "emulator" else command.get_help(own)
        parts.append(f"## `{f'plugchoice {name}'.strip()}`\n\n```text\n{text.rstrip()}\n```")
    return "\n\n".join(parts)


def statuses() -> str:
    """What the exit statuses of all commands mean."""
    columns = sorted({status for command in list_commands().values() for status in list_statuses(command)})
    rows = ["| Command | " + " | ".join(map(str, columns)) + " |", "|---|" + "---|" * len(columns)]
    for name, command in list_commands().items():
        texts = list_statuses(command)
        rows.append(f"| `{name}` | " + " | ".join(texts.get(status, "") for status in columns) + " |")
    return "\n".join(rows)


def list_statuses(command: click.Command) -> dict[int, str]:
    """The exit statuses of a command, each with a sentence."""
    return command.statuses if isinstance(command, Command) else {}


def _emulator_help() -> str:
    # argparse takes the width from the terminal: fixed here.
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "pulumi_plugchoice.cli", "emulator", "--help"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout


def faults() -> str:
    """The table of faults, from the data of its tests."""
    sys.path.insert(0, str(ROOT / "tests"))
    from support.matrix import table

    return table()


def picture() -> str:
    """The README's picture of a plan."""
    plan = plan_rotation(load_site(ROOT / "examples" / "site" / "sites" / "depot.yaml"))
    return draw_amps_per_line("Depot, nine bays: amps per line", plan.before, plan.after)


def messages() -> str:
    """The list of messages."""
    command = [sys.executable, str(ROOT / "tools" / "messages.py"), "--markdown"]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout


def generated() -> Iterator[tuple[Path, str]]:
    """Every file with a generated part, and the text that it should have."""
    for name in FILES:
        file = ROOT / name
        text = file.read_text(encoding="utf-8")
        yield file, _MARKED.sub(lambda match: f"{match[1]}{GENERATORS[match[2]]()}\n{match[3]}", text)
    for file in (SCHEMA_FILE, ROOT / "examples" / "site" / "sites" / SCHEMA_FILE.name):
        yield file, schema_text()
    yield ROOT / "docs" / "depot.svg", picture()
    yield ROOT / "docs" / "reference" / "messages.md", messages()


GENERATORS = {"options": options, "commands": commands, "statuses": statuses, "faults": faults}


def main() -> int:
    """Write the files, or count those that are not current."""
    check = "--check" in sys.argv[1:]
    stale = []
    for file, text in generated():
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            stale.append(str(file.relative_to(ROOT)))
            if not check:
                file.write_text(text, encoding="utf-8")
    if f"## {__version__}" not in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"):
        stale.append(f"CHANGELOG.md (no entry for {__version__})")
    verb = "is not current; run `make docs`" if check else "written"
    for name in stale:
        print(f"{name} {verb}")
    missing = list_missing_pages()
    print(*missing, sep="\n", end="\n" if missing else "")
    return len(stale) + len(missing) if check else 0


if __name__ == "__main__":
    sys.exit(main())
