"""The main job, live, in half a minute: `make demo`.

Starts a local Plugchoice, runs a real `pulumi up` of examples/quickstart against it, edits a connector behind Pulumi's
back, lets a preview find it, puts it right, and destroys the stack. Everything lives in a throwaway folder.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NoReturn

from pulumi_plugchoice.emulator.testing import Emulator, running
from rich.console import Console
from rich.table import Table

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "quickstart"
SITE = "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7"
EDITED = ("HRB-003", 1)

# In a terminal the engine overwrites these lines as the work goes on; our own messages come again in its diagnostics.
_OVERWRITTEN = re.compile(
    r"(creating|updating|deleting|refreshing) \(0s\)|refresh \([0-9.]+s\)\W*$|Stack \S+ (create|running) plugchoice:"
    r"|^ {4}\S+ChargerConnector \S+\s*$|^ {4}pulumi:pulumi:Stack \S+\s+(\d messages?)?\s*$"
)

console = Console(highlight=False, soft_wrap=True)

Rows = dict[tuple[str, int], tuple[str | None, int | None]]


def read_rows(local: Emulator) -> Rows:
    """Rotation and amps by charger identity and connector number."""
    return {
        (row["identity"], row["connector_id"]): (row["phase_rotation"], row["max_amperage"])
        for row in local.connectors()
    }


def title(number: int, text: str) -> None:
    """A step's headline."""
    console.print()
    console.rule(f"[bold]{number}. {text}", align="left", style="cyan")


def show(rows: Rows, before: Rows | None = None) -> None:
    """The connectors as Plugchoice has them; what changed since `before` stands out."""
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="bold")
    for column in ("Charger", "Connector", "Terminals L1 L2 L3 fed from", "Maximum"):
        table.add_column(column)
    for key, (rotation, amps) in rows.items():
        lines = " ".join({"R": "L1", "S": "L2", "T": "L3"}[letter] for letter in rotation) if rotation else ""
        shown = [f"{lines} ({rotation})" if rotation else "unset", f"{amps} A" if amps else "unset"]
        if before is not None:
            shown = [
                f"[bold green]{text}[/]" if new != old else text
                for text, new, old in zip(shown, rows[key], before[key], strict=True)
            ]
        table.add_row(key[0], str(key[1]), *shown)
    console.print(table)


def pulumi(local: Emulator, folder: Path, environment: dict[str, str], *arguments: str) -> None:
    """Run `pulumi`, its output as it comes, then the API calls it took."""
    color = "always" if console.is_terminal else "never"
    console.print(f"[dim]$[/] [bold]pulumi {' '.join(arguments)}[/]")
    local.clear_requests()
    started = time.monotonic()
    command = ["pulumi", *arguments, "--non-interactive", "--color", color]
    if arguments[0] != "stack":
        command.append("--suppress-progress")
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        for line in process.stdout or ():
            if line.strip() and not _OVERWRITTEN.search(line):
                sys.stdout.write(f"  {line}")
                sys.stdout.flush()
        process.wait()
    finally:
        end(process)
    if process.returncode != 0:
        sys.exit(f"pulumi {arguments[0]} failed with status {process.returncode}")
    calls = Counter(request["method"] for request in local.requests())
    counted = " and ".join(f"{calls[method]} {method}" for method in ("GET", "PUT") if calls[method]) or "none"
    console.print(f"  [cyan]API calls: {counted}; {time.monotonic() - started:.1f} s[/]")


def end(process: subprocess.Popen[str]) -> None:
    """End a `pulumi` that still runs: it records what it has done, and ends its own processes."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def stop(signal_number: int, _: object) -> NoReturn:
    """What a signal does: leave through every `finally`, so that nothing is left running and no folder is left."""
    signal.signal(signal_number, signal.SIG_IGN)
    sys.exit(128 + signal_number)


def main() -> None:
    """The demo from start to end."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    started = time.monotonic()
    console.print(
        "[bold]pulumi-plugchoice[/]: the connectors of a charging site as code. This is a local Plugchoice and a real "
        "Pulumi;\nno account is needed, and nothing outside of this machine is touched."
    )
    with tempfile.TemporaryDirectory(prefix="plugchoice-demo-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        project, backend = folder / "quickstart", folder / "state"
        shutil.copytree(EXAMPLE, project)
        backend.mkdir()
        with running(EXAMPLE / "emulator.json") as local:
            environment = {
                **{name: value for name, value in os.environ.items() if not name.startswith("PLUGCHOICE_")},
                "PLUGCHOICE_BASE_URL": local.base_url,
                "PLUGCHOICE_TOKEN": "demo-token",
                "PLUGCHOICE_SITE": SITE,
                "PULUMI_BACKEND_URL": f"file://{backend}",
                "PULUMI_HOME": str(folder / "pulumi-home"),
                "XDG_CACHE_HOME": str(folder / "cache"),
                "PULUMI_CONFIG_PASSPHRASE": "demo",
                "PULUMI_SKIP_UPDATE_CHECK": "true",
                "PULUMI_PYTHON_CMD": sys.executable,
            }

            title(1, "What the site has today")
            found = read_rows(local)
            show(found)

            title(2, "What the program declares, and what `pulumi up` does about it")
            program = (project / "__main__.py").read_text()
            console.print("\n".join(f"  {line}" for line in program.splitlines() if line), markup=False, style="dim")
            pulumi(local, project, environment, "stack", "init", "demo")
            pulumi(local, project, environment, "up", "--yes")
            applied = read_rows(local)
            show(applied, found)

            title(3, "Somebody edits a connector in the portal, and the next preview finds it")
            local.edit(*EDITED, max_amperage=63)
            console.print(f"  [yellow]{EDITED[0]}/{EDITED[1]} was set to 63 A behind Pulumi's back[/]")
            pulumi(local, project, environment, "preview", "--diff")

            title(4, "`pulumi up` puts it right")
            pulumi(local, project, environment, "up", "--yes", "--skip-preview")
            show(read_rows(local))

            title(5, "Clean up: the stack goes, the connectors keep their settings")
            pulumi(local, project, environment, "destroy", "--yes", "--skip-preview")
            if read_rows(local) != applied:
                sys.exit("the connectors are not what the program declared: please report this")
    console.print(
        f"\nDone in {time.monotonic() - started:.0f} s; nothing is left running. "
        "Next: examples/quickstart/README.md, for your own site.\n"
    )


if __name__ == "__main__":
    main()
