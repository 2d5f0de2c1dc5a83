"""`plugchoice drift` for 1, 10 and 50 sites of 40 connectors, beside `pulumi preview` of one of them.

    make drift                                   # 50 ms an answer, five rounds
    make drift ARGS="--sites 10 --rounds 3 --latency 0"

Each run begins with a request limit of 500 a minute of which nothing is used. The table shows medians: API calls,
answers with status 429, wall time, CPU time of all processes, and the memory of the largest process at its peak. Wall
time needs a machine that does nothing else: the load average before and after is printed too.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final, NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from support.emulator import TOKEN, Emulator, connector, running
from support.stack import Stack, environment_for

CONNECTORS: Final = 40
LIMIT: Final = 500


class Sample(NamedTuple):
    """One run. Times in s."""

    calls: int
    refused: int
    wall: float
    cpu: float
    megabytes: float


def make_account(sites: int, latency: float) -> dict[str, Any]:
    """A seed with so many sites of 40 chargers."""
    return {
        "tokens": {TOKEN: {"user": "tester"}},
        "sites": [
            {
                "uuid": site_uuid(site),
                "name": f"Site {site}",
                "groups": [{"id": 801 + site, "total_amps": 1000, "net_type": "TN"}],
                "chargers": [
                    {"identity": name, "connectors": [connector(rotation=rotation, amperage=16)]}
                    for name, rotation in chargers(site)
                ],
            }
            for site in range(sites)
        ],
        "switches": {"rate_limit_per_minute": LIMIT, "latency_seconds": latency},
    }


def site_uuid(site: int) -> str:
    """The UUID of a site by its number."""
    return f"0b6c1d2e-3f40-4a51-8b62-{site:012d}"


def chargers(site: int) -> list[tuple[str, str]]:
    """Identity and rotation of the chargers of a site."""
    return [(f"S{site:02d}-{index:03d}", ("RST", "STR", "TRS")[index % 3]) for index in range(CONNECTORS)]


def write_site_file(file: Path, site: int) -> None:
    """Declare a site as it is."""
    rows = [
        f"  - {{identity: {name}, connectors: [{{connector_id: 1, phase_rotation: {rotation}, max_amperage: 16}}]}}\n"
        for name, rotation in chargers(site)
    ]
    head = f"site: {site_uuid(site)}\nsupply: {{net_type: TN, main_fuse_amps: 1000}}\nchargers:\n"
    file.write_text(head + "".join(rows))


def write_site_files(folder: Path, count: int) -> Path:
    """Make a folder with so many site files, and return it."""
    project = folder / f"sites-{count}"
    (project / "sites").mkdir(parents=True)
    for site in range(count):
        write_site_file(project / "sites" / f"site-{site:02d}.yaml", site)
    return project


def count_refused(emulator: Emulator) -> int:
    """Answers with status 429 since the log was cleared."""
    return sum(request["status"] == 429 for request in emulator.requests())


def measure_drift(emulator: Emulator, folder: Path) -> Sample:
    """Run `plugchoice drift` in a folder with site files, which must find nothing."""
    emulator.clear_requests()
    environment = {**os.environ, "PLUGCHOICE_BASE_URL": emulator.base_url, "PLUGCHOICE_TOKEN": TOKEN}
    environment["XDG_CACHE_HOME"] = tempfile.mkdtemp(dir=folder)  # no run knows of the requests of another
    command = [str(Path(sys.executable).parent / "plugchoice"), "drift", "--format", "json"]
    with (folder / "report.json").open("w+") as output:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=output)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        report = json.load(output)
    if process.returncode != 0:
        sys.exit(f"drift ended with status {process.returncode}: {json.dumps(report)[:2000]}")
    return Sample(report["calls"], count_refused(emulator), wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def measure_preview(emulator: Emulator, stack: Stack) -> Sample:
    """Run `pulumi preview` of a site, which must find nothing to do."""
    emulator.clear_requests()
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    result = stack.preview("--expect-no-changes")
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if result.code != 0:
        sys.exit(result.output)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Sample(len(result.calls), count_refused(emulator), wall, cpu, after.ru_maxrss / 1024)


def prepare_stack(emulator: Emulator, folder: Path) -> Stack:
    """Deploy the first site."""
    stack = Stack(folder / "preview", emulator, environment_for(emulator, folder, sys.executable, site=False))
    stack.project = "bench-drift"
    stack.init().program("import pulumi_plugchoice\npulumi_plugchoice.ChargingSite('site', file='site.yaml')")
    write_site_file(stack.folder / "site.yaml", 0)
    stack.must_up("--skip-preview")
    return stack


def take_median(samples: list[Sample]) -> Sample:
    """The median of each figure; of calls and refusals the most."""
    calls, refused, *others = zip(*samples, strict=True)
    return Sample(max(calls), max(refused), *map(statistics.median, others))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--sites", type=int, nargs="*", default=[10, 50], help="numbers of sites beside 1 (default 10 50)"
    )
    parser.add_argument("--rounds", type=int, default=5, help="of one site; of more one (default 5)")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds that each API answer takes (default 0.05)")
    options = parser.parse_args()
    # As on a user's machine, where modules are compiled once.
    for name in ("PLUGCHOICE_OFFLINE", "PYTHONDONTWRITEBYTECODE"):
        os.environ.pop(name, None)
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="plugchoice-bench-") as temporary, running() as emulator:
        emulator.reset(make_account(1, options.latency))
        stack, folder = prepare_stack(emulator, Path(temporary)), write_site_files(Path(temporary), 1)
        # In turn, so that other work on the machine slows down both.
        pairs = [(measure_preview(emulator, stack), measure_drift(emulator, folder)) for _ in range(options.rounds)]
        preview, drift = (take_median(list(samples)) for samples in zip(*pairs, strict=True))
        rows = {"`pulumi preview` of 1 site": preview, "`plugchoice drift` of 1": drift}
        for count in options.sites:
            emulator.reset(make_account(count, options.latency))
            rows[f"`plugchoice drift` of {count}"] = measure_drift(emulator, write_site_files(Path(temporary), count))
    print(
        f"\n{CONNECTORS} connectors a site, {options.latency * 1000:.0f} ms an answer, {os.cpu_count()} cores; ", end=""
    )
    print(f"load average {load:.1f} before, {os.getloadavg()[0]:.1f} after\n")
    print("| Work | Calls | 429 | Wall | Times the preview | CPU | Times the preview | Memory |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for name, row in rows.items():
        print(
            f"| {name} | {row.calls} | {row.refused} | {row.wall:.2f} s | {row.wall / preview.wall:.2f} | "
            f"{row.cpu:.2f} s | {row.cpu / preview.cpu:.2f} | {row.megabytes:.0f} MB |"
        )


if __name__ == "__main__":
    main()
