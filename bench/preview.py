"""API calls and wall time of the real engine: an empty program, and 40 and 1,000 connectors.

    make bench                       # 40 and 1,000 connectors, no added latency
    make bench ARGS="--latency 0.05 --connectors 40"

Prints a Markdown table. Times are of one machine; calls are not.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.emulator import SITE, Emulator, connector, identity, running, seed
from support.stack import Stack, declaration, environment_for


@dataclass(frozen=True)
class Row:
    """One measured piece of work."""

    work: str
    seconds: float
    gets: int
    puts: int


def program(stack: Stack, count: int, changed: int = 0) -> None:
    """Declare `count` connectors, the first `changed` of them with other amps."""
    stack.declare(
        *[
            declaration(f"bay-{i}", i, phase_rotation="STR", max_amperage=20 if i <= changed else 16)
            for i in range(1, count + 1)
        ]
    )


def measure(work: str, stack: Stack, *arguments: str, times: int = 1, environment: dict[str, str] | None = None) -> Row:
    """Run a command `times` times; the median time, and the calls of the last run."""
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        result = stack.run(*arguments, **(environment or {}))
        seconds.append(time.perf_counter() - started)
        if result.code != 0:
            sys.exit(result.output)
    return Row(work, statistics.median(seconds), len(result.calls.of("GET")), len(result.puts))


def rows_for(emulator: Emulator, folder: Path, count: int, latency: float, changed: int) -> list[Row]:
    """All measurements for one number of connectors."""
    emulator.reset(seed(count, {i: [connector(amperage=10)] for i in range(1, count + 1)}))
    emulator.switch(latency_seconds=latency, rate_limit_per_minute=1_000_000)
    stack = Stack(folder / f"project-{count}", emulator, environment_for(emulator, folder, sys.executable))
    stack.project = f"bench-{count}"
    stack.environment |= {"PLUGCHOICE_TIMEOUT_SECONDS": "30", "PLUGCHOICE_DEADLINE_SECONDS": "120"}
    stack.init()
    few = 5 if count <= 100 else 1
    program(stack, count)
    found = [
        measure(f"{count}: first `up --skip-preview`", stack, "up", "--yes", "--skip-preview"),
        measure(f"{count} unchanged: `preview`", stack, "preview", times=few),
        measure(f"{count} unchanged: `preview --refresh`", stack, "preview", "--refresh", times=few),
    ]
    program(stack, count, changed)
    found.append(measure(f"{count}, {changed} changed: `up` with its preview", stack, "up", "--yes"))
    if count > 100:
        emulator.reset(seed(count, {i: [connector(amperage=10)] for i in range(1, count + 1)}))
        emulator.switch(latency_seconds=latency, rate_limit_per_minute=1_000_000)
        fast = {"PULUMI_SKIP_CHECKPOINTS": "true", "PULUMI_EXPERIMENTAL": "true"}
        stack.name = "fast"
        stack.init()
        found.append(
            measure(
                f"{count}: first `up`, PULUMI_SKIP_CHECKPOINTS",
                stack,
                "up",
                "--yes",
                "--skip-preview",
                environment=fast,
            )
        )
    return found


def rows_for_a_site(emulator: Emulator, folder: Path, count: int, latency: float) -> list[Row]:
    """The same number of connectors as a site file, chargers by identity."""
    emulator.reset(seed(count))
    emulator.switch(latency_seconds=latency, rate_limit_per_minute=1_000_000)
    stack = Stack(folder / f"site-{count}", emulator, environment_for(emulator, folder, sys.executable))
    stack.project = f"bench-site-{count}"
    stack.init()
    stack.program("from pulumi_plugchoice import ChargingSite\nChargingSite('harbour', file='harbour.yaml')")
    chargers = "\n".join(
        f"  - {{label: bay-{i}, identity: {identity(i)}, connectors: [{{connector_id: 1, phase_rotation: "
        f"{('RST', 'STR', 'TRS')[i % 3]}, max_amperage: 16}}]}}"
        for i in range(1, count + 1)
    )
    (stack.folder / "harbour.yaml").write_text(
        f"site: {SITE}\nsupply: {{net_type: TN, main_fuse_amps: 1000}}\nchargers:\n{chargers}\n"
    )
    return [
        measure(f"site of {count}: first `up --skip-preview`", stack, "up", "--yes", "--skip-preview"),
        measure(f"site of {count} unchanged: `preview`", stack, "preview", times=5),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connectors", type=int, nargs="*", default=[40, 1000])
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that each API answer takes (default 0)")
    parser.add_argument("--changed", type=int, default=5, help="how many connectors change in the update (default 5)")
    options = parser.parse_args()
    os.environ.pop("PLUGCHOICE_OFFLINE", None)
    # As on a user's machine, where modules are compiled once.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="plugchoice-bench-") as temporary:
        folder = Path(temporary)
        with running() as emulator:
            emulator.reset(seed(1))
            empty = Stack(folder / "empty", emulator, environment_for(emulator, folder, sys.executable))
            empty.project = "empty"
            empty.init().program("")
            floor = measure("empty program: `preview`", empty, "preview", times=5)
            rows = [floor]
            for count in options.connectors:
                rows += rows_for(emulator, folder, count, options.latency, options.changed)
            rows += rows_for_a_site(emulator, folder, 40, options.latency)
    print(f"\nAPI latency {options.latency * 1000:.0f} ms; {os.cpu_count()} cores\n")
    print("| Work | Time | Times the floor | GET | PUT |")
    print("|---|--:|--:|--:|--:|")
    for row in rows:
        print(f"| {row.work} | {row.seconds:.2f} s | {row.seconds / floor.seconds:.2f} | {row.gets} | {row.puts} |")


if __name__ == "__main__":
    main()
