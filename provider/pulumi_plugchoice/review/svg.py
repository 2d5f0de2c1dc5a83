"""Pictures of a site as SVG: currents per line before and after, chargers by the line on their terminal L1.

Without scripts and outside fonts, so that a pull request can show them. The colours are those of Okabe and Ito, which
people with any colour vision can tell apart; each stands beside the name of its line. Light and dark backgrounds have
their own colours. The `desc` of a picture says the same in words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.electrical.rotations import LINE_NAMES, LINES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_plugchoice.electrical.figures import Figures, Triple
    from pulumi_plugchoice.sitefile.model import ChargerEntry, SiteFile

_STYLE: Final = """\
  <style>
    text { font-family: system-ui, sans-serif; font-size: 13px; fill: #1b1f24 }
    .title { font-size: 17px; font-weight: 600 }
    .small { font-size: 11px }
    .soft { fill: #57606a }
    .paper { fill: #ffffff }
    .box { fill: #f3f5f7; stroke: #8c959f }
    .axis { stroke: #8c959f }
    .usable { stroke: #b3261e; stroke-width: 2; stroke-dasharray: 7 4 }
    .over { fill: #b3261e; font-weight: 600 }
    .before { fill-opacity: 0.35 }
    .R { fill: #0072b2; stroke: #0072b2 } .S { fill: #e69f00; stroke: #e69f00 } .T { fill: #009e73; stroke: #009e73 }
    .none { fill: #8c959f; stroke: #8c959f }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .soft { fill: #9da7b1 }
      .paper { fill: #0d1117 }
      .box { fill: #1c2229; stroke: #6e7681 }
      .axis { stroke: #6e7681 }
      .usable { stroke: #ff8a80 }
      .over { fill: #ff8a80 }
      .R { fill: #56b4e9; stroke: #56b4e9 } .S { fill: #f0c040; stroke: #f0c040 } .T { fill: #2ec4a0; stroke: #2ec4a0 }
    }
  </style>"""


# The chart of currents: its size, and its edges.
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _FLOOR = 560, 380, 64, 536, 74, 290


def draw_amps_per_line(title: str, before: Figures | None, after: Figures) -> str:
    """Draw the current on each line when every connector charges a one-phase car, and the usable current.

    Args:
        title: one line.
        before: pale bars; None: only `after` is drawn.
        after: full bars.
    """
    charts = [after] if before is None else [before, after]
    highest = max(after.usable_amps, *(amps for figures in charts for amps in figures.single_phase)) or 1
    step = _step(highest)
    steps = -(-highest // step)
    scale = (_FLOOR - _TOP) / (step * steps)
    parts = []
    for amps in range(0, int(step * steps) + 1, step):
        parts.append(_horizontal("axis", _FLOOR - amps * scale, ' stroke-opacity="0.3"'))
        parts.append(_text(_LEFT - 8, _FLOOR - amps * scale + 4, f"{amps:g}", "small soft", anchor="end"))
    parts.append(_text(_LEFT - 8, _TOP - 14, "A", "small soft", anchor="end"))
    slot = (_RIGHT - _LEFT) / 3
    width = slot * (0.4 if before is None else 0.27)
    for place, letter in enumerate(LINES):
        middle = _LEFT + slot * (place + 0.5)
        if before is None:
            parts += _bar(letter, after, middle - width / 2, width, scale=scale)
        else:
            parts += _bar(f"{letter} before", before, middle - width - 3, width, scale=scale, name="before")
            parts += _bar(letter, after, middle + 3, width, scale=scale, name="after")
        parts.append(_text(middle, _FLOOR + 34, LINE_NAMES[letter], anchor="middle"))
    parts.append(_horizontal("usable", _FLOOR - after.usable_amps * scale))
    # Beside the line, a bar would hide it.
    parts.append(_text(_RIGHT, _TOP - 14, f"- - usable: {after.usable_amps} A", "small over", anchor="end"))
    difference = " → ".join(f"{figures.full_imbalance:g} A" for figures in charts)
    parts.append(_text(24, _FLOOR + 60, f"Largest difference between lines: {difference}"))
    note = "Every connector charges a one-phase car; declared values, with building and DC chargers."
    parts.append(_text(24, _FLOOR + 78, note, "small soft"))
    return _svg(_WIDTH, _HEIGHT, title, _amps_in_words(before, after), parts)


def _horizontal(kind: str, y: float, style: str = "") -> str:
    return f'  <line class="{kind}" x1="{_LEFT}" y1="{_n(y)}" x2="{_RIGHT}" y2="{_n(y)}"{style}/>'


def _bar(kind: str, figures: Figures, x: float, width: float, *, scale: float, name: str = "") -> list[str]:
    """One bar with its value above and its name below; `kind` begins with the letter of the line."""
    amps = figures.single_phase[LINES.index(kind[0])]
    y = _FLOOR - amps * scale
    box = f'x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(_FLOOR - y)}"'
    over = "small over" if amps > figures.usable_amps else "small"
    parts = [f'  <rect class="{kind}" {box}/>', _text(x + width / 2, y - 5, f"{amps:.0f}", over, anchor="middle")]
    return [*parts, _text(x + width / 2, _FLOOR + 15, name, "small soft", anchor="middle")] if name else parts


def _amps_in_words(before: Figures | None, after: Figures) -> str:
    def lines(amps: Triple) -> str:
        return ", ".join(f"{LINE_NAMES[letter]} {value:g} A" for letter, value in zip(LINES, amps, strict=True))

    head = f"When every connector charges a one-phase car: {lines(after.single_phase)}"
    head += f"; difference {after.full_imbalance:g} A"
    if before is not None:
        head += f". Before: {lines(before.single_phase)}; difference {before.full_imbalance:g} A"
    return f"{head}. {after.usable_amps} A per line are usable."


def draw_chargers(site: SiteFile) -> str:
    """Draw the chargers in the order of the file, each connector in the colour of the line on its terminal L1."""
    columns = min(6, max(3, -(-len(site.chargers) // 10)))
    rows = -(-len(site.chargers) // columns)
    box, tall, gap, left, top = 132, 70, 12, 24, 82
    width = max(left * 2 + columns * (box + gap) - gap, 460)
    name = _short(site.label or site.site, width // 10 - 34)
    height = top + rows * (tall + gap) + 34
    title = f"{name}: building line on terminal L1"
    parts = [_legend(left, 58)]
    for place, charger in enumerate(site.chargers):
        x = left + (place % columns) * (box + gap)
        y = top + (place // columns) * (tall + gap)
        parts += _charger(charger, x, y, box, tall)
    note = "Declared, not measured. An arrow: planned, not wired yet."
    parts.append(_text(left, height - 14, note, "small soft"))
    return _svg(width, height, title, _chargers_in_words(site), parts)


def _legend(x: float, y: float) -> str:
    parts = []
    for letter in LINES:
        parts.append(f'  <circle class="{letter}" cx="{x + 6}" cy="{y - 4}" r="6"/>')
        parts.append(_text(x + 17, y, LINE_NAMES[letter], "small"))
        x += 52
    parts.append(f'  <circle class="none" cx="{x + 6}" cy="{y - 4}" r="6"/>')
    parts.append(_text(x + 17, y, "DC, or not declared", "small"))
    return "\n".join(parts)


def _charger(charger: ChargerEntry, x: float, y: float, box: float, tall: float) -> list[str]:
    parts = [f'  <rect class="box" x="{_n(x)}" y="{_n(y)}" width="{box}" height="{tall}" rx="6"/>']
    parts.append(_text(x + 10, y + 19, _short(charger.label or charger.key, 15)))
    if charger.label:
        parts.append(_text(x + 10, y + 34, _short(charger.key, 18), "small soft"))
    at = x + 10
    for connector in charger.connectors[:2]:
        kind, words = _dot(connector.phase_rotation, connector.planned_rotation)
        parts.append(f'  <circle class="{kind}" cx="{_n(at + 6)}" cy="{_n(y + tall - 16)}" r="6"/>')
        parts.append(_text(at + 16, y + tall - 12, words, "small"))
        at += 60
    more = len(charger.connectors) - 2
    if more > 0:
        parts.append(_text(x + box - 8, y + 19, f"+{more}", "small soft", anchor="end"))
    return parts


def _dot(rotation: str | None, planned: str | None) -> tuple[str, str]:
    """A connector's colour, and the text beside it."""
    if rotation is None:
        return "none", "-"
    now = LINE_NAMES[rotation[0]]
    later = LINE_NAMES[planned[0]] if planned else now
    return rotation[0], now if later == now else f"{now}→{later}"


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


def _svg(width: float, height: float, title: str, words: str, parts: Sequence[str]) -> str:
    title, words = escape(printable(title, 120)), escape(printable(words, 20_000))
    size = f'width="{_n(width)}" height="{_n(height)}"'
    box = f'viewBox="0 0 {_n(width)} {_n(height)}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box} role="img" aria-labelledby="title desc">',
            f'  <title id="title">{title}</title>',
            f'  <desc id="desc">{words}</desc>',
            _STYLE,
            f'  <rect class="paper" {size}/>',
            f'  <text class="title" x="24" y="32">{title}</text>',
            *parts,
            "</svg>",
            "",
        ]
    )


def _text(x: float, y: float, text: str, kind: str = "", *, anchor: str = "start") -> str:
    kind = f' class="{kind}"' if kind else ""
    anchor = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'  <text{kind} x="{_n(x)}" y="{_n(y)}"{anchor}>{escape(printable(text, 120))}</text>'


def _short(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _n(number: float) -> str:
    """A number with at most one decimal: the same on every machine."""
    return f"{number:.1f}".removesuffix(".0")


def _step(highest: float) -> int:
    """The distance of the lines of the scale, of which there are at most eight."""
    return next(step for step in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000, 20_000) if highest / step <= 8)
