"""The 15 phase rotations and the building lines that they name.

Letter n of a rotation is the building line (R, S, T are L1, L2, L3) that feeds the connector's terminal Ln.
"""

from __future__ import annotations

import difflib
from typing import Final, Literal, get_args

#: The 15 values that the PUT of a connector accepts (API page connectors/update-connector).
PhaseRotation = Literal[
    "RST", "RTS", "SRT", "STR", "TRS", "TSR", "RS", "RT", "SR", "ST", "TR", "TS", "R", "S", "T"
]  # fmt: skip

PHASE_ROTATIONS: Final[tuple[str, ...]] = get_args(PhaseRotation)

#: Lowest and highest `max_amperage` (A) that the same endpoint accepts.
MIN_AMPERAGE: Final = 1
MAX_AMPERAGE: Final = 1000

LINES: Final = ("R", "S", "T")
LINE_NAMES: Final = {"R": "L1", "S": "L2", "T": "L3"}
#: Without a neutral, a one-phase load is connected between one of these pairs of lines.
PAIRS: Final = ("RS", "ST", "TR")


def suggest_rotation(text: str) -> str | None:
    """Find the rotation that `text` was probably meant to be, or None when nothing is close.

    Ignores case, blanks and separators, and reads L1 L2 L3 as R S T: `rst`, `R-S-T` and `L1L2L3` all give `RST`.

    Args:
        text: what somebody typed.

    Returns:
        One of `PHASE_ROTATIONS`, or None.
    """
    letters = text.upper().replace("L1", "R").replace("L2", "S").replace("L3", "T")
    letters = "".join(letter for letter in letters if letter.isalnum())
    if letters in PHASE_ROTATIONS:
        return letters
    for rotation in PHASE_ROTATIONS:
        if len(letters) == len(rotation) == 3 and sum(map(str.__eq__, letters, rotation)) == 2:
            return rotation
    # 0.66: one letter of three may be wrong, not two.
    return next(iter(difflib.get_close_matches(letters, PHASE_ROTATIONS, cutoff=0.66)), None)


def shift_rotation(rotation: str, steps: int = 1) -> str:
    """Move each letter on by `steps` lines: RST, STR, TRS. The field direction stays the same.

    Args:
        rotation: one of `PHASE_ROTATIONS`.
        steps: number of lines; any whole number.

    Returns:
        One of `PHASE_ROTATIONS`, as long as the given one.
    """
    return "".join(LINES[(LINES.index(letter) + steps) % 3] for letter in rotation)


def find_pair(rotation: str) -> int | None:
    """Find the pair of lines, as an index of `PAIRS`, that a one-phase car loads without a neutral.

    With three letters it is the pair of the first two (assumed). One letter names no pair: None.

    Args:
        rotation: one of `PHASE_ROTATIONS`.

    Returns:
        0, 1 or 2, or None.
    """
    if len(rotation) < 2:
        return None
    return next(place for place, pair in enumerate(PAIRS) if set(pair) == set(rotation[:2]))
