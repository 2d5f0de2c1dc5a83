"""The commands on site files: check, plan, wired, sheet, picture, review, schema. They need no account."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pulumi_plugchoice._files import identify, write_files
from pulumi_plugchoice._text import plural, printable, show_path

from .common import Command, Failure, OutputFile, echo, is_same, output_option, refuse_source, site_file, write_output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_plugchoice.electrical.planner import Plan
    from pulumi_plugchoice.review.pending import Pending
    from pulumi_plugchoice.review.sides import Comparison, FileChange
    from pulumi_plugchoice.sitefile.model import SiteFile

_MOST_REPLACED = 20


@click.command(
    "check",
    cls=Command,
    statuses={
        0: "Nothing of what --fail-on names was found.",
        1: "Something of it was found; or another error, such as no site file.",
    },
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--fail-on",
    type=click.Choice(["mistakes", "limits", "fuses", "none"]),
    default="mistakes",
    show_default=True,
    help="Mistakes; also exceeded limits; also fuses for which the site relies on load balancing; or nothing.",
)
@click.option(
    "--format",
    "style",
    type=click.Choice(["text", "json", "github", "gitlab", "sarif"]),
    default="text",
    show_default=True,
    help="text; JSON; annotations for GitHub Actions, then text; a Code Quality report for GitLab; or SARIF 2.1.0.",
)
@click.pass_context
def check(ctx: click.Context, files: tuple[Path, ...], fail_on: str, style: str) -> None:
    """Check site files for mistakes and print their figures.

    FILES are site files or folders of them; default: sites/*.yaml. Each is checked by itself and against the others: a
    site and a charger are declared once. Exceeded limits, fuses, warnings and connectors that are not counted are
    printed with their place. Needs no account: all figures are computed from declared values.
    """
    from pulumi_plugchoice.fleet import check_report
    from pulumi_plugchoice.fleet.check import KINDS, check_files
    from pulumi_plugchoice.fleet.files import find_site_files
    from pulumi_plugchoice.review.annotations import format_gitlab, format_sarif

    from .annotations import print_github

    checked = check_files(find_site_files(files))
    notes = list(check_report.list_notes(checked, fail_on))
    if style == "json":
        echo(check_report.format_json(checked, fail_on), end="")
    elif style == "gitlab":
        echo(format_gitlab(notes), end="")
    elif style == "sarif":
        echo(format_sarif(notes, {kind: text for kind, text in KINDS.items() if kind != "not-counted"}), end="")
    else:
        if style == "github":
            print_github(notes, "check")
        for item in checked:
            summary = check_report.format_summary(item)
            if summary:
                echo(summary)
            for finding in item.findings:
                echo(check_report.format_finding(item, finding), is_error=finding.kind == "mistake")
    ctx.exit(1 if any(item.fails(fail_on) for item in checked) else 0)


@click.command("plan", cls=Command)
@site_file
@click.option(
    "--write", is_flag=True, help="Write the plan to the site file as planned_rotation, in place of an earlier plan."
)
@click.option("--markdown", is_flag=True, help="Print Markdown instead of a table.")
@click.option("--svg", type=OutputFile(), help="Draw the currents before and after.")
def plan(file: Path, *, write: bool, markdown: bool, svg: Path | None) -> None:
    """Plan which chargers to rewire to spread one-phase cars.

    The plan is for the installer and changes no value in Plugchoice. Once a charger is rewired, `plugchoice wired`
    makes its planned_rotation the phase_rotation.
    """
    from pulumi_plugchoice.review.plan import plan_markdown
    from pulumi_plugchoice.review.svg import draw_amps_per_line
    from pulumi_plugchoice.sitefile.assess import assess_site
    from pulumi_plugchoice.sitefile.load import load_site
    from pulumi_plugchoice.sitefile.plan import insert_plan, list_replaced_plans, plan_rotation

    seen = {file: identify(file)} if write else {}
    site = load_site(file)
    best = plan_rotation(site)
    contents: dict[Path, bytes] = {}
    if svg is not None:
        refuse_source(svg, file)
        contents[svg] = draw_amps_per_line(
            f"{site.label or site.site}: amps per line", best.before, best.after
        ).encode()
    if write:
        contents[file] = insert_plan(file, best).encode()
    write_files(contents, seen)
    not_counted = assess_site(site).not_counted
    if markdown:
        echo(plan_markdown(site, best, not_counted), end="")
    else:
        _print_plan(site, best)
        for name in not_counted:
            echo(f"not counted: {printable(name, 200)}")
    if svg is not None:
        echo(f"{show_path(svg)}: written", is_error=True)
    if write:
        name, replaced = show_path(file), list_replaced_plans(site, best)
        echo(f"{name}: planned_rotation written for {plural(len(best.visits), 'charger')}", is_error=True)
        for line in replaced[:_MOST_REPLACED]:
            echo(f"{name}: replaced the plan of {line}", is_error=True)
        if len(replaced) > _MOST_REPLACED:
            echo(f"{name}: replaced the plan of {len(replaced) - _MOST_REPLACED} more", is_error=True)


def _print_plan(site: SiteFile, plan: Plan) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from pulumi_plugchoice.review.markdown import FOOTER

    # Not its own reading of COLUMNS and LINES: it fails for some, and prints nothing in 0 columns.
    console = Console(highlight=False, emoji=False, width=max(shutil.get_terminal_size().columns, 60), height=25)
    # Not as the table's own title, which is broken into lines: none may begin with words of the file.
    echo(f"Wiring plan: {printable(site.label or site.site, 80)}")
    labels = {charger.key: charger.label or "" for charger in site.chargers}
    table = Table()
    for head in ("visit", "charger", "identity or UUID", "rotation"):
        table.add_column(head)
    for line in ("L1", "L2", "L3"):
        table.add_column(line, justify="right")
    table.add_row("", "as declared", "", "", *(f"{amps:g}" for amps in plan.before.single_phase))
    for number, visit in enumerate(plan.visits, 1):
        rotations = ", ".join(f"{before} → {visit.after[key]}" for key, before in visit.before.items())
        label = escape(printable(labels.get(visit.charger, ""), 40))
        key = escape(printable(visit.charger, 45))
        table.add_row(str(number), label, key, rotations, *(f"{amps:g}" for amps in visit.single_phase))
    with console.capture() as printed:
        console.print(table)
        if not plan.visits:
            console.print("No rewiring improves the site as declared.")
        console.print(f"[dim]A on each line of the site when every connector charges a one-phase car. {FOOTER}[/dim]")
    echo(printed.get(), end="")
    for before, after in zip(plan.before.groups[1:], plan.after.groups[1:], strict=True):
        usable = "" if before.usable_amps is None else f" ({before.usable_amps} A usable)"
        declared, planned = ("/".join(f"{amps:g}" for amps in item.single_phase) for item in (before, after))
        visits = "" if planned == declared else f", {planned} A after all visits"
        echo(f"group {printable(before.name, 60)}{usable}: L1/L2/L3 {declared} A as declared{visits}")


@click.command("wired", cls=Command)
@site_file
@click.argument("chargers", nargs=-1, required=True)
def wired(file: Path, chargers: tuple[str, ...]) -> None:
    """Mark chargers as rewired.

    Their planned_rotation becomes phase_rotation in the site file; `pulumi up` then changes Plugchoice. CHARGERS are
    identities, UUIDs or labels.
    """
    from pulumi_plugchoice.sitefile.plan import mark_rewired

    seen = {file: identify(file)}
    write_files({file: mark_rewired(file, *chargers).encode()}, seen)
    for charger in chargers:
        echo(f"{show_path(file)}: {printable(charger, 60)} has its planned rotation; `pulumi preview` shows the change")


@click.command("sheet", cls=Command)
@site_file
@output_option
def sheet(file: Path, output: Path | None) -> None:
    """Print the installer sheet (Markdown).

    It lists each connector with its breaker, the lines that feed its terminals, and its maximum current.
    """
    from pulumi_plugchoice.review.sheet import installer_sheet
    from pulumi_plugchoice.sitefile.load import load_site

    write_output(installer_sheet(load_site(file)), output, file)


@click.command("picture", cls=Command)
@site_file
@output_option
def picture(file: Path, output: Path | None) -> None:
    """Draw the chargers, coloured by the line on terminal L1 (SVG)."""
    from pulumi_plugchoice.review.svg import draw_chargers
    from pulumi_plugchoice.sitefile.load import load_site

    svg = draw_chargers(load_site(file))
    # XML is UTF-8 by default; the terminal may not be.
    text = svg if output else svg.encode("ascii", "xmlcharrefreplace").decode()
    write_output(text, output, file)


@click.command(
    "review",
    cls=Command,
    statuses={
        0: "The review is complete.",
        1: "A site file after the change cannot be read, or with --live a connector, and the rest is reviewed; or "
        "another error.",
    },
)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--base", metavar="REV", help="Compare with this commit, branch or tag.")
@click.option("--head", metavar="REV", help="Compare --base with this commit.  [default: the files on the disk]")
@click.option("--before", type=click.Path(path_type=Path), help="Compare one file with this one, without git.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["markdown", "json", "html"]),
    default="markdown",
    show_default=True,
    help="Markdown; JSON; or a page for a browser.",
)
@output_option
@click.option(
    "--live", is_flag=True, help="Also read Plugchoice: what an update of these files sends now, and a digest of it."
)
@click.option(
    "--reviewed-file",
    type=OutputFile(),
    help="With --live: write the file that binds `pulumi up` to these writes (PLUGCHOICE_REVIEWED).",
)
@click.option("--digest-only", is_flag=True, help="With --live: print the digest and nothing else.")
def review(
    files: tuple[Path, ...],
    *,
    base: str | None,
    head: str | None,
    before: Path | None,
    style: str,
    output: Path | None,
    live: bool,
    reviewed_file: Path | None,
    digest_only: bool,
) -> None:
    """Print what a reviewer of a change reads.

    With --base, those site files are reviewed that differ between two sides, which are read from git itself. FILES are
    site files or folders of them; default: sites/*.yaml. Every key that differs is listed, with what it means.

    Without --base, the sites of FILES are described. With --before, FILES is one file, and --before names its version
    before the change.

    With --live, Plugchoice is read: what has drifted there since the base, and what an update sends. That is of the
    files that differ and of those named one by one.
    """
    if base is None:
        if head is not None:
            raise click.UsageError("--head needs --base")
        if not files or (before is not None and len(files) != 1):
            raise click.UsageError("name one site file, or compare all with --base REV")
    elif before is not None:
        raise click.UsageError("--base and --before exclude each other")
    if not live and (reviewed_file or digest_only):
        raise Failure("--reviewed-file, --digest-only: need --live, which reads what an update would send")
    if output is not None and reviewed_file is not None and is_same(output, reviewed_file):
        raise Failure(f"{show_path(output)}: is named by --output and --reviewed-file; name two files")
    from pulumi_plugchoice.review import sides

    from .pending import read_pending, write_reviewed

    comparison = None if base is None else sides.compare_revisions(base, head, files, with_same=live)
    changes = _load_changes(files, before) if comparison is None else comparison.files
    sources = (*(Path(item.path) for item in changes), before) if comparison is None else comparison.paths
    problems = [line for item in changes for line in item.problems]
    pending = None
    if live:
        same = () if comparison is None else comparison.same
        pending = read_pending([*changes, *same], has_base=base is not None or before is not None)
        problems = pending.problems
        if reviewed_file is not None:
            write_reviewed(pending, reviewed_file, sources)
    if pending is not None and digest_only:
        text = f"{pending.digest}\n" if pending.digest else ""
    else:
        text = _format_review(style, changes, comparison, pending)
    write_output(text, output, *sources)
    if problems:
        raise Failure("\n".join(problems))


def _format_review(
    style: str, changes: Sequence[FileChange], comparison: Comparison | None, pending: Pending | None
) -> str:
    """Format a review: of two sides, or of files alone."""
    from pulumi_plugchoice.review import json_report, report

    if style == "json":
        if comparison is None:
            return json_report.format_files(changes, pending)
        return json_report.format_json(comparison, pending)
    if comparison is None:
        text = report.files_markdown(changes, pending)
    else:
        text = report.comparison_markdown(comparison, pending)
    if style == "markdown":
        return text
    from pulumi_plugchoice.review.markdown_page import markdown_page

    return markdown_page(text)


def _load_changes(files: Sequence[Path], before: Path | None) -> list[FileChange]:
    """Load site files without git; one that cannot be read does not hide the others."""
    from pulumi_plugchoice.fleet.files import find_site_files
    from pulumi_plugchoice.review.change import assess_change
    from pulumi_plugchoice.review.sides import FileChange
    from pulumi_plugchoice.sitefile.load import SiteFileError, load_site

    old = None if before is None else load_site(before)
    changes = []
    for file in find_site_files(files):
        name = file.as_posix()
        try:
            site = load_site(file)
        except SiteFileError as error:
            changes.append(FileChange(name, name, problems=tuple(error.lines)))
        else:
            changes.append(FileChange(name, name, assess_change(old or site, site)))
    return changes


@click.command("schema", cls=Command)
@output_option
def schema(output: Path | None) -> None:
    """Print the JSON Schema of site files, for editors.

    Write it beside the site files and begin each of them with `# yaml-language-server: $schema=site.schema.json`.
    """
    from pulumi_plugchoice.sitefile.schema import SCHEMA_FILE

    write_output(SCHEMA_FILE.read_text(encoding="utf-8"), output)


COMMANDS = (check, plan, wired, sheet, picture, review, schema)
