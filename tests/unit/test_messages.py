"""`tools/messages.py` finds the texts that users see."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

SOURCE = '''
"""A docstring of the code is not a message."""
import click

class Problem(Exception):
    advice = "call the " + "owner"

def start(name, amps=None):
    text = f"{name} has {amps} A" + (" in all" if amps else "")
    raise Problem(f"{text}: {name!r} is too long; "
                  "shorten it")
    print(f"{show_path(file)}: {plural(len(found), 'mistake')} found by {type(name).__name__}")

@click.command("check")
@click.option("--all", help="Check all files.")
def check(notices):
    """Check site files."""
    notices.say("it is read again", kind="reads")

class Charger:
    model: str = "Eve Single"

    def find(self, listed) -> "tuple[Charger, str]":
        print(f"[dim]{listed or 'no charger yet'}[/dim]", "1 retry")
        text = "the fuse is too large"
        Mismatch(text, is_refused=True)
        text = f"the fuse is {self.fuse} A"
        Mismatch(text, is_refused=False)
        raise SiteFileError(_file("is a folder", "name a file"))
'''


def test_every_message_is_found(tmp_path: Path) -> None:
    """Joined, and with placeholders that name the value, not the function that formats it."""
    folder = tmp_path / "pulumi_plugchoice"
    folder.mkdir()
    (folder / "sample.py").write_text(SOURCE)

    command = [sys.executable, str(ROOT / "tools" / "messages.py"), str(tmp_path)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert [line.split("  ", 1)[1] for line in printed.splitlines()] == [
        "call the owner",
        "{name} has {amps} A[ in all|]",
        "{text}: '{name}' is too long; shorten it",
        "{file}: {found} mistakes found by {type}",
        "Check all files.",
        "Check site files.",
        "it is read again",
        "reads",
        "1 retry",
        "[{listed}|no charger yet]",
        "the fuse is too large",
        "the fuse is {fuse} A",
        "is a folder; name a file",
    ]
