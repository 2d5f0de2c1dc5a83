"""One request limit for programs on several machines: a real Postgres, and a clock of its own for each machine."""

from __future__ import annotations

import json
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest
from pulumi_plugchoice import api
from pulumi_plugchoice.config import Options, Token
from pulumi_plugchoice.doctor.machine import check_quota_database
from pulumi_plugchoice.errors import ConfigError
from pulumi_plugchoice.quota import pacer as pacer_module
from pulumi_plugchoice.quota import postgres_store
from pulumi_plugchoice.quota.file_store import FileStore, StoreError
from pulumi_plugchoice.quota.pacer import NoSlotInTime, Pacer
from pulumi_plugchoice.quota.policy import Slot
from pulumi_plugchoice.quota.postgres_store import BOOK, SLOTS, PostgresStore
from support import postgres
from support.emulator import TOKEN, seed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.emulator import Emulator

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def database() -> Iterator[postgres.Database]:
    with postgres.running() as database:
        yield database


class Machines:
    """Makes pacers of one user on different machines, and keeps their lines."""

    def __init__(self, url: str, folder: Path, user: str) -> None:
        self.url = url
        self.folder = folder
        self.user = user
        self.said: list[str] = []
        self.made: list[Pacer] = []

    def pacer(self, limit: int | None = None, *, machine: str = "one", **options: Any) -> Pacer:
        store = PostgresStore(self.url, self.user)
        made = Pacer(self.user, limit, folder=self.folder / machine, database=store, say=self.said.append, **options)
        self.made.append(made)
        return made


@pytest.fixture
def machines(database: postgres.Database, tmp_path: Path) -> Iterator[Machines]:
    made = Machines(database.url(), tmp_path, tmp_path.name)
    yield made
    for pacer in made.made:
        pacer.close()


class Sleep:
    """Sleeps, and notes how long."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.times.append(seconds)
        time.sleep(seconds)


def learn(pacer: Pacer, limit: int) -> None:
    pacer.note_answer({"X-RateLimit-Limit": str(limit)}, 200)


def test_machines_share_one_limit_whatever_their_clocks_say(machines: Machines) -> None:
    """Their clocks differ by days; the slots are counted by the database's."""
    skewed = [lambda days=days: time.monotonic() + days * 86400 for days in (-3, 0, 30)]
    pacers = [machines.pacer(machine=f"{number}", clock=clock) for number, clock in enumerate(skewed)]
    learn(pacers[0], 60)
    slots = []
    for number in range(60):
        pacer = pacers[number % 3]
        slot, due = pacer._reserve(pacer._place, math.inf)
        slots.append(slot.at)
        assert due - skewed[number % 3]() <= slot.at - slots[0]
    assert slots == sorted(slots)
    assert slots[58] - slots[0] < 60
    assert slots[59] - slots[0] >= 61.5
    assert machines.said == []


CHILD = """
import json, sys, threading, time
from pathlib import Path
from pulumi_plugchoice.quota import pacer as module
from pulumi_plugchoice.quota.pacer import Pacer
from pulumi_plugchoice.quota.postgres_store import PostgresStore

url, user, folder, window = sys.argv[1:]
said = []
module.PATIENCE = 60.0  # a busy machine starts a database slowly
store = PostgresStore(url, user)
pacer = Pacer(user, folder=Path(folder), database=store, window=float(window), say=said.append)
print("ready", flush=True)
sys.stdin.readline()
over = threading.Event()
sent = []  # by the clock of the database: on a busy machine a thread wakes late
reserve = pacer._reserve

def note(*arguments):
    turn = reserve(*arguments)
    if not over.is_set():
        sent.append(turn.slot.at)
    return turn

pacer._reserve = note

def work():
    while True:
        pacer.take()
        if over.is_set():
            return

threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads:
    thread.start()
sys.stdin.readline()
over.set()
for thread in threads:
    thread.join()
print(json.dumps([sent, said]))
"""


def start(machines: Machines, *, window: float, number: int = 3) -> list[Any]:
    """Processes on as many machines that send as fast as they may."""
    processes = [
        subprocess.Popen(
            [
                *(sys.executable, "-c", CHILD, machines.url, machines.user),
                *(str(machines.folder / f"machine-{each}"), str(window)),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for each in range(number)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    return processes


def finish(processes: list[subprocess.Popen[str]]) -> tuple[list[list[float]], list[list[str]]]:
    """The slots that each process took, and its lines."""
    results = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        results.append(json.loads(output))
    return [sent for sent, _ in results], [said for _, said in results]


def find_fullest(sent: list[list[float]], window: float) -> int:
    """The most requests in any window, wherever it begins."""
    times = sorted(moment for each in sent for moment in each)
    return max(sum(1 for moment in times if begin <= moment < begin + window) for begin in times)


def test_processes_share_equally_and_keep_to_the_limit(machines: Machines) -> None:
    learn(machines.pacer(), 20)
    processes = start(machines, window=4.0)  # 5 requests a second, also on a busy machine
    time.sleep(12)
    sent, said = finish(processes)
    assert said == [[], [], []]
    assert find_fullest(sent, 4.0) <= 20
    times = sorted(moment for each in sent for moment in each)
    assert len(times) > 0.8 * (times[-1] - times[0]) * 20 / 4
    settled = min(map(min, sent)) + 1.0  # who was first had the burst
    shares = [sum(1 for moment in each if moment > settled) for each in sent]
    assert max(shares) <= 1.2 * min(shares) + 2


def test_a_database_that_is_killed_and_comes_back_in_time(machines: Machines, database: postgres.Database) -> None:
    """Nothing is said; the limit holds over the break."""
    learn(machines.pacer(), 100)
    processes = start(machines, window=2.0, number=2)
    time.sleep(1)
    database.kill()
    time.sleep(0.5)
    database.start()
    [[back]] = database.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
    assert isinstance(back, float)
    time.sleep(3)
    sent, said = finish(processes)
    assert said == [[], []]
    assert find_fullest(sent, 2.0) <= 100
    assert all(max(each) > back for each in sent), "both went on"


LOST = (
    "request limit: PLUGCHOICE_QUOTA_URL: the database cannot be used (",
    "); this run waits 1 s; if the database is not back then, this machine sends at most {share} requests a minute"
    "{advice}",
)


@pytest.mark.parametrize("share", [None, 20])
def test_a_lost_database_is_left_for_a_share_after_a_window(
    machines: Machines,
    database: postgres.Database,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    share: int | None,
) -> None:
    """One line; nothing for a window; then the machine's file, also when the database is back."""
    monkeypatch.setattr(pacer_module, "PATIENCE", 0.3)
    sleep = Sleep()
    pacer, other = machines.pacer(share, window=1.0, sleep=sleep), machines.pacer(share, window=1.0)
    learn(pacer, 300)
    learn(other, 300)
    pacer.take()
    other.take()
    machines.url = database.url()
    database.kill()
    try:
        with ThreadPoolExecutor(4) as pool:
            waited = list(pool.map(lambda _: pacer.take(), range(4)))
        assert all(wait >= 1.3 for wait in waited)
        assert max(sleep.times) <= 1
    finally:
        database.start()
    [line] = machines.said
    advice = "" if share else "; to set another share use PLUGCHOICE_REQUESTS_PER_MINUTE"
    assert line.startswith(LOST[0])
    assert line.endswith(LOST[1].format(share=share or 30, advice=advice))
    assert "\n" not in line
    assert isinstance(pacer._store, FileStore)
    assert pacer._store._path.parent == tmp_path / "one"
    begin = time.monotonic()
    for _ in range((share or 30) - 1):
        pacer.take()
    assert time.monotonic() - begin > 0.5, "after the burst, a window's share takes a window"
    other.take()
    assert isinstance(other._store, PostgresStore), "a program that did not notice goes on with the database"


def test_a_database_that_is_back_after_the_window_is_used_again(
    machines: Machines, database: postgres.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line. Nothing was sent meanwhile, so the database counts all requests."""
    monkeypatch.setattr(pacer_module, "PATIENCE", 0.0)
    slept = [0.0]

    def sleep(seconds: float) -> None:
        slept[0] += seconds
        if seconds > 30:
            database.start()

    pacer = machines.pacer(clock=lambda: time.monotonic() + slept[0], sleep=sleep)
    pacer.take()
    database.kill()
    assert pacer.take() >= 60
    assert pacer._store is pacer._database
    assert database.execute(f"SELECT head FROM {BOOK} WHERE client = '{machines.user}'") == [(2,)]  # noqa: S608 - names of ours
    assert len(machines.said) == 1 + 1, "and the wait"
    database.kill()
    assert pacer.take() >= 60
    assert isinstance(pacer._store, FileStore), "only once"


def test_a_429_after_the_loss_keeps_to_the_machine(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database, back after the window, would not know of it."""
    monkeypatch.setattr(pacer_module, "PATIENCE", 0.0)
    url = machines.url
    machines.url = "postgresql:///?host=/nowhere"
    pacer = machines.pacer(window=0.5)
    pacer.note_answer({}, 429, 0.1)
    assert isinstance(pacer._database, PostgresStore)
    pacer._database._url = url
    pacer.take()
    assert isinstance(pacer._store, FileStore)


def test_a_429_after_the_loss_holds_the_machine(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacer_module, "PATIENCE", 0.0)
    machines.url = "postgresql:///?host=/nowhere"
    pacer, neighbour = machines.pacer(window=0.5), machines.pacer(window=0.5)
    pacer.note_answer({}, 429, 1.0)
    begin = time.monotonic()
    neighbour.take()
    assert time.monotonic() - begin >= 0.99
    assert len(machines.said) == 2, "one of each program"


def test_the_hold_of_a_429_reaches_all_machines_also_those_that_wait(machines: Machines) -> None:
    one, other = machines.pacer(machine="one", window=2.0), machines.pacer(machine="other", window=2.0)
    learn(one, 10)
    learn(other, 10)
    one.take()
    waited: list[float] = []
    thread = threading.Thread(target=lambda: waited.append(other.take()))
    one.note_answer({}, 429, 0.5)
    thread.start()
    time.sleep(0.2)
    one.note_answer({}, 429, 1.0)
    thread.join()
    assert waited[0] > 1.1


def test_a_wait_beyond_the_deadline_is_refused_at_once(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the database, while it cannot be reached, and in the window after it is lost."""
    pacer = machines.pacer()
    pacer.note_answer({}, 429, 30.0)
    with pytest.raises(NoSlotInTime, match="can be sent in 30 s, after the deadline: the limit of 500 requests"):
        pacer.take(5.0)
    machines.url = "postgresql:///?host=/nowhere"
    sleep = Sleep()
    lost = machines.pacer(sleep=sleep)
    with pytest.raises(
        NoSlotInTime, match=r"the deadline: the database of PLUGCHOICE_QUOTA_URL cannot be used \(.+\); try"
    ):
        lost.take(1.0)
    assert sum(sleep.times) <= 1
    monkeypatch.setattr(pacer_module, "PATIENCE", 0.0)
    with pytest.raises(
        NoSlotInTime, match="can be sent in 60 s, after the deadline: the database of PLUGCHOICE_QUOTA_URL is"
    ):
        lost.take(1.0)


def test_a_server_that_hangs_is_left_too(
    machines: Machines, database: postgres.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own time limits do not run while it is stopped."""
    monkeypatch.setattr(postgres_store, "ANSWER_SECONDS", -0.7)  # and one more
    monkeypatch.setattr(pacer_module, "PATIENCE", 0.1)
    pacer = machines.pacer(window=0.2)
    pacer.take()
    [[backend]] = database.execute(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'plugchoice' ORDER BY backend_start DESC LIMIT 1"
    )
    assert isinstance(backend, int)
    os.kill(backend, signal.SIGSTOP)
    try:
        with pytest.raises(StoreError, match=r"no answer for 0\.3 s"):
            pacer._store.hold()
    finally:
        os.kill(backend, signal.SIGCONT)


def test_a_program_frozen_in_a_transaction_stops_nobody_for_long(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database takes the lock from it; thawed, it takes another slot."""
    monkeypatch.setattr(postgres_store, "_BOUND_VALUES", ("5s", "2s", "500ms"))
    frozen, other = machines.pacer(), machines.pacer()

    ended: list[str] = []
    is_locked, taken = threading.Event(), threading.Event()

    def freeze() -> None:
        try:
            with frozen._store.transaction() as (book, log):
                log.add(book.head + 1, 1.0)
                book.head += 1
                is_locked.set()
                taken.wait(60)
        except StoreError as error:
            ended.append(str(error))

    thread = threading.Thread(target=freeze)
    thread.start()
    assert is_locked.wait(60)
    other.take()
    taken.set()
    thread.join()
    assert machines.said == []
    (reason,) = ended
    assert reason.endswith("terminating connection due to idle-in-transaction timeout")  # psycopg 3.2 says more before
    turn = frozen._reserve(frozen._place, math.inf)
    assert turn.slot.number == 2, "what the frozen one had begun is undone"


def test_programs_that_start_at_once_make_the_tables_once(
    database: postgres.Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of them meets an error."""
    monkeypatch.setattr(pacer_module, "PATIENCE", 0.0)
    url = database.create()

    def take(user: int) -> float:
        pacer = Pacer(f"{user}", folder=tmp_path, database=PostgresStore(url, f"{user % 2}"), say=pytest.fail)
        try:
            return pacer.take()
        finally:
            pacer.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(take, range(8)))
    name = url.partition("?")[0].rpartition("/")[2]
    assert sorted(database.execute(f"SELECT client, head FROM {BOOK}", name)) == [("0", 4), ("1", 4)]  # noqa: S608 - names of ours


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("postgresql://postgres:geheim@127.0.0.1:9/x", "Connection refused"),
        ("postgresql://postgres:geheim@/nowhere?host={folder}", 'database "nowhere" does not exist'),
        ("postgresql://stranger:geheim@/postgres?host={folder}", 'role "stranger" does not exist'),
        ("postgresql://postgres:geheim@/postgres?host={folder}&no_such=1", "no_such"),
        ("postgresql://reader:geheim@/postgres?host={folder}", f"permission denied for table {BOOK}"),
        ("postgresql://postgres:geheim@h st/", ""),
    ],
)
def test_a_database_that_cannot_be_used_is_told_in_one_line(
    machines: Machines, database: postgres.Database, monkeypatch: pytest.MonkeyPatch, url: str, reason: str
) -> None:
    """With the reason, and without the password."""
    monkeypatch.setattr(pacer_module, "PATIENCE", 0.0)
    machines.pacer().take()  # makes the tables
    if "reader" in url:
        database.execute("DROP ROLE IF EXISTS reader")
        database.execute("CREATE ROLE reader LOGIN")
    machines.url = url.format(folder=database.socket_folder)
    machines.pacer(window=0.1).take()
    [line] = machines.said
    assert line.startswith("request limit: PLUGCHOICE_QUOTA_URL: the database cannot be used (")
    assert reason in line
    assert "\n" not in line
    assert "geheim" not in line


def test_a_row_or_a_table_that_is_deleted_in_use_is_made_again(machines: Machines, database: postgres.Database) -> None:
    pacer = machines.pacer()
    pacer.take()
    database.execute(f"DELETE FROM {BOOK} WHERE client = '{machines.user}'")  # noqa: S608 - names of ours
    pacer.take()
    database.execute(f"DROP TABLE {BOOK}, {SLOTS}")
    pacer.take()
    assert machines.said == []


@pytest.mark.parametrize("odd", ["'NaN'", "'Infinity'", "-1e300", "1e300"])
def test_a_book_with_odd_numbers_starts_anew(machines: Machines, database: postgres.Database, odd: str) -> None:
    pacer = machines.pacer()
    pacer.take()
    for field in ("last", "hold", "empty", "written"):
        database.execute(f"UPDATE {BOOK} SET {field} = {odd} WHERE client = '{machines.user}'")  # noqa: S608 - names of ours
        pacer.take(60)  # it would be refused at once
    assert machines.said == []


@pytest.fixture
def _told_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that is left would be kept, and be said by whoever waits for it."""
    monkeypatch.setattr(pacer_module, "PATIENCE", 0.0)
    monkeypatch.setattr(postgres_store, "_BOUND_VALUES", ("60s", "10s", "600s"))
    monkeypatch.setattr(postgres_store, "ANSWER_SECONDS", 60)


@pytest.mark.usefixtures("_told_locks")
def test_ctrl_c_in_a_transaction_leaves_no_lock(machines: Machines) -> None:
    pacer, other = machines.pacer(window=0.1), machines.pacer(window=0.1)

    def stop() -> None:
        with pacer._store.transaction():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    other.take()
    pacer.take()
    assert machines.said == []


def test_a_fork_opens_a_connection_of_its_own(machines: Machines) -> None:
    pacer = machines.pacer()
    pacer.take()
    store = pacer._store
    assert isinstance(store, PostgresStore)
    before = store._connection
    store._process = -1  # what a fork looks like from the child
    pacer.take()
    assert store._connection is not before
    assert before is not None
    assert not before.closed
    before.close()


def test_old_slots_are_forgotten(machines: Machines, database: postgres.Database) -> None:
    pacer = machines.pacer(window=0.1)
    for _ in range(150):
        pacer.take()
    [[number]] = database.execute(f"SELECT count(*) FROM {SLOTS} WHERE client = '{machines.user}'")  # noqa: S608 - names of ours
    assert isinstance(number, int)
    assert number < 140


@pytest.mark.usefixtures("_told_locks")
def test_two_users_do_not_wait_for_each_other(machines: Machines) -> None:
    one = machines.pacer()
    machines.user += "-other"
    other = machines.pacer()
    with one._store.transaction():
        other.take()
    one.note_answer({}, 429, 120.0)
    other.take(60)  # it would be refused at once
    assert machines.said == []


def test_a_slot_is_due_by_this_machines_clock_from_the_answer_on(machines: Machines) -> None:
    """The time of the server only says how far away the slot is."""
    pacer = machines.pacer(clock=lambda: 5.0)
    pacer.note_answer({}, 429, 7.0)
    turn = pacer._reserve(pacer._place, math.inf)
    assert isinstance(turn.slot, Slot)
    assert 5 < turn.due <= 12
    assert turn.slot.at == pytest.approx(time.time() + 7, abs=5)


def test_the_client_takes_the_url_from_the_environment(
    emulator: Emulator, database: postgres.Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Two machines, that is, two caches; the emulator counts, and no request is refused."""
    emulator.reset(seed(1))
    emulator.switch(rate_limit_per_minute=60, rate_window_seconds=2.0)
    environment = {
        "PLUGCHOICE_BASE_URL": emulator.base_url,
        "PLUGCHOICE_TOKEN": TOKEN,
        "PLUGCHOICE_QUOTA_URL": database.create(),
    }
    options = Options.load({}, environment)
    assert "postgres" not in repr(options)
    real = pacer_module.Pacer
    monkeypatch.setattr(pacer_module, "Pacer", lambda *args, **more: real(*args, window=2.0, **more))
    clients = []
    for machine in "ab":
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / machine))
        clients.append(api.connect(options, pytest.fail))
    with emulator.recording() as calls, ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda client: [client.user() for _ in range(50)], clients))
    assert [request["status"] for request in calls.requests] == [200] * 100
    assert not (tmp_path / "a").exists(), "the file is not used"


def test_doctor_checks_the_database(database: postgres.Database) -> None:
    """A warning with the reason; nothing is counted."""
    url = database.create()
    name = url.partition("?")[0].rpartition("/")[2]
    options = Options("http://127.0.0.1:9/api", Token("t"), quota_url=url)
    assert check_quota_database(options).status == "ok"
    assert database.execute(f"SELECT head FROM {BOOK}", name) == [(0,)]  # noqa: S608 - names of ours
    check = check_quota_database(replace(options, quota_url=url.replace(name, "nowhere")))
    assert check.status == "warning"
    assert 'cannot be used (connection failed: connection to server on socket "' in check.message
    assert '"nowhere" does not exist); each run would go on with a share of the limit' in check.message
    assert check.remedy == "correct PLUGCHOICE_QUOTA_URL, or the rights of its user in the database"


def test_a_missing_extra_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pulumi_plugchoice.quota.postgres_store")
    monkeypatch.setitem(sys.modules, "psycopg", None)
    options = Options("http://127.0.0.1:9/api", Token("t"), quota_url="postgres://x@y/z")
    with pytest.raises(ConfigError) as error:
        api.connect(options, pytest.fail)
    told = "PLUGCHOICE_QUOTA_URL: psycopg is not installed; run: pip install 'pulumi-plugchoice[postgres]'"
    assert str(error.value) == told
    check = check_quota_database(options)
    assert (f"{check.message}; {check.remedy}", check.status) == (told, "failure")


@pytest.mark.parametrize("url", ["mysql://user:geheim@host/x", "host=/tmp password=geheim", "postgres://", "'x'"])
def test_a_url_of_another_kind_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigError) as error:
        Options.load({}, {"PLUGCHOICE_TOKEN": "t", "PLUGCHOICE_QUOTA_URL": url})
    assert str(error.value).startswith("PLUGCHOICE_QUOTA_URL: ")
    assert "geheim" not in str(error.value)


def test_a_watch_that_cannot_begin_is_a_lost_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.12.1 starts no thread at the end of a process, where a preview asks for the permissions."""

    def refuse(_: object) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    ours, theirs = socket.socketpair()
    store = PostgresStore("postgresql://h/d", "client")
    with ours, theirs, pytest.raises(StoreError, match="cannot start a thread"), store._watch(cast("Any", ours)):
        pytest.fail("nobody would end it")
