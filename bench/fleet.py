"""`plugchoice fleet up` of 50 sites of 40 connectors, beside `xargs -P3` with one `pulumi up` for each.

    make fleet                                   # 50 sites, about 15 minutes on two cores
    make fleet ARGS="--sites 5 --jobs 2"

All sites unchanged, then five of them touched, found by `--changed-since`. The request limit is 500 a minute for all
processes together. The table shows API calls, answers with status 429, wall time, CPU time of all processes, and the
memory of the largest process at its peak. Wall time needs a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.emulator import running
from support.stack import Stack, environment_for

from bench.drift import CONNECTORS, LIMIT, Sample, count_refused, make_account, write_site_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from support.emulator import Emulator

TOUCHED: Final = 5
GIT: Final = ("git", "-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false")
UP: Final = "pulumi up --yes --skip-preview --continue-on-error --non-interactive --stack"


class Project:
    """A project in git with a stack for each site.

    Args:
        emulator: the API.
        folder: for all files.
        count: number of sites.
    """

    def __init__(self, emulator: Emulator, folder: Path, count: int) -> None:
        self._emulator = emulator
        self._stack = Stack(folder / "project", emulator, environment_for(emulator, folder, sys.executable, site=False))
        self._folder = self._stack.folder
        self._stack.project = "bench-fleet"
        (self._folder / "sites").mkdir(parents=True)
        (self._folder / "Pulumi.yaml").write_text("name: bench-fleet\nruntime: python\n")
        self._stack.program("pulumi_plugchoice.ChargingSite.for_stack()")
        self.names = [f"site-{site:02d}" for site in range(count)]
        for site, name in enumerate(self.names):
            write_site_file(self._folder / "sites" / f"{name}.yaml", site)
            self._stack.add(name)
        self._commit("init", "-q")

    def touch(self) -> None:
        """Change the current of one connector in five sites, and commit."""
        for name in self.names[:TOUCHED]:
            file = self._folder / "sites" / f"{name}.yaml"
            file.write_text(file.read_text().replace("max_amperage: 16", "max_amperage: 20", 1))
        self._commit("status")

    def _commit(self, *first: str) -> None:
        for arguments in (first, ("add", "-A"), ("commit", "-q", "-m", "x")):
            subprocess.run([*GIT, *arguments], cwd=self._folder, check=True, stdout=subprocess.DEVNULL)

    def measure(self, command: Sequence[str]) -> Sample:
        """Run a command, which has to succeed."""
        self._emulator.clear_requests()
        variables = {**os.environ, **self._stack.environment}
        before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(command, cwd=self._folder, env=variables, capture_output=True, text=True, check=False)
        wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
        if done.returncode != 0:
            sys.exit(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}{done.stderr}"[-5000:])
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        calls = len(self._emulator.requests())
        return Sample(calls, count_refused(self._emulator), wall, cpu, after.ru_maxrss / 1024)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", type=int, default=50, help="number of sites (default 50)")
    parser.add_argument("--jobs", type=int, default=3, help="stacks at a time, for both (default 3)")
    options = parser.parse_args()
    for name in ("PLUGCHOICE_OFFLINE", "PYTHONDONTWRITEBYTECODE"):
        os.environ.pop(name, None)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="plugchoice-bench-") as temporary, running() as emulator:
        emulator.reset(make_account(options.sites, 0))
        project = Project(emulator, Path(temporary), options.sites)
        fleet = [str(Path(sys.executable).parent / "plugchoice"), "fleet", "up", "--jobs", str(options.jobs)]
        xargs = f"printf '%s\\n' {' '.join(project.names)} | xargs -n1 -P{options.jobs} {UP}"
        count = len(project.names)
        rows = {f"fleet up of {count}, the first time": project.measure([*fleet, "--all"])}
        rows[f"fleet up of {count}, unchanged"] = project.measure([*fleet, "--all"])
        rows[f"xargs -P{options.jobs} of {count}, unchanged"] = project.measure(["/bin/sh", "-c", xargs])
        project.touch()
        rows[f"fleet up --changed-since, {min(TOUCHED, count)} of {count} touched"] = project.measure(
            [*fleet, "--changed-since", "HEAD~"]
        )
    print(f"\n{CONNECTORS} connectors a site, {LIMIT} requests a minute, {options.jobs} at a time, ", end="")
    print(f"{os.cpu_count()} cores; load average {load:.1f} before, {os.getloadavg()[0]:.1f} after\n")
    print("| Work | Calls | 429 | Wall | CPU | Memory |")
    print("|---|--:|--:|--:|--:|--:|")
    for name, row in rows.items():
        figures = f"{row.wall / 60:.2f} min | {row.cpu:.1f} s | {row.megabytes:.0f} MB"
        print(f"| `{name}` | {row.calls} | {row.refused} | {figures} |")


if __name__ == "__main__":
    main()
