"""The writes that somebody has reviewed: a file that binds `pulumi up` to them.

`plugchoice review --live --reviewed-file FILE` writes it, and with PLUGCHOICE_REVIEWED=FILE the provider sends no write
that is not in it. Each write is the connector, what it was when it was reviewed, and what it will be.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from ._files import FileRefused, read_file
from ._text import is_uuid, printable, show_path
from .electrical.rotations import MAX_AMPERAGE, MIN_AMPERAGE, PHASE_ROTATIONS
from .electrical.settings import SETTING_NAMES, show
from .errors import NotReviewed, PlugchoiceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

# As many writes as a file of this size holds, nobody reviews.
_MOST_BYTES: Final = 8 << 20

#: In place of values: those that were recorded when the connector was adopted. Only the state of the stack has them.
RESTORE: Final = "restore"

Values = tuple[str | None, int | None]


class ReviewedWrite(NamedTuple):
    """A write.

    Attributes:
        charger: UUID, lower case.
        connector_id: OCPP connector number.
        before: phase rotation and A, as they were when it was reviewed; None: not set.
        after: phase rotation and A, as they are sent; or `RESTORE`.
    """

    charger: str
    connector_id: int
    before: Values
    after: Values | Literal["restore"]


def compute_digest(writes: Iterable[ReviewedWrite]) -> str:
    """Compute what stands for a set of writes, whatever their order: `sha256:…`."""
    text = "\n".join(sorted(json.dumps(write) for write in set(writes)))
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def format_reviewed(writes: Iterable[ReviewedWrite]) -> str:
    """Format the file, as JSON."""
    ordered = sorted(set(writes), key=lambda write: (write.charger, write.connector_id))
    content = {
        "version": 1,
        "digest": compute_digest(ordered),
        "writes": [
            {
                "charger": write.charger,
                "connector_id": write.connector_id,
                "before": dict(zip(SETTING_NAMES, write.before, strict=True)),
                "after": RESTORE if write.after == RESTORE else dict(zip(SETTING_NAMES, write.after, strict=True)),
            }
            for write in ordered
        ],
    }
    return json.dumps(content, indent=2) + "\n"


@dataclass(frozen=True)
class Reviewed:
    """The writes of a file.

    Attributes:
        file: its path.
        writes: by charger and number.
    """

    file: Path
    writes: Mapping[tuple[str, int], ReviewedWrite]

    def refuse_others(self, name: str, write: ReviewedWrite, *, is_restore: bool) -> None:
        """Refuse a write that is not in the file.

        Args:
            name: of the connector, for the message.
            write: what would be sent, and what is there now.
            is_restore: whether it puts back what was recorded when the connector was adopted.

        Raises:
            NotReviewed: it is not in the file, or was reviewed with other values.
        """
        found = self.writes.get((write.charger, write.connector_id))
        if found == (write._replace(after=RESTORE) if is_restore else write):
            return
        wanted = f"the restore of {show_values(write.after)}" if is_restore else show_values(write.after)
        now = f"{wanted} would replace {show_values(write.before)}; review it again"
        if found is None:
            raise NotReviewed(f"{name}: not written, because {show_path(self.file)} does not have this change: {now}")
        then = "a restore" if found.after == RESTORE else show_values(found.after)
        raise NotReviewed(
            f"{name}: not written, because {show_path(self.file)} has another change: {show_values(found.before)} -> "
            f"{then} was reviewed; {now}"
        )


def show_values(values: Values | Literal["restore"]) -> str:
    """Format both settings for people, or what a restore does."""
    if values == RESTORE:
        return "what was recorded when it was adopted"
    return ", ".join(show(name, value) for name, value in zip(SETTING_NAMES, values, strict=True))


def load_reviewed(path: Path) -> Reviewed:
    """Load the file.

    Raises:
        PlugchoiceError: it cannot be read, is not such a file, or was changed since it was written.
    """
    name = show_path(path)
    try:
        content = json.loads(read_file(path, _MOST_BYTES))
        if not isinstance(content["writes"], list):
            raise TypeError  # noqa: TRY301 - as what is not an object
        writes = [_parse(item) for item in content["writes"]]
        is_known = type(content["version"]) is int and content["version"] == 1
    except FileRefused as refused:
        raise PlugchoiceError(f"PLUGCHOICE_REVIEWED: {name}: {refused}") from None
    except OSError as error:
        where = "" if path.is_absolute() else " in the folder of the program"
        raise PlugchoiceError(
            f"PLUGCHOICE_REVIEWED: {name}: cannot be read{where}: {printable(error.strerror, 100)}; nothing is written "
            "without it"
        ) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise PlugchoiceError(
            f"PLUGCHOICE_REVIEWED: {name}: is not a file of `plugchoice review --reviewed-file`; write it again"
        ) from None
    by_connector = {(write.charger, write.connector_id): write for write in writes}
    if not is_known or content.get("digest") != compute_digest(writes) or len(by_connector) != len(writes):
        raise PlugchoiceError(
            f"PLUGCHOICE_REVIEWED: {name}: was changed after it was written, or is of another version; write it again"
        )
    return Reviewed(path, by_connector)


def _parse(item: Any) -> ReviewedWrite:
    charger, number = item["charger"], item["connector_id"]
    if not isinstance(charger, str) or not is_uuid(charger) or charger != charger.lower():
        raise ValueError
    before = _parse_values(item["before"])
    after = item["after"] if item["after"] == RESTORE else _parse_values(item["after"])
    is_valid = after == RESTORE or (after[0] in PHASE_ROTATIONS and after[1] in range(MIN_AMPERAGE, MAX_AMPERAGE + 1))
    if not is_valid or type(number) is not int or number < 1:
        raise ValueError
    return ReviewedWrite(charger, number, before, after)


def _parse_values(values: Any) -> Values:
    rotation, amps = (values[name] for name in SETTING_NAMES)
    if not isinstance(rotation, str | None) or not (amps is None or type(amps) is int):
        raise ValueError
    return rotation, amps
