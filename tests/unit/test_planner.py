"""planner.py: optimal where it says so, never worse than the declared rotations, and the order of the visits."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_plugchoice.electrical import search as search_module
from pulumi_plugchoice.electrical.figures import (
    Group,
    Installation,
    Point,
    Triple,
    compute_figures,
    compute_usable_amps,
)
from pulumi_plugchoice.electrical.planner import MOST_ENUMERATED, Plan, Visit, find_plan, follow_plan
from pulumi_plugchoice.electrical.rotations import PHASE_ROTATIONS, shift_rotation
from pulumi_plugchoice.electrical.search import Search

if TYPE_CHECKING:
    from random import Random


#: Sites and their plans. A plan is its visits: the charger, its rotation afterwards, and the A on the three lines then.
PLANS: Final = json.loads((Path(__file__).parent.parent / "fixtures" / "plans.json").read_text(encoding="utf-8"))


def site(points: list[Point], *, neutral: bool = True, fuses: tuple[int, int | None] = (125, 40)) -> Installation:
    """Two groups."""
    groups = (Group("main", None, fuses[0]), Group("garage", "main", fuses[1]))
    return Installation("TN" if neutral else "IT", neutral, 5, groups, tuple(points), {"main": (18, 11, 9)})


def one_group(points: list[Point], *, fuse: int) -> Installation:
    """One group, without safety margin and building."""
    groups = (Group("main", None, fuse),)
    return Installation("TN", neutral=True, margin_percent=0, groups=groups, points=tuple(points), base={})


def exact_lines(points: list[Point], base: tuple[float, float, float], *, neutral: bool) -> list[float]:
    """A on L1, L2, L3 when every connector charges a one-phase car, not rounded."""
    lines = list(base)
    pairs = {"RS": 0.0, "ST": 0.0, "RT": 0.0}
    for point in points:
        if neutral or len(point.rotation) == 1:
            lines["RST".index(point.rotation[0])] += point.amps
        else:
            pairs["".join(sorted(point.rotation[:2]))] += point.amps
    meeting = ((pairs["RS"], pairs["RT"]), (pairs["RS"], pairs["ST"]), (pairs["ST"], pairs["RT"]))
    # Two currents between lines meet at 60 degrees: a^2 + b^2 + ab.
    return [line + math.sqrt(a * a + b * b + a * b) for line, (a, b) in zip(lines, meeting, strict=True)]


def objective(installation: Installation, rewired: int) -> tuple[float, ...]:
    """The score of a plan, lower is better: an implementation of its own.

    Not from the figures: those are rounded to 0.01 A, and a plan that is better by less would count as equal.
    """
    over = worsts = 0.0
    for group in installation.groups:
        within = [point for point in installation.points if group.parent is None or point.group == group.name]
        base = installation.base.get(group.name, (0, 0, 0))
        lines = exact_lines(within, base, neutral=installation.neutral)
        if group.parent is None:
            root = lines
        if group.fuse_amps is not None:
            allowed = compute_usable_amps(group.fuse_amps, installation.margin_percent)
            over += sum(max(0.0, line - allowed) for line in lines)
        worsts += max(lines)
    return (round(over, 6), round(max(root), 6), round(max(root) - min(root), 6), round(worsts, 6), rewired)


def with_steps(installation: Installation, steps: dict[str, int]) -> Installation:
    """The same installation with chargers shifted."""
    points = [
        replace(point, rotation=shift_rotation(point.rotation, steps.get(point.charger, 0)))
        for point in installation.points
    ]
    return replace(installation, points=tuple(points))


def draw_site(groups: dict[str, tuple[str | None, int | None, str]], *, neutral: bool) -> tuple[Installation, set[str]]:
    """A site from groups: name, parent, fuse, chargers. `RST16+S20` has two sockets, `RST16!` cannot be rewired."""
    points: list[Point] = []
    fixed = set()
    words = [(group, word) for group, (_, _, text) in groups.items() for word in text.split()]
    for place, (group, word) in enumerate(words):
        charger = f"c{place:02}"
        if word.endswith("!"):
            fixed.add(charger)
        for number, socket in enumerate(word.rstrip("!").split("+"), 1):
            rotation = socket.rstrip("0123456789")
            points.append(Point(charger, number, rotation, int(socket.removeprefix(rotation)), group))
    tree = tuple(Group(name, parent, fuse) for name, (parent, fuse, _) in groups.items())
    net = "TN" if neutral else "IT"
    return Installation(net, neutral, 5, tree, tuple(points), {"main": (18, 11, 9)}), fixed


def write_visits(plan: Plan) -> str:
    return ", ".join(
        f"{visit.charger} {'+'.join(visit.after.values())} {'/'.join(map(str, visit.single_phase))}"
        for visit in plan.visits
    )


@pytest.mark.parametrize(
    ("drawn", "bounds", "visits"),
    [
        pytest.param(
            drawn, plan["bounds"], plan["visits"], id=" ".join([drawn["site"], *map(str, plan["bounds"].values())])
        )
        for drawn in PLANS
        for plan in drawn["plans"]
    ],
)
def test_a_site_keeps_its_plan(
    drawn: dict[str, Any], bounds: dict[str, object], visits: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same plan with every release and on every machine: an installer may be half-way through it.

    Of two equally good plans another one is a change for users. It needs a line in CHANGELOG.md, and then new plans
    here. The small bounds do on these sites what the usual ones do on sites with hundreds of chargers.
    """
    for name, value in bounds.items():
        monkeypatch.setattr(search_module, name, value)
    plan = find_plan(*draw_site(drawn["groups"], neutral=drawn["neutral"]))
    assert write_visits(plan) == visits


def test_the_visits_of_nine_points_all_rst() -> None:
    """144, 128, 112, 96, 80, 64, 48 A after 0 to 6 visits."""
    installation = one_group([Point(f"c{n}", 1, "RST", 16, "main") for n in range(9)], fuse=200)
    plan = find_plan(installation)
    assert [max(plan.before.single_phase), *(visit.worst_single_phase for visit in plan.visits)] == [
        144, 128, 112, 96, 80, 64, 48,
    ]  # fmt: skip
    assert plan.after.single_phase == (48, 48, 48)


def chargers(most: int) -> st.SearchStrategy[list[Point]]:
    """Up to `most` chargers, one in five with two sockets, in either group."""

    def points(drawn: list[tuple[str, int, str, bool]]) -> list[Point]:
        found = []
        for number, (rotation, amps, group, is_twin) in enumerate(drawn):
            found.append(Point(f"c{number}", 1, rotation, amps, group))
            if is_twin:
                found.append(Point(f"c{number}", 2, shift_rotation(rotation), amps, group))
        return found

    one = st.tuples(
        st.sampled_from(PHASE_ROTATIONS),
        st.sampled_from([6, 10, 16, 20, 32]),
        st.sampled_from(["main", "garage"]),
        st.integers(0, 4).map(lambda number: number == 0),
    )
    return st.lists(one, min_size=1, max_size=most).map(points)


def find_visits(installation: Installation, steps: dict[str, int]) -> list[tuple[str, Triple]]:
    """The order of the visits by trying each charger that is left, and the A on the lines after each."""
    visits: list[tuple[str, Triple]] = []
    done: dict[str, int] = {}
    left = {charger: step for charger, step in steps.items() if step}
    while left:
        tried = {charger: with_steps(installation, done | {charger: left[charger]}) for charger in sorted(left)}
        first = min(tried, key=lambda charger: objective(tried[charger], 0))
        done[first] = left.pop(first)
        visits.append((first, compute_figures(tried[first]).single_phase))
    return visits


@settings(max_examples=12, deadline=None)
@given(chargers(6), st.booleans(), st.sets(st.integers(0, 5), max_size=2))
def test_up_to_six_chargers_the_plan_is_optimal(points: list[Point], neutral: bool, fixed: set[int]) -> None:
    """No plan has a lower score, by this test's own implementation of the score.

    Of equal plans it is the one that shifts the later chargers, and the next visit is always the one that helps most.
    """
    installation = site(points, neutral=neutral)
    stays = {f"c{number}" for number in fixed}
    movable = sorted({point.charger for point in points} - stays)
    best = min(
        itertools.product(range(3), repeat=len(movable)),
        key=lambda steps: objective(
            with_steps(installation, dict(zip(movable, steps, strict=True))), sum(step > 0 for step in steps)
        ),
    )
    expected = with_steps(installation, dict(zip(movable, best, strict=True)))

    plan = find_plan(installation, stays)

    assert plan.is_optimal
    assert {
        (charger, number): rotation
        for charger, by_number in plan.rotations.items()
        for number, rotation in by_number.items()
    } == {(point.charger, point.connector_id): point.rotation for point in expected.points}
    assert (plan.before, plan.after) == (compute_figures(installation), compute_figures(expected))
    found = [(visit.charger, visit.single_phase) for visit in plan.visits]
    assert found == find_visits(installation, dict(zip(movable, best, strict=True)))


@settings(max_examples=2, deadline=None)
@given(st.randoms(use_true_random=False))
def test_with_eight_chargers_the_plan_is_optimal_too(random: Random) -> None:
    """Compared with all 6,561 plans by the sums of the lines, which is enough for one group."""
    amps = [random.choice([6, 10, 16, 20, 32]) for _ in range(MOST_ENUMERATED)]
    points = [Point(f"c{n}", 1, "RST", amp, "main") for n, amp in enumerate(amps)]
    installation = one_group(points, fuse=500)
    best = min(
        max(sum(amp for amp, step in zip(amps, steps, strict=True) if step == line) for line in range(3))
        for steps in itertools.product(range(3), repeat=MOST_ENUMERATED)
    )

    plan = find_plan(installation)

    assert plan.is_optimal
    assert max(plan.after.single_phase) == best


@settings(max_examples=12, deadline=None)
@given(chargers(24), st.booleans())
def test_a_plan_is_never_worse_than_the_declared_rotations(points: list[Point], neutral: bool) -> None:
    """By its score. And a charger is shifted as a whole, which keeps the field direction."""
    installation = site(points, neutral=neutral)

    plan = find_plan(installation)

    found = replace(
        installation,
        points=tuple(replace(point, rotation=plan.rotations[point.charger][point.connector_id]) for point in points),
    )
    assert objective(found, len(plan.visits)) <= tuple(value + 1e-4 for value in objective(installation, 0))
    for visit in plan.visits:
        steps = {
            next(step for step in range(3) if shift_rotation(before, step) == visit.after[number])
            for number, before in visit.before.items()
        }
        assert len(steps) == 1, "the sockets of a charger are shifted together"
        assert steps != {0}


@settings(max_examples=10, deadline=None)
@given(chargers(12), st.randoms(use_true_random=False))
def test_the_order_of_the_file_does_not_matter(points: list[Point], random: Random) -> None:
    """The plan is the same, visits included."""
    mixed = list(points)
    random.shuffle(mixed)
    assert find_plan(site(points)).visits == find_plan(site(mixed)).visits


def test_a_plan_that_somebody_has_made_is_kept() -> None:
    """Only the order of the visits is new: `twin` takes 20 A off L1, `one` 10 A, and `away` none.

    A connector without a planned rotation keeps its own, and so does one that is planned as it is.
    """
    points = [
        Point("away", 1, "TRS", 10, "main"),
        Point("one", 1, "RST", 10, "main"),
        Point("quiet", 1, "RST", 6, "main"),
        Point("stays", 1, "RST", 16, "main"),
        Point("twin", 1, "RST", 20, "main"),
        Point("twin", 2, "STR", 16, "main"),
    ]
    planned = {"away/1": "STR", "one/1": "STR", "stays/1": "RST", "twin/1": "TSR", "gone/1": "S"}

    plan = follow_plan(one_group(points, fuse=200), planned)

    assert plan.visits == (
        Visit("twin", {1: "RST", 2: "STR"}, {1: "TSR", 2: "STR"}, (32, 16, 30)),
        Visit("one", {1: "RST"}, {1: "STR"}, (22, 26, 30)),
        Visit("away", {1: "TRS"}, {1: "STR"}, (22, 36, 20)),
    )
    assert plan.rotations == {
        "away": {1: "STR"}, "one": {1: "STR"}, "quiet": {1: "RST"}, "stays": {1: "RST"}, "twin": {1: "TSR", 2: "STR"},
    }  # fmt: skip
    assert (plan.before.single_phase, plan.after.single_phase) == ((52, 16, 10), (22, 36, 20))
    assert plan.is_optimal is False, "nobody has compared it"


def test_of_equal_plans_for_the_site_the_one_with_less_current_in_a_group_wins() -> None:
    """The building of the garage loads L1 with 0.2 A; on L3 its charger leaves 16 A on the worst line, not 16.2 A."""
    points = [Point("in", 1, "R", 16, "garage"), Point("out", 1, "S", 16, "main")]
    base = {"main": (0, 0.2, 0.2), "garage": (0.2, 0, 0)}

    plan = find_plan(replace(site(points, neutral=False, fuses=(100, None)), base=base))

    assert plan.visits == (Visit("in", {1: "R"}, {1: "T"}, (0.2, 16.2, 16.2)),)
    assert plan.after.single_phase == (0.2, 16.2, 16.2)


def test_an_even_spread_ends_the_search() -> None:
    """No pair is tried when single moves reach it. One is when they end 1 A above it: 19, 17 and 18 A. In µA."""
    alike = Search(one_group([Point(f"c{n}", 1, "RST", 16, "main") for n in range(9)], fuse=200), frozenset())
    assert alike._climb([0] * 9)[0][:3] == (0, 48_000_000, 0)
    assert alike._trials == 0

    wired = [("RST", 10), ("RST", 9), ("STR", 9), ("STR", 8), ("TRS", 9), ("TRS", 9)]
    points = [Point(f"c{n}", 1, rotation, amps, "main") for n, (rotation, amps) in enumerate(wired)]
    uneven = Search(one_group(points, fuse=200), frozenset())
    assert uneven._climb([0] * 6)[0][:3] == (0, 18_000_000, 0)
    assert uneven._trials > 0

    # 41 A on three lines are 14 A on one at least, and not 13.67 A: no pair is tried.
    points = [Point(f"c{n}", 1, "RST", amps, "main") for n, amps in enumerate([7, 11, 7, 6, 8])]
    whole = Search(replace(one_group(points, fuse=200), base={"main": (0, 2, 0)}), frozenset())
    assert whole._climb([0] * 5)[0][:3] == (0, 14_000_000, 1_000_000)
    assert whole._trials == 0

    # With decimals an even spread is not rounded up to whole A: single moves would end at 19 A.
    points = [Point(f"c{n}", 1, rotation, amps, "main") for n, (rotation, amps) in enumerate(wired)]
    building = replace(one_group(points, fuse=200), base={"main": (0, 0, 0.1)})
    assert Search(building, frozenset())._climb([0] * 6)[0][:3] == (0, 18_100_000, 100_000)


@settings(derandomize=True)  # without a neutral, two plans may differ by less than 1 µA once in a great while
@given(st.randoms(use_true_random=False), st.booleans())
def test_decimals_of_the_building_choose_no_plan(random: Random, neutral: bool) -> None:
    """A site and the same one with ten times the current have the same plan: no last digit of a sum decides."""

    def draw(scale: int) -> Installation:
        draws = iter(numbers)
        wired = [(f"c{n}", next(draws)) for n in range(6)]
        points = [
            Point(charger, 1, sorted(PHASE_ROTATIONS)[number % len(PHASE_ROTATIONS)], scale * (6 + number % 5), "main")
            for charger, number in wired
        ]
        tenths = [[next(draws) % 20 for _ in range(3)] for _ in range(2)]
        base: dict[str, Triple] = {
            name: (r * scale / 10, s * scale / 10, t * scale / 10)
            for name, (r, s, t) in zip(("main", "garage"), tenths, strict=True)
        }
        groups = (Group("main", None, 20 * scale), Group("garage", "main", None))
        return Installation("TN" if neutral else "IT", neutral, 0, groups, tuple(points), base)

    numbers = [random.randrange(1000) for _ in range(12)]
    one, ten = find_plan(draw(1)), find_plan(draw(10))
    assert [(visit.charger, visit.after) for visit in one.visits] == [
        (visit.charger, visit.after) for visit in ten.visits
    ]


def test_a_large_site_has_a_sample_of_its_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    """All pairs up to the bound, and above it a tenth of the bound, without those of a charger and itself."""
    points = [Point(f"c{n:02}", 1, "RST", 16, "main") for n in range(30)]
    monkeypatch.setattr(search_module, "_MOST_PAIRS", 435)
    every = Search(one_group(points, fuse=200), frozenset())._pairs
    assert every != sorted(every)
    assert sorted(every) == [(one, other) for one in range(30) for other in range(one + 1, 30)]
    monkeypatch.setattr(search_module, "_MOST_PAIRS", 434)
    some = Search(one_group(points, fuse=200), frozenset())._pairs
    assert len(some) == 43, "it has drawn no pair of a charger and itself"
    assert set(some) <= set(every)


def test_a_reversed_charger_stays_reversed() -> None:
    """A charger found RTS goes to SRT or TSR, not to RST."""
    points = [Point(f"c{n}", 1, "RTS", 16, "main") for n in range(3)]
    plan = find_plan(site(points))
    assert {rotation for by_number in plan.rotations.values() for rotation in by_number.values()} <= {
        "RTS",
        "SRT",
        "TSR",
    }
    assert len(plan.visits) == 2


def test_a_plan_without_visits() -> None:
    """For a site without connectors, and for one where no charger can be rewired."""
    assert find_plan(site([])).visits == ()
    assert find_plan(site([Point("c", 1, "RST", 16, "main")] * 1), {"c"}).visits == ()


def test_many_chargers_come_within_an_amp_of_an_even_spread() -> None:
    """200 chargers in 8 groups, 20 % with two sockets, 10 % fixed. bench/planner.py measures the time."""
    import random

    drawn = random.Random(5)  # noqa: S311 - not used for security
    groups = (Group("main", None, 4000), *(Group(f"g{n}", "main", 600) for n in range(8)))
    points = []
    for number in range(200):
        rotation, amps = drawn.choice(["RST"] * 6 + ["R", "RTS"]), drawn.choice([10, 13, 16, 16, 32])
        points.append(Point(f"c{number}", 1, rotation, amps, f"g{number % 8}"))
        if drawn.random() < 0.2:
            points.append(Point(f"c{number}", 2, shift_rotation(rotation), amps, f"g{number % 8}"))
    fixed = {f"c{number}" for number in range(200) if drawn.random() < 0.1}
    installation = replace(site(points), groups=groups)

    plan = find_plan(installation, fixed)

    assert max(plan.after.single_phase) <= sum(plan.after.single_phase) / 3 + 1.34
    assert not plan.is_optimal


@pytest.mark.parametrize("neutral", [True, False])
@pytest.mark.parametrize("levels", [1, 40])
def test_the_work_for_a_large_site_is_bounded(neutral: bool, levels: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a count, so that every machine finds the same plan. It is still a plan, and not worse than none."""
    monkeypatch.setattr(search_module, "_MOST_UPDATES", 4_000)
    monkeypatch.setattr(search_module, "_MOST_PAIRS", 500)
    updates, cost = 0, 1 if neutral else 3
    update = Search._update_group

    def count(search: Search, group: int) -> None:
        nonlocal updates
        updates += cost
        update(search, group)

    monkeypatch.setattr(Search, "_update_group", count)
    groups = (Group("g0", None, 500), *(Group(f"g{n}", f"g{n - 1}", 400) for n in range(1, levels)))
    points = [Point(f"c{n:03}", 1, "RST", 10 + n % 30, f"g{levels - 1}") for n in range(60)]
    installation = Installation("TN" if neutral else "IT", neutral, 0, groups, tuple(points), {})

    plan = find_plan(installation)

    # Each search, and two changes for each visit. To begin costs each group once, however many chargers there are.
    assert updates < 4 * 4_000 + cost * (2 * len(plan.visits) + 20) * levels
    assert plan.visits
    assert max(plan.after.single_phase) < max(plan.before.single_phase)
    assert len({visit.charger for visit in plan.visits}) == len(plan.visits)
    assert find_plan(installation) == plan
    assert plan.visits[-1].single_phase == plan.after.single_phase


def test_the_order_of_many_visits_is_found_within_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of 200 different chargers once; to try all of the others after each takes 80,000 changes."""
    monkeypatch.setattr(search_module, "_MOST_UPDATES", 5_000)
    points = [Point(f"c{n:03}", 1, "RST", 10 + n, "main") for n in range(200)]
    search = Search(one_group(points, fuse=100), frozenset())

    visits = list(search.order_visits([1] * 200))

    assert search._updates < 5_000 + 8 * 200
    assert sorted(visit.charger for visit in visits) == [point.charger for point in points]
    assert visits[0].charger == "c199", "the largest helps most"
