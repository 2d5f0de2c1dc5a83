"""Runs the Pulumi CLI on the stacks of a project: one process at a time, without a terminal."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Final

from pulumi_plugchoice._interrupts import hold_interrupts
from pulumi_plugchoice._text import printable
from pulumi_plugchoice.errors import PlugchoiceError

from .programs import start

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

# The CLI ends by itself, after what it does or after Ctrl-C: it records what was done, and removes its lock.
_ENDING_SECONDS: Final = 30.0
_ENVIRONMENT: Final = {"PULUMI_SKIP_UPDATE_CHECK": "true"}
# The state is written once, at the end: a file backend otherwise writes it twice for each resource. An import that is
# killed has changed nothing then, and can be run again.
_ONE_CHECKPOINT: Final = {"PULUMI_SKIP_CHECKPOINTS": "true", "PULUMI_EXPERIMENTAL": "true"}


class CommandFailed(PlugchoiceError):
    """A command of the CLI has failed; the message has what it said last."""


@dataclass(frozen=True)
class Stacks:
    """The stacks of a project.

    Attributes:
        project: folder of the project.
        program: path of the CLI.
        say: prints a line to the user.
    """

    project: Path
    program: str
    say: Callable[[str], None] = print

    @staticmethod
    def open(project: Path, say: Callable[[str], None]) -> Stacks:
        """Find the CLI.

        Raises:
            PlugchoiceError: it is not there.
        """
        program = shutil.which("pulumi")
        if program is None:
            raise PlugchoiceError(
                "pulumi: not found on PATH; install the Pulumi CLI, or add --no-import and import later"
            )
        return Stacks(project, program, say)

    def read(self, stack: str) -> list[dict[str, Any]] | None:
        """Return the resources in the state of a stack; None when there is no such stack.

        Raises:
            CommandFailed: the state cannot be read.
        """
        done = self._run("stack", "export", "--stack", stack)
        if done.returncode != 0:
            if "no stack named" in done.stderr:
                return None
            raise _explain(f"pulumi stack export --stack {stack}", done)
        try:
            resources = json.loads(done.stdout)["deployment"].get("resources") or []
        except (ValueError, KeyError, TypeError, AttributeError):
            raise CommandFailed(f"pulumi stack export --stack {stack}: printed no state") from None
        return [item for item in resources if isinstance(item, dict)]

    def create(self, stack: str) -> None:
        """Create a stack, without selecting it.

        Raises:
            CommandFailed: it cannot be created.
        """
        done = self._run("stack", "init", stack, "--no-select")
        if done.returncode != 0:
            raise _explain(f"pulumi stack init {stack}", done)

    def take(self, stack: str, file: Path) -> None:
        """Import the resources of an import file.

        Raises:
            CommandFailed: they cannot be imported.
        """
        options = ("--generate-code=false", "--protect=false", "--yes", "--skip-preview")
        command = ("import", "--stack", stack, "--file", str(file.resolve()), *options)
        # Interrupted at its start, it would leave the lock of the stack.
        done = self._run(*command, environment=_ONE_CHECKPOINT, to_end=True)
        if done.returncode != 0:
            raise _explain(f"pulumi import --stack {stack}", done)

    def list_changes(self, stack: str) -> list[tuple[str, str]]:
        """Run a preview; return operation and resource name of all that it would change.

        Raises:
            CommandFailed: the preview fails.
        """
        done = self._run("preview", "--stack", stack, "--json")
        if done.returncode != 0:
            raise _explain(f"pulumi preview --stack {stack}", done, _list_errors(done.stdout))
        try:
            steps = json.loads(done.stdout)["steps"]
            found = [(str(step["op"]), name_resource(str(step["urn"]))) for step in steps]
        except (ValueError, KeyError, TypeError):
            raise CommandFailed(f"pulumi preview --stack {stack} --json: printed no steps") from None
        return [(operation, name) for operation, name in found if operation != "same"]

    def _run(
        self, *arguments: str, environment: Mapping[str, str] | None = None, to_end: bool = False
    ) -> subprocess.CompletedProcess[str]:
        try:
            return self._start(*arguments, environment=environment, to_end=to_end)
        except OSError as error:
            raise CommandFailed(f"pulumi {arguments[0]}: cannot be run ({printable(error.strerror, 200)})") from None

    def _start(
        self, *arguments: str, environment: Mapping[str, str] | None, to_end: bool
    ) -> subprocess.CompletedProcess[str]:
        variables = {**os.environ, **_ENVIRONMENT, **(environment or {})}
        command = [self.program, *arguments, "--non-interactive", "--color", "never"]
        process: subprocess.Popen[bytes] | None = None
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            try:
                with hold_interrupts():
                    process = start(command, self.project, variables, output=output, errors=errors, in_own_group=to_end)
                process.wait()
            except BaseException:  # Ctrl-C above all: nothing is left running
                if to_end:
                    self.say(
                        f"waiting for `pulumi {arguments[0]}`, up to {_ENDING_SECONDS:.0f} s; Ctrl-C again ends it now"
                    )
                if process is not None:
                    _end(process)
                raise
            return subprocess.CompletedProcess(arguments, process.returncode, _read(output), _read(errors))


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def name_resource(urn: str) -> str:
    """The name of a resource, which may have colons: `urn:pulumi:STACK::PROJECT::TYPE::NAME`."""
    return urn.split("::", 3)[-1]


def _end(process: subprocess.Popen[bytes]) -> None:
    """Let the CLI end by itself, and then by a signal."""
    for signal in (None, process.terminate, process.kill):
        if signal is not None:
            signal()
        with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
            process.wait(timeout=_ENDING_SECONDS)
            return


def _list_errors(output: str) -> list[str]:
    """The errors in the JSON of a preview."""
    try:
        found = json.loads(output)["diagnostics"]
        return [str(item["message"]).strip() for item in found if item["severity"] == "error"]
    except (ValueError, KeyError, TypeError):
        return []


def _explain(command: str, done: subprocess.CompletedProcess[str], errors: Sequence[str] = ()) -> CommandFailed:
    """Make an error of what the CLI printed: its errors, its lines with `error:`, or else its last line."""
    lines = [line.strip() for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
    said = list(
        dict.fromkeys([*errors, *(line.removeprefix("error: ") for line in lines if line.startswith("error: "))])
    )
    reason = "; ".join(said[:3]) or (lines[-1] if lines else "no output")
    return CommandFailed(printable(f"{command}: exit status {done.returncode}: {reason}", 800))
