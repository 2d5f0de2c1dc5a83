"""The pacer with a real file, real threads and real processes, and with a file that fails in every way."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pulumi_plugchoice.quota import file_store as pacer_store
from pulumi_plugchoice.quota import pacer as pacer_module
from pulumi_plugchoice.quota.file_store import FileStore, MemoryStore, StoreError
from pulumi_plugchoice.quota.pacer import NoSlotInTime, Pacer
from pulumi_plugchoice.quota.policy import compute_usable
from support.fakes import SleepingClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "http://127.0.0.1:1/api plc_secret-token"
POSIX = sys.platform != "win32"


class Kit:
    """Makes pacers on one folder and one clock, and keeps the lines that they print."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = SleepingClock(1000.0)
        self.said: list[str] = []
        self.made: list[Pacer] = []

    def pacer(self, limit: int | None = None, **options: Any) -> Pacer:
        given: dict[str, Any] = {"folder": self.folder, "clock": self.clock, "sleep": self.clock.sleep, **options}
        self.made.append(Pacer(KEY, limit, say=self.said.append, **given))
        return self.made[-1]

    @property
    def file(self) -> Path:
        [path] = self.folder.glob("*.sqlite")
        return path


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[Kit]:
    kit = Kit(tmp_path / "cache")
    yield kit
    for pacer in kit.made:
        pacer.close()


def told(remaining: int, limit: int = 500) -> dict[str, str]:
    return {"X-RateLimit-Limit": str(limit), "X-RateLimit-Remaining": str(remaining)}


def alone(pacer: Pacer) -> bool:
    return isinstance(pacer._store, MemoryStore)


def test_two_pacers_on_one_file_share_one_limit(kit: Kit) -> None:
    one, other = kit.pacer(), kit.pacer()
    for pacer in (one, other) * 245:
        pacer.take()
    assert kit.clock.now < 1060
    other.take()
    assert kit.clock.now == pytest.approx(1061.5)
    assert kit.said == ["request limit: used up for this minute by this user's programs; waiting 6 s"]


def test_another_user_or_server_has_a_limit_of_its_own(kit: Kit) -> None:
    for _ in range(60):
        kit.pacer().take()
    stranger = Pacer("another", folder=kit.folder, say=kit.said.append, clock=kit.clock, sleep=kit.clock.sleep)
    kit.made.append(stranger)
    assert [stranger.take() for _ in range(45)] == [0.0] * 45


def test_the_file_is_private_and_contains_no_secret(kit: Kit) -> None:
    kit.pacer().take()
    for path in kit.folder.iterdir():
        assert "token" not in path.name
        assert b"plc_secret" not in path.read_bytes()
        assert not POSIX or stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not POSIX or stat.S_IMODE(kit.folder.stat().st_mode) == 0o700


@pytest.mark.skipif(not POSIX, reason="file modes")
def test_file_modes_that_are_too_open_are_corrected(kit: Kit) -> None:
    kit.pacer().take()
    kit.folder.chmod(0o755)
    kit.file.chmod(0o644)
    kit.pacer().take()
    assert stat.S_IMODE(kit.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(kit.file.stat().st_mode) == 0o600


def test_a_429_holds_everyone_for_retry_after(kit: Kit) -> None:
    one, other = kit.pacer(), kit.pacer()
    one.take()
    one.note_answer({"Retry-After": "17"}, 429, 17.0)
    assert other.take() == pytest.approx(17)


def test_a_429_without_retry_after_holds_for_a_minute(kit: Kit) -> None:
    one, other = kit.pacer(), kit.pacer()
    one.take()
    one.note_answer({}, 429)
    assert other.take() == pytest.approx(60)


def test_a_long_wait_is_announced_when_it_begins(kit: Kit) -> None:
    """Why, and how long; waits that end together are told once, and short ones not at all."""
    pacer = kit.pacer()
    pacer.take()
    pacer.note_answer({}, 429, 4.0)
    pacer.take()
    assert kit.said == []
    pacer.note_answer({}, 429, 40.0)
    begin = kit.clock.now
    pacer.take()
    assert kit.clock.now == begin + 40
    assert kit.said == ["request limit: Plugchoice asked this user's programs to wait (429); waiting 40 s"]


def test_a_hold_delays_those_who_wait_already(kit: Kit) -> None:
    one, other = kit.pacer(), kit.pacer()
    for _ in range(49):
        one.take()

    def sleep(seconds: float) -> None:
        if not kit.clock.slept:
            one.note_answer({}, 429, 20.0)
        kit.clock.sleep(seconds)

    assert kit.pacer(sleep=sleep).take() == pytest.approx(20)
    assert other.take() > 0


def test_a_wait_past_the_deadline_is_refused_at_once(kit: Kit) -> None:
    pacer = kit.pacer()
    pacer.take()
    pacer.note_answer({}, 429, 48.0)
    with pytest.raises(
        NoSlotInTime,
        match=r"^request limit: the next request can be sent in 48 s, after the deadline: the limit of 500 requests",
    ):
        pacer.take(10.0)
    assert kit.clock.slept == []
    assert pacer.take(50.0) == pytest.approx(48)


def test_a_hold_while_waiting_does_not_lead_past_the_deadline(kit: Kit) -> None:
    pacer = kit.pacer()
    for _ in range(49):
        pacer.take()

    def sleep(seconds: float) -> None:
        pacer.note_answer({}, 429, 30.0)
        kit.clock.sleep(seconds)

    with pytest.raises(NoSlotInTime):
        kit.pacer(sleep=sleep).take(5.0)
    assert kit.clock.now < 1005


def test_the_share_of_several_hosts_wins_over_the_server(kit: Kit) -> None:
    pacer = kit.pacer(limit=100)
    pacer.take()
    pacer.note_answer(told(499), 200)
    for _ in range(98):
        pacer.take()
    assert kit.clock.now >= 1061.5 - 1e-6
    with pytest.raises(NoSlotInTime, match="the limit of 100 requests a minute is used up"):
        pacer.take(0.5)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        told(0, 0),
        {"X-RateLimit-Limit": "9" * 5000, "X-RateLimit-Remaining": "1"},
        {"X-RateLimit-Limit": "1e9", "X-RateLimit-Remaining": "-1"},
        {"X-RateLimit-Limit": "1000001"},
        {"X-RateLimit-Limit": "\u00b2", "X-RateLimit-Remaining": "\u00b2"},
        {"X-RateLimit-Limit": "\u0661", "X-RateLimit-Remaining": "\u0661"},
    ],
)
def test_invalid_headers_are_ignored(kit: Kit, headers: dict[str, str]) -> None:
    pacer = kit.pacer()
    pacer.take()
    pacer.note_answer(headers, 200)
    pacer.note_answer(headers, 503, 5.0)
    assert pacer.take() == 0
    with pacer._store.transaction() as (book, _):
        assert book.limit == 500


def test_a_new_limit_of_the_server_is_shared(kit: Kit) -> None:
    """An answer with the known limit writes nothing."""
    one, other = kit.pacer(), kit.pacer()
    one.take()
    one.note_answer(told(59, 60), 200)
    for _ in range(57):
        other.take()
    with pytest.raises(NoSlotInTime, match="the limit of 60 requests a minute is used up"):
        other.take(0.1)
    # The file changes, and the answer with the number that this process knows does not write.
    with one._store.transaction() as (book, _):
        book.limit = 70
    one.note_answer(told(59, 60), 200)
    with one._store.transaction() as (book, _):
        assert book.limit == 70


def test_an_answer_without_a_slot_is_harmless(kit: Kit) -> None:
    kit.pacer().note_answer(told(10), 200)
    assert kit.pacer().take() == 0


# Real threads and processes


def test_threads_get_different_slots_in_order(tmp_path: Path) -> None:
    pacer = Pacer(KEY, folder=tmp_path, say=pytest.fail)
    with ThreadPoolExecutor(16) as pool:
        slots = list(pool.map(lambda _: pacer._reserve(pacer._place, math.inf).slot, range(480)))
    pacer.close()
    assert sorted(slot.number for slot in slots) == list(range(1, 481))


CHILD = """
import sys
from pathlib import Path
from pulumi_plugchoice.quota.pacer import Pacer

pacer = Pacer(sys.argv[1], folder=Path(sys.argv[2]), say=lambda line: sys.exit(line), window=float(sys.argv[3]))
sys.stdin.readline()
"""


def child(folder: Path, what: str, window: float = 60.0) -> subprocess.Popen[str]:
    """A process with a pacer that starts on a signal."""
    arguments = [sys.executable, "-c", CHILD + what, KEY, str(folder), str(window)]
    return subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def start(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


@pytest.mark.slow
def test_processes_together_keep_to_the_limit_in_every_minute(tmp_path: Path) -> None:
    work = "for _ in range(250):\n    print(*pacer._reserve(pacer._place, 600.0).slot)\n"
    processes = [child(tmp_path, work) for _ in range(4)]
    for process in processes:
        start(process)
    outputs = [process.communicate()[0] for process in processes]
    assert all(process.returncode == 0 for process in processes)
    rows = sorted((int(number), float(at)) for text in outputs for number, at in map(str.split, text.splitlines()))
    assert [number for number, _ in rows] == list(range(1, 1001))
    times = [at for _, at in rows]
    assert times == sorted(times)
    most = compute_usable(500)
    assert all(late - early >= 61.5 - 1e-6 for early, late in zip(times, times[most:], strict=False))


def test_processes_take_turns(tmp_path: Path) -> None:
    """A burst of 49, then 71 slots 4 ms apart: every process gets all it asks for, none is given twice."""
    work = (
        "reserve = pacer._reserve\n"
        "pacer._reserve = lambda place, longest, _: [turn := reserve(place, longest), print(turn.slot.number)][0]\n"
        "for _ in range(40):\n    pacer.take()\n"
    )
    processes = [child(tmp_path, work, window=2.0) for _ in range(3)]
    for process in processes:
        start(process)
    outputs = [process.communicate()[0] for process in processes]
    assert Counter(len(text.split()) for text in outputs) == {40: 3}
    assert sorted(int(number) for text in outputs for number in text.split()) == list(range(1, 121))


@pytest.mark.skipif(not POSIX, reason="SIGKILL")
def test_a_process_killed_while_it_waits_costs_its_slot_only(tmp_path: Path) -> None:
    process = child(tmp_path, "while True:\n    print(pacer.take(), flush=True)\n")
    start(process)
    assert process.stdout is not None
    for _ in range(20):
        process.stdout.readline()
    process.kill()
    process.communicate()
    said: list[str] = []
    pacer = Pacer(KEY, folder=tmp_path, say=said.append)
    with pacer._store.transaction() as (book, _):
        head = book.head
    assert head >= 20
    assert pacer._reserve(pacer._place, math.inf).slot.number == head + 1
    pacer.close()
    assert said == []


@pytest.mark.skipif(not POSIX, reason="SIGKILL")
def test_a_process_killed_in_a_transaction_leaves_the_book_as_it_was(tmp_path: Path) -> None:
    work = (
        "import os, signal\npacer.take()\n"
        "with pacer._store.transaction() as (book, log):\n"
        "    book.head = 77\n    log.add(77, 0.0)\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    process = child(tmp_path, work)
    start(process)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    said: list[str] = []
    pacer = Pacer(KEY, folder=tmp_path, say=said.append)
    assert pacer._reserve(pacer._place, math.inf).slot.number == 2
    pacer.close()
    assert said == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork")
def test_a_forked_process_opens_the_file_for_itself(kit: Kit) -> None:
    pacer = kit.pacer()
    pacer.take()
    assert isinstance(pacer._store, FileStore)
    before = pacer._store._connection
    pacer._store._process = -1  # what a fork looks like from the child
    pacer.take()
    assert pacer._store._connection is not before
    assert before in pacer_store._inherited_connections
    assert kit.said == []


# Files that fail


def assert_alone_with_one_notice(kit: Kit, pacer: Pacer, reason: str) -> None:
    assert pacer.take() == 0
    assert [pacer.take() for _ in range(10)] == [0.0] * 10
    pacer.note_answer({}, 429, 5.0)
    assert pacer.take() == pytest.approx(5)
    assert alone(pacer)
    [line] = kit.said
    assert line.startswith("request limit: not shared with other runs on this machine (")
    assert reason in line
    assert "\n" not in line


def test_a_locked_file(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacer_store, "PATIENCE", 0.05)
    kit.pacer().take()
    holder = sqlite3.connect(kit.file, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        assert_alone_with_one_notice(kit, kit.pacer(), "database is locked")
    finally:
        holder.close()


def test_it_waits_for_a_short_lock(kit: Kit) -> None:
    pacer = kit.pacer()
    pacer.take()
    holder = sqlite3.connect(kit.file, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.1, holder.close)
    release.start()
    pacer.take()
    release.join()
    assert not alone(pacer)
    assert kit.said == []


@pytest.mark.parametrize("content", [b"not a database" * 500, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_corrupt_file_is_removed_and_the_next_run_shares_again(kit: Kit, content: bytes) -> None:
    first = kit.pacer()
    first.take()
    first.close()
    for path in kit.folder.iterdir():
        if path != kit.file:
            path.unlink()
    kit.file.write_bytes(content)
    assert_alone_with_one_notice(kit, kit.pacer(), "removed, and the next run makes a new one")
    following = kit.pacer()
    following.take()
    assert not alone(following)
    assert len(kit.said) == 1


def test_a_file_damaged_in_use(kit: Kit) -> None:
    pacer = kit.pacer()
    pacer.take()
    spoiler = sqlite3.connect(kit.file, isolation_level=None)
    spoiler.execute("DELETE FROM book")
    spoiler.close()
    assert_alone_with_one_notice(kit, pacer, "TypeError")


def test_a_book_with_invalid_values_is_replaced(kit: Kit) -> None:
    pacer = kit.pacer()
    pacer.take()
    spoiler = sqlite3.connect(kit.file, isolation_level=None)
    spoiler.execute("UPDATE book SET head = 'many', hold = 1e300, \"empty\" = x'00'")
    spoiler.close()
    assert pacer.take() == 0
    assert not alone(pacer)
    assert kit.said == []


def test_a_schema_of_another_version(kit: Kit) -> None:
    first = kit.pacer()
    first.take()
    first.close()
    other = sqlite3.connect(kit.file, isolation_level=None)
    other.execute("PRAGMA user_version = 99")
    other.close()
    assert_alone_with_one_notice(kit, kit.pacer(), "its schema is version 99, not 2")
    assert kit.file.exists()


def test_a_folder_that_cannot_be_made(kit: Kit) -> None:
    kit.folder.write_text("a file")
    assert_alone_with_one_notice(kit, kit.pacer(folder=kit.folder / "below"), "Not a directory")


def test_a_file_that_cannot_be_made(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    assert_alone_with_one_notice(kit, kit.pacer(), "Permission denied")


def test_a_read_only_file(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    # Not by its mode: that is put right when it is ours, and root writes all the same.
    kit.pacer().take()
    connect: Callable[..., sqlite3.Connection] = sqlite3.connect

    def read_only(path: Path, **options: Any) -> sqlite3.Connection:
        return connect(f"{path.as_uri()}?mode=ro", uri=True, **options)

    monkeypatch.setattr(sqlite3, "connect", read_only)
    assert_alone_with_one_notice(kit, kit.pacer(), "readonly")


def test_a_full_disk(kit: Kit) -> None:
    pacer = kit.pacer()
    pacer.take()
    assert isinstance(pacer._store, FileStore)
    assert pacer._store._connection is not None
    pages = pacer._store._connection.execute("PRAGMA page_count").fetchone()[0]
    pacer._store._connection.execute(f"PRAGMA max_page_count = {pages}")
    with contextlib.suppress(NoSlotInTime):
        for _ in range(2000):
            pacer.take()
    assert alone(pacer)
    assert [line for line in kit.said if "waiting" not in line] == kit.said[:1]
    assert "full" in kit.said[0]


@pytest.mark.skipif(not POSIX, reason="owners")
@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_folder_or_file_of_another_user_is_not_used(kit: Kit, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    kit.pacer().take()
    if what == "file":
        secret = kit.folder.parent / "target"
        secret.write_text("")
        name = kit.file
        for pacer in kit.made:
            pacer.close()
        name.unlink()
        name.symlink_to(secret)
        reason = "is not a regular file"
    else:
        monkeypatch.setattr(os, "getuid", lambda: -1)
        reason = "belongs to another user"
    assert_alone_with_one_notice(kit, kit.pacer(), reason)


def test_a_file_deleted_in_use_is_made_and_shared_again(kit: Kit) -> None:
    one, other = kit.pacer(), kit.pacer()
    one.take()
    other.take()
    for path in kit.folder.iterdir():
        path.unlink()
    kit.folder.rmdir()
    one.take()
    other.take()
    assert not alone(one)
    assert not alone(other)
    assert one._reserve(one._place, math.inf).slot.number == 3
    one.note_answer(told(10), 200)
    assert kit.said == []


def test_without_a_home_folder_the_limit_is_not_shared(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacer_module, "find_cache_folder", lambda: Path("~/.cache/pulumi-plugchoice"))
    assert_alone_with_one_notice(kit, kit.pacer(folder=None), "no home folder")


def test_the_default_folder_is_the_usersfind_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert pacer_module.find_cache_folder().name == "pulumi-plugchoice" or not sys.platform.startswith("linux")


def test_threads_report_a_failing_file_once(kit: Kit) -> None:
    kit.folder.write_text("a file")
    pacer = kit.pacer(folder=kit.folder / "below")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: pacer.take(), range(16)))
    assert len(kit.said) == 1


def test_one_request_a_minute_is_written_in_the_singular(kit: Kit) -> None:
    """A share that small is allowed."""
    pacer = kit.pacer(1)
    pacer.take()
    with pytest.raises(NoSlotInTime, match="the limit of 1 request a minute is used up, or Plugchoice asked to wait; "):
        pacer.take(1.0)


class Database(MemoryStore):
    """A database with a clock of its own, which is lost for one try."""

    now: Any = 1_700_000_000.0

    def __init__(self) -> None:
        super().__init__()
        self.is_lost = False
        self.on_transaction: Callable[[], object] = lambda: None

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Any]:
        if self.is_lost:
            self.is_lost = False
            raise StoreError("connection refused")
        self.on_transaction()
        with super().transaction() as found:
            yield found


def test_a_book_is_kept_by_the_clock_of_its_own_place(kit: Kit) -> None:
    """A thread has chosen the database when another one leaves it: the book that all machines share keeps its times.

    The slot that it has got there is given up: this process sends nothing for a window.
    """
    database = Database()

    def left_meanwhile(error: str = "") -> Pacer:
        """A pacer whose next transaction begins as another thread leaves the database, and may fail itself."""
        pacer = kit.pacer(database=database)

        def leave() -> None:
            database.on_transaction = lambda: None
            pacer._failing_since = kit.clock.now - 11
            pacer._lose(database, StoreError("no answer"), 1.0)
            if error:
                raise StoreError(error)

        database.on_transaction = leave
        return pacer

    with pytest.raises(NoSlotInTime):
        left_meanwhile().take(1.0)
    assert database._book.written == database.now
    assert "this run waits 60 s" in kit.said[0]

    # Nor does that thread's own failure, which comes later, make the process leave the file.
    failing = left_meanwhile("connection reset")
    with pytest.raises(NoSlotInTime):
        failing.take(1.0)
    assert isinstance(failing._store, FileStore)

    # A refusal that is noted at that moment is noted where this process goes on, too.
    refused = left_meanwhile()
    refused.note_answer({}, 429, 30.0)
    assert isinstance(refused._store, FileStore)
    assert refused._store.hold() >= kit.clock.now + 30
    assert database.hold() >= database.now + 30


def test_a_slot_of_another_thread_is_no_error_while_the_database_fails(kit: Kit) -> None:
    """The time since which it fails is taken away between two looks at it."""

    class Forgetful(Pacer):
        @property
        def _failing_since(self) -> float | None:
            return moments.pop(0) if moments else None

        @_failing_since.setter
        def _failing_since(self, value: float | None) -> None:
            noted.append(value)

    moments: list[float] = []
    noted: list[float | None] = []
    database = Database()
    pacer = Forgetful(
        KEY, folder=kit.folder, database=database, say=kit.said.append, clock=kit.clock, sleep=kit.clock.sleep
    )
    kit.made.append(pacer)
    moments.append(kit.clock.now - 5)
    database.is_lost = True
    pacer.take()
    assert noted[-2:] == [kit.clock.now - 5 - (kit.clock.now - 1000), None]
    assert kit.said == []


@pytest.mark.parametrize("statement", ["BEGIN IMMEDIATE", "in the block"])
def test_ctrl_c_leaves_no_open_transaction(kit: Kit, monkeypatch: pytest.MonkeyPatch, statement: str) -> None:
    """It would lock out all programs of this user until this process ends."""
    pacer, other = kit.pacer(), kit.pacer()
    pacer.take()
    execute = pacer_store._execute_patiently

    def interrupted(connection: sqlite3.Connection, text: str) -> sqlite3.Cursor:
        result = execute(connection, text)
        if text == statement:
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(pacer_store, "_execute_patiently", interrupted)
    with pytest.raises(KeyboardInterrupt), pacer._store.transaction():
        raise KeyboardInterrupt
    monkeypatch.undo()
    monkeypatch.setattr(pacer_store, "PATIENCE", 0.1)
    other.take()
    assert not alone(other)
    assert kit.said == []


def test_a_file_whose_lock_is_held_is_left_open(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """By this thread itself, after a Ctrl-C between the lock and the block: it would wait for ever.

    Or by a thread that is using it: a connection that is closed meanwhile is no reason to remove the file of all.
    """
    pacer, other = kit.pacer(), kit.pacer()
    pacer.take()
    other.take()
    monkeypatch.setattr(pacer_store, "PATIENCE", 0.1)
    assert isinstance(pacer._store, FileStore)
    with pacer._store._lock:
        pacer.close()
    assert pacer._store._connection is not None
    pacer.take()
    assert not alone(pacer)

    pacer._store._connection.close()
    pacer.take()
    assert alone(pacer)
    assert "closed database" in kit.said[0]
    assert other._reserve(other._place, math.inf).slot.number == 4
