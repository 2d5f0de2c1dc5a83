"""`fleet.json`: the sites that a run has finished, so that another run can do the rest."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice._files import FileRefused, read_file, write_files
from pulumi_plugchoice._text import printable, show_path
from pulumi_plugchoice.errors import PlugchoiceError

from .results import StackResult
from .selection import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME: Final = "fleet.json"
_MOST_BYTES: Final = 32 << 20


@dataclass
class Manifest:
    """The finished sites of a run.

    Attributes:
        file: where it is.
        action: what is run.
        revision: commit of the files; None when git does not tell.
        done: results by name.
    """

    file: Path
    action: str
    revision: str | None
    done: dict[str, StackResult] = field(default_factory=dict)

    def save(self) -> None:
        """Write it, as a whole.

        Raises:
            WriteFailed: it cannot be written; the one of before stays.
        """
        content = {
            "version": 1,
            "action": self.action,
            "revision": self.revision,
            "sites": [result.to_json() for result in self.done.values()],
        }
        write_files({self.file: (json.dumps(content, indent=1) + "\n").encode()})

    def resume(self) -> None:
        """Take what an earlier run has finished.

        Raises:
            PlugchoiceError: there is no such run, or it was another one.
        """
        name = show_path(shorten(self.file))
        try:
            content = json.loads(read_file(self.file, _MOST_BYTES))
            action, revision = content["action"], content["revision"]
            done = {item["name"]: _parse(item) for item in content["sites"]}
            is_known = content["version"] == 1
        except FileNotFoundError:
            raise PlugchoiceError(f"--resume: {name}: there is no run to resume; leave --resume out") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, FileRefused):
            raise PlugchoiceError(f"--resume: {name}: cannot be read; leave --resume out, to run all sites") from None
        if not is_known or action != self.action:
            raise PlugchoiceError(
                f"--resume: {name}: is of `fleet {printable(action, 20)}`, not of `fleet {self.action}`; run that, or "
                "leave --resume out"
            )
        if self.revision is None or revision != self.revision:
            raise PlugchoiceError(
                f"--resume: {name}: is of commit {printable(revision or 'none', 12)}, and the files are of "
                f"{(self.revision or 'none')[:12]}; check that commit out, or leave --resume out, to run all sites"
            )
        self.done = done


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
    with (folder / "run.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            name = show_path(shorten(folder))
            raise PlugchoiceError(
                f"{name}: another run uses this folder; wait for its end, or name another one with --state"
            ) from None
        yield
