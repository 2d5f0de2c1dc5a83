"""Runs the stacks of a fleet on the workers of a Dask cluster, behind the two calls that threads have, too."""

from __future__ import annotations

import contextlib
import os
import platform
import threading
import time
import warnings
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice._files import make_folder, write_files
from pulumi_plugchoice._text import list_some, printable
from pulumi_plugchoice._version import __version__
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.fleet.results import StackResult

from .equipment import Equipment, look_around
from .link import configure, describe_host, explain
from .remote import RemoteTask, run_remote, stop_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pulumi_plugchoice.fleet.results import StackTask, State

    from .program import Program

#: What a worker has one of for each stack that it runs at a time.
RESOURCE: Final = "stack"
_PATIENCE: Final = 15
_AGAIN_SECONDS: Final = 1.0
_REPEAT_SECONDS: Final = 2.0
# So many stops kill the CLI; after them nobody waits for an answer.
_LAST_STOP: Final = 3


class ClusterError(PlugchoiceError):
    """A cluster that cannot run the stacks; one line or more.

    Attributes:
        lines: of the message.
    """

    def __init__(self, *lines: str) -> None:
        self.lines = lines
        super().__init__("; ".join(lines))


class ClusterExecutor:
    """Runs tasks on workers.

    Args:
        client: of Dask.
        address: of the scheduler.
        program: what they run.

    Attributes:
        problem: why nothing runs any more; empty as long as it does.
    """

    def __init__(self, client: Any, address: str, program: Program) -> None:
        self.problem = ""
        self._client = client
        self._address = address
        self._program = program
        self._run = os.urandom(8).hex()
        self._variable = f"plugchoice-{self._run}"
        self._host = describe_host()
        self._slots = 0
        self._looked = -_AGAIN_SECONDS
        self._times = 0
        self._closed = threading.Event()
        self._pending: dict[Future[StackResult], StackTask] = {}
        self._executor = client.get_executor(pure=False, resources={RESOURCE: 1})
        self._teller = threading.Thread(target=self._tell_stops, daemon=True)

    def open(self, *, needs_passphrase: bool, say: Callable[[str], None]) -> None:
        """Look at the workers, and leave the program with the scheduler.

        Raises:
            ClusterError: a worker cannot run the stacks, or there is none.
        """
        from distributed import Variable

        workers = self._find_workers()
        if not workers:
            raise ClusterError(
                f"{self._address}: has no worker with the resource `{RESOURCE}`; start `plugchoice fleet worker`"
            )
        self._check_workers(workers, needs_passphrase=needs_passphrase, say=say)
        Variable(self._variable, client=self._client).set(self._program.archive)
        self._teller.start()

    def _check_workers(self, workers: dict[str, Any], *, needs_passphrase: bool, say: Callable[[str], None]) -> None:
        own = platform.python_version()
        found = self._client.run(look_around, workers=list(workers), on_error="return")
        problems = []
        hosts = set()
        others = []  # with another Python
        shares_quota = True
        for address, one in sorted(found.items()):
            if isinstance(one, OSError):  # it has gone meanwhile
                continue
            if not isinstance(one, Equipment):
                problems.append(
                    f"{address}: cannot run stacks ({type(one).__name__}: {printable(one, 150)}); install "
                    f"pulumi-plugchoice[fleet] {__version__} there"
                )
                continue
            lines = one.find_problems(self._host, __version__, needs_passphrase=needs_passphrase)
            problems += [f"{address}: {line}" for line in lines]
            hosts.add(one.host)
            if one.python.split(".")[:2] != own.split(".")[:2]:
                others.append(f"{address} ({one.python})")
            shares_quota = shares_quota and one.has_quota
        if problems:
            raise ClusterError(*problems)
        if others:
            say(f"{list_some(others, 3)}: another Python than here ({own}) runs the program there; use the same on all")
        if len(hosts) > 1 and not shares_quota:
            say(
                f"workers on {len(hosts)} machines do not share the request limit; set PLUGCHOICE_QUOTA_URL on all of "
                "them"
            )

    def _find_workers(self) -> dict[str, Any]:
        identity = self._client.sync(self._client.scheduler.identity, n_workers=-1, callback_timeout=_PATIENCE)
        return {
            address: worker
            for address, worker in identity["workers"].items()
            if worker["resources"].get(RESOURCE) and worker["status"] == "running"
        }

    @property
    def slots(self) -> int:
        """How many stacks the workers take now. At least one: a task waits until there is a worker again."""
        if time.monotonic() - self._looked > _AGAIN_SECONDS and not self.problem:
            with contextlib.suppress(Exception):  # the scheduler has gone: its futures say so
                workers = self._find_workers().values()
                self._slots = int(sum(worker["resources"][RESOURCE] for worker in workers))
            self._looked = time.monotonic()
        return max(1, self._slots)

    def submit(self, task: StackTask) -> Future[StackResult]:
        """Run a task as soon as a worker has a slot."""
        remote = RemoteTask(
            replace(task, project=self._program.project, program="", work="", environment={}),
            config=f"{self._program.configs}/Pulumi.{task.name}.yaml".lstrip("/"),
            run=self._run,
            program=self._program.name,
            variable=self._variable,
            client=self._host,
            version=__version__,
            reviewed=self._program.reviewed,
        )
        answer: Future[StackResult] = Future()
        self._pending[answer] = task
        if self._client.status != "running":
            self._lose(answer, task, may_have_begun=False)
            return answer
        future = self._executor.submit(run_remote, remote, key=f"{task.name}-{os.urandom(6).hex()}")
        future.add_done_callback(lambda done: self._finish(answer, done))
        return answer

    def stop(self) -> None:
        """Let the running stacks end, and start no more; each further call is less patient."""
        self._times += 1  # only this: it may be the handler of a signal

    def close(self) -> None:
        """Take the program away from the scheduler."""
        from distributed import Variable

        self._closed.set()
        with contextlib.suppress(Exception):  # it has gone
            Variable(self._variable, client=self._client).delete()

    def _finish(self, answer: Future[StackResult], done: Future[tuple[StackResult, str]]) -> None:
        task = self._pending.get(answer)
        if task is None:
            return
        if done.cancelled():
            self._lose(answer, task)
            return
        error = done.exception()
        if error is not None:
            if type(error).__name__ in ("FutureCancelledError", "CancelledError"):
                self._lose(answer, task)
                return
            self._give(answer, self._lost(task, "failed", _describe(error)))
            return
        result, log = done.result()
        file = Path(task.work, "log.txt")
        try:
            if log:
                make_folder(file.parent)
                write_files({file: log.encode()})
                result = replace(result, log=str(file))
        except PlugchoiceError as problem:
            result = replace(result, errors=(*result.errors, str(problem)))
        self._give(answer, result)

    def _lose(self, answer: Future[StackResult], task: StackTask, *, may_have_begun: bool = True) -> None:
        self.problem = self.problem or (
            f"{self._address}: the scheduler has gone; what has begun ends on its worker; start a scheduler, and run "
            "this again"
        )
        self._give(answer, self._lost(task, "stopped") if may_have_begun else StackResult(task.name, "stopped"))

    @staticmethod
    def _lost(task: StackTask, state: State, *errors: str) -> StackResult:
        """The result of a task that a worker may have begun: what it has sent, nobody says."""
        return StackResult(task.name, state, writes=None if task.action == "up" else 0, calls=None, errors=errors)

    def _give(self, answer: Future[StackResult], result: StackResult) -> None:
        if self._pending.pop(answer, None) is not None:
            answer.set_result(result)

    def _tell_stops(self) -> None:
        """Pass stops on to the workers, until all is over. A frozen worker does not answer: nobody waits for that."""
        told, when = 0, 0.0
        while not self._closed.wait(0.2):
            times = self._times
            # Told again: a task may have been on its way.
            if times > told or (times and time.monotonic() - when > _REPEAT_SECONDS):
                told, when = times, time.monotonic()
                threading.Thread(target=self._tell, args=(times,), daemon=True).start()
            if times > _LAST_STOP:
                for answer, task in list(self._pending.items()):  # Dask's thread takes answers away
                    self._give(answer, self._lost(task, "stopped"))

    def _tell(self, times: int) -> None:
        with contextlib.suppress(Exception):
            self._client.run(stop_run, self._run, times, on_error="ignore")


def _describe(error: BaseException) -> str:
    name = type(error).__name__
    if name == "KilledWorker":
        return "its workers died again and again while they ran it; look at their logs, and run this again"
    if name in ("NoValidWorkerError", "NoWorkerError"):
        return "there is no worker for it; start `plugchoice fleet worker`, and run this again"
    return f"{name}: {printable(error, 300)}"


@contextlib.contextmanager
def connect(address: str, security: Any, program: Program) -> Iterator[ClusterExecutor]:
    """Connect to a scheduler until the end of the block.

    Raises:
        ClusterError: it cannot be reached.
    """
    configure(None)
    from distributed import Client
    from distributed.versions import VersionMismatchWarning

    warnings.simplefilter("ignore", VersionMismatchWarning)  # ours is compared, and Dask's are close enough or fail
    try:
        client = Client(
            address,
            security=security,
            timeout=_PATIENCE,
            set_as_default=False,
            name="plugchoice",
            heartbeat_interval=1000,
        )
    except Exception as error:  # noqa: BLE001 - whatever the reason is, there is none
        raise ClusterError(f"{address}: cannot be reached: {explain(error, address)}") from None
    executor = ClusterExecutor(client, address, program)
    try:
        yield executor
    finally:
        executor.close()
        with contextlib.suppress(Exception):
            client.close(timeout=5)
