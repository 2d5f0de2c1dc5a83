"""Subcommands about site files: check, plan, wired, sheet, picture, review, schema. They need no account."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.errors import PlugchoiceError

if TYPE_CHECKING:
    from pulumi_plugchoice.electrical.figures import Figures
    from pulumi_plugchoice.electrical.planner import Plan
    from pulumi_plugchoice.sitefile.model import SiteFile

_FILE = click.argument("file", type=click.Path(path_type=Path))
_OUTPUT = click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file, not to the screen."
)


class Command(click.Command):
    """A command whose errors of ours are a line each, and exit status 1."""

    def invoke(self, ctx: click.Context) -> object:
        """As click does."""
        try:
            return super().invoke(ctx)
        except PlugchoiceError as error:
            problems = getattr(error, "lines", None)
            raise click.ClickException("\n".join(problems) if problems else str(error)) from None


@click.command("check", cls=Command)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
def check(files: tuple[Path, ...]) -> None:
    """Look for mistakes in site files, and say what a reviewer should know of each."""
    from pulumi_plugchoice.sitefile.load import SiteFileError, load_site

    problems: list[str] = []
    for file in files:
        try:
            site = load_site(file)
        except SiteFileError as error:
            problems += error.lines
            continue
        figures, lines, left_out = _judged(site)
        amps = "/".join(f"{amps:g}" for amps in figures.single_phase)
        click.echo(
            f"{file}: {len(site.chargers)} chargers; one-phase cars {amps} A of {figures.usable_amps} A usable per line"
        )
        for line in (*lines, *(f"not counted: {name}" for name in left_out)):
            click.echo(f"  {printable(line, 1000)}")
    if problems:
        raise click.ClickException("\n".join(problems))


@click.command("plan", cls=Command)
@_FILE
@click.option("--write", is_flag=True, help="Write planned_rotation into the file; comments and order stay.")
@click.option("--markdown", is_flag=True, help="Print Markdown in place of a table.")
@click.option(
    "--svg", type=click.Path(dir_okay=False, path_type=Path), help="Draw the amps before and after to a file."
)
def plan(file: Path, *, write: bool, markdown: bool, svg: Path | None) -> None:
    """Plan which chargers to rewire, so that one-phase cars spread over the lines.

    Nothing is applied: the plan is for the installer. `plugchoice wired` takes it over, charger by charger.
    """
    from pulumi_plugchoice.review import markdown as reports
    from pulumi_plugchoice.review import svg as pictures
    from pulumi_plugchoice.sitefile import plan as planning
    from pulumi_plugchoice.sitefile.load import load_site

    site = load_site(file)
    found = planning.plan_rotation(site)
    left_out = _judged(site)[2]
    if markdown:
        click.echo(reports.plan_markdown(site, found, left_out), nl=False)
    else:
        _print_plan(site, found)
        for name in left_out:
            click.echo(f"not counted: {printable(name, 200)}")
    if svg is not None:
        title = f"{site.label or site.site}: amps per line"
        svg.write_text(pictures.amps_per_line(title, found.before, found.after), encoding="utf-8")
        click.echo(f"{svg} written", err=True)
    if write:
        text = planning.insert_plan(file, found)
        file.write_bytes(text.encode())
        click.echo(f"{file}: planned_rotation written for {len(found.visits)} chargers", err=True)


def _print_plan(site: SiteFile, found: Plan) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from pulumi_plugchoice.review.markdown import FOOTER

    console = Console(highlight=False)
    labels = {charger.key: charger.label or "" for charger in site.chargers}
    table = Table(title=f"Wiring plan: {escape(printable(site.label or site.site, 80))}", title_justify="left")
    for head in ("visit", "charger", "identity or UUID", "rotation", "most loaded line after it"):
        table.add_column(head)
    table.add_row("", "as declared", "", "", f"{max(found.before.single_phase):g} A")
    for number, visit in enumerate(found.visits, 1):
        turns = ", ".join(f"{before} → {visit.after[key]}" for key, before in visit.before.items())
        label = escape(printable(labels.get(visit.charger, ""), 40))
        table.add_row(
            str(number), label, escape(printable(visit.charger, 45)), turns, f"{visit.worst_single_phase:g} A"
        )
    console.print(table)
    if not found.visits:
        console.print("No rewiring makes it better, as declared and counted.")
    console.print(f"[dim]When every point charges a one-phase car. {FOOTER}[/dim]")


@click.command("wired", cls=Command)
@_FILE
@click.argument("chargers", nargs=-1, required=True)
def wired(file: Path, chargers: tuple[str, ...]) -> None:
    """Say that chargers were rewired as planned: their planned_rotation becomes phase_rotation.

    CHARGERS are identities, UUIDs or labels.
    """
    from pulumi_plugchoice.sitefile import plan as planning

    for charger in chargers:
        file.write_bytes(planning.mark_rewired(file, charger).encode())
        click.echo(f"{file}: {printable(charger, 60)} has its planned rotation; `pulumi preview` shows what it changes")


@click.command("sheet", cls=Command)
@_FILE
@_OUTPUT
def sheet(file: Path, output: Path | None) -> None:
    """Print the installer's sheet (Markdown): chargers, terminals, amps, breakers."""
    from pulumi_plugchoice.review import markdown as reports
    from pulumi_plugchoice.sitefile.load import load_site

    _out(reports.installer_sheet(load_site(file)), output)


@click.command("picture", cls=Command)
@_FILE
@_OUTPUT
def picture(file: Path, output: Path | None) -> None:
    """Draw the chargers (SVG), coloured by the building line on terminal L1."""
    from pulumi_plugchoice.review import svg as pictures
    from pulumi_plugchoice.sitefile.load import load_site

    _out(pictures.chargers_by_line(load_site(file)), output)


@click.command("review", cls=Command)
@_FILE
@click.option("--before", type=click.Path(path_type=Path), help="The site file as it was.")
@_OUTPUT
def review(file: Path, before: Path | None, output: Path | None) -> None:
    """Print what a reviewer of a change reads (Markdown): amps per line, changed chargers, limits, warnings.

    For a pull request: `git show main:sites/harbour.yaml > before.yaml`, then --before before.yaml.
    """
    from pulumi_plugchoice.electrical import limits
    from pulumi_plugchoice.review import markdown as reports
    from pulumi_plugchoice.sitefile.definition import definition_of, limits_of
    from pulumi_plugchoice.sitefile.load import load_site

    site = load_site(file)
    old = None if before is None else load_site(before)
    figures, lines, left_out = _judged(site)
    old_figures = None if old is None else _judged(old)[0]
    found = limits.find_exceeded_limits(limits_of(definition_of(site)), figures, old_figures)
    _out(
        reports.review_markdown(old, site, (old_figures, figures), limits=found, warnings=lines, left_out=left_out),
        output,
    )


@click.command("schema", cls=Command)
@_OUTPUT
def schema(output: Path | None) -> None:
    """Print the JSON Schema of site files, for editors.

    Write it beside the site files and begin each with `# yaml-language-server: $schema=site.schema.json`.
    """
    from pulumi_plugchoice.sitefile.schema import SCHEMA_FILE

    _out(SCHEMA_FILE.read_text(encoding="utf-8"), output)


def _judged(site: SiteFile) -> tuple[Figures, list[str], list[str]]:
    """Figures, warnings, and what is not counted, of what a file declares."""
    from pulumi_plugchoice.electrical.figures import compute_figures
    from pulumi_plugchoice.electrical.limits import find_warnings
    from pulumi_plugchoice.sitefile.definition import counted, definition_of, facts_of, limits_of

    definition = definition_of(site)
    found = counted(definition, None)
    computed = compute_figures(found.installation)
    return (
        computed,
        find_warnings(found.installation, computed, limits_of(definition), facts_of(definition, None)),
        found.left_out,
    )


def _out(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")
        click.echo(f"{output} written", err=True)


COMMANDS = (check, plan, wired, sheet, picture, review, schema)
