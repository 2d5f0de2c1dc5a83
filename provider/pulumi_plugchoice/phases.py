"""Phase rotations: the values, and what they mean. Pure: no I/O, no other module of this package.

Letter n of a rotation is the building line (R, S, T are L1, L2, L3) that feeds the connector's terminal Ln.
"""

from __future__ import annotations

import difflib
from typing import Final, Literal, get_args

#: The 15 values that the PUT of a connector takes (API page connectors/update-connector).
PhaseRotation = Literal[
    "RST", "RTS", "SRT", "STR", "TRS", "TSR", "RS", "RT", "SR", "ST", "TR", "TS", "R", "S", "T"
]  # fmt: skip

PHASE_ROTATIONS: Final[tuple[str, ...]] = get_args(PhaseRotation)

#: Lowest and highest `max_amperage` (A) that the same endpoint takes.
MIN_AMPERAGE: Final = 1
MAX_AMPERAGE: Final = 1000


def closest_rotation(text: str) -> str | None:
    """The rotation that `text` was probably meant to be, or None when nothing is close.

    Case, blanks, separators and the names L1 L2 L3 are looked through: `rst`, `R-S-T` and `L1L2L3` all give `RST`.
    """
    letters = text.upper().replace("L1", "R").replace("L2", "S").replace("L3", "T")
    letters = "".join(letter for letter in letters if letter.isalnum())
    if letters in PHASE_ROTATIONS:
        return letters
    # 0.66: one letter of three may be wrong, not two.
    return next(iter(difflib.get_close_matches(letters, PHASE_ROTATIONS, n=1, cutoff=0.66)), None)
