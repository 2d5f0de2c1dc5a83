"""The waves in which the stacks of a fleet are updated: each has to be whole before the next begins."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import printable

from .selection import SelectionError, describe_unknown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_PERCENT: Final = re.compile(r"([1-9][0-9]?)%")
_CANARY: Final = "canary:"
_REST: Final = "rest"
_FORMS: Final = "canary:SITE[,SITE], a percentage such as 10%, or rest"


@dataclass(frozen=True)
class Wave:
    """Stacks that may run at the same time.

    Attributes:
        name: as it was given: `canary:harbour`, `10%`, `rest`.
        sites: names.
    """

    name: str
    sites: tuple[str, ...]


def plan_waves(given: Sequence[str], selected: Sequence[str], known: Mapping[str, Path]) -> list[Wave]:
    """Deal the selected sites to waves, in their order.

    Args:
        given: the waves as an option names them; none is one wave of all.
        selected: names of the selected sites.
        known: all sites, by name. A canary that is not selected is left out of its wave.

    Raises:
        SelectionError: a wave is wrong.
    """
    if not given:
        return [Wave(_REST, tuple(selected))]
    if given[-1] != _REST or _REST in given[:-1]:
        raise SelectionError("--wave: the last wave, and only that, has to be `rest`; otherwise sites are left out")
    left = list(selected)
    waves = []
    for text in given:
        percent = _PERCENT.fullmatch(text)
        if text.startswith(_CANARY):
            names = text.removeprefix(_CANARY).split(",")
            for name in names:
                if name not in known:
                    raise SelectionError(f"--wave canary:{printable(name, 100)}: {describe_unknown(name, known)}")
            part = [name for name in left if name in names]
        elif percent:
            part = left[: math.ceil(len(selected) * int(percent[1]) / 100)]
        elif text == _REST:
            part = left
        else:
            raise SelectionError(f"--wave {printable(text, 100)}: is not a wave; write {_FORMS}")
        left = [name for name in left if name not in part]
        waves.append(Wave(text, tuple(part)))
    return [wave for wave in waves if wave.sites]
