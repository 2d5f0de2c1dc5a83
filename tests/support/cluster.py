"""A cluster of processes on loopback: a scheduler and its workers, with an authority of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import trustme

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COMMAND: Final = [sys.executable, "-m", "pulumi_plugchoice.cli", "fleet"]
# A busy machine makes the loop of Dask late, which it would say.
_QUICK: Final = {"DASK_DISTRIBUTED__ADMIN__TICK__LIMIT": "60s", "PYTHONWARNINGS": "error"}


def make_certificates(folder: Path) -> tuple[str, ...]:
    """Make an authority and a certificate; return the options for them."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    folder.mkdir(parents=True, exist_ok=True)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    return tuple(f"--tls-{name}={folder / name}.pem" for name in ("ca", "cert", "key"))


def find_port() -> int:
    """A port that is free now."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        number: int = server.getsockname()[1]
        return number


@dataclass
class Member:
    """A process of the cluster.

    Attributes:
        process: it.
        output: file with what it says.
    """

    process: subprocess.Popen[bytes]
    output: Path

    def lines(self) -> list[str]:
        """What it has said."""
        return self.output.read_text().splitlines()

    def wait_for(self, text: str, seconds: float = 120, times: int = 1) -> None:
        """Wait until it has said something so many times."""
        give_up = time.monotonic() + seconds
        while sum(text in line for line in self.lines()) < times:
            assert self.process.poll() is None, self.lines()
            assert time.monotonic() < give_up, self.lines()
            time.sleep(0.02)

    def stop(self, number: int = signal.SIGTERM, seconds: float = 120) -> int:
        """Send a signal and wait for its end; return its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(seconds)


@dataclass
class Cluster:
    """The cluster.

    Attributes:
        folder: for certificates, caches and what the processes say.
        tls: options for the certificates; none for plain TCP.
        port: of the scheduler.
    """

    folder: Path
    tls: tuple[str, ...]
    port: int = field(default_factory=find_port)
    _members: list[Member] = field(default_factory=list)

    @property
    def address(self) -> str:
        """Of the scheduler."""
        return f"{'tls' if self.tls else 'tcp'}://127.0.0.1:{self.port}"

    @property
    def options(self) -> tuple[str, ...]:
        """What a client needs."""
        return (f"--scheduler={self.address}", *self.tls)

    def start_scheduler(self, variables: Mapping[str, str] = MappingProxyType({})) -> Member:
        """Start it, and wait until it listens."""
        more = self.tls or ("--plain",)
        member = self.start("scheduler", "--host=127.0.0.1", f"--port={self.port}", *more, variables=variables)
        member.wait_for("waiting for workers")
        return member

    def start_worker(self, slots: int = 1, *, variables: Mapping[str, str]) -> Member:
        """Start one, and wait until it has joined."""
        member = self.start("worker", self.address, f"--slots={slots}", *self.tls, variables=variables)
        member.wait_for(": joined")
        return member

    def start(self, *arguments: str, variables: Mapping[str, str]) -> Member:
        """Start a command of `plugchoice fleet`."""
        return self.start_program([*COMMAND, *arguments], variables)

    def start_program(self, command: list[str], variables: Mapping[str, str]) -> Member:
        """Start a program with these variables on top; an empty one is taken away."""
        output = self.folder / f"member-{len(self._members)}.txt"
        environment = {**os.environ, **_QUICK, "XDG_CACHE_HOME": str(self.folder / "cache"), **variables}
        environment = {name: value for name, value in environment.items() if value}
        with output.open("wb") as file:
            process = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=file, stderr=file)
        member = Member(process, output)
        self._members.append(member)
        return member

    def end(self) -> None:
        """Kill what is left."""
        for member in self._members:
            if member.process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    member.process.send_signal(signal.SIGCONT)
                member.process.kill()
            member.process.wait(10)


@contextlib.contextmanager
def running(tls: bool = True) -> Iterator[Cluster]:  # noqa: FBT002 - a test names it
    """A cluster without processes, which are killed after the block."""
    with tempfile.TemporaryDirectory(prefix="plugchoice-cluster-") as name:
        folder = Path(name)
        cluster = Cluster(folder, make_certificates(folder / "tls") if tls else ())
        try:
            yield cluster
        finally:
            cluster.end()
