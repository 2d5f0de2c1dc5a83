"""Ours against the public limiters that processes can share: 8 processes of one user, as fast as they are let.

    pip install --group bench        # pyrate-limiter and requests-ratelimiter; a row says so when they are missing
    python bench/pacer.py            # one row each, about 30 s a row
    python bench/pacer.py --windows 2 --window 3

The server is a process on loopback that counts in fixed windows as Laravel does: 500 a window, the window
beginning with the first request in it, a refused request not counted. Time is scaled: a window is 6 s instead of 60.
Travel times are not scaled with it, so guards of time are ten times as tight as in life.

All of them are told to use at most 490 in 1.025 windows, as ours does, so that guards are equal; "by the book" is what
their documentation shows, 500 a window. After a 429 every client waits for Retry-After.
"""

from __future__ import annotations

import argparse
import http.client
import math
import multiprocessing as mp
import statistics
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pulumi_plugchoice.quota.pacer import Pacer

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = 500
GUARDED = 490
SPAN = 1.025


class Plan(NamedTuple):
    """What a client process needs to know."""

    port: int
    folder: Path
    window: float
    seconds: float
    ready: Any  # a barrier: processes take longer or shorter to start


class Score(NamedTuple):
    """What a client process got. Times in s."""

    served: int
    refused: int
    waits: list[float]
    costs: list[float]


def serve(window: float, ports: Any) -> None:
    """Run the server; it tells its port."""
    lock = threading.Lock()
    state = {"since": -math.inf, "count": 0}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            with lock:
                now = time.monotonic()
                if now - state["since"] >= window:
                    state["since"], state["count"] = now, 0
                let = state["count"] < LIMIT
                state["count"] += let
                remaining, until = LIMIT - int(state["count"]), state["since"] + window - now
            self.send_response(200 if let else 429)
            self.send_header("X-RateLimit-Limit", str(LIMIT))
            self.send_header("X-RateLimit-Remaining", str(remaining))
            if not let:
                self.send_header("Retry-After", f"{until:.3f}")  # whole s in life; scaled here
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 64

    server = Server(("127.0.0.1", 0), Handler)
    ports.put(server.server_address[1])
    server.serve_forever()


def send(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
    connection.request("GET", "/")
    response = connection.getresponse()
    response.read()
    return response


def drive(plan: Plan, take: Callable[[], object], answered: Callable[[http.client.HTTPResponse], None]) -> Score:
    """Send until the end, taking leave before each request; a cost is a take that did not wait, with its answer."""
    connection = http.client.HTTPConnection("127.0.0.1", plan.port)
    served = refused = 0
    waits, costs = [], []
    plan.ready.wait()
    end = time.monotonic() + plan.seconds
    while True:
        before = time.perf_counter()
        take()
        taken = time.perf_counter() - before
        if time.monotonic() >= end:
            break
        waits.append(taken)
        response = send(connection)
        before = time.perf_counter()
        answered(response)
        if taken < 0.004:  # shorter than any sleep of theirs or ours at this rate
            costs.append(taken + time.perf_counter() - before)
        served += response.status == 200
        refused += response.status == 429
        if response.status == 429:
            time.sleep(float(response.headers["Retry-After"]))
    connection.close()
    return Score(served, refused, waits, costs)


def ours(plan: Plan) -> Score:
    pacer = Pacer("bench", folder=plan.folder, say=print, window=plan.window)
    pacer.note_answer({}, 429, 0.0)  # opens the file, as the others have by now

    def answered(response: http.client.HTTPResponse) -> None:
        after = response.headers["Retry-After"]
        pacer.note_answer(dict(response.headers), response.status, float(after) if after else None)

    return drive(plan, pacer.take, answered)


def none(plan: Plan) -> Score:
    return drive(plan, lambda: None, lambda _: None)


def bucket(plan: Plan, *rates: tuple[int, float]) -> Any:
    """pyrate-limiter's bucket for processes: sqlite with a file lock. Rates are (requests, s)."""
    from pyrate_limiter import Rate, SQLiteBucket

    return SQLiteBucket.init_from_file(
        [Rate(limit, round(seconds * 1000)) for limit, seconds in rates],
        db_path=str(plan.folder / "pyrate.sqlite"),
        use_file_lock=True,
    )


def pyrate(plan: Plan, *rates: tuple[int, float]) -> Score:
    from pyrate_limiter import Limiter

    with Limiter(bucket(plan, *rates)) as limiter:
        return drive(plan, lambda: limiter.try_acquire("user"), lambda _: None)


def pyrate_by_the_book(plan: Plan) -> Score:
    return pyrate(plan, (LIMIT, plan.window))


def pyrate_guarded(plan: Plan) -> Score:
    return pyrate(plan, (GUARDED, SPAN * plan.window))


def pyrate_smooth(plan: Plan) -> Score:
    """With a second rate that spreads the window: 49 in a tenth of it."""
    return pyrate(plan, (GUARDED // 10, SPAN * plan.window / 10), (GUARDED, SPAN * plan.window))


def requests_ratelimiter(plan: Plan) -> Score:
    """As its documentation has it for processes, with the guarded rate; `requests` is in its costs, not in ours."""
    from pyrate_limiter import Limiter, Rate, SQLiteBucket
    from requests_ratelimiter import LimiterSession
    from requests_ratelimiter.buckets import HostBucketFactory

    factory = HostBucketFactory(
        [Rate(GUARDED, round(SPAN * plan.window * 1000))],
        SQLiteBucket,
        {"path": plan.folder / "requests.sqlite", "use_file_lock": True},
    )
    session = LimiterSession(limiter=Limiter(factory, buffer_ms=50))
    session.trust_env = False
    served = refused = 0
    waits = []
    url = f"http://127.0.0.1:{plan.port}/"
    plan.ready.wait()
    end = time.monotonic() + plan.seconds
    while True:
        before = time.perf_counter()
        response = session.get(url, timeout=60)
        if time.monotonic() >= end:
            break
        waits.append(time.perf_counter() - before)
        served += response.status_code == 200
        refused += response.status_code == 429
        if response.status_code == 429:
            time.sleep(float(response.headers["Retry-After"]))
    return Score(served, refused, waits, [])


def cost_of(take: Callable[[], object], answered: Callable[[], object]) -> str:
    """What 400 calls in a row cost one process alone, none of which waits."""
    costs = []
    for _ in range(400):
        before = time.perf_counter()
        take()
        answered()
        costs.append((time.perf_counter() - before) * 1000)
    costs.sort()
    return f"{statistics.median(costs):.2f} / {costs[int(len(costs) * 0.99)]:.2f} ms"


def costs_alone() -> None:
    """Print the costs of ours, with and without the answer's part, and of pyrate-limiter."""
    told = {"X-RateLimit-Limit": str(LIMIT), "X-RateLimit-Remaining": str(LIMIT - 1)}
    with tempfile.TemporaryDirectory(prefix="plugchoice-bench-") as folder:
        pacer = Pacer("bench", folder=Path(folder), say=print, sleep=lambda _: None)
        print(f"\nOne process alone, median / p99: ours {cost_of(pacer.take, lambda: None)}, ", end="")
        print(f"with its answer {cost_of(pacer.take, lambda: pacer.note_answer(told, 200))}; ", end="")
        pacer.close()
        try:
            from pyrate_limiter import Limiter
        except ImportError:
            print("pyrate-limiter is not installed")
            return
        plan = Plan(0, Path(folder), 60.0, 0.0, None)
        with Limiter(bucket(plan, (LIMIT, plan.window))) as limiter:
            print(f"pyrate-limiter {cost_of(lambda: limiter.try_acquire('user'), lambda: None)}")


CONTESTANTS: dict[str, Callable[[Plan], Score]] = {
    "no pacer, Retry-After obeyed": none,
    "ours": ours,
    "pyrate-limiter, by the book: 500 a window": pyrate_by_the_book,
    "pyrate-limiter, 490 in 1.025 windows": pyrate_guarded,
    "pyrate-limiter, the same and 49 in a tenth of that": pyrate_smooth,
    "requests-ratelimiter, 490 in 1.025 windows": requests_ratelimiter,
}


def work(name: str, plan: Plan, scores: Any) -> None:
    """One client process."""
    try:
        scores.put(CONTESTANTS[name](plan))
    except Exception as error:  # noqa: BLE001 - it is the result
        scores.put(f"{type(error).__name__}: {error}")


def row(name: str, processes: int, window: float, windows: float) -> str:
    """Run one contestant; a row of the table."""
    context = mp.get_context("spawn")
    ports, scores = context.Queue(), context.Queue()
    server = context.Process(target=serve, args=(window, ports), daemon=True)
    server.start()
    with tempfile.TemporaryDirectory(prefix="plugchoice-bench-") as folder:
        plan = Plan(ports.get(), Path(folder), window, windows * window, context.Barrier(processes))
        clients = [context.Process(target=work, args=(name, plan, scores), daemon=True) for _ in range(processes)]
        for client in clients:
            client.start()
        found: list[Score | str] = [scores.get(timeout=(windows + 10) * window) for _ in clients]
        for client in clients:
            client.join()
    server.terminate()
    server.join()
    failures = [score for score in found if isinstance(score, str)]
    if failures:
        return f"| {name} | {failures[0]} | | | | | | |"
    done = [score for score in found if isinstance(score, Score)]
    served = [score.served for score in done]
    waits = sorted(wait for score in done for wait in score.waits)
    costs = sorted(cost * 1000 for score in done for cost in score.costs)
    cost = f"{statistics.median(costs):.2f} / {costs[int(len(costs) * 0.99)]:.2f} ms" if costs else "not apart"
    fair = f"{max(served) / min(served):.2f}" if min(served) else "starved"
    return (
        f"| {name} | {sum(score.refused for score in done)} | {sum(served) / (LIMIT * windows):.1%} | {fair} "
        f"| {statistics.mean(waits) / window:.1%} | {waits[int(len(waits) * 0.99)] / window:.1%} "
        f"| {waits[-1] / window:.0%} | {cost} |"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--window", type=float, default=6.0, help="s that stand for a minute (default 6)")
    parser.add_argument("--windows", type=float, default=4, help="how many to run (default 4)")
    parser.add_argument("--only", help="only contestants whose name holds this")
    options = parser.parse_args()
    print(
        f"{options.processes} processes, {options.windows:g} windows of {options.window:g} s for 60 s, {LIMIT} each\n"
    )
    print("| Pacer | 429 | Throughput | Largest / least share | Wait, mean | p99 | Longest | Cost in the first burst |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for name in CONTESTANTS:
        if options.only is None or options.only in name:
            print(row(name, options.processes, options.window, options.windows), flush=True)
    costs_alone()
    print(
        "\nWaits are in windows: 1 % is 0.6 s in life. Each of 8 that wait in turn at 95.6 % of the limit waits 1.7 %."
    )


if __name__ == "__main__":
    main()
