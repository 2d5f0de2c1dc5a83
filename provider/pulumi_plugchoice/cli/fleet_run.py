"""The commands that run many stacks: preview, up, refresh."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pulumi_plugchoice._files import exists, make_folder, write_files
from pulumi_plugchoice._text import list_some, plural, show_path

from .common import Command, Failure, Refusal, WholeNumber, connect, echo
from .fleet import Selection, find_layout, select, selection_options
from .fleet_cluster import make_link, refuse_virtualenv, tls_options
from .fleet_outputs import Outputs, output_options

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pulumi_plugchoice.api.budget import Budget
    from pulumi_plugchoice.fleet.executors import StackExecutor
    from pulumi_plugchoice.fleet.files import Declaration
    from pulumi_plugchoice.fleet.manifest import Manifest
    from pulumi_plugchoice.fleet.results import Action, StackTask
    from pulumi_plugchoice.fleet.runner import FleetRun, Gate
    from pulumi_plugchoice.fleet.selection import Layout, SelectedSite
    from pulumi_plugchoice.fleet.waves import Wave

_STATE: Final = ".fleet"
_GATE_SECONDS: Final = 60
_MOST_JOBS: Final = 64
_STATUSES: Final = {
    0: "All stacks are done.",
    1: "A stack or a gate has failed, and what had not started was not; or another error.",
}


@dataclass(frozen=True)
class Options:
    """The options of a run.

    Attributes:
        selection: which sites.
        jobs: how many at a time; None: one more than there are processors.
        shard: `2/8`.
        resume: whether to run only what an earlier run has not finished.
        state: folder for `fleet.json`, logs and workspaces.
        outputs: the files to write.
        lock_seconds: how long to wait for a lock.
        scheduler: address of the scheduler of a cluster; None: threads of this process.
        security: of the way to it.
        waves: as they were given.
        gate_seconds: how long to let hardware settle after a wave.
        reviewed_file: to which the writes are bound.
    """

    selection: Selection
    jobs: int | None
    shard: str | None
    resume: bool
    state: Path | None
    outputs: Outputs
    lock_seconds: int
    scheduler: str | None = None
    security: Any = None
    waves: tuple[str, ...] = ()
    gate_seconds: int | None = None
    reviewed_file: Path | None = None


def _run_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of all three commands."""
    for option in (
        click.option(
            "--state",
            type=click.Path(path_type=Path),
            help="Folder for fleet.json, logs and workspaces. Default: .fleet in the project.",
        ),
        click.option(
            "--lock-seconds",
            type=WholeNumber(0, 86_400),
            default=120,
            show_default=True,
            metavar="S",
            help="How long to wait for a stack that somebody else has locked.",
        ),
        click.option("--resume", is_flag=True, help="Only what an earlier run of the same commit has not finished."),
        click.option("--shard", metavar="I/N", help="Only the sites of one of N shards, as in the matrix."),
        click.option(
            "--jobs",
            type=WholeNumber(1, _MOST_JOBS),
            metavar="N",
            help="Stacks at a time. Default: one more than there are processors.",
        ),
        click.option(
            "--scheduler",
            metavar="ADDRESS",
            help="Run them on the workers of a Dask cluster: tls://HOST:PORT. Its workers have their own credentials.",
        ),
    ):
        function = option(function)
    return selection_options(tls_options(output_options(function)))


_SELECTION: Final = ("names", "is_all", "revision", "project", "folder")


def _read_options(given: dict[str, Any]) -> Options:
    selection = Selection(**{name: given.pop(name) for name in _SELECTION})
    if given["scheduler"] is not None:
        if given["jobs"] is not None:
            raise Refusal("--jobs and --scheduler: give one of them; each worker has its own --slots")
        given["security"] = make_link(given["scheduler"], "--scheduler", given)
    elif any([given.pop("tls_ca"), given.pop("tls_cert"), given.pop("tls_key")]):
        raise Refusal("--tls-ca, --tls-cert, --tls-key: are only for --scheduler")
    return Options(selection, outputs=Outputs(given.pop("report"), given.pop("page")), **given)


@click.command("preview", cls=Command, statuses={**_STATUSES, 1: "A stack has failed; the others ran. Or an error."})
@_run_options
@click.pass_context
def preview(ctx: click.Context, /, **given: Any) -> None:
    """Preview the stacks of sites.

    All of them are previewed, also when one fails. Changes are no failure. The log of each stack is a file.
    """
    _run(ctx, "preview", _read_options(given))


@click.command("refresh", cls=Command, statuses={**_STATUSES, 1: "A stack has failed; the others ran. Or an error."})
@_run_options
@click.pass_context
def refresh(ctx: click.Context, /, **given: Any) -> None:
    """Refresh the stacks of sites.

    Live values go into the states; nothing is written to Plugchoice. All stacks are refreshed, also when one fails.
    """
    _run(ctx, "refresh", _read_options(given))


@click.command("up", cls=Command, statuses=_STATUSES)
@_run_options
@click.option(
    "--wave",
    "waves",
    multiple=True,
    metavar="WAVE",
    help="canary:SITE, a percentage of the selected sites, or rest; repeated, in their order, with rest at the end.",
)
@click.option(
    "--gate-seconds",
    type=WholeNumber(0, 3600),
    metavar="S",
    help=f"How long hardware settles after a wave with updates. Default: {_GATE_SECONDS} with --wave, else no gate.",
)
@click.option(
    "--reviewed-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Send only the writes of this file, which `plugchoice review --live` has written.",
)
@click.pass_context
def up(ctx: click.Context, /, **given: Any) -> None:
    """Update the stacks of sites.

    Each stack is updated without another preview. When one fails, the running ones end and no more start. With --wave,
    a wave begins when every stack of the one before has succeeded and its gate holds: no connector newly reports a
    fault, and no charger is newly offline.
    """
    _run(ctx, "up", _read_options(given))


@dataclass(frozen=True)
class _Plan:
    """What a run does.

    Attributes:
        action: what is run on each stack.
        options: of the command.
        layout: of the project.
        declarations: the site files, one for each site.
        waves: the sites, by their names.
    """

    action: Action
    options: Options
    layout: Layout
    declarations: list[Declaration]
    waves: list[Wave]

    @property
    def state(self) -> Path:
        return (self.options.state or self.layout.folder / _STATE).absolute()


def _run(ctx: click.Context, action: Action, options: Options) -> None:
    from pulumi_plugchoice.fleet.changed import read_source
    from pulumi_plugchoice.fleet.fleet_report import FleetReport
    from pulumi_plugchoice.fleet.manifest import NAME, Manifest, hold

    begin = time.monotonic()
    plan = _make_plan(action, options)
    program = shutil.which("pulumi")
    if program is None and options.scheduler is None:
        raise Failure("pulumi: not found on PATH; install the Pulumi CLI, or run `plugchoice doctor`")
    environment = _bind(options.reviewed_file)
    options.outputs.check(*(item.file for item in plan.declarations), options.reviewed_file)
    source = read_source(plan.layout)
    if options.resume and source.revision is None:
        raise Failure("--resume: git does not tell which commit the files are of; leave --resume out")
    if options.resume and source.differing:
        names = list_some([show_path(name) for name in source.differing], 3)
        raise Failure(f"--resume: files are not as in the commit: {names}; commit them, or leave --resume out")
    revision = None if source.differing else source.revision
    manifest = Manifest(plan.state / NAME, action, revision, source.project, source.sites)
    _make_state(plan.state)
    with hold(plan.state):
        if options.resume:
            manifest.resume()
        # A file that cannot be written is found before anything runs.
        options.outputs.begin(FleetReport(action, manifest.revision, {}, ("the run has not come to its end",), 0, 0))
        ctx.exit(_go(plan, manifest, _make_tasks(plan, program or "", environment), begin))


def _make_plan(action: Action, options: Options) -> _Plan:
    from pulumi_plugchoice.fleet.selection import SelectionError, find_sites, parse_shard, pick_shard
    from pulumi_plugchoice.fleet.waves import plan_waves

    if options.shard is not None and options.waves:
        raise Refusal("--wave and --shard: give one of them; shards do not wait for each other")
    layout = find_layout(options.selection)
    try:
        shard = None if options.shard is None else parse_shard(options.shard)
        known = find_sites(layout.sites)
        plan_waves(options.waves, (), known)  # a mistake in them comes before what git says
        sites = select(options.selection)
        if shard is not None:
            sites = pick_shard(sites, *shard)
        waves = plan_waves(options.waves, [site.name for site in sites], known)
    except SelectionError as error:
        raise Refusal(str(error)) from None
    for given in options.waves:
        if given.startswith("canary:") and sites and given not in {wave.name for wave in waves}:
            echo(f"--wave {given}: is not selected, so this wave is left out", is_error=True)
    return _Plan(action, options, layout, _load(sites), waves)


def _load(sites: list[SelectedSite]) -> list[Declaration]:
    """Load the site files, so that nothing begins when one has mistakes."""
    from pulumi_plugchoice.fleet.files import load_declarations

    declarations = load_declarations(site.file for site in sites)
    problems = [item.problem for item in declarations if item.site is None]
    if problems:
        raise Failure("\n".join(problems))
    return declarations


def _bind(reviewed_file: Path | None) -> dict[str, str]:
    from pulumi_plugchoice.reviewed import load_reviewed

    if reviewed_file is None:
        return {}
    load_reviewed(reviewed_file.absolute())
    return {"PLUGCHOICE_REVIEWED": str(reviewed_file.absolute())}


def _make_state(state: Path) -> None:
    """Make the folder, which git ignores and only its owner reads: the events of a run have parts of the state."""
    from pulumi_plugchoice.fleet.selection import shorten

    if not state.is_dir():
        make_folder(shorten(state), is_own=True)
        with contextlib.suppress(OSError):
            state.chmod(0o700)
    ignore = shorten(state / ".gitignore")
    if not exists(ignore):
        write_files({ignore: b"*\n"}, is_own=True)


def _make_tasks(plan: _Plan, program: str, environment: dict[str, str]) -> dict[str, StackTask]:
    from pulumi_plugchoice.fleet.results import StackTask

    return {
        name: StackTask(
            name,
            plan.action,
            program,
            str(plan.layout.folder),
            str(plan.state / "stacks" / name),
            environment,
            plan.options.lock_seconds,
        )
        for wave in plan.waves
        for name in wave.sites
    }


def _go(plan: _Plan, manifest: Manifest, tasks: dict[str, StackTask], begin: float) -> int:
    """Run, and print what became of it; return the exit status."""
    from pulumi_plugchoice.fleet.fleet_report import FleetReport, show_result
    from pulumi_plugchoice.fleet.runner import FleetRun

    from .fleet_progress import LiveTable, watch

    to_run = {name: wave.name for wave in plan.waves for name in wave.sites if name not in manifest.done}
    if len(to_run) < len(tasks):
        echo(f"{plural(len(tasks) - len(to_run), 'site')} done by an earlier run, {len(to_run)} left")
    elif not tasks:
        echo("no site is selected, so nothing runs", is_error=True)
    with (
        _open_executor(plan, to_run) as executor,
        _open_gate(plan, is_needed=bool(to_run or manifest.before)) as (gate, budget),
        watch(to_run) as watcher,
    ):
        manifest.save()  # not before there is a cluster, or a token for the gate
        run = FleetRun(executor, manifest, watcher, gate, stops_at_failure=plan.action == "up")
        with _stoppable(run):
            run.run(plan.waves, tasks)
    if isinstance(watcher, LiveTable):
        for result in run.results.values():
            if result.name in to_run and result.state not in ("unchanged", "waiting"):
                echo(show_result(result))
    for line in run.problems:
        echo(line, is_error=True)
    calls = budget.calls if budget is not None else 0
    earlier = [name for name in tasks if name not in to_run]
    seconds = time.monotonic() - begin
    report = FleetReport(plan.action, manifest.revision, run.results, run.problems, calls, seconds, earlier)
    echo(report.summarize())
    left = None if run.is_good else report.show_left()
    if left is not None:
        echo(left, is_error=True)
    plan.options.outputs.end(report, plan.declarations)
    return 130 if run.is_stopped else 0 if run.is_good else 1


@contextlib.contextmanager
def _open_executor(plan: _Plan, to_run: Mapping[str, str]) -> Iterator[StackExecutor]:
    """Open what runs the stacks: threads, or the workers of a cluster."""
    options = plan.options
    if options.scheduler is None or not to_run:
        from pulumi_plugchoice.fleet.executors import ThreadExecutor

        yield ThreadExecutor(options.jobs or (os.cpu_count() or 1) + 1)
        return
    from pulumi_plugchoice.fleet.cluster.equipment import needs_passphrase
    from pulumi_plugchoice.fleet.cluster.executor import connect as connect_cluster
    from pulumi_plugchoice.fleet.cluster.program import pack_program

    refuse_virtualenv(plan.layout.folder)
    reviewed = options.reviewed_file and options.reviewed_file.absolute()
    apart = [file for file in (options.outputs.report, options.outputs.page, reviewed) if file is not None]
    program = pack_program(plan.layout, apart, reviewed)
    with connect_cluster(options.scheduler, options.security, program) as executor:
        configs = [plan.layout.configs / f"Pulumi.{name}.yaml" for name in to_run]
        executor.open(needs_passphrase=any(map(needs_passphrase, configs)), say=lambda text: echo(text, is_error=True))
        yield executor


@contextlib.contextmanager
def _open_gate(plan: _Plan, *, is_needed: bool) -> Iterator[tuple[Gate | None, Budget | None]]:
    """Open the gate between waves, and what counts its calls; none when nothing asks for one."""
    from pulumi_plugchoice.fleet.health import SettleGate

    given = plan.options.gate_seconds
    if not is_needed or (given is None and not plan.options.waves):
        yield None, None
        return
    uuids = {item.file.stem: item.site.site.lower() for item in plan.declarations if item.site is not None}
    with connect("fleet up") as (client, budget, _):
        yield SettleGate(client, uuids, _GATE_SECONDS if given is None else given), budget


@contextlib.contextmanager
def _stoppable(run: FleetRun) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM stop the run in order, until the end of the block."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: run.stop()) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


COMMANDS = (preview, up, refresh)
