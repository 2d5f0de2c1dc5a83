"""How long a run over many sites takes, on one machine or many: a small simulation with the pacer's own policy.

    .venv/bin/python bench/fleet_model.py                       # the table of docs/how-to/fleet.md
    .venv/bin/python bench/fleet_model.py --sites 50 --jobs 3   # one run, to compare with `bench/fleet.py`

A stack costs the engine CPU time, waits for things that are no CPU time, and makes calls. Its calls take slots of one
request limit for all machines. The three constants of a stack come from three measurements on one machine (18, 23 and
31 stacks a minute at 1, 2 and 3 at once on 2 cores), and give them back within a tenth: `--calibrate`.

What the model leaves out: failures, gates, the start of runners, and stacks of different sizes.
"""

from __future__ import annotations

import argparse
import math
import random
from collections import deque
from dataclasses import dataclass
from typing import Final, NamedTuple

from pulumi_plugchoice.quota.file_store import MemoryStore
from pulumi_plugchoice.quota.policy import Policy, Slot

CPU: Final = 3.87  # s of a preview of 40 unchanged connectors, all processes
PARALLEL: Final = 1.95  # cores that one such preview can use at once
IDLE: Final = 1.35  # s in which it waits for what is no CPU time
READS: Final = 3  # calls of an unchanged site
CALLS_A_WRITE: Final = 2  # the read before it, and the PUT
DRIFT_CPU: Final = 0.03  # s a site of `plugchoice drift`: (2.27 - 0.80) / 49
STEP: Final = 0.05  # s


@dataclass
class Stack:
    """One site's run: what is left of it.

    Attributes:
        cpu: s.
        idle: s.
        calls: not sent yet.
        until: when the slot of its calls is due.
    """

    cpu: float
    idle: float
    calls: int
    until: float = 0.0


class Fleet(NamedTuple):
    """Machines of one kind.

    Attributes:
        name: for the table.
        machines: how many.
        cores: of each.
        jobs: stacks at once on each.
    """

    name: str
    machines: int
    cores: int
    jobs: int


class Result(NamedTuple):
    """Of one simulated run.

    Attributes:
        seconds: wall time.
        calls: all.
        cpu: s of all machines.
        limit: what a faster one of would have made it shorter: CPU or request limit.
    """

    seconds: float
    calls: int
    cpu: float
    limit: str


def simulate(
    fleet: Fleet, sites: int, touched: int = 0, writes: int = 0, *, cpu: float = CPU, idle: float = IDLE
) -> Result:
    """Play a run.

    Args:
        fleet: where it runs.
        sites: stacks to run.
        touched: those of them with changes.
        writes: connectors that change in each of them.
        cpu: s of one stack.
        idle: s of one stack.
    """
    every = sites // touched if touched else 0
    chance = random.Random(0)  # noqa: S311 - no secret; stacks of exactly one length would go in step, and wait together
    waiting: deque[Stack] = deque()
    for number in range(sites):
        changes = writes if every and number % every == 0 and number // every < touched else 0
        need, pause = (length * chance.uniform(0.5, 1.5) for length in (cpu, idle))
        waiting.append(Stack(need, pause, READS + CALLS_A_WRITE * changes))
    total = sum(stack.calls for stack in waiting)
    policy, store = Policy(), MemoryStore()
    running: list[list[Stack]] = [[] for _ in range(fleet.machines)]
    now = starved = 0.0
    while waiting or any(running):
        held = 0
        for stacks in running:
            while waiting and len(stacks) < fleet.jobs:
                stacks.append(waiting.popleft())
            ready = [stack for stack in stacks if stack.until <= now]
            held += len(stacks) - len(ready)
            busy = [stack for stack in ready if stack.cpu > 0]
            rate = min(PARALLEL, fleet.cores / len(busy)) if busy else 0.0
            for stack in ready:
                if stack.calls and stack.cpu <= cpu / 2:  # the program has started and asks
                    stack.until = _take(policy, store, now)
                    stack.calls -= 1
                elif stack.cpu > 0:
                    stack.cpu -= rate * STEP
                else:
                    stack.idle -= STEP
            stacks[:] = [stack for stack in stacks if stack.cpu > 0 or stack.idle > 0 or stack.calls]
        slots = sum(map(len, running))
        starved += STEP * (held / slots if slots else 0)
        now += STEP
    return Result(now, total, sites * cpu, "request limit" if starved > now / 2 else "CPU")


def _take(policy: Policy, store: MemoryStore, now: float) -> float:
    with store.transaction() as (book, log):
        policy.adjust(book, log, now, now)
        slot = policy.reserve(book, log, now, math.inf)
    # A wait beyond what the pacer gives is asked for again.
    return slot.at if isinstance(slot, Slot) else now + 60


FLEETS: Final = (
    Fleet("one laptop, 8 cores", 1, 8, 8),
    Fleet("one CI runner, 2 cores", 1, 2, 3),
    Fleet("CI matrix of 10 such runners", 10, 2, 3),
    Fleet("cluster of 3 machines, 16 cores", 3, 16, 20),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Simulate a run over many sites.")
    parser.add_argument("--sites", type=int, help="one run with so many sites")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--jobs", type=int, default=3)
    parser.add_argument("--touched", type=int, default=0, help="sites with changes")
    parser.add_argument("--writes", type=int, default=0, help="changed connectors in each of them")
    parser.add_argument(
        "--calibrate", action="store_true", help="1, 2 and 3 at once on 2 cores, beside the measurement"
    )
    given = parser.parse_args()
    if given.calibrate:
        print("| At once | Stacks a minute, measured | simulated |\n|--:|--:|--:|")
        for jobs, measured in ((1, 18), (2, 23), (3, 31)):
            run = simulate(Fleet("", 1, 2, jobs), 120)
            print(f"| {jobs} | {measured} | {120 / run.seconds * 60:.0f} |")
    elif given.sites:
        run = simulate(Fleet("", 1, given.cores, given.jobs), given.sites, given.touched, given.writes)
        print(f"{run.seconds:.0f} s, {run.calls} calls, {run.cpu:.0f} CPU s; limited by the {run.limit}")
    else:
        print_table()


def print_table() -> None:
    print("| Sites | Where | Nothing changed | 5 % with 2 writes | Limited by | CPU hours | `drift` instead |")
    print("|--:|---|--:|--:|---|--:|--:|")
    for sites in (50, 1_000, 10_000):
        drift = simulate(Fleet("", 1, 1, 1), sites, cpu=DRIFT_CPU, idle=0.0)
        for fleet in FLEETS:
            same = simulate(fleet, sites)
            changed = simulate(fleet, sites, sites // 20, 2)
            cells = [f"{sites:,}", fleet.name, _minutes(same), _minutes(changed), same.limit, f"{same.cpu / 3600:.1f}"]
            print(f"| {' | '.join([*cells, _minutes(drift)])} |")


def _minutes(run: Result) -> str:
    return f"{run.seconds / 60:.1f} min" if run.seconds < 6000 else f"{run.seconds / 3600:.1f} h"


if __name__ == "__main__":
    main()
