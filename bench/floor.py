"""A preview of unchanged connectors beside its floor: the same number of dynamic resources that do nothing.

    make floor                                   # 40 and 400, five rounds
    make floor ARGS="--counts 40 --rounds 3"

The floor is an importable provider whose `check` passes the inputs on and whose `diff` says no. No provider that is
written in Python for this engine can be faster. The three programs run in turn, and the table shows medians: wall
time, and the CPU time of all processes of a preview, which depends less on what else the machine does.

Where the difference goes (two cores, busy with other work; CPU time of 40: 3.0 s, connectors 1.18 times, a site 1.20
times that): the client's libraries in the provider's process 0.2 s, pydantic and YAML in the program of a site 0.1 s,
and in the program 1.5 ms for each connector, nearly all of it the SDK's work for 13 properties where the floor has one.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Final, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.emulator import SITE, Emulator, identity, running, seed
from support.stack import Stack, declaration, environment_for

_FLOOR: Final = """
from pulumi import dynamic

class NothingProvider(dynamic.ResourceProvider):
    serialize_as_secret_always = False

    def check(self, _olds, news):
        return dynamic.CheckResult(news, [])

    def diff(self, _id, _olds, _news):
        return dynamic.DiffResult(changes=False)

    def create(self, props):
        return dynamic.CreateResult("1", props)

class Nothing(dynamic.Resource, module="bench", name="Nothing"):
    def __init__(self, name, number):
        super().__init__(NothingProvider(), name, {"number": number})
"""
_FAST: Final = {"PULUMI_SKIP_CHECKPOINTS": "true", "PULUMI_EXPERIMENTAL": "true"}


class Sample(NamedTuple):
    wall: float
    cpu: float
    gets: int


def prepare(emulator: Emulator, folder: Path, count: int) -> dict[str, Stack]:
    """Deploy the three programs with `count` resources each."""
    emulator.reset(seed(count))
    emulator.switch(rate_limit_per_minute=1_000_000)
    stacks = {}
    for name in ("do nothing", "ChargerConnector", "ChargingSite"):
        key = name.lower().replace(" ", "-")
        stack = Stack(folder / f"{key}-{count}", emulator, environment_for(emulator, folder, sys.executable))
        stack.project = f"{key}-{count}"
        stack.environment |= {"PLUGCHOICE_TIMEOUT_SECONDS": "60", "PLUGCHOICE_DEADLINE_SECONDS": "120"}
        stacks[name] = stack.init()
    (stacks["do nothing"].folder / "nothing.py").write_text(_FLOOR)
    (stacks["do nothing"].folder / "__main__.py").write_text(
        f"from nothing import Nothing\nfor number in range({count}):\n    Nothing(f'bay-{{number}}', number)\n"
    )
    stacks["ChargerConnector"].declare(
        *[declaration(f"bay-{i}", i, phase_rotation="RST", max_amperage=16) for i in range(1, count + 1)]
    )
    chargers = "\n".join(
        f"  - {{identity: {identity(i)}, connectors: [{{connector_id: 1, phase_rotation: RST, max_amperage: 16}}]}}"
        for i in range(1, count + 1)
    )
    (stacks["ChargingSite"].folder / "site.yaml").write_text(
        f"site: {SITE}\nsupply: {{net_type: TN, main_fuse_amps: 5000}}\nchargers:\n{chargers}\n"
    )
    stacks["ChargingSite"].program("pulumi_plugchoice.ChargingSite('site', file='site.yaml')")
    for stack in stacks.values():
        stack.must_up("--skip-preview", **_FAST)
    return stacks


def measure(stack: Stack) -> Sample:
    """Run one preview, which must find nothing to do."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    result = stack.preview("--expect-no-changes")
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if result.code != 0:
        sys.exit(result.output)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Sample(wall, cpu, len(result.calls.of("GET")))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="*", default=[40, 400])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    os.environ.pop("PLUGCHOICE_OFFLINE", None)
    # As on a user's machine, where modules are compiled once.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    samples: dict[tuple[int, str], list[Sample]] = defaultdict(list)
    with tempfile.TemporaryDirectory(prefix="plugchoice-bench-") as temporary, running() as emulator:
        for count in options.counts:
            stacks = prepare(emulator, Path(temporary), count)
            for _ in range(options.rounds):
                for name, stack in stacks.items():
                    samples[count, name].append(measure(stack))
    print(f"\nMedians of {options.rounds} rounds, {os.cpu_count()} cores\n")
    print("| Unchanged | GET | Wall | Times the floor | CPU | Times the floor |")
    print("|---|--:|--:|--:|--:|--:|")
    for (count, name), found in samples.items():
        wall, cpu = (statistics.median(values) for values in list(zip(*found, strict=True))[:2])
        floor_wall, floor_cpu = (
            statistics.median(values) for values in list(zip(*samples[count, "do nothing"], strict=True))[:2]
        )
        print(
            f"| {count} x {name} | {found[-1].gets} | {wall:.2f} s | {wall / floor_wall:.2f} | "
            f"{cpu:.2f} s | {cpu / floor_cpu:.2f} |"
        )


if __name__ == "__main__":
    main()
