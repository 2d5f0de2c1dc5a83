"""`fleet.json`: the sites that a run has finished, so that another run can do the rest."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice._files import FileRefused, name_errors, read_file, write_files
from pulumi_plugchoice._text import printable, show_path
from pulumi_plugchoice.errors import PlugchoiceError

from .health import Health
from .results import StackResult
from .selection import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME: Final = "fleet.json"
_MOST_BYTES: Final = 32 << 20
_ALL: Final = "leave --resume out, to run all sites"


@dataclass
class Manifest:
    """The finished sites of a run.

    Attributes:
        file: where it is.
        action: what is run.
        revision: commit of the files; None when git does not tell.
        project: folder of the project, in the repository.
        folder: of the site files, likewise.
        done: results by name.
        before: the hardware as it was before the wave whose gate has not held yet, by site.
    """

    file: Path
    action: str
    revision: str | None
    project: str = ""
    folder: str = ""
    done: dict[str, StackResult] = field(default_factory=dict)
    before: dict[str, Health] = field(default_factory=dict)

    def save(self) -> None:
        """Write it, as a whole.

        Raises:
            WriteFailed: it cannot be written; the one of before stays.
        """
        content = {
            "version": 1,
            "action": self.action,
            "revision": self.revision,
            "project": self.project,
            "folder": self.folder,
            "before": {name: health.to_json() for name, health in self.before.items()},
            "sites": [result.to_json() for result in self.done.values()],
        }
        write_files({shorten(self.file): (json.dumps(content, indent=1) + "\n").encode()}, is_own=True)

    def resume(self) -> None:
        """Take what an earlier run has finished.

        Raises:
            PlugchoiceError: there is no such run, or it was another one.
        """
        where = f"--resume: {show_path(shorten(self.file))}"
        try:
            content = json.loads(read_file(self.file, _MOST_BYTES))
            if content["version"] != 1:
                raise PlugchoiceError(f"{where}: is of another version of plugchoice; {_ALL}")
            action, revision = content["action"], content["revision"]
            project, folder = content["project"], content["folder"]
            done = {item["name"]: _parse(item) for item in content["sites"]}
            before = {name: Health.parse(item) for name, item in content["before"].items()}
        except FileNotFoundError:
            raise PlugchoiceError(f"{where}: there is no run to resume; leave --resume out") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, FileRefused):
            raise PlugchoiceError(f"{where}: cannot be read; {_ALL}") from None
        if action != self.action:
            raise PlugchoiceError(
                f"{where}: is of `fleet {printable(action, 20)}`, not of `fleet {self.action}`; run that, or leave "
                "--resume out"
            )
        if revision is None:
            raise PlugchoiceError(f"{where}: is of files that were not in a commit; {_ALL}")
        if (project, folder) != (self.project, self.folder):
            raise PlugchoiceError(
                f"{where}: is of the project {show_path(str(project))} with the site files in "
                f"{show_path(str(folder))}; {_ALL}"
            )
        if revision != self.revision:
            raise PlugchoiceError(
                f"{where}: is of commit {printable(revision, 13)[:12]}, and the files are of "
                f"{(self.revision or 'none')[:12]}; check that commit out, or {_ALL}"
            )
        self.done, self.before = done, before


def _parse(item: Any) -> StackResult:
    result = StackResult(
        name=item["name"],
        state=item["state"],
        changes=item["changes"],
        writes=item["writes"],
        calls=item["calls"],
        seconds=item["seconds"],
        log=item["log"],
        wave=item["wave"],
    )
    if not result.is_good:
        raise ValueError(item)
    return result


@contextlib.contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder until the end of the block. The system lets go of it when this process dies.

    Raises:
        PlugchoiceError: another run has it.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    file_name = shorten(folder / "run.lock")
    with name_errors(file_name, is_own=True):
        file = file_name.open("w")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            name = show_path(shorten(folder))
            raise PlugchoiceError(
                f"{name}: another run uses this folder; wait for its end, or name another one with --state"
            ) from None
        yield
