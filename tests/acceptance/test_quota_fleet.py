"""One request limit for fleets, with the real engine. They wait for minutes: only `make soak` runs these tests."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from support import postgres
from support.emulator import TOKEN, charger_uuid, connector
from support.sites import bay, numbered_site, numbered_uuid, site_yaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from support.emulator import Emulator
    from support.stack import Stack

pytestmark = [pytest.mark.soak, pytest.mark.timeout(1800)]

COMMAND = [sys.executable, "-m", "pulumi_plugchoice.cli", "fleet", "up"]
LOST = "PLUGCHOICE_QUOTA_URL: the database cannot be used ("


class Machines:
    """Runs the command as on machines that share nothing but Plugchoice, a database and a checkout.

    Args:
        stack: of the project.
        quota: URL of the database.
    """

    def __init__(self, stack: Stack, quota: str) -> None:
        self.stack = stack
        self.folder = stack.folder.parent
        self.variables = {**os.environ, **stack.environment, "PLUGCHOICE_QUOTA_URL": quota}
        for name in ("PLUGCHOICE_DEADLINE_SECONDS", "PLUGCHOICE_TIMEOUT_SECONDS", "PLUGCHOICE_SITE"):
            self.variables.pop(name, None)

    def start(self, machine: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Start it; what it prints goes to a file."""
        variables = {**self.variables, "XDG_CACHE_HOME": str(self.folder / machine)}
        state = f"--state={self.folder / machine / 'fleet'}"
        with (self.folder / f"{machine}.txt").open("wb") as file:
            return subprocess.Popen(
                [*COMMAND, "--all", state, *arguments], cwd=self.stack.folder, env=variables, stdout=file, stderr=file
            )

    def read(self, machine: str) -> list[str]:
        """What it has printed."""
        return (self.folder / f"{machine}.txt").read_text().splitlines()


@pytest.fixture
def database() -> Iterator[postgres.Database]:
    with postgres.running() as database:
        yield database


def make_fleet(stack: Stack, emulator: Emulator, count: int, limit: int) -> list[str]:
    """Make sites with one connector each that is to be written; return the names of their stacks."""
    names = [f"s{number:02}" for number in range(1, count + 1)]
    sites = [numbered_site(number, {number: [connector()]}) for number in range(1, count + 1)]
    emulator.reset({"tokens": {TOKEN: {"user": "tester"}}, "sites": sites})
    emulator.switch(rate_limit_per_minute=limit)
    stack.program("pulumi_plugchoice.ChargingSite.for_stack()")
    (stack.folder / "sites").mkdir()
    for number, name in enumerate(names, 1):
        text = site_yaml([bay(number, "STR")], site=numbered_uuid(number), fuse=125, group=801 + number)
        (stack.folder / "sites" / f"{name}.yaml").write_text(text)
        stack.add(name)
    return names


def test_two_shards_share_one_limit(stack: Stack, emulator: Emulator, database: postgres.Database) -> None:
    """No request is refused, and while both run, each sends as many as the other, within 20 %."""
    count = 20
    names = make_fleet(stack, emulator, count, limit=30)
    machines = Machines(stack, database.create())
    shards = ("1/2", "2/2")
    processes = [machines.start(shard[0], f"--shard={shard}", "--jobs=3") for shard in shards]
    for process, shard in zip(processes, shards, strict=True):
        assert process.wait(1500) == 0, machines.read(shard[0])
        assert f"0 unchanged, {count // 2} applied ({count // 2} writes), 0 failed; " in machines.read(shard[0])[-1]
    sent = [request for request in emulator.requests() if request["path"].startswith("/v3/")]
    assert [request["status"] for request in sent] == [200] * len(sent)
    assert len(sent) >= 3 * count
    owners = {
        text: shard
        for number, name in enumerate(names, 1)
        for shard in shards
        for text in (numbered_uuid(number), charger_uuid(number))
        if any(line.startswith(f"{name}: ") for line in machines.read(shard[0]))
    }
    turns = [owners[request["path"].split("/")[3]] for request in sent]
    begin = max(turns.index(shard) for shard in shards)
    end = min(len(turns) - turns[::-1].index(shard) for shard in shards)
    shares = Counter(turns[begin:end])
    assert max(shares.values()) <= 1.2 * min(shares.values()), turns


def test_the_database_is_killed_and_comes_back_in_a_run(
    stack: Stack, emulator: Emulator, database: postgres.Database
) -> None:
    """No request is refused, one line says what happens, and every site ends right."""
    count = 8
    make_fleet(stack, emulator, count, limit=60)
    machines = Machines(stack, database.create())
    process = machines.start("one", "--jobs=3")
    wait_for(lambda: emulator.puts_seen() > 1, process)
    database.kill()
    events = machines.folder / "one" / "fleet" / "stacks"
    wait_for(lambda: any(LOST in file.read_text() for file in events.glob("*/events.json")), process)
    database.start()
    assert process.wait(1500) == 0, machines.read("one")
    lines = machines.read("one")
    assert f"0 unchanged, {count} applied ({count} writes), 0 failed; " in lines[-1]
    assert {request["status"] for request in emulator.requests()} == {200}
    assert all("STR" in settings for settings in emulator.values().values())
    assert emulator.puts_seen() == count
    assert len([line for line in lines if LOST in line]) == 1, lines


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + 600
    while not condition():
        assert process.poll() is None
        assert time.monotonic() < give_up
        time.sleep(0.05)
