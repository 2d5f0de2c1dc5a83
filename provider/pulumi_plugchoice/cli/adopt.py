"""`plugchoice adopt`: an existing account as site files, with a first preview that changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pulumi_plugchoice._text import list_some, show_path

from .common import Command, Failure, OutputFile, WholeNumber, connect, echo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_plugchoice.fleet.adopt import AdoptedSite
    from pulumi_plugchoice.fleet.stacks import Stacks


@click.command(
    "adopt",
    cls=Command,
    statuses={
        0: "All sites are adopted.",
        1: "A site is not adopted, or its preview shows a change; or an error.",
    },
)
@click.option("--all", "is_all", is_flag=True, help="All sites that the token sees.")
@click.option("--site", "sites", multiple=True, metavar="UUID", help="This site; may be repeated.")
@click.option(
    "--project",
    type=click.Path(path_type=Path),
    default=".",
    show_default=True,
    help="Folder of the Pulumi project. Without a project there, a small one is written.",
)
@click.option(
    "-o",
    "--output",
    type=OutputFile(),
    help="Folder of the site files, in the project. Default: its folder sites.",
)
@click.option(
    "--import/--no-import",
    "is_import",
    default=True,
    show_default=True,
    help="Import what the stacks lack, and run a preview of each. --no-import writes files only.",
)
@click.option(
    "--ci",
    "forge",
    type=click.Choice(["github", "gitlab"]),
    help="Also write the workflows for this forge: review, apply, nightly drift. A file that exists is left as it is.",
)
@click.option("--net-type", type=click.Choice(["TN", "TT", "IT"]), help="For sites of which Plugchoice has none.")
@click.option(
    "--main-fuse-amps", type=WholeNumber(1, 10_000), metavar="A", help="For sites of which Plugchoice has none."
)
@click.pass_context
def adopt(
    ctx: click.Context,
    *,
    is_all: bool,
    sites: tuple[str, ...],
    project: Path,
    output: Path | None,
    is_import: bool,
    forge: str | None,
    net_type: str | None,
    main_fuse_amps: int | None,
) -> None:
    """Take the sites of an account into files and stacks.

    Each site becomes a site file, and a stack into which its connectors are imported.

    A site file has the values that Plugchoice has now. Connectors without both values, and DC connectors, are declared
    with `managed: false`. Run again, the command adds new chargers and connectors to the files and shows what differs;
    it replaces no value. Nothing is ever written to Plugchoice.

    Each site has a stack, named after its file. Without `--no-import`, `pulumi import` takes into it what it lacks,
    and a preview proves that nothing changes. Credentials and base URL come from the environment: PLUGCHOICE_TOKEN and
    so on.
    """
    from pulumi_plugchoice.api.sites import describe_sites
    from pulumi_plugchoice.fleet.adopt import adopt_sites, describe_site, select_sites, summarize
    from pulumi_plugchoice.fleet.project import IMPORT_FOLDER
    from pulumi_plugchoice.fleet.stacks import Stacks
    from pulumi_plugchoice.fleet.workflows import plan_workflows

    from .progress import show_progress

    if is_all and sites:
        raise Failure("--all and --site: give one of them")
    program, others = _read_project(ctx, project)
    folder = output or program / "sites"
    workflows, existing = plan_workflows(forge, project, program, folder) if forge else ({}, [])
    stacks = Stacks.open(project, lambda line: echo(f"plugchoice: {line}", is_error=True)) if is_import else None
    with connect("adopt") as (client, budget, notices):
        account = client.sites()
        if not is_all and not sites:
            raise Failure(f"--site: not set; give the UUID of a site, or --all{describe_sites(account)}")
        chosen = select_sites(account, sites)
        with show_progress("sites", len(chosen)) as tell:
            adopted = adopt_sites(
                chosen,
                folder,
                client,
                net_type=net_type,
                main_fuse_amps=main_fuse_amps,
                say=lambda line: notices.say(line, kind="chargers not listed"),
                tell=tell,
            )
    _write(adopted, project, folder, workflows, is_import=is_import)
    for site in adopted:
        for line in describe_site(site):
            echo(line)
    is_whole = not any(site.is_left_out for site in adopted)
    good = [site for site in adopted if site.text is not None]
    for line in (*(f"{show_path(path)}: written" for path in workflows), *existing) if good else ():
        echo(line)
    if stacks is not None and good:
        is_whole &= _import(stacks, good, program, others - {file.stem for file in folder.glob("*.yaml")})
        if any((project / IMPORT_FOLDER).glob("*.json")):
            _tell_to_ignore(project)
    elif good:
        echo("Next, in the folder of the project, for each STACK (the name of a site file):")
        echo("  pulumi stack init STACK --no-select")
        options = "--generate-code=false --protect=false --yes"
        echo(f"  pulumi import --stack STACK --file {IMPORT_FOLDER}/STACK.json {options}")
        _tell_to_ignore(project)
    for line in (*summarize(adopted), budget.summarize() or ""):
        echo(line)
    ctx.exit(0 if is_whole else 1)


def _tell_to_ignore(project: Path) -> None:
    """Say that git would keep the import files; a project's own .gitignore is not changed."""
    from pulumi_plugchoice.fleet.project import IMPORT_FOLDER, ignores_imports

    if not ignores_imports(project):
        echo(f"{show_path(project / '.gitignore')}: add {IMPORT_FOLDER}/: import files are needed once, and not in git")


def _read_project(ctx: click.Context, project: Path) -> tuple[Path, set[str]]:
    """Find the folder of the program, and the stacks that have a config file."""
    from pulumi_plugchoice.doctor.project import find_project

    here = project.resolve()
    found = find_project(here)
    if found is None:
        return project, set()
    if found.folder != here:
        if ctx.get_parameter_source("project") is click.core.ParameterSource.DEFAULT:
            raise Failure(
                f"{show_path(found.file)}: is the project of this folder; run this in its folder, or name a folder for "
                "a project with --project"
            )
        return project, set()
    program = found.program.resolve()
    return project / program.relative_to(here) if program.is_relative_to(here) else program, set(found.stacks)


def _write(
    adopted: Sequence[AdoptedSite], project: Path, folder: Path, workflows: dict[Path, str], *, is_import: bool
) -> None:
    """Write all files that are new or changed, and none that would stay as it is."""
    from pulumi_plugchoice._files import identify, make_folder, write_files
    from pulumi_plugchoice.fleet.importing import make_import_file
    from pulumi_plugchoice.fleet.project import plan_project
    from pulumi_plugchoice.sitefile.schema import schema_text

    good = [site for site in adopted if site.text is not None]
    if not good:
        return
    texts = {**plan_project(project, folder), **workflows}
    contents = {path: text.encode() for path, text in texts.items()}
    seen = dict.fromkeys(contents, None)
    for site in good:
        if site.text is not None and site.text.text != site.before:
            contents[site.file] = site.text.text.encode()
            seen[site.file] = site.seen
    others = {folder / "site.schema.json": schema_text().encode()}
    if not is_import:
        others |= dict(make_import_file(project, site) for site in good)
    for path, content in others.items():
        seen[path] = identify(path)
        if _read(path) != content:
            contents[path] = content
    for path in contents:
        make_folder(path.parent)
    write_files(contents, {path: identity for path, identity in seen.items() if path in contents})


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _import(stacks: Stacks, adopted: Sequence[AdoptedSite], program: Path, others: set[str]) -> bool:
    """Import the sites; return whether each is proven.

    Args:
        stacks: the stacks.
        adopted: the sites.
        program: folder of the program.
        others: stacks without a site file.
    """
    from pulumi_plugchoice.errors import PlugchoiceError
    from pulumi_plugchoice.fleet.importing import import_site
    from pulumi_plugchoice.fleet.project import declares_site
    from pulumi_plugchoice.fleet.stacks import CommandFailed

    from .progress import show_progress

    if not declares_site(program):
        raise Failure(
            f"{show_path(program / '__main__.py')}: does not declare a site, so a preview would delete what is "
            "imported; add `ChargingSite.for_stack()`, and run this again"
        )
    is_whole = True
    has_failed = False
    told: dict[str, list[str]] = {}  # by reason, the stacks that it stops
    with show_progress("stacks", len(adopted), ("Importing", "done")) as tell:
        for site in adopted:
            try:
                result = import_site(stacks, site, others)
            except PlugchoiceError as error:
                is_whole = False
                has_failed |= isinstance(error, CommandFailed)
                stopped = told.setdefault(str(error).replace(site.stack, "STACK"), [])
                stopped.append(site.stack)
                if len(stopped) == 1:
                    echo(f"{site.stack}: not imported: {error}", is_error=True)
            else:
                is_whole &= result.is_proven
                echo(result.text)
            tell()
    for first, *more in told.values():
        if more:
            echo(f"{list_some(more, 10)}: not imported, for the same reason as {first}", is_error=True)
    if has_failed:
        echo("pulumi: has failed; correct what it says, and run this again; `plugchoice doctor` helps", is_error=True)
    return is_whole
