"""Measures the time of a plan and how close it comes to an even spread: `python bench/planner.py`."""

from __future__ import annotations

import random
import time

from pulumi_plugchoice.electrical.figures import Group, Installation, Point
from pulumi_plugchoice.electrical.planner import find_plan
from pulumi_plugchoice.electrical.rotations import shift_rotation


def site(chargers: int, groups: int, seed: int, *, neutral: bool = True) -> tuple[Installation, set[str]]:
    """Make a site: chargers in groups, 20 % with two sockets, 10 % fixed, mostly RST."""
    drawn = random.Random(seed)  # noqa: S311 - not used for security
    names = [f"g{number}" for number in range(groups)]
    points = []
    for number in range(chargers):
        rotation, amps = drawn.choice(["RST"] * 6 + ["R", "RTS"]), drawn.choice([10, 13, 16, 16, 32])
        group = names[number % groups] if groups else "main"
        points.append(Point(f"c{number}", 1, rotation, amps, group))
        if drawn.random() < 0.2:
            points.append(Point(f"c{number}", 2, shift_rotation(rotation), amps, group))
    fixed = {f"c{number}" for number in range(chargers) if chargers > 8 and drawn.random() < 0.1}
    tree = (Group("main", None, 4000), *(Group(name, "main", 600) for name in names))
    return Installation("TN" if neutral else "IT", neutral, 5, tree, tuple(points), {"main": (18, 11, 9)}), fixed


def main() -> None:
    """Print a table."""
    print(f"{'site':<34}{'s':>6}{'worst before':>14}{'worst after':>13}{'even spread':>13}{'visits':>8}")
    for chargers, groups, neutral in ((8, 0, True), (8, 0, False), (40, 2, True), (200, 8, True), (200, 8, False)):
        for seed in range(3):
            installation, fixed = site(chargers, groups, seed, neutral=neutral)
            started = time.perf_counter()
            plan = find_plan(installation, fixed)
            took = time.perf_counter() - started
            name = f"{chargers} chargers, {groups + 1} groups{'' if neutral else ', no neutral'}"
            even = sum(plan.after.single_phase) / 3
            print(
                f"{name:<34}{took:>6.2f}{max(plan.before.single_phase):>14g}{max(plan.after.single_phase):>13g}"
                f"{even:>13.1f}{len(plan.visits):>8}"
            )


if __name__ == "__main__":
    main()
