"""The main workflow, without an account: `make demo`.

Starts a local Plugchoice, runs `pulumi up` of examples/quickstart, changes a connector as somebody does in the portal,
shows the drift in a preview, corrects it, and destroys the stack. Then it takes the same account over as it is, with
`plugchoice adopt`, and finds drift with `plugchoice drift`. All files are in a temporary folder.
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

from pulumi_plugchoice._interrupts import hold_interrupts
from pulumi_plugchoice.emulator.testing import Emulator, running
from rich.console import Console
from rich.table import Table

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "quickstart"
SITE = "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7"
EDITED = ("HRB-003", 1)
# Of the adopted file: its head and the first charger.
_SHOWN_LINES = 15

# In a terminal the engine overwrites these lines; it repeats our own messages in its diagnostics.
_OVERWRITTEN = re.compile(
    r"(creating|updating|deleting|refreshing) \(0s\)|refresh \([0-9.]+s\)\W*$|Stack \S+ (create|running) plugchoice:"
    r"|^ {4}\S+ChargerConnector \S+\s*$|^ {4}pulumi:pulumi:Stack \S+\s+(\d messages?)?\s*$"
)

console = Console(highlight=False, soft_wrap=True)

Rows = dict[tuple[str, int], tuple[str | None, int | None]]


def read_rows(local: Emulator) -> Rows:
    """Return rotation and amps by charger identity and connector number."""
    return {
        (row["identity"], row["connector_id"]): (row["phase_rotation"], row["max_amperage"])
        for row in local.connectors()
    }


def title(number: int, text: str) -> None:
    """Print the heading of a step."""
    console.print()
    console.rule(f"[bold]{number}. {text}", align="left", style="cyan")


def show(rows: Rows, before: Rows | None = None) -> None:
    """Print the connectors as Plugchoice has them, with changes since `before` in green."""
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="bold")
    for column in ("Charger", "Connector", "Terminals L1 L2 L3 wired to", "Maximum current"):
        table.add_column(column)
    for key, (rotation, amps) in rows.items():
        lines = " ".join({"R": "L1", "S": "L2", "T": "L3"}[letter] for letter in rotation) if rotation else ""
        cells = [f"{lines} ({rotation})" if rotation else "not set", f"{amps} A" if amps else "not set"]
        if before is not None:
            cells = [
                f"[bold green]{text}[/]" if new != old else text
                for text, new, old in zip(cells, rows[key], before[key], strict=True)
            ]
        table.add_row(key[0], str(key[1]), *cells)
    console.print(table)


def pulumi(local: Emulator, folder: Path, environment: dict[str, str], *arguments: str) -> None:
    """Run `pulumi` and print its output, then its API calls."""
    options = ["--non-interactive", "--color", "always" if console.is_terminal else "never"]
    if arguments[0] != "stack":
        options.append("--suppress-progress")
    run(local, folder, environment, ["pulumi", *arguments], options)


def plugchoice(local: Emulator, folder: Path, environment: dict[str, str], *arguments: str, status: int = 0) -> None:
    """Run `plugchoice` and print its output, then its API calls."""
    run(local, folder, environment, ["plugchoice", *arguments], [], status=status)


def run(
    local: Emulator, folder: Path, environment: dict[str, str], shown: list[str], options: list[str], *, status: int = 0
) -> None:
    """Run a command and print its output, then its API calls; any other exit status ends the demo."""
    console.print(f"[dim]$[/] [bold]{' '.join(shown)}[/]")
    local.clear_requests()
    started = time.monotonic()
    program = [sys.executable, "-m", "pulumi_plugchoice.cli"] if shown[0] == "plugchoice" else ["pulumi"]
    command = [*program, *shown[1:], *options]
    process: subprocess.Popen[str] | None = None
    try:
        with hold_interrupts():
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
        for line in process.stdout or ():
            if line.strip() and not _OVERWRITTEN.search(line):
                sys.stdout.write(f"  {line}")
                sys.stdout.flush()
        process.wait()
    finally:
        if process is not None:
            end(process)
            if process.stdout:
                process.stdout.close()
    if process.returncode != status:
        sys.exit(f"demo: {' '.join(shown[:2])} failed with exit status {process.returncode}; its output is above")
    calls = Counter(request["method"] for request in local.requests())
    summary = " and ".join(f"{calls[method]} {method}" for method in ("GET", "PUT") if calls[method]) or "none"
    console.print(f"  [cyan]API calls: {summary}; {time.monotonic() - started:.1f} s[/]")


def end(process: subprocess.Popen[str]) -> None:
    """End a `pulumi` that is still running; it records its work and ends its own processes."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def stop(signal_number: int, _: object) -> NoReturn:
    """Leave through every `finally`, so that no process and no folder is left."""
    signal.signal(signal_number, signal.SIG_IGN)
    sys.exit(128 + signal_number)


def main() -> None:
    """Run the demo."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    started = time.monotonic()
    console.print(
        "[bold]pulumi-plugchoice[/]: the connectors of a charging site as code.\n"
        "This demo runs Pulumi with a local Plugchoice, about 30 s. It needs no account and leaves nothing behind."
    )
    with tempfile.TemporaryDirectory(prefix="plugchoice-demo-", ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary)
        project, backend = folder / "quickstart", folder / "state"
        shutil.copytree(EXAMPLE, project)
        backend.mkdir()
        with running(EXAMPLE / "emulator.json") as local:
            environment = {
                **{name: value for name, value in os.environ.items() if not name.startswith("PLUGCHOICE_")},
                "PYTHONDONTWRITEBYTECODE": "",  # modules are compiled once, and not again in each process
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

            title(1, "The site as it is")
            found = read_rows(local)
            show(found)

            title(2, "`pulumi up` writes what the program declares")
            program = (project / "__main__.py").read_text()
            console.print("\n".join(f"  {line}" for line in program.splitlines() if line), markup=False, style="dim")
            pulumi(local, project, environment, "stack", "init", "demo")
            pulumi(local, project, environment, "up", "--yes")
            applied = read_rows(local)
            show(applied, found)

            title(3, "Somebody changes a connector in the portal; the next preview shows it")
            local.edit(*EDITED, max_amperage=63)
            console.print(f"  [yellow]{EDITED[0]}/{EDITED[1]} set to 63 A in the portal[/]")
            pulumi(local, project, environment, "preview", "--diff")

            title(4, "`pulumi up` writes the declared value again")
            pulumi(local, project, environment, "up", "--yes", "--skip-preview")
            show(read_rows(local))

            title(5, "`pulumi destroy` removes the stack; the connectors keep their values")
            pulumi(local, project, environment, "destroy", "--yes", "--skip-preview")
            if read_rows(local) != applied:
                sys.exit("demo: the connectors do not have the declared values; please report this")

            title(6, "`plugchoice adopt`: an account as it is becomes files and stacks")
            adopted = folder / "adopted"
            adopted.mkdir()
            environment.pop("PLUGCHOICE_SITE")
            plugchoice(local, adopted, environment, "adopt", "--all")
            (file,) = (adopted / "sites").glob("*.yaml")
            text = file.read_text(encoding="utf-8").splitlines()
            shown = "\n".join(f"  {line}" for line in text[:_SHOWN_LINES])
            console.print(f"  [bold]sites/{file.name}[/] begins:")
            console.print(f"{shown}\n  …", markup=False, style="dim")

            title(7, "The portal again: `plugchoice drift` finds it without the engine")
            local.edit(*EDITED, max_amperage=63)
            console.print(f"  [yellow]{EDITED[0]}/{EDITED[1]} set to 63 A in the portal[/]")
            plugchoice(local, adopted, environment, "drift", status=2)
    console.print(f"\nDone in {time.monotonic() - started:.0f} s. Next: docs/guide/install.md.\n")


if __name__ == "__main__":
    main()
