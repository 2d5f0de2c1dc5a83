"""What became of a stack: the record that a run of many stacks makes of each."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What is run on a stack.
Action = Literal["preview", "up", "refresh"]
#: `changed`: a preview that shows changes; `applied`: an update that made some, or a refresh that took some into the
#: state; `stopped`: by Ctrl-C; `waiting`: never started.
State = Literal["unchanged", "changed", "applied", "failed", "stopped", "waiting"]
_GOOD: Final = ("unchanged", "changed", "applied")


@dataclass(frozen=True)
class StackTask:
    """One run of the CLI, as plain values: it can be sent to another process.

    Attributes:
        name: of the site and its stack.
        action: what to run.
        program: path of the CLI.
        project: folder of the project.
        work: folder for what belongs to this stack alone: log, events, workspace.
        environment: variables on top of the worker's own.
        lock_seconds: how long to wait for a lock of somebody else.
        records: folder with the work folders of all runs of this stack, when several may run at once; else empty.
    """

    name: str
    action: Action
    program: str
    project: str
    work: str
    environment: Mapping[str, str] = field(default_factory=dict)
    lock_seconds: float = 120.0
    records: str = ""


@dataclass(frozen=True)
class StackResult:
    """What became of a stack.

    Attributes:
        name: of the site and its stack.
        state: how it ended.
        changes: number of resources by operation, without those that are the same.
        writes: PUTs that were sent; None: not known.
        calls: API calls, writes included; None: not known.
        seconds: wall time, waiting for a lock included.
        errors: what the CLI said last, when it failed; one line each.
        log: its log.
        wave: in which it ran.
        notices: what it said that concerns the other stacks, too; one line each.
    """

    name: str
    state: State
    changes: Mapping[str, int] = field(default_factory=dict)
    writes: int | None = 0
    calls: int | None = 0
    seconds: float = 0.0
    errors: tuple[str, ...] = ()
    log: str = ""
    wave: str = ""
    notices: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether there is nothing left to do."""
        return self.state in _GOOD

    def to_json(self) -> dict[str, Any]:
        """As it stands in `fleet.json` and in the report."""
        return {
            "name": self.name,
            "stack": self.name,
            "wave": self.wave,
            "state": self.state,
            "changes": dict(self.changes),
            "writes": self.writes,
            "calls": self.calls,
            "seconds": round(self.seconds, 1),
            "errors": list(self.errors),
            "log": self.log,
        }
