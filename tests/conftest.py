"""Fixtures: a clean environment for each test, an emulator and a Pulumi CLI for each worker."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import signal
import sys
import uuid
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, settings
from support import cost, fake_forge, order, processes, vault, warm
from support import emulator as emulators
from support.stack import Stack, environment_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


# Modules are compiled once, as on a user's machine, and not again in each process that a test starts.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# A run of the CLI is over before its garbage collector has paid for itself.
os.environ |= {"GOGC": "off", "GOMEMLIMIT": "1GiB"}


# Thousands of tests are collected, and none of them is garbage: without a collector until then, and without a look at
# them after it, a run is seconds shorter.
gc.disable()

# A shell starts what runs in the background with SIGINT ignored, and that is inherited: nothing would end by it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is slow, which is no fault of what is tested: no test asserts wall time.
settings.register_profile("usual", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# `--hypothesis-profile=long`: test_stateful.py and test_fuzz.py play more; `=quick`: few examples, the same every time.
settings.register_profile("long", settings.get_profile("usual"))
settings.register_profile("quick", settings.get_profile("usual"), max_examples=30, derandomize=True)
# `=mutants` (tools/mutants.py): a failure is all that counts, so it is not made smaller.
settings.register_profile("mutants", settings.get_profile("quick"), phases=[Phase.explicit, Phase.generate])
settings.load_profile("usual")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How a release keeps a state file (test_upgrade.py), how reports are kept (test_review.py), how many run, cost."""
    parser.addoption("--write-state-fixture", action="store_true", help="write tests/fixtures/state/VERSION.json")
    parser.addoption("--write-snapshots", action="store_true", help="write tests/fixtures/site-reports anew")
    parser.addoption("--soak", action="store_true", help="also run what waits for minutes")
    parser.addoption("--cases", type=int, metavar="N", help="of each test run at most N of its parameters, N > 1")
    parser.addoption("--cost", action="store_true", help="print time and `pulumi` commands of each test")


def pytest_configure(config: pytest.Config) -> None:
    """Measure when asked to."""
    if config.getoption("--cost"):
        config.pluginmanager.register(cost.Meter())


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest tests first: one that starts last would be waited for. Those of `make soak` are left out."""
    if not config.getoption("--soak"):
        left_out = [item for item in items if item.get_closest_marker("soak")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    if most := config.getoption("--cases"):
        keep_cases(config, items, most)

    for item in items:
        if item.get_closest_marker("long"):
            item.add_marker(pytest.mark.timeout(900))  # beside other work on the machine
    items[:] = order.deal(items, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")), order.read_need)


def keep_cases(config: pytest.Config, items: list[pytest.Item], most: int) -> None:
    """Keep the first and last parameters of each test, and those evenly between them; the same in every run."""
    tests: dict[str, list[pytest.Item]] = {}
    for item in items:
        tests.setdefault(item.nodeid.partition("[")[0], []).append(item)
    kept = {cases[place * (len(cases) - 1) // (most - 1)] for cases in tests.values() for place in range(most)}
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = [item for item in items if item in kept]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """The tests are collected: see `gc.disable` above."""
    gc.freeze()
    gc.enable()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What the property runs, fuzzers and the load test counted: a run that drew nothing would be green too."""
    counts = [
        f"{name}: {value}"
        for reports in terminalreporter.stats.values()
        for report in reports
        if getattr(report, "when", None) == "call"
        for name, value in report.user_properties
    ]
    if counts:
        terminalreporter.section("counts")
        for line in sorted(counts):
            terminalreporter.write_line(line)


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_left_running() -> Iterator[None]:
    """Every process that a test starts is gone when the last test is over; what is left is named and ended."""
    run = os.environ[processes.RUN] = uuid.uuid4().hex
    yield
    left = processes.wait_until_gone(15, processes.RUN, run)
    for process in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
    assert left == {}, "these processes outlived the tests"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No setting of the machine reaches a test, no request of one test counts in the limit of another, and what one
    has hidden the next one shows.
    """
    for name in list(os.environ):
        if name.startswith(("PLUGCHOICE_", "PULUMI_", "GITHUB_", "GITLAB_", "CI_")):
            monkeypatch.delenv(name)
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr("pulumi_plugchoice._text._secrets", [])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / f"cache-{uuid.uuid4().hex}"))


@pytest.fixture(scope="session")
def emulator_process() -> Iterator[emulators.Emulator]:
    """One emulator process for all tests of a worker."""
    with emulators.running() as running:
        yield running


@pytest.fixture
def emulator(emulator_process: emulators.Emulator) -> emulators.Emulator:
    """The emulator with three chargers on one site, fresh."""
    emulator_process.reset(emulators.seed(3))
    return emulator_process


@pytest.fixture(scope="session")
def forge_server() -> Iterator[fake_forge.Forge]:
    """One fake of GitHub and GitLab for all tests of a worker."""
    with fake_forge.running() as running:
        yield running


@pytest.fixture
def forge(forge_server: fake_forge.Forge) -> fake_forge.Forge:
    """A fake of GitHub and GitLab with one pull request, fresh."""
    forge_server.reset()
    return forge_server


@pytest.fixture(scope="session")
def pulumi_cli() -> str:
    """The real Pulumi CLI; without one the test fails, it is never skipped."""
    found = shutil.which("pulumi")
    if found is None:
        pytest.fail(
            "no `pulumi` on PATH: `make test` finds or gets one (tools/pulumi/README.md names the three ways)",
            pytrace=False,
        )
    return found


@pytest.fixture(scope="session")
def warm_process() -> Iterator[str]:
    """One process that forks for all language hosts and providers of a worker (support/warm.py)."""
    with warm.running() as path:
        yield path


@pytest.fixture(scope="session")
def vault_server() -> Iterator[dict[str, str]]:
    """One fake of HashiCorp Vault for the keys of all stacks of a worker; the value is the variables for it."""
    with vault.running() as variables:
        yield variables


@pytest.fixture
def stack(
    emulator: emulators.Emulator,
    pulumi_cli: str,
    warm_process: str,
    vault_server: dict[str, str],
    tmp_path: Path,
) -> Stack:
    """A project `site` with a stack `dev`, a file backend of its own and the site set in the environment."""
    environment = environment_for(emulator, tmp_path, sys.executable) | {warm.VARIABLE: warm_process} | vault_server
    return Stack(tmp_path / "project", emulator, environment).init()
