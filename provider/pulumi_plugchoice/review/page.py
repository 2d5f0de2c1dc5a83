"""The report page: all sites on one page, for people who do not read terminals. It is one file and needs no script."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import plural, printable
from pulumi_plugchoice.electrical.limits import describe_other_limit, find_exceeded_limits
from pulumi_plugchoice.electrical.rotations import LINE_NAMES, LINES
from pulumi_plugchoice.electrical.site_warnings import sum_base
from pulumi_plugchoice.sitefile.definition import make_definition, parse_limits
from pulumi_plugchoice.sitefile.plan import read_plan

from .html import Html, element, page, read_own
from .markdown import CURRENTS_HEAD, FOOTER, Loads, feed_change, format_supply, list_currents
from .report import LETTERS
from .run import HEAD as RUN_HEAD
from .run import KIND as RUN_KIND
from .run import describe_run
from .sheet import SheetRow, describe_site, list_rows
from .svg import draw_figure, draw_mark, draw_patterns

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pulumi_plugchoice.electrical.figures import Figures
    from pulumi_plugchoice.electrical.limits import ExceededLimit
    from pulumi_plugchoice.electrical.planner import Plan
    from pulumi_plugchoice.sitefile.assess import Assessment
    from pulumi_plugchoice.sitefile.model import ChargerEntry, SiteFile

    from .run import RunView

# Of a label: a site file does not limit it.
_LONGEST: Final = 200
_SHEET: Final = ("Charger", "Connector", "Terminals L1/L2/L3 wired to", "Group", "Breaker", "Maximum current")
# The columns of each table; the last one of the first table only with live values.
_HEADS: Final = {
    "overview": (
        "Site",
        "Usable, A per line",
        "Most loaded line, one-phase cars",
        "Difference between lines, all bays in use",
        "Difference, some bays empty",
        "Limits",
        "To rewire",
        "Plugchoice",
    ),
    "changes": ("Connector", "Setting", "Live", "Declared"),
    "plan": ("Charger", "Connector", "Terminal L1 wired to", "Rotation", "Most loaded line after the visit"),
    "rewire": ("Visit", *_SHEET, "Date", "Name"),
    "wired": _SHEET,
    "currents": CURRENTS_HEAD,
}


@dataclass(frozen=True)
class Difference:
    """A setting that differs between a site file and Plugchoice.

    Attributes:
        connector: its name: `HRB-001/1`.
        setting: `phase_rotation` or `max_amperage`.
        live: what Plugchoice has.
        declared: what the file has.
    """

    connector: str
    setting: str
    live: str
    declared: str


@dataclass(frozen=True)
class LiveView:
    """What Plugchoice has of a site.

    Attributes:
        figures: what the live connectors add up to; None when the site could not be read.
        differences: the settings that differ.
        findings: all else that was found, one line each.
        gaps: what could not be compared, one line each.
    """

    figures: Figures | None
    differences: Sequence[Difference] = ()
    findings: Sequence[str] = ()
    gaps: Sequence[str] = ()

    @property
    def summary(self) -> str:
        """For the table of sites."""
        if self.figures is None:
            return "not read"
        found = len(self.differences) + len(self.findings)
        parts = ["not read completely"] if self.gaps else []
        parts += [plural(found, "finding")] if found else []
        return ", ".join(parts) or "as declared"


@dataclass(frozen=True)
class SiteView:
    """A site of the page.

    Attributes:
        file: name of the site file.
        site: what it declares; None when the file cannot be used.
        assessment: what it adds up to; None likewise.
        problem: why the file cannot be used, one line.
        live: what Plugchoice has; None when it was not asked.
    """

    file: str
    site: SiteFile | None = None
    assessment: Assessment | None = None
    problem: str = ""
    live: LiveView | None = None


@dataclass(frozen=True)
class _Site:
    """A site that can be shown, with what is computed once."""

    number: int
    view: SiteView
    site: SiteFile
    assessment: Assessment
    plan: Plan
    exceeded: Sequence[ExceededLimit]

    @property
    def name(self) -> str:
        return printable(self.site.label or "", _LONGEST) or self.site.site.lower()


def render_page(views: Sequence[SiteView], read_at: str | None = None, run: RunView | None = None) -> str:
    """Render the page.

    Args:
        views: the sites.
        read_at: when Plugchoice was read; None when it was not.
        run: what a run of their stacks did; None when there was none.
    """
    sites = [_prepare(number, view) for number, view in enumerate(views, 1)]
    unusable = [view for view in views if view.site is None]
    title = f"{plural(len(views), 'charging site')}"
    intro = "Figures are computed from site files"
    intro += f", and compared with Plugchoice as it was on {read_at}." if read_at else "."
    intro += "" if read_at or run else " Plugchoice was not read."
    shown = [item for item in sites if item is not None]
    return page(
        title,
        element("svg", draw_patterns(), class_="patterns", width=0, height=0, aria_hidden="true"),
        element("header", element("h1", title, id="top", tabindex=-1), element("p", intro)),
        element(
            "main",
            None if run is None else describe_run(run),
            element("h2", "All sites"),
            [_problem(view.problem) for view in unusable],
            _overview(views, shown, is_live=read_at is not None),
            element("p", LETTERS, " ", FOOTER, class_="printed"),
            [_section(item) for item in shown],
        ),
        element("footer", element("p", LETTERS), element("p", FOOTER)),
        heads={**{kind: head for kind, head in _HEADS.items() if kind != "currents"}, RUN_KIND: RUN_HEAD},
        script=read_own("page.js"),
    )


def _prepare(number: int, view: SiteView) -> _Site | None:
    if view.site is None or view.assessment is None:
        return None
    plan = read_plan(view.site, view.assessment.installation)
    limits = parse_limits(make_definition(view.site))
    exceeded = find_exceeded_limits(limits, view.assessment.figures, None)
    return _Site(number, view, view.site, view.assessment, plan, exceeded)


# ------------------------------------------------------------------------------------------------------ parts


def _table(kind: str, caption: str, rows: Sequence[Sequence[object]]) -> Html:
    """A table; the first cell of a row names it. Narrow screens show each row as a block."""
    head = _HEADS[kind][: len(rows[0])]
    return element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *(element("th", name, scope="col") for name in head))),
        element(
            "tbody",
            *(
                element("tr", element("th", row[0], scope="row"), *(element("td", cell) for cell in row[1:]))
                for row in rows
            ),
        ),
        class_=kind,
    )


def _list(lines: Iterable[object], kind: str | None = None) -> Html:
    return element("ul", *(element("li", line) for line in lines), class_=kind)


def _problem(*texts: object) -> Html:
    return element("p", *texts, class_="problem")


def _code(text: str) -> Html:
    return element("code", text)


def _mark(letter: str | None) -> Html:
    """The mark of a line, which stands beside its name."""
    return element("svg", draw_mark(letter), class_="mark", width=14, height=14, aria_hidden="true")


def _name_charger(charger: ChargerEntry) -> list[object]:
    label = printable(charger.label or "", _LONGEST)
    return [element("bdi", label), " ", _code(charger.key)] if label else [_code(charger.key)]


# ------------------------------------------------------------------------------------------------------ all sites


def _overview(views: Sequence[SiteView], sites: Sequence[_Site], *, is_live: bool) -> Html:
    by_number = {item.number: item for item in sites}
    rows: list[tuple[object, ...]] = []
    for number, view in enumerate(views, 1):
        item = by_number.get(number)
        cells = ("cannot be read",) * 6 if item is None else _summarize(item)
        live = [view.live.summary if view.live else "not read"] if is_live else []
        rows.append((_code(view.file) if item is None else _link(item), *cells, *live))
    return _table("overview", "One row for each site", rows)


def _link(item: _Site) -> Html:
    return element("a", element("bdi", item.name), href=f"#site-{item.number}")


def _summarize(item: _Site) -> tuple[object, ...]:
    figures = item.assessment.figures
    worst = max(figures.single_phase)
    line = LINE_NAMES[LINES[figures.single_phase.index(worst)]]
    over = worst - figures.usable_amps
    empty = figures.worst_imbalance
    visits = {row.visit for row in list_rows(item.site, item.plan) if row.visit}
    return (
        f"{figures.usable_amps} A",
        [f"{worst:g} A on {line}", element("strong", f", {over:g} A above usable") if over > 0 else None],
        f"{figures.full_imbalance:g} A",
        "not computed without neutral" if empty is None else f"{empty:g} A",
        _summarize_limits(item),
        plural(len(visits), "charger") if visits else "none",
    )


def _summarize_limits(item: _Site) -> object:
    exceeded = len({limit.limit for limit in item.exceeded})
    declared = sum(1 for _, amps in _list_limits(item.site))
    if exceeded:
        return element("strong", f"{exceeded} of {declared} exceeded")
    return f"{declared} declared, none exceeded" if declared else "none declared"


def _list_limits(site: SiteFile) -> list[tuple[str, int]]:
    return [(name, amps) for name, amps in site.limits.model_dump().items() if amps and name != "presets"]


# ------------------------------------------------------------------------------------------------------ one site


def _section(item: _Site) -> Html:
    site = item.site
    usable = item.assessment.figures.usable_amps
    return element(
        "section",
        element("h2", element("bdi", item.name), id=f"site-{item.number}", tabindex=-1),
        element(
            "p",
            f"{format_supply(site)}, main fuse {site.supply.main_fuse_amps} A, {usable} A usable per line. File ",
            _code(item.view.file),
            ". ",
            element("a", "All sites", class_="back", href="#top"),
        ),
        _describe_gaps(item.view.live),
        _describe_currents(item),
        _describe_limits(item),
        _describe_live(item.view.live),
        _describe_plan(item),
        _describe_warnings(item.assessment),
        element("h3", "Chargers by the line on terminal L1"),
        _describe_lines(item),
        _sheet(item),
        class_="site",
    )


def _describe_gaps(live: LiveView | None) -> Html | None:
    if live is None or not live.gaps:
        return None
    if live.figures is None:
        return _problem(element("strong", "Not read from Plugchoice."), " ", *live.gaps)
    return element("div", _problem(element("strong", "Not read completely.")), _list(live.gaps))


def _describe_currents(item: _Site) -> Html:
    """Bars before and after, and the same in numbers."""
    base = sum_base(item.assessment.installation)
    before: Figures | None
    live = item.view.live
    if live is not None and live.figures is not None:
        before, after, names = live.figures, item.assessment.figures, ("live", "declared")
    elif item.plan.visits:
        before, after, names = item.plan.before, item.plan.after, ("wired", "planned")
    else:
        before, after, names = None, item.assessment.figures, ("", "")
    rows = list_currents(None if before is None else Loads(before, base), Loads(after, base), names)
    note = "The bars: every connector charges a one-phase car."
    if before is not None:
        note += f" Pale: {names[0]}. Full: {names[1]}."
    return element(
        "div",
        element("figure", draw_figure(before, after, names), element("figcaption", note)),
        element("div", _table("currents", "Current on each line", rows)),
        class_="chart",
    )


def _describe_limits(item: _Site) -> Html | None:
    exceeded = {limit.limit for limit in item.exceeded}
    lines: list[object] = [element("strong", limit.fact) for limit in item.exceeded]
    lines += [
        f"limit {name} ({amps} A): {describe_other_limit(name, item.assessment.figures)}"
        for name, amps in _list_limits(item.site)
        if name not in exceeded
    ]
    return element("div", element("h3", "Owner's limits"), _list(lines)) if lines else None


def _describe_warnings(assessment: Assessment) -> Html | None:
    lines = [*assessment.warnings, *(f"not counted: {name}" for name in assessment.not_counted)]
    return element("div", element("h3", "Warnings"), _list(lines)) if lines else None


def _describe_lines(item: _Site) -> Html:
    """The connectors by the line on terminal L1, as declared; of an unmanaged one as it counts."""
    points = {point.name: point for point in item.assessment.installation.points}
    by_line: dict[str | None, list[Html]] = {letter: [] for letter in (*LINES, None)}
    amps = dict.fromkeys(LINES, 0)
    for charger in item.site.chargers:
        for connector in charger.connectors:
            point = points.get(f"{charger.key}/{connector.connector_id}")
            rotation = connector.phase_rotation or (point and point.rotation)
            letter = rotation[0] if rotation else None
            if letter and point:
                amps[letter] += point.amps
            number = f" connector {connector.connector_id}" if len(charger.connectors) > 1 else None
            by_line[letter].append(element("li", _name_charger(charger), number))
    blocks = []
    for letter, names in by_line.items():
        if letter is None and not names:
            continue
        head = f"{LINE_NAMES[letter]}: " if letter else "DC, or not declared: "
        head += plural(len(names), "connector") + (f", {amps[letter]} A" if letter else "")
        blocks.append(element("div", element("h4", _mark(letter), " ", head), element("ul", *names) if names else None))
    return element("div", *blocks, class_="lines")


def _describe_live(live: LiveView | None) -> Html | None:
    """What differs in Plugchoice."""
    if live is None or live.figures is None:
        return None
    parts: list[object] = [element("h3", "Compared with Plugchoice")]
    if live.differences:
        rows = [(_code(item.connector), item.setting, item.live, item.declared) for item in live.differences]
        parts.append(_table("changes", "Connectors that differ", rows))
    if live.findings:
        parts.append(_list(live.findings))
    if len(parts) == 1:
        text = "Nothing that was read differs." if live.gaps else "Plugchoice has the declared values."
        parts.append(element("p", text))
    return element("div", *parts)


def _describe_plan(item: _Site) -> Html | None:
    """The connectors whose planned rotation differs from the one as wired, and what each visit changes."""
    worst = {visit.charger: visit.worst_single_phase for visit in item.plan.visits}
    rows = []
    for row in list_rows(item.site, item.plan):
        connector = next(one for one in row.charger.connectors if one.connector_id == row.connector_id)
        now, planned = connector.phase_rotation, connector.planned_rotation
        if row.visit is None or planned in (None, now):
            continue
        after = worst.get(row.charger.key)
        rows.append(
            (
                element("span", *_name_charger(row.charger)),
                row.connector_id,
                feed_change(now, planned),
                f"{now or 'not declared'} → {planned}",
                "not counted" if after is None else f"{after:g} A",
            )
        )
    if not rows:
        return None
    return element("div", element("h3", "Planned changes"), _table("plan", "Connectors with another rotation", rows))


# ------------------------------------------------------------------------------------------------------ the sheet


def _sheet(item: _Site) -> Html:
    """The installer's sheet: printed, it has a page of its own."""
    rows = list_rows(item.site, item.plan)
    turned = [row for row in rows if row.visit]
    rest = [row for row in rows if not row.visit]
    parts: list[object] = [
        element("h3", "Installer sheet", element("span", ": ", element("bdi", item.name), class_="printed")),
        element("p", describe_site(item.site), class_="printed"),
    ]
    if turned:
        boxes = [element("span", class_="box")] * 2
        cells = [(row.visit, *_format_row(row), *boxes) for row in turned]
        parts.append(_table("rewire", "To rewire, in this order", cells))
    else:
        parts.append(element("p", "Nothing is to be rewired."))
    if rest:
        caption = "Stays as it is wired" if turned else "As it is wired"
        parts.append(_table("wired", caption, [_format_row(row) for row in rest]))
    parts.append(element("p", LETTERS, " ", FOOTER, class_="printed"))
    return element("div", *parts, class_="sheet")


def _format_row(row: SheetRow) -> tuple[object, ...]:
    name = element("span", *_name_charger(row.charger))
    return (
        name,
        row.connector_id,
        row.wiring or "not declared",
        element("bdi", row.group),
        row.breaker or "not declared",
        row.current or "not declared",
    )
