"""The commands of a cluster: a scheduler and its workers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from .common import Command, Failure, Refusal, WholeNumber, echo

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_SLOTS: Final = 64
_STOPPED: Final = "Stopped with Ctrl-C or SIGTERM."


def tls_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for the certificates."""
    for name, what in (
        ("key", "Key of the certificate. Default: it is in the file of --tls-cert."),
        ("cert", "Certificate of this machine, signed by the authority of --tls-ca."),
        ("ca", "Certificate of the cluster's own authority. Default of all three: the configuration of Dask."),
    ):
        option = click.option(f"--tls-{name}", type=click.Path(path_type=Path), metavar="FILE", help=what)
        function = option(function)
    return function


def make_link(address: str, option: str, given: dict[str, Path | None]) -> Any:
    """Make the security for an address out of the options, which are taken out of `given`.

    Raises:
        Refusal: the address or a certificate cannot be used.
        PlugchoiceError: the extra is not installed.
    """
    from pulumi_plugchoice.fleet.cluster.link import (
        Certificates,
        LinkError,
        make_security,
        parse_address,
        require_library,
    )

    certificates = Certificates(given.pop("tls_ca"), given.pop("tls_cert"), given.pop("tls_key"))
    try:
        protocol, _, _ = parse_address(address, option)
        require_library()
        return make_security(certificates, is_encrypted=protocol == "tls")
    except LinkError as error:
        raise Refusal(str(error)) from None


def refuse_virtualenv(folder: Path) -> None:
    """Refuse a project whose file chooses a Python: a worker's own one runs the program.

    Raises:
        Failure: it does.
    """
    from pulumi_plugchoice.doctor.project import find_project

    project = find_project(folder)
    named = project is not None and (
        project.options.get("virtualenv") or project.options.get("toolchain", "pip") != "pip"
    )
    if project is not None and named:
        raise Failure(
            f"{project.file.name}: chooses a Python with `virtualenv` or `toolchain`, which workers do not have; leave "
            "these out: their own Python runs the program"
        )


def _tell(text: str) -> None:
    echo(text, is_error=True)


@click.command("scheduler", cls=Command, statuses={0: _STOPPED, 1: "It cannot listen there, or another error."})
@click.option("--host", default="", help="Address to listen on. Default: all with TLS, otherwise 127.0.0.1.")
@click.option("--port", type=WholeNumber(1, 65_535), default=8786, show_default=True, help="Port to listen on.")
@click.option("--plain", is_flag=True, help="Without TLS. On loopback only.")
@click.option(
    "--dashboard",
    type=WholeNumber(1, 65_535),
    metavar="PORT",
    help="Serve the pages of Dask on this port of 127.0.0.1. They need the package bokeh.",
)
@tls_options
def scheduler(host: str, port: int, dashboard: int | None, *, plain: bool, **given: Path | None) -> None:
    """Run the scheduler of a cluster.

    It deals the stacks of `fleet up --scheduler` to workers. It needs no credentials and no CLI, and keeps nothing on
    the disk. Everybody with a certificate of its authority can run programs on the workers. Ends with Ctrl-C or
    SIGTERM.
    """
    import asyncio

    from pulumi_plugchoice.fleet.cluster.link import is_loopback

    host = host or ("127.0.0.1" if plain else "")
    if plain and not is_loopback(host):
        raise Refusal(f"--plain --host {host}: is not on loopback; leave --plain out, and give certificates")
    protocol = "tcp" if plain else "tls"
    security = make_link(f"{protocol}://127.0.0.1:{port}", "", given)
    from pulumi_plugchoice.fleet.cluster.serve import run_scheduler

    asyncio.run(run_scheduler(protocol, host, port, security, dashboard=dashboard, tell=_tell))


@click.command(
    "worker",
    cls=Command,
    statuses={0: _STOPPED, 1: "Something is missing, the scheduler cannot be reached, or another error."},
)
@click.argument("address")
@click.option(
    "--slots",
    type=WholeNumber(1, _MOST_SLOTS),
    metavar="N",
    help="Stacks at a time. Default: one more than there are processors.",
)
@tls_options
def worker(address: str, slots: int | None, **given: Path | None) -> None:
    """Run the stacks that a scheduler deals out to this machine.

    Credentials, passphrase, backend, request limit and CLI are those of this command's own environment, and its Python
    runs the program. What is missing is said before it joins. With Ctrl-C or SIGTERM its running stacks end first. When
    the scheduler goes, the worker waits 5 minutes for another one at the same address.
    """
    import asyncio

    security = make_link(address, "", given)
    from pulumi_plugchoice.fleet.cluster.equipment import look_around

    problems = [*look_around().problems, *_check_more()]
    if problems:
        raise Failure("\n".join(problems))
    from pulumi_plugchoice.fleet.cluster.serve import run_worker

    asyncio.run(run_worker(address, slots or (os.cpu_count() or 1) + 1, security, _tell))


def _check_more() -> list[str]:
    """What the doctor finds of the CLI, its language host and the quota database; one line each."""
    from pulumi_plugchoice.doctor.engine import check_cli, check_language_host, find_cli

    cli = find_cli(os.environ)
    if cli is None:
        return []
    checks = [check_cli(cli, Path.cwd(), os.environ), check_language_host(cli, os.environ)]
    return [f"{check.name}: {check.message}; {check.remedy}" for check in checks if check.status == "failure"]


COMMANDS = (scheduler, worker)
