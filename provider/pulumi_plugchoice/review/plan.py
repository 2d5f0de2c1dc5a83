"""The wiring plan as Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import plural
from pulumi_plugchoice.electrical.site_warnings import sum_base
from pulumi_plugchoice.sitefile.assess import assess_site

from .markdown import (
    FOOTER,
    Loads,
    currents_table,
    feed_change,
    format_charger_name,
    format_site_name,
    list_uncounted,
    table,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_plugchoice.electrical.planner import Plan
    from pulumi_plugchoice.sitefile.model import SiteFile

_NEXT_STEPS: Final = (
    "The plan changes no value in Plugchoice. `plugchoice plan --write` adds it to the site file as "
    "`planned_rotation`; `plugchoice wired` makes that the `phase_rotation` of a charger that has been rewired."
)


def plan_markdown(site: SiteFile, plan: Plan, not_counted: Sequence[str] = ()) -> str:
    """Render a wiring plan: the visits in order, each with the current on the most loaded line after it.

    Args:
        site: the site that is planned.
        plan: of that site.
        not_counted: connectors that the figures do not count, each with the reason.
    """
    chargers = {charger.key: charger for charger in site.chargers}
    lines = [f"# Wiring plan: {format_site_name(site)}", "", _summary(plan), ""]
    if plan.visits:
        lines += table(
            ("Visit", "Charger", "Connector", "Terminal L1 wired to", "Rotation", "Most loaded line after the visit"),
            [
                (
                    str(number),
                    format_charger_name(chargers[visit.charger]),
                    str(connector),
                    feed_change(before, visit.after[connector]),
                    f"{before} → {visit.after[connector]}",
                    f"{visit.worst_single_phase:g} A",
                )
                for number, visit in enumerate(plan.visits, 1)
                for connector, before in visit.before.items()
            ],
        )
        lines.append("")
    base = sum_base(assess_site(site).installation)
    before, after = (Loads(figures, base) for figures in (plan.before, plan.after))
    lines += [*currents_table(before, after, ("as declared", "after all visits")), ""]
    if not_counted:
        lines += [*list_uncounted(not_counted), ""]
    lines += [_NEXT_STEPS, "", FOOTER, ""]
    return "\n".join(lines)


def _summary(plan: Plan) -> str:
    if not plan.visits:
        return "No rewiring improves the site as declared."
    quality = "no other plan is better" if plan.is_optimal else "the best plan that a search found"
    return (
        f"Rewire {plural(len(plan.visits), 'charger')} ({quality}). When every connector charges a one-phase car, the "
        f"most loaded line carries {max(plan.before.single_phase):g} A as declared and "
        f"{max(plan.after.single_phase):g} A after all visits."
    )
