"""A scheduler and a worker of Dask with our defaults, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import signal
import warnings
from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice._text import plural, printable
from pulumi_plugchoice.errors import PlugchoiceError

from .executor import RESOURCE
from .link import configure, explain
from .remote import count_running, stop_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_TRY_SECONDS: Final = 5
_PATIENCE: Final = 300
_PAUSE_SECONDS: Final = 1.0
_TICK_SECONDS: Final = 0.1
# How long a client may take to fetch the last results.
_COLLECT_SECONDS: Final = 10.0


class _Stops:
    """Counts Ctrl-C and SIGTERM."""

    def __init__(self) -> None:
        self.times = 0
        self.first = asyncio.Event()

    def add(self) -> None:
        self.times += 1
        self.first.set()


@contextlib.contextmanager
def _count_stops() -> Iterator[_Stops]:
    stops = _Stops()
    loop = asyncio.get_running_loop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: loop.call_soon_threadsafe(stops.add)) for number in numbers]
    try:
        yield stops
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


async def run_scheduler(
    protocol: str, host: str, port: int, security: Any, *, dashboard: int | None, tell: Callable[[str], None]
) -> None:
    """Run a scheduler until it is stopped.

    Args:
        protocol: `tls` or `tcp`.
        host: on which it listens; empty: on all of this machine.
        port: on which it listens.
        security: from `make_security`.
        dashboard: port on loopback for the pages of Dask; None: none.
        tell: takes a line.

    Raises:
        PlugchoiceError: it cannot listen there.
    """
    if dashboard is not None and importlib.util.find_spec("bokeh") is None:
        raise PlugchoiceError("bokeh: is not installed; run `pip install bokeh`, or leave --dashboard out")
    configure(tell, has_pages=dashboard is not None)
    from distributed import Scheduler

    with _count_stops() as stops:
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("error", "Port .* is already in use")  # it would take another one
                scheduler = Scheduler(
                    host=f"{protocol}://{host}",
                    port=port,
                    protocol=f"{protocol}://",
                    security=security,
                    dashboard=dashboard is not None,
                    # What Dask serves over http is not encrypted.
                    dashboard_address=f"127.0.0.1:{dashboard or 0}",
                )
        except UserWarning:
            raise PlugchoiceError(f"--dashboard {dashboard}: the port is in use; name another one") from None
        try:
            await scheduler
        except (OSError, RuntimeError, ValueError) as error:
            await scheduler.close()
            reason = printable(error.__cause__ or error, 150)
            raise PlugchoiceError(
                f"{protocol}://{host or '*'}:{port}: cannot be listened on ({reason}); name another --host or --port"
            ) from None
        if dashboard is not None:
            tell(f"http://127.0.0.1:{dashboard}/status: the pages of Dask")
        tell(f"{scheduler.address}: waiting for workers; Ctrl-C ends it")
        done = asyncio.ensure_future(scheduler.finished())
        await asyncio.wait([done, asyncio.ensure_future(stops.first.wait())], return_when=asyncio.FIRST_COMPLETED)
        await scheduler.close()


async def run_worker(address: str, slots: int, security: Any, tell: Callable[[str], None]) -> None:
    """Run a worker until it is stopped. When it has lost its scheduler, it ends what it runs, and joins again.

    Args:
        address: of the scheduler.
        slots: how many stacks at a time.
        security: from `make_security`.
        tell: takes a line.

    Raises:
        PlugchoiceError: the scheduler cannot be reached.
    """
    configure(tell)
    with _count_stops() as stops:
        while not stops.times:
            worker = await _join(address, slots, security, stops, tell)
            if worker is None:
                return
            tell(f"{address}: joined, {plural(slots, 'slot')}; Ctrl-C ends it")
            closed = asyncio.ensure_future(worker.finished())
            stopped = asyncio.ensure_future(stops.first.wait())
            await asyncio.wait([closed, stopped], return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            if not stops.times:
                tell(f"{address}: the scheduler has gone, or takes this worker for dead; it will join again")
            await _drain(worker, stops, tell)
            await worker.close(reason="stopped")


async def _join(address: str, slots: int, security: Any, stops: _Stops, tell: Callable[[str], None]) -> Any:
    """Join a scheduler as a worker; None when that is stopped."""
    from distributed import Worker
    from distributed.comm import connect

    loop = asyncio.get_running_loop()
    give_up = loop.time() + _PATIENCE
    said = ""
    while not stops.times:
        try:
            comm = await connect(address, timeout=_TRY_SECONDS, **security.get_connection_args("worker"))
            await comm.close()
            worker = Worker(
                address,
                nthreads=slots,
                resources={RESOURCE: slots},
                security=security,
                dashboard=False,
                dashboard_address="127.0.0.1:0",
                memory_limit=None,
            )
            return await worker
        except (OSError, RuntimeError, ValueError) as error:
            reason = f"{address}: cannot be reached: {explain(error, address)}"
            if loop.time() > give_up or "TLS" in reason.partition(";")[0]:
                raise PlugchoiceError(reason) from None
            if reason != said:
                tell(f"{reason}; trying for {_PATIENCE // 60} minutes")
                said = reason
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(stops.first.wait(), _PAUSE_SECONDS)
    return None


async def _drain(worker: Any, stops: _Stops, tell: Callable[[str], None]) -> None:
    """Take no more tasks, let the running ones end, and let the client have what they returned."""
    from distributed.core import Status

    is_connected = worker.status == Status.running
    if is_connected:
        worker.status = Status.paused  # the scheduler sends no more
    told = 0
    passed_on = 1
    while count_running():
        if stops.times and not told:
            told = count_running()
            tell(f"stopping: waiting for {plural(told, 'stack')}; press Ctrl-C again to end sooner")
        if stops.times > passed_on:
            passed_on = stops.times
            stop_all()
        await asyncio.sleep(_TICK_SECONDS)
    left = _COLLECT_SECONDS if is_connected else 0.0
    while left > 0 and worker.data and worker.status == Status.paused:
        left -= _TICK_SECONDS
        await asyncio.sleep(_TICK_SECONDS)
