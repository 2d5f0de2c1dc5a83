"""Pictures of a site as SVG: currents per line before and after, chargers by the line on their terminal L1.

Without scripts and outside fonts, so that a pull request can show them. The colours are in `lines.css`; each line also
has a pattern, and stands beside its name, so nobody needs the colours. The `desc` of a picture says the same in words.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.electrical.rotations import LINE_NAMES, LINES

from .html import Html, element, join, read_own

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_plugchoice.electrical.figures import Figures, Triple
    from pulumi_plugchoice.sitefile.model import ChargerEntry, ConnectorEntry, SiteFile

# The chart of currents: its size, and its edges. Narrow, so that a phone shows it as it is.
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _FLOOR = 380, 290, 46, 370, 34, 240
# A charger in its picture.
_BOX: Final = 208
_GAP: Final = 12


def draw_patterns() -> Html:
    """The patterns of the lines, which bars and marks refer to: one on a page, or in a picture."""
    rows = {
        "R": (),
        "S": (element("path", class_="hatch", d="M-2,2 L2,-2 M-2,10 L10,-2 M6,10 L10,6"),),
        "T": (element("circle", class_="dot", cx=2, cy=2, r=1.2), element("circle", class_="dot", cx=6, cy=6, r=1.2)),
    }
    return element(
        "defs",
        *(
            element(
                "pattern",
                element("rect", class_=letter, width=8, height=8),
                *marks,
                id=f"line-{letter}",
                width=8,
                height=8,
                patternUnits="userSpaceOnUse",
            )
            for letter, marks in rows.items()
        ),
    )


def draw_mark(letter: str | None, x: float = 0, y: float = 0) -> Html:
    """The mark of a line (R, S, T), 14 wide; None: no line."""
    given = {"class_": "line", "fill": f"url(#line-{letter})"} if letter else {"class_": "none"}
    return element("rect", **given, x=_n(x + 0.5), y=_n(y + 0.5), width=13, height=13, rx=3)


def draw_bars(before: Figures | None, after: Figures, names: tuple[str, str] = ("before", "after")) -> Html:
    """Draw bars of the current on each line when every connector charges a one-phase car, and the usable current.

    Args:
        before: pale bars; None: only `after` is drawn.
        after: full bars.
        names: of the two.
    """
    charts = [after] if before is None else [before, after]
    highest = max(after.usable_amps, *(amps for figures in charts for amps in figures.single_phase)) or 1
    step = _step(highest)
    steps = -(-highest // step)
    scale = (_FLOOR - _TOP) / (step * steps)
    parts = []
    for mark in range(0, int(step * steps) + 1, step):
        parts.append(_horizontal("axis", _FLOOR - mark * scale))
        parts.append(_text(_LEFT - 6, _FLOOR - mark * scale + 4, f"{mark}", "small soft", anchor="end"))
    parts.append(_text(_LEFT - 6, _TOP - 16, "A", "small soft", anchor="end"))
    slot = (_RIGHT - _LEFT) / 3
    width = slot * 0.38
    values = []
    for place, letter in enumerate(LINES):
        middle = _LEFT + slot * (place + 0.5)
        bars = [("line", after, middle - width / 2, "")]
        if before is not None:
            bars = [("line before", before, middle - width - 3, names[0]), ("line", after, middle + 3, names[1])]
        for kind, figures, x, name in bars:
            amps = figures.single_phase[place]
            y = _FLOOR - amps * scale
            box = {"x": _n(x), "y": _n(y), "width": _n(width), "height": _n(_FLOOR - y)}
            parts.append(element("rect", class_=kind, fill=f"url(#line-{letter})", **box))
            over = "small value over" if amps > figures.usable_amps else "small value"
            values.append(_text(x + width / 2, y - 5, f"{amps:.0f}", over, anchor="middle"))
            if name:
                parts.append(_text(x + width / 2, _FLOOR + 15, name, "small soft", anchor="middle"))
        parts.append(_text(middle, _FLOOR + 34, LINE_NAMES[letter], anchor="middle"))
    parts.append(_horizontal("usable", _FLOOR - after.usable_amps * scale))
    parts += values
    # Beside the line, a bar would hide it.
    parts.append(_text(_RIGHT, _TOP - 16, f"- - usable: {after.usable_amps} A", "small over", anchor="end"))
    return join(parts)


def draw_amps_per_line(title: str, before: Figures | None, after: Figures) -> str:
    """Draw the picture of these bars, with the difference between the lines.

    Args:
        title: one line.
        before: pale bars; None: only `after` is drawn.
        after: full bars.
    """
    charts = [after] if before is None else [before, after]
    difference = " → ".join(f"{figures.full_imbalance:g} A" for figures in charts)
    notes = [
        (f"Largest difference between lines: {difference}", ""),
        ("Every connector charges a one-phase car; declared values,", "small soft"),
        ("with building and DC chargers.", "small soft"),
    ]
    texts = [_text(16, y, text, kind) for y, (text, kind) in zip((330, 350, 365), notes, strict=True)]
    bars = element("g", draw_bars(before, after), transform="translate(0 30)")
    return _svg(_WIDTH, 378, title, describe_amps(before, after), [bars, *texts])


def draw_figure(before: Figures | None, after: Figures, names: tuple[str, str]) -> Html:
    """The bars on a page, which has the patterns."""
    return element(
        "svg",
        draw_bars(before, after, names),
        class_="bars",
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        role="img",
        aria_label=describe_amps(before, after, names),
    )


def _horizontal(kind: str, y: float) -> Html:
    return element("line", class_=kind, x1=_LEFT, y1=_n(y), x2=_RIGHT, y2=_n(y))


def describe_amps(before: Figures | None, after: Figures, names: tuple[str, str] = ("before", "after")) -> str:
    """The bars in words."""

    def lines(amps: Triple) -> str:
        return ", ".join(f"{LINE_NAMES[letter]} {value:g} A" for letter, value in zip(LINES, amps, strict=True))

    head = f"When every connector charges a one-phase car{'' if before is None else f', {names[1]}'}: "
    head += f"{lines(after.single_phase)}; difference {after.full_imbalance:g} A"
    if before is not None:
        head += f". {names[0].capitalize()}: {lines(before.single_phase)}; difference {before.full_imbalance:g} A"
    return f"{head}. {after.usable_amps} A per line are usable."


def draw_chargers(site: SiteFile) -> str:
    """Draw the chargers in the order of the file, each connector with the line on its terminal L1."""
    columns = min(5, max(2, -(-len(site.chargers) // 12)), len(site.chargers))
    left, y = 16.0, 78.0
    parts = [_legend(left, y - 32)]
    for start in range(0, len(site.chargers), columns):
        row = [_charger(charger) for charger in site.chargers[start : start + columns]]
        tall = max(height for height, _ in row)
        for place, (_, inner) in enumerate(row):
            box = element("rect", class_="box", width=_BOX, height=_n(tall), rx=6)
            move = f"translate({_n(left + place * (_BOX + _GAP))} {_n(y)})"
            parts.append(element("g", box, inner, transform=move))
        y += tall + _GAP
    note = "Declared, not measured. An arrow: planned, not wired yet."
    parts.append(_text(left, y + 14, note, "small soft"))
    title = f"{printable(site.label or site.site, 200)}: building line on terminal L1"
    width = max(32 + columns * (_BOX + _GAP) - _GAP, 380)
    return _svg(width, y + 30, title, _chargers_in_words(site), parts)


def _legend(x: float, y: float) -> Html:
    parts = []
    for letter in LINES:
        parts += [draw_mark(letter, x, y), _text(x + 20, y + 11, LINE_NAMES[letter], "small")]
        x += 52
    return join([*parts, draw_mark(None, x, y), _text(x + 20, y + 11, "DC, or not declared", "small")])


def _charger(charger: ChargerEntry) -> tuple[float, Html]:
    """The height of a charger, and what stands in its box."""
    parts, y = [], 8.0
    names = [(charger.label, 13, ""), (charger.key, 11, "name")] if charger.label else [(charger.key, 13, "")]
    for text, size, kind in names:
        for line in _wrap(printable(text or "", 200), _BOX - 20, size):
            y += size + 3
            parts.append(_text(10, y, line, kind))
    y += 8
    for connector in charger.connectors:
        letter = connector.phase_rotation and connector.phase_rotation[0]
        parts.append(draw_mark(letter, 10, y))
        parts.append(_text(30, y + 11, f"{connector.connector_id}: {_describe_lines(charger, connector)}", "small"))
        y += 19
    return y + 4, join(parts)


def _describe_lines(charger: ChargerEntry, connector: ConnectorEntry) -> str:
    """The line on terminal L1 now, and as planned: `L1 → L3`."""
    rotation, planned = connector.phase_rotation, connector.planned_rotation
    is_dc = connector.dc or charger.ac_input_amps is not None
    now = LINE_NAMES[rotation[0]] if rotation else "DC" if is_dc else "not declared"
    return f"{now} → {LINE_NAMES[planned[0]]}" if planned and planned != rotation else now


def _chargers_in_words(site: SiteFile) -> str:
    by_line: dict[str, list[str]] = {letter: [] for letter in LINES}
    other: list[str] = []
    for charger in site.chargers:
        for connector in charger.connectors:
            name = f"{charger.label or charger.key}/{connector.connector_id}"
            (by_line[connector.phase_rotation[0]] if connector.phase_rotation else other).append(name)
    parts = [f"{LINE_NAMES[letter]}: {', '.join(names)}" for letter, names in by_line.items() if names]
    if other:
        parts.append(f"DC, or not declared: {', '.join(other)}")
    return "Building line on terminal L1 of each connector. " + "; ".join(parts) + "."


def _svg(width: float, height: float, title: str, words: str, parts: Sequence[Html]) -> str:
    lines = _wrap(printable(title, 300), width - 32, 16)
    more = 20 * (len(lines) - 1)
    size = {"width": _n(width), "height": _n(height + more)}
    inner = [
        element("title", title, id="title"),
        element("desc", words, id="desc"),
        element("style", read_own("lines.css")),
        draw_patterns(),
        element("rect", class_="paper", **size),
        *(_text(16, 28 + 20 * place, line, "title") for place, line in enumerate(lines)),
        element("g", join(parts, "\n"), transform=f"translate(0 {more})" if more else None),
    ]
    svg = element(
        "svg",
        join(inner, "\n"),
        **size,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_n(width)} {_n(height + more)}",
        role="img",
        aria_labelledby="title desc",
    )
    return f"{svg}\n"


def _text(x: float, y: float, text: str, kind: str = "", *, anchor: str | None = None) -> Html:
    return element("text", text, class_=kind or None, x=_n(x), y=_n(y), text_anchor=anchor)


def _wrap(text: str, width: float, size: float) -> list[str]:
    """Break a text into lines, at blanks where it can. No line is wider, whatever the font; nothing is left out."""
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}".strip()
        if _measure(longer) * size <= width:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for letter in word:
            if _measure(lines[-1] + letter) * size > width:
                lines.append("")
            lines[-1] += letter
    return lines


def _measure(text: str) -> float:
    """About the width of a text, in heights of its letters, in a wide font."""
    return sum(
        0 if unicodedata.combining(letter)
        else 1.05 if unicodedata.east_asian_width(letter) in "WF" or letter in "MWmw@%—…"
        else 0.4 if letter in "ijl.,:;'|!() -/I"
        else 0.72 if letter.isupper()
        else 0.64
        for letter in text
    )  # fmt: skip


def _n(number: float) -> str:
    """A number with at most one decimal: the same on every machine."""
    return f"{number:.1f}".removesuffix(".0")


def _step(highest: float) -> int:
    """The distance of the lines of the scale, of which there are at most eight."""
    return next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000, 20_000) if highest / step <= 8)
