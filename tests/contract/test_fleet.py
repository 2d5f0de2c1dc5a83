"""`plugchoice fleet preview`, `up` and `refresh`: what runs, what stops it, what is run again. The CLI is a fake."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from pulumi_plugchoice.cli.fleet_progress import Lines, LiveTable, watch
from pulumi_plugchoice.fleet import locks, programs, stack_run
from pulumi_plugchoice.fleet.fleet_report import SCHEMA_FILE, show_result
from pulumi_plugchoice.fleet.locks import identify_process, save_records
from pulumi_plugchoice.fleet.results import StackResult
from pulumi_plugchoice.quota import pacer
from pulumi_plugchoice.quota.postgres_store import PostgresStore
from rich.console import Console
from support import schemas
from support.emulator import TOKEN, connector, seed
from support.fleet import Fleet, events
from support.repository import call, commit

if TYPE_CHECKING:
    from pulumi_plugchoice.fleet.results import State
    from support.emulator import Emulator

SECONDS = re.compile(r"\d+ s\b")


def plain(lines: list[str]) -> list[str]:
    """Lines without times."""
    return [SECONDS.sub("N s", line) for line in lines]


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """Four sites, and stacks without a change."""
    return Fleet.make(tmp_path, "a b c d", monkeypatch)


@pytest.fixture
def repository(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """The same, in git."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    call("init", "-q")
    commit()
    return fleet


RESUME = "on this commit, the same command with --resume runs the rest"


def report(file: str = "../report.json") -> dict[str, Any]:
    """The report, which has the shape that its schema says."""
    content: dict[str, Any] = json.loads(Path(file).read_text())
    schemas.validate(content, SCHEMA_FILE)
    return content


# ---------------------------------------------------------------- one run


def test_an_update_of_all(repository: Fleet) -> None:
    """A line a site and one at the end; the report, the manifest and the logs say the same."""
    repository.play("b", changes={"update": 2, "create": 1}, writes=3)
    lines = repository.run("up", "--all", "--jobs", "1", "--report", "../report.json")
    assert plain(lines) == [
        "a: unchanged; 2 calls, N s (1 of 4)",
        "b: applied: 1 created, 2 updated; 3 writes, 5 calls, N s (2 of 4)",
        "c: unchanged; 2 calls, N s (3 of 4)",
        "d: unchanged; 2 calls, N s (4 of 4)",
        "3 unchanged, 1 applied (3 writes), 0 failed; 11 calls, N s",
    ]
    assert repository.errors == []
    content = report()
    assert (content["calls"], content["writes"], content["revision"]) == (11, 3, call("rev-parse", "HEAD"))
    assert [(site["name"], site["state"], site["changes"]) for site in content["sites"]] == [
        ("a", "unchanged", {}),
        ("b", "applied", {"create": 1, "update": 2}),
        ("c", "unchanged", {}),
        ("d", "unchanged", {}),
    ]
    assert repository.done() == ["a", "b", "c", "d"]
    assert Path(content["sites"][1]["log"]).read_text().splitlines() == [
        "plugchoice: API calls: 5 (2 reads, 3 writes)",
        "up: exit status 0; 1 create, 2 update",
    ]
    assert call("status", "--short") == "", "git ignores the folder"
    assert Path(".fleet").stat().st_mode & 0o777 == 0o700


def test_the_page_shows_all_sites_and_what_became_of_them(repository: Fleet) -> None:
    """What failed is first, with its error; texts of the CLI are no markup. Before the end, the page says so."""
    repository.play("b", changes={"update": 2}, writes=3)
    repository.play("c", "cp ../page.html ../before.html", status=1, error="plugchoice: <b>no</b>")
    repository.run("up", "--all", "--jobs", "1", "--page", "../page.html", "--report", "../report.json", status=1)
    assert "This run has not ended." in Path("../before.html").read_text()
    page = Path("../page.html").read_text()
    (head,) = re.findall(r"<h2>(fleet .*?)</h2>", page)
    assert head.startswith(f"fleet up of commit {call('rev-parse', 'HEAD')[:12]}, ended on 20")
    rows = re.findall(r"<tr>(.*?)</tr>", page.partition('<table class="run">')[2].partition("</table>")[0])
    cells = [re.sub(r"<[^>]*>+", "|", SECONDS.sub("N s", row)).replace("||", "|").split("|") for row in rows[1:]]
    assert [[cell for cell in row if cell] for row in cells] == [
        ["c", "rest", "failed", "0", "2", "N s"],
        ["b", "rest", "applied", "2 updated", "3", "5", "N s"],
        ["a", "rest", "unchanged", "0", "2", "N s"],
        ["d", "rest", "not started", "0", "0"],
    ]
    assert '<p class="problem">c: plugchoice: &lt;b&gt;no&lt;/b&gt;</p>' in page
    assert [f'href="#site-{number}"' in page and f'id="site-{number}"' in page for number in (1, 2, 3, 4)] == [True] * 4
    assert "Installer sheet" in page
    assert report()["sites"][2]["state"] == "failed"


OURS = json.dumps({"resourcePreEvent": {"metadata": {"type": "pulumi-python:dynamic/plugchoice:ChargerConnector"}}})
OTHER = json.dumps({"resourcePreEvent": {"metadata": {"type": "pulumi:pulumi:Stack"}}})
FAILED = json.dumps({"summaryEvent": {"resourceChanges": {}, "result": "failed"}})


@pytest.mark.parametrize(
    ("printed", "calls"),
    [
        ((), None),  # the CLI was killed
        ((OURS,), None),
        ((OURS, FAILED), None),  # the provider was
        ((OTHER, FAILED), 0),
        ((FAILED,), 0),
    ],
)
@pytest.mark.parametrize("action", ["up", "preview"])
def test_calls_that_nobody_tells_are_not_none(
    repository: Fleet, action: str, printed: tuple[str, ...], calls: int | None
) -> None:
    """Writes that were sent would be missing from the sum, and nobody would know it."""
    show = "".join(f"echo '{event}'\n" for event in printed)
    (repository.bin / "b.sh").write_text(f"{show}exit 255\n")
    options = ("--report", "../report.json", "--page", "../page.html")
    lines = repository.run(action, "a", "b", "--jobs", "1", *options, status=1)
    done, what = {"preview": ("changed", "calls"), "up": ("applied", "writes and calls")}[action]
    more = "" if calls == 0 else f"; the {what} of b are not known"
    assert plain(lines)[-1] == f"1 unchanged, 0 {done}, 1 failed; 2 calls, N s{more}"
    content = report()
    assert content["not_counted"] == ([] if calls == 0 else ["b"])
    writes = None if calls is None and action == "up" else 0
    assert [(site["writes"], site["calls"]) for site in content["sites"]] == [(0, 2), (writes, calls)]
    row = Path("../page.html").read_text().partition('<table class="run">')[2].partition(">failed")[2]
    cells = [cell for cell in re.sub(r"<[^>]*>+", "|", row.partition("</tr>")[0]).split("|") if cell.strip()]
    assert cells[:2] == ["not known" if count is None else str(count) for count in (writes, calls)]


@pytest.mark.parametrize(
    ("action", "options"),
    [
        ("preview", "preview --json"),
        ("up", "up --yes --skip-preview --json --continue-on-error"),
        ("refresh", "refresh --yes --skip-preview --json"),
    ],
)
def test_what_the_cli_is_asked(fleet: Fleet, action: str, options: str) -> None:
    """Stacks are named, never listed or selected."""
    fleet.run(action, "a", "c")
    arguments = sorted((fleet.bin / "arguments").read_text().splitlines())
    assert arguments == [f"{options} --stack={name} --non-interactive --color never" for name in "ac"]


def test_each_stack_has_a_workspace_of_its_own_and_the_users_login(fleet: Fleet, tmp_path: Path) -> None:
    """At the same time, runs would overwrite each other's settings."""
    (tmp_path / "home" / "plugins").mkdir(parents=True)
    (tmp_path / "home" / "workspaces").mkdir()
    (tmp_path / "home" / "credentials.json").write_text("{}")
    for name in "ab":
        fleet.play(name, f'ls "$PULUMI_HOME" > "$fake/{name}.home"; echo "$PULUMI_HOME" >> "$fake/homes"')
    fleet.run("preview", "a", "b")
    assert len(set((fleet.bin / "homes").read_text().splitlines())) == 2
    assert (fleet.bin / "a.home").read_text().split() == ["credentials.json", "plugins"]
    fleet.run("preview", "a")
    assert (tmp_path / "home" / "credentials.json").exists(), "only the links are removed"


@pytest.mark.parametrize("action", ["preview", "refresh"])
def test_a_failure_stops_no_preview(fleet: Fleet, action: str) -> None:
    """Nor a refresh: a reviewer wants to see the others."""
    fleet.play("a", status=1, error="plugchoice: HRB-001/1: answered 422")
    fleet.play("b", changes={"update": 1})
    lines = fleet.run(action, "--all", "--jobs", "1", status=1)
    assert lines[0].startswith("a: failed: plugchoice: HRB-001/1: answered 422; see .fleet/stacks/a/log.txt (")
    assert (
        plain(lines)[-1] == f"2 unchanged, 1 {'changed' if action == 'preview' else 'applied'}, 1 failed; 8 calls, N s"
    )


def test_a_failed_update_stops_what_has_not_started(fleet: Fleet) -> None:
    """What runs ends. The error is in the report, and the log has the rest."""
    fleet.play("a", "sleep 0.6", changes={"update": 1}, writes=1)
    fleet.play("b", status=1, error="plugchoice: first line\nsecond line")
    lines = fleet.run("up", "--all", "--jobs", "2", "--report", "../report.json", status=1)
    assert [call for call in fleet.calls() if call.startswith("end")] == ["end b", "end a"]
    assert lines[0].startswith("b: failed: plugchoice: first line; see ")
    assert plain(lines)[1:] == [
        "a: applied: 1 updated; 1 write, 3 calls, N s (2 of 4)",
        "0 unchanged, 1 applied (1 write), 1 failed, 2 not started; 5 calls, N s",
    ]
    sites = {site["name"]: site for site in report()["sites"]}
    assert sites["b"]["errors"] == ["plugchoice: first line", "second line"]
    assert [sites[name]["state"] for name in "abcd"] == ["applied", "failed", "waiting", "waiting"]
    assert fleet.done() == ["a"]


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 3", "the CLI ended with status 3, and said nothing"),
        ("kill -9 $$", "the CLI was ended by signal 9, and said nothing"),
        ("echo error: no backend >&2; exit 255", "no backend"),
        (
            "echo 'error: get stack secrets manager: incorrect passphrase' >&2; exit 255",
            "the passphrase is not that of the stack; set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE; ",
        ),
        (
            "echo 'error: stack secrets manager: passphrase must be set with PULUMI_CONFIG_PASSPHRASE' >&2; exit 255",
            "the stack needs its passphrase; set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE; see ",
        ),
        ("echo one >&2; echo two >&2; exit 1", "one"),
        (
            "echo '{\"summaryEvent\": 3}'; echo '{'; echo '[]'; echo null; exit 0",
            "the CLI ended with status 0, and said",
        ),
        (
            "echo \"error: no stack named 'a' found\" >&2; exit 6",
            "there is no such stack; run `pulumi stack init a --no-select`, or take the site as it is with `plugchoice "
            "adopt`",
        ),
    ],
)
def test_a_cli_that_ends_badly_is_one_line(fleet: Fleet, script: str, message: str) -> None:
    """Success is only what the CLI calls so."""
    fleet.play("a", script)
    (line, _) = fleet.run("up", "a", status=1)
    assert line.startswith(f"a: failed: {message}")
    assert fleet.done() == []


# ---------------------------------------------------------------- waves


def test_a_wave_begins_when_the_one_before_is_whole(fleet: Fleet, emulator: Emulator, monkeypatch: Any) -> None:
    """Whatever the number of jobs is."""
    connect(emulator, monkeypatch)
    for name in "abcd":
        fleet.play(name, "sleep 0.2")
    waves = ("--wave", "canary:c", "--wave", "50%", "--wave", "rest")
    lines = fleet.run("up", "--all", "--jobs", "4", *waves, "--gate-seconds", "0")
    calls = fleet.calls()
    assert calls[:2] == ["up c", "end c"]
    assert set(calls[2:6]) == {"up a", "end a", "up b", "end b"}
    assert calls[6:] == ["up d", "end d"]
    assert [line for line in lines if line.startswith("wave ")] == [
        "wave canary:c: 1 site",
        "wave 50%: 2 sites",
        "wave rest: 1 site",
    ]


def test_a_canary_that_fails_stops_the_rest(fleet: Fleet, emulator: Emulator, monkeypatch: Any) -> None:
    connect(emulator, monkeypatch)
    fleet.play("c", status=1, error="plugchoice: no")
    lines = fleet.run("up", "--all", "--wave", "canary:c", "--wave", "rest", status=1)
    assert fleet.calls() == ["up c", "end c"]
    assert "0 unchanged, 0 applied, 1 failed, 3 not started; " in lines[-1]


def patch(emulator: Emulator, path: str, fields: dict[str, str]) -> str:
    """A shell command that changes something in the emulator."""
    request = (
        f"{sys.executable} -S -c \"import urllib.request as r; r.urlopen(r.Request('{emulator.control_url}/{path}'"
    )
    body = json.dumps(fields).replace('"', '\\"')
    return f"{request}, b'{body}', {{'Content-Type': 'application/json'}}, method='PATCH'))\""


def connect(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the gate read the emulator, which has the site of `a`, of `support.repository.make_text(1)`."""
    content = seed(2)
    site = content["sites"][0]
    for number in (2, 3, 4):
        uuid = f"0b6c1d2e-3f{number:02}{site['uuid'][13:]}"
        groups = [{"id": 801 + number, "total_amps": 125, "net_type": "TN"}]
        more = {"uuid": uuid, "name": f"Site {number}", "groups": groups, "chargers": []}
        content["sites"].append({**site, **more})
    site["uuid"] = f"0b6c1d2e-3f01{site['uuid'][13:]}"
    site["chargers"][0]["connectors"] = [connector(1, status="Faulted"), connector(2)]
    emulator.reset(content)
    monkeypatch.setenv("PLUGCHOICE_BASE_URL", emulator.base_url)
    monkeypatch.setenv("PLUGCHOICE_TOKEN", TOKEN)


@pytest.mark.parametrize(
    "applied", [({"update": 1}, 1), ({"update": 1}, 0), ({}, 0)], ids=["written", "not told", "unchanged"]
)
@pytest.mark.parametrize(
    "case",
    [
        ("chargers/HRB-001/connectors/2", {"status": "Faulted"}, "a: HRB-001/2: Faulted since the update; "),
        ("chargers/HRB-002", {"connection_status": "offline"}, "a: HRB-002: offline since the update; "),
        ("chargers/HRB-001/connectors/2", {"status": "SuspendedEV"}, ""),
    ],
)
def test_a_gate_that_fails_stops_the_next_wave(
    fleet: Fleet,
    emulator: Emulator,
    monkeypatch: Any,
    case: tuple[str, dict[str, str], str],
    applied: tuple[dict[str, int], int],
) -> None:
    """A fault that was there before is none of the update; a wave that has applied nothing needs no gate.

    The number of writes is not asked: the provider's last line, which tells it, can get lost.
    """
    connect(emulator, monkeypatch)
    path, fields, problem = case
    changes, writes = applied
    fleet.play("a", patch(emulator, path, fields), changes=changes, writes=writes)
    stops = bool(problem) and bool(changes)
    waves = ("--wave", "canary:a", "--wave", "rest", "--gate-seconds", "0", "--report", "../report.json")
    with emulator.recording() as calls:
        lines = fleet.run("up", "a", "b", *waves, status=1 if stops else 0)
    advice = "look at the charger, and run this again when it is well"
    assert fleet.errors == ([problem + advice] if stops else [])
    assert ("wave canary:a: 0 s for the hardware to settle" in lines) == bool(changes)
    assert fleet.calls()[2:] == ([] if stops else ["up b", "end b"])
    assert report()["problems"] == fleet.errors
    assert len(calls) == (2 if stops or not changes else 3)
    assert f"; {len(calls) + 2 + writes + (0 if stops else 2)} calls, " in lines[-1]


def test_a_site_that_the_gate_cannot_read_stops_the_next_wave(
    fleet: Fleet, emulator: Emulator, monkeypatch: Any
) -> None:
    connect(emulator, monkeypatch)
    emulator.fault("status", status=403, method="GET", skip=1, times=None)
    fleet.play("a", changes={"update": 1}, writes=1)
    fleet.run("up", "--all", "--wave", "canary:a", "--wave", "rest", "--gate-seconds", "0", status=1)
    assert fleet.errors[0].startswith("a: cannot be read after the update: ")
    assert fleet.calls() == ["up a", "end a"]


def test_a_site_that_the_gate_cannot_read_before_the_update_is_not_updated(
    fleet: Fleet, emulator: Emulator, monkeypatch: Any
) -> None:
    """Nobody could tell afterwards what is new."""
    connect(emulator, monkeypatch)
    emulator.fault("status", status=403, method="GET", path="3f02")
    lines = fleet.run("up", "--all", "--wave", "50%", "--wave", "rest", status=1)
    assert [error.partition(": GET ")[0] for error in fleet.errors] == ["b: cannot be read before the update"]
    assert fleet.calls() == []
    assert "0 failed, 4 not started; " in lines[-1]


GATE = ("--wave", "canary:a", "--wave", "rest", "--gate-seconds", "0")


def test_a_gate_that_has_failed_is_looked_at_again(repository: Fleet, emulator: Emulator, monkeypatch: Any) -> None:
    """With --resume, as long as the charger is not well; compared with what was before the update."""
    connect(emulator, monkeypatch)
    repository.play(
        "a", patch(emulator, "chargers/HRB-001/connectors/2", {"status": "Faulted"}), changes={"update": 1}, writes=1
    )
    repository.run("up", "--all", *GATE, status=1)
    assert repository.calls() == ["up a", "end a"]
    repository.run("up", "--all", *GATE, "--resume", status=1)
    assert repository.errors[0].startswith("a: HRB-001/2: Faulted since the update; ")
    assert repository.calls() == []
    emulator.control("PATCH", "/chargers/HRB-001/connectors/2", {"status": "Available"})
    repository.run("up", "--all", *GATE, "--resume")
    assert sorted(repository.calls()) == ["end b", "end c", "end d", "up b", "up c", "up d"]
    assert repository.manifest()["before"] == {}


@pytest.mark.parametrize("waves", [GATE, GATE[-2:]])
def test_a_gate_is_held_after_a_command_that_was_killed(
    repository: Fleet, emulator: Emulator, monkeypatch: Any, waves: tuple[str, ...]
) -> None:
    """While the hardware settled, or in the middle of a stack, after its writes: the next run has nothing to write."""
    connect(emulator, monkeypatch)
    script = f"{patch(emulator, 'chargers/HRB-001/connectors/2', {'status': 'Faulted'})}; kill -9 $PPID; sleep 0.2"
    repository.play("a", script, changes={"update": 1}, writes=1)
    command = [sys.executable, "-m", "pulumi_plugchoice.cli", "fleet", "up", "a", *waves]
    assert subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode == -signal.SIGKILL
    repository.play("a")
    repository.run("up", "a", *waves, "--resume", status=1)
    assert repository.errors[0].startswith("a: HRB-001/2: Faulted since the update; ")
    assert repository.done() == ["a"]
    repository.run("up", "a", *waves, "--resume", status=1)
    assert repository.errors[0].startswith("a: HRB-001/2: Faulted since the update; "), "also when all stacks are done"
    assert repository.errors[-1] == f"fleet up: a gate left; {RESUME}"


# ---------------------------------------------------------------- interrupted and run again


def test_a_failed_run_is_resumed(repository: Fleet) -> None:
    """What is finished is not run again."""
    repository.play("b", status=1, error="plugchoice: no")
    repository.play("a", changes={"update": 2}, writes=2)
    repository.run("up", "--all", "--jobs", "1", status=1)
    assert repository.errors == [f"fleet up: 3 of 4 sites left; {RESUME}"]
    assert repository.calls() == ["up a", "end a", "up b", "end b"]
    repository.play("b", changes={"update": 1}, writes=1)
    outputs = ("--report", "../report.json", "--page", "../page.html")
    lines = repository.run("up", "--all", "--jobs", "1", "--resume", *outputs)
    assert repository.errors == []
    assert repository.calls() == ["up b", "end b", "up c", "end c", "up d", "end d"]
    assert lines[0] == "1 site done by an earlier run, 3 left"
    summary = "2 unchanged, 1 applied (1 write), 0 failed, 1 done by an earlier run; 7 calls, N s"
    assert plain(lines)[-1] == summary
    found = report()
    assert (found["calls"], found["writes"]) == (7, 1), "as the line: what this run did"
    assert [(site["state"], site["writes"], site["earlier"]) for site in found["sites"]] == [
        ("applied", 2, True), ("applied", 1, False), ("unchanged", 0, False), ("unchanged", 0, False)
    ]  # fmt: skip
    page = SECONDS.sub("N s", Path("../page.html").read_text())
    assert summary in page
    assert page.count("applied by an earlier run") == 1
    assert (
        plain(repository.run("up", "--all", "--resume"))[-1]
        == "0 unchanged, 0 applied, 0 failed, 4 done by an earlier run; 0 calls, N s"
    )
    assert repository.calls() == []
    repository.run("up", "--all", "--jobs", "1")
    assert len(repository.calls()) == 8, "without --resume all are run"


@pytest.mark.parametrize(
    ("case", "line"),
    [
        ("commit", "--resume: .fleet/fleet.json: is of commit "),
        ("changed", "--resume: files are not as in the commit: sites/b.yaml; commit them, or leave --resume out"),
        ("removed", "--resume: files are not as in the commit: sites/d.yaml; commit them, or leave --resume out"),
        (
            "dirty before",
            "--resume: .fleet/fleet.json: is of files that were not in a commit; leave --resume out, to run",
        ),
        ("no git", "--resume: git does not tell which commit the files are of; leave --resume out"),
        ("no commit", "--resume: git does not tell which commit the files are of; leave --resume out"),
        (
            "project",
            "--resume: .fleet/fleet.json: is of the project . with the site files in sites; leave --resume out",
        ),
        (
            "action",
            "--resume: .fleet/fleet.json: is of `fleet up`, not of `fleet preview`; run that, or leave --resume",
        ),
        ("no run", "--resume: .fleet/fleet.json: there is no run to resume; leave --resume out"),
        ("half", "--resume: .fleet/fleet.json: cannot be read; leave --resume out, to run all sites"),
        ("list", "--resume: .fleet/fleet.json: cannot be read; leave --resume out, to run all sites"),
        ("version", "--resume: .fleet/fleet.json: is of another version of plugchoice; leave --resume out, to run all"),
    ],
)
def test_another_run_is_not_resumed(repository: Fleet, case: str, line: str) -> None:
    """Its finished sites would be another version of them. One line, and nothing runs."""
    if case == "dirty before":
        Path("x.py").write_text("")
    if case == "project":  # of the same repository, with the same names
        shutil.copytree("sites", "north")
        commit()
    repository.run("up", "a", "--state", str(Path(".fleet").absolute()))
    repository.calls()
    file = Path(".fleet/fleet.json")
    more: tuple[str, ...] = ()
    if case in ("commit", "dirty before"):
        Path("x.py").write_text("1")
        commit()
    elif case == "changed":
        Path("sites/b.yaml").write_text(Path("sites/b.yaml").read_text() + "# more\n")
    elif case == "removed":
        Path("sites/d.yaml").unlink()
    elif case == "no git":
        Path(".git").rename("../git")
    elif case == "no commit":
        Path(".git").rename("../git")
        call("init", "-q")
    elif case == "project":
        more = ("--folder", "north")
    elif case == "list":
        file.write_text("[]")
    elif case == "no run":
        file.unlink()
    elif case == "half":
        file.write_text(file.read_text()[:50])
    elif case == "version":
        file.write_text(file.read_text().replace('"version": 1', '"version": 2'))
    damaged = file.read_bytes() if file.exists() else b""
    repository.run("preview" if case == "action" else "up", "a", "b", "--resume", *more, status=1)
    assert repository.errors[0].startswith(line)
    assert len(repository.errors) == 1
    assert repository.calls() == []
    assert (file.read_bytes() if file.exists() else b"") == damaged


def test_a_run_that_cannot_be_resumed_does_not_name_the_option(repository: Fleet) -> None:
    """Files that are not in a commit; and outside of git."""
    repository.play("b", status=1, error="plugchoice: no")
    for change in (lambda: Path("x.py").write_text(""), lambda: Path(".git").rename("../git")):
        change()
        repository.run("up", "--all", status=1)
        assert repository.errors == []


def test_reports_and_new_stack_configs_do_not_count_as_changes(repository: Fleet) -> None:
    """The first is of this command, the second of the CLI."""
    repository.run("up", "a", "--report", "report.json")
    Path("Pulumi.a.yaml").write_text("encryptionsalt: x\n")
    repository.run("up", "a", "--report", "report.json", "--resume")


@pytest.mark.parametrize("number", ["INT", "TERM"])
def test_a_signal_ends_what_runs_and_starts_no_more(repository: Fleet, number: str) -> None:
    """The running ones get an interrupt, and may end as they want; the rest is resumed."""
    trap = 'trap \'echo "trapped $name" >> "$fake/calls"; exit 1\' INT'
    repository.play("a")
    repository.play("b", f"{trap}; kill -{number} $PPID; while :; do sleep 0.05; done")
    lines = repository.run("up", "--all", "--jobs", "1", status=130)
    assert repository.calls() == ["up a", "end a", "up b", "trapped b"]
    assert repository.errors == [
        "stopping: waiting for 1 stack; press Ctrl-C again to end sooner",
        f"fleet up: 3 of 4 sites left; {RESUME}",
    ]
    assert lines[1].startswith("b: stopped")
    assert "1 unchanged, 0 applied, 0 failed, 1 stopped, 2 not started; " in lines[-1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    repository.play("b")
    repository.run("up", "--all", "--jobs", "1", "--resume")
    assert repository.calls() == ["up b", "end b", "up c", "end c", "up d", "end d"]


def test_the_third_signal_ends_a_cli_that_does_not_end(fleet: Fleet) -> None:
    """The second is SIGTERM."""
    traps = 'trap "" INT; trap "kill -INT $PPID; trapped=1" TERM'
    fleet.play("a", f"{traps}; kill -INT $PPID; sleep 0.5; kill -INT $PPID; while :; do sleep 0.05; done")
    (line, _) = fleet.run("up", "a", status=130)
    assert line.startswith("a: stopped: the CLI was ended by signal 9")


def test_a_command_that_is_killed_ends_its_stacks_and_is_resumed(repository: Fleet) -> None:
    """On Linux the CLI gets SIGTERM then. What was finished is not run again."""
    trap = 'trap \'echo "trapped $name" >> "$fake/calls"; exit 1\' TERM; echo "ready $name" >> "$fake/calls"'
    repository.play("b", f"{trap}; while :; do sleep 0.05; done")
    command = [sys.executable, "-m", "pulumi_plugchoice.cli", "fleet", "up", "--all", "--jobs", "1"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        wait_for(lambda: "ready b" in (repository.bin / "calls").read_text())
        process.kill()
    wait_for(lambda: "trapped b" in (repository.bin / "calls").read_text())
    assert repository.calls() == ["up a", "end a", "up b", "ready b", "trapped b"]
    repository.play("b")
    repository.run("up", "--all", "--jobs", "1", "--resume")
    assert repository.calls() == ["up b", "end b", "up c", "end c", "up d", "end d"]


def wait_for(condition: Any) -> None:
    give_up = time.monotonic() + 20
    while time.monotonic() < give_up:
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.02)
    pytest.fail("did not happen")


class _WindowsProcess(subprocess.Popen):  # type: ignore[type-arg] # whatever it reads
    """A process that is sent what Windows knows."""

    def send_signal(self, sig: int) -> None:
        """Send a signal."""
        if sig == signal.SIGINT:
            raise ValueError(f"Unsupported signal: {sig}")
        super().send_signal(sig)


@pytest.fixture(params=["darwin", "win32"])
def elsewhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """As on a system without prctl and /proc; and on Windows without fcntl and interrupts of other programs."""
    platform: str = request.param
    for module in (stack_run, programs):  # all of Python would look for an .exe
        monkeypatch.setattr(module, "sys", SimpleNamespace(platform=platform, executable=sys.executable))
    monkeypatch.setattr(locks, "_PROC", Path("/nowhere"))
    if platform == "win32":
        monkeypatch.setitem(sys.modules, "fcntl", None)
        monkeypatch.setattr(subprocess, "Popen", _WindowsProcess)
    return platform


def test_a_run_on_another_system(repository: Fleet, elsewhere: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs and resumes; no record says which process is dead, so a lock is named, not cancelled."""
    monkeypatch.setattr(stack_run, "_FIRST_WAIT_SECONDS", 0.05)
    repository.lock("b", socket.gethostname(), 1)
    lines = repository.run("up", "--all", "--jobs", "1", "--lock-seconds", "0", status=1)
    assert lines[1].startswith(f"b: failed: locked by ann@{socket.gethostname()} (process 1) since ")
    assert repository.calls() == ["up a", "end a", "up b"], elsewhere
    (repository.bin / "b.lock").unlink()
    repository.run("up", "--all", "--jobs", "1", "--resume")
    assert repository.calls() == ["up b", "end b", "up c", "end c", "up d", "end d"]
    assert repository.done() == ["a", "b", "c", "d"]


def test_a_second_ctrl_c_ends_a_stack_on_another_system(fleet: Fleet, elsewhere: str) -> None:
    """The first one gets to it through the console on Windows, and is passed on elsewhere."""
    fleet.play("a", "trap '' INT; kill -INT $PPID; sleep 0.5; kill -INT $PPID; while :; do sleep 0.05; done")
    (line, _) = fleet.run("up", "a", status=130)
    assert line.startswith("a: stopped: the CLI was ended by signal 15"), elsewhere


# ---------------------------------------------------------------- locks


@pytest.fixture
def dead(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> int:
    """A process of an earlier run that has ended, and holds the lock of `a`."""
    monkeypatch.setattr(stack_run, "_FIRST_WAIT_SECONDS", 0.05)
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        record = identify_process(process.pid)
        process.kill()
    assert record is not None
    folder = Path(".fleet/stacks/a")
    folder.mkdir(parents=True)
    save_records(folder / "process.json", [record])
    fleet.lock("a", socket.gethostname(), process.pid)
    return process.pid


def test_the_lock_of_a_dead_process_is_cancelled(fleet: Fleet, dead: int) -> None:
    """Only that one: the update runs once, and the record is gone."""
    fleet.run("up", "a")
    assert fleet.calls() == ["up a", "cancel a", "up a", "end a"]
    assert json.loads(Path(".fleet/stacks/a/process.json").read_text()) == []


@pytest.mark.parametrize(
    "case", ["no record", "other host", "other boot", "other namespace", "other process", "broken"]
)
def test_a_lock_without_proof_is_not_cancelled(fleet: Fleet, dead: int, case: str) -> None:
    """It is waited for, then named with its owner and the remedy."""
    file = Path(".fleet/stacks/a/process.json")
    (record,) = json.loads(file.read_text())
    host = socket.gethostname()
    if case == "no record":
        file.unlink()
    elif case == "other host":
        host = "elsewhere"
        fleet.lock("a", host, dead)
    elif case == "other process":
        fleet.lock("a", host, dead + 1)
    elif case == "broken":
        file.write_text('[{"process": 1}]')
    else:
        file.write_text(json.dumps([{**record, case.removeprefix("other "): "x"}]))
    process = dead + 1 if case == "other process" else dead
    (line, _) = fleet.run("up", "a", "--lock-seconds", "1", status=1)
    assert line.startswith(
        f"a: failed: locked by ann@{host} (process {process}) since 2026-11-28T16:30:07Z; wait for its end, or if it "
        "is dead, run `pulumi cancel --stack a` and run this again; see "
    )
    calls = fleet.calls()
    assert set(calls) == {"up a"}
    assert len(calls) > 1, "it is tried again"
    log = Path(".fleet/stacks/a/log.txt").read_text()
    assert "error: the stack is currently locked by 1 lock(s)." in log, "of this run, not of an earlier one"


def test_a_frozen_process_is_not_dead(fleet: Fleet, dead: int) -> None:
    """It may thaw and write. Neither is another one dead that has its number now, unless it is younger."""
    with subprocess.Popen(["/bin/sleep", "60"]) as process:
        try:
            os.kill(process.pid, signal.SIGSTOP)
            record = identify_process(process.pid)
            assert record is not None
            save_records(Path(".fleet/stacks/a/process.json"), [record])
            fleet.lock("a", socket.gethostname(), process.pid)
            fleet.run("up", "a", "--lock-seconds", "0", status=1)
            assert fleet.calls() == ["up a"]
            save_records(Path(".fleet/stacks/a/process.json"), [type(record)(**{**vars(record), "start": 1})])
            lock = fleet.bin / "a.lock"
            before = lock.read_text()
            for since in (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "2026", "2099-01-01T00:00:00Z"):
                lock.write_text(before.replace("2026-11-28T16:30:07Z", since))
                fleet.run("up", "a", "--lock-seconds", "0", status=1)
                assert fleet.calls() == ["up a"], "no cancel"
            lock.write_text(before)
            fleet.run("up", "a", "--lock-seconds", "0")
            assert fleet.calls() == ["up a", "cancel a", "up a", "end a"]
        finally:
            process.kill()


@pytest.mark.parametrize("is_told", [True, False])
def test_a_lock_that_goes_is_waited_for(fleet: Fleet, monkeypatch: pytest.MonkeyPatch, is_told: bool) -> None:
    """Pulumi Cloud does not tell who has it."""
    monkeypatch.setattr(stack_run, "_FIRST_WAIT_SECONDS", 0.05)
    fleet.lock("a", "elsewhere", 7)
    if not is_told:
        text = "error: [409] Conflict: Another update is currently in progress.\n"
        (fleet.bin / "a.lock").write_text(text)
    fleet.play("b", 'sleep 0.3; rm "$fake/a.lock"')
    fleet.run("up", "a", "b", "--jobs", "2")
    calls = fleet.calls()
    assert "cancel a" not in calls
    assert calls.count("up a") > 1
    assert calls.count("end a") == 1


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "status", "line"),
    [
        (("up",), 2, "SITES, --all or --changed-since: give one of them"),
        (("up", "e"), 2, "e: there is no such site; "),
        (("up", "--all", "--wave", "canary:a"), 2, "--wave: the last wave, and only that, has to be `rest`; "),
        (("up", "--all", "--wave", "rest", "--wave", "rest"), 2, "--wave: the last wave, and only that, has to be"),
        (
            ("up", "--all", "--wave", "canary:e", "--wave", "rest"),
            2,
            "--wave canary:e: there is no such site; name one",
        ),
        (
            ("up", "--all", "--wave", "canary:a,aa", "--wave", "rest"),
            2,
            "--wave canary:aa: there is no such site; did you",
        ),
        (
            ("up", "--all", "--wave", "100%", "--wave", "rest"),
            2,
            "--wave 100%: is not a wave; write canary:SITE[,SITE]",
        ),
        (("up", "--all", "--wave", "", "--wave", "rest"), 2, "--wave : is not a wave; write canary:SITE[,SITE], a per"),
        (("up", "--all", "--wave", "rest", "--shard", "1/2"), 2, "--wave and --shard: give one of them; "),
        (
            ("up", "--all", "--shard", "3/2"),
            2,
            "--shard 3/2: is not a shard; write I/N, such as 1/8, with I from 1 to N",
        ),
        (("up", "--all", "--shard", "0/2"), 2, "--shard 0/2: is not a shard; "),
        (("up", "--all", "--shard", "1"), 2, "--shard 1: is not a shard; "),
        (("up", "--all", "--reviewed-file", "none.json"), 1, "PLUGCHOICE_REVIEWED: "),
        (("up", "--all", "--report", "none/x"), 1, "none/x: cannot be written: No such file or directory; "),
        (("up", "--all", "--page", "none/x"), 1, "none/x: cannot be written: No such file or directory; "),
        (("up", "--all", "--page", "sites/b.yaml"), 1, "sites/b.yaml: is the site file itself; name another file"),
        (("up", "--all", "--page", "../x", "--report", "../x"), 2, "--report and --page: are one file; name two"),
        (("up", "--all", "--report", "sites/a.yaml"), 1, "sites/a.yaml: is the site file itself; name another file"),
        (("up", "--all", "--state", "Pulumi.yaml"), 1, "Pulumi.yaml"),
        (("up", "--changed-since", "HEAD"), 1, "--changed-since: the current folder is not in a git repository; "),
    ],
)
def test_bad_input_is_one_line_and_nothing_runs(
    fleet: Fleet, monkeypatch: Any, arguments: tuple[str, ...], status: int, line: str
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(fleet.folder.parent))
    assert fleet.run(*arguments, status=status) == []
    (error,) = fleet.errors
    assert error.startswith(line)
    assert fleet.calls() == []
    assert not Path(".fleet/fleet.json").exists()


@pytest.mark.parametrize(
    ("option", "value"), [("--jobs", "0"), ("--jobs", "65"), ("--gate-seconds", "-1"), ("--lock-seconds", "x")]
)
def test_a_number_that_has_no_meaning(fleet: Fleet, option: str, value: str) -> None:
    fleet.run("up", "--all", option, value, status=2)
    assert f"Invalid value for '{option}'" in fleet.errors[-1]
    assert fleet.calls() == []


@pytest.mark.parametrize("action", ["preview", "refresh", "up"])
def test_a_site_file_with_mistakes_stops_all_before_anything_runs(fleet: Fleet, action: str) -> None:
    Path("sites/b.yaml").write_text("site: x\n")
    fleet.run(action, "--all", status=1)
    assert fleet.errors[0].startswith("sites/b.yaml:1:")
    assert fleet.calls() == []
    fleet.run(action, "a", "c")


def test_without_the_cli_it_is_one_line(fleet: Fleet, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    fleet.run("up", "--all", status=1)
    assert fleet.errors == ["pulumi: not found on PATH; install the Pulumi CLI, or run `plugchoice doctor`"]


def test_a_manifest_that_cannot_be_written_stops_the_run(fleet: Fleet) -> None:
    """As on a full disk: what runs ends, and the exit status tells it."""
    fleet.play("a", "rm .fleet/fleet.json; mkdir .fleet/fleet.json")
    lines = fleet.run("up", "--all", "--jobs", "1", status=1)
    assert fleet.errors == [".fleet/fleet.json: cannot be written: Is a directory; look at what is there"]
    assert "1 unchanged, 0 applied, 0 failed, 3 not started; " in lines[-1]
    assert fleet.calls() == ["up a", "end a"]


def test_a_log_that_cannot_be_written_is_a_failed_stack(fleet: Fleet) -> None:
    Path(".fleet").mkdir()
    Path(".fleet/stacks").write_text("")
    (line, _) = fleet.run("up", "a", status=1)
    assert line == "a: failed: .fleet/stacks/a: cannot be written: Not a directory; look at what is there (1 of 1)"
    assert fleet.calls() == []


@pytest.mark.parametrize("name", ["run.lock", "stacks/a/events.json", "stacks/a/home"])
def test_what_cannot_be_written_is_named_before_anything_runs(fleet: Fleet, name: str) -> None:
    """As seen from here, with what to do about it; not as Python says it."""
    file = Path(".fleet", name)
    file.parent.mkdir(parents=True)
    if name == "stacks/a/home":
        file.write_text("")
    else:
        file.mkdir()
    lines = fleet.run("up", "a", status=1)
    (line,) = [line for line in (*lines, *fleet.errors) if "cannot be written" in line]
    assert f"{file}: cannot be written: " in line
    assert "Errno" not in line
    assert fleet.calls() == []


def test_a_cli_that_cannot_be_started_is_one_line(fleet: Fleet) -> None:
    """It was there when it was looked for."""
    fleet.play("a", 'mv "$fake/pulumi" "$fake/gone"')
    if sys.platform == "linux":  # a Python in between says it there
        (line, _) = fleet.run("up", "a", "b", "--jobs", "1", status=1)[1:]
        assert line.startswith(f"b: failed: {fleet.bin}/pulumi: No such file or directory; see ")
    with pytest.MonkeyPatch.context() as patched:
        (fleet.bin / "gone").rename(fleet.bin / "pulumi")
        patched.setattr(sys, "platform", "darwin")
        (line, _) = fleet.run("up", "a", "b", "--jobs", "1", status=1)[1:]
        assert line.startswith("b: failed: ../bin/pulumi: No such file or directory; run `plugchoice doctor` (2 of 2)")


@pytest.mark.parametrize("name", ["log.txt", "process.json"])
def test_what_a_stack_has_done_counts_when_its_notes_cannot_be_written(fleet: Fleet, name: str) -> None:
    """As on a full disk: the writes have been sent."""
    fleet.play("a", f"rm -f .fleet/stacks/a/{name}; mkdir .fleet/stacks/a/{name}", changes={"update": 1}, writes=1)
    lines = fleet.run("up", "a")
    assert plain(lines)[0] == "a: applied: 1 updated; 1 write, 3 calls, N s (1 of 1)"
    assert fleet.done() == ["a"]


def test_a_run_that_cannot_begin_leaves_what_an_earlier_one_has_noted(
    repository: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It can still be resumed."""
    repository.play("b", status=1, error="plugchoice: no")
    repository.run("up", "--all", "--jobs", "1", status=1)
    monkeypatch.delenv("PLUGCHOICE_TOKEN", raising=False)
    repository.run("up", "--all", "--gate-seconds", "0", status=1)
    assert repository.errors[0].startswith("credentials: not set; ")
    assert repository.done() == ["a"]


def test_a_report_that_cannot_be_written_is_found_before_anything_runs(fleet: Fleet) -> None:
    """And afterwards the summary is printed in any case."""
    fleet.play("a", "rm ../report.json; mkdir ../report.json")
    lines = fleet.run("up", "a", "--report", "../report.json", status=1)
    assert lines[-1].startswith("1 unchanged, 0 applied, 0 failed; ")
    assert fleet.errors == ["../report.json: cannot be written: Is a directory; name a file, not a folder"]


def test_a_reader_that_goes_away_stops_the_run_in_order(repository: Fleet) -> None:
    """As `| head -1`: what runs ends and is noted, no more starts."""
    repository.play("a", "sleep 0.5")
    trap = 'trap \'echo "trapped $name" >> "$fake/calls"; exit 1\' INT'
    repository.play("b", f"{trap}; while :; do sleep 0.05; done")
    command = [sys.executable, "-m", "pulumi_plugchoice.cli", "fleet", "up", "--all", "--jobs", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.close()
    assert process.returncode == 1
    assert sorted(repository.calls()) == ["end a", "trapped b", "up a", "up b"]
    assert repository.done() == ["a"]


def test_two_runs_do_not_share_a_folder(fleet: Fleet) -> None:
    """Each would overwrite what the other has finished. Another folder is another run."""
    command = f"{sys.executable} -m pulumi_plugchoice.cli fleet up b"
    fleet.play("a", f'{command} > "$fake/second" 2>&1; echo $? >> "$fake/second"; {command} --state ../other')
    fleet.run("up", "a")
    line, status = (fleet.bin / "second").read_text().splitlines()
    assert line == ".fleet: another run uses this folder; wait for its end, or name another one with --state"
    assert status == "1"
    assert fleet.calls() == ["up a", "up b", "end b", "end a"]


def test_a_second_run_leaves_the_report_of_the_first(fleet: Fleet) -> None:
    command = f"{sys.executable} -m pulumi_plugchoice.cli fleet up b --report ../second.json"
    Path("../second.json").write_text("of the first")
    fleet.play("a", f'{command} 2> "$fake/second"')
    fleet.run("up", "a")
    assert "another run uses this folder" in (fleet.bin / "second").read_text()
    assert Path("../second.json").read_text() == "of the first"


def test_nothing_is_selected(repository: Fleet) -> None:
    """A shard without a site, a change that touches none: done."""
    assert (
        plain(repository.run("up", "--changed-since", "HEAD"))[-1] == "0 unchanged, 0 applied, 0 failed; 0 calls, N s"
    )
    assert repository.errors == ["no site is selected, so nothing runs"]
    repository.run("up", "a", "--shard", "2/2")
    assert repository.calls() == []
    repository.run("up", "--all", "--shard", "2/3", "--jobs", "1")
    assert repository.calls() == ["up b", "end b"]


def test_a_canary_that_is_not_selected_is_told(fleet: Fleet, emulator: Emulator, monkeypatch: Any) -> None:
    """Its wave is left out; it would show nothing."""
    connect(emulator, monkeypatch)
    fleet.run("up", "b", "--wave", "canary:a", "--wave", "rest")
    assert fleet.errors == ["--wave canary:a: is not selected, so this wave is left out"]
    assert fleet.calls() == ["up b", "end b"]


def test_the_reviewed_file_binds_each_update(fleet: Fleet) -> None:
    """By its whole path: the CLI runs in another folder."""
    Path("reviewed.json").write_text('{"version": 1, "digest": "", "writes": []}')
    fleet.run("up", "a", "--reviewed-file", "reviewed.json", status=1)
    assert "was changed after it was written" in fleet.errors[0]
    digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    Path("reviewed.json").write_text(json.dumps({"version": 1, "digest": digest, "writes": []}))
    fleet.play("a", 'echo "$PLUGCHOICE_REVIEWED" > "$fake/reviewed"')
    fleet.run("up", "a", "--reviewed-file", "reviewed.json")
    assert (fleet.bin / "reviewed").read_text().strip() == str(fleet.folder / "reviewed.json")


# ---------------------------------------------------------------- the terminal


def draw(table: LiveTable, width: int) -> list[str]:
    """The lines of the table on a terminal of that width, which it does not exceed."""
    output = io.StringIO()
    Console(file=output, width=width).print(table.draw())
    lines = output.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    return [line.rstrip() for line in lines]


def test_the_table_of_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """What failed stays, what runs is last, and the rest goes when there is no more place."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "10")
    table = LiveTable(dict.fromkeys([*"abcdefgh", "harbour"], "rest"))
    for name in "abcdefg":
        table.begin(name, "rest")
    for name in "abcdef":
        state: Any = "failed" if name == "a" else "applied"
        table.end(StackResult(name, state, {"update": 2}, 2, None if name == "f" else 4, 70.0, wave="rest"))
    head, *rows, caption = draw(table, 80)
    assert head.split() == ["Site", "State", "Changes", "Calls", "Time"]
    assert caption.strip().startswith("6 of 9, 1 failed, about ")
    assert [row.split()[:2] for row in rows] == [
        ["c", "applied"],
        ["d", "applied"],
        ["e", "applied"],
        ["f", "applied"],
        ["a", "failed"],
        ["g", "running"],
    ]
    assert [rows[number].split()[2:] for number in (0, 3)] == [["2", "updated", calls, "70", "s"] for calls in "4?"]
    for name in "ghijklmnopq":  # more than there is place for
        table.begin(name, "rest")
    assert len(draw(table, 80)) <= 10


@pytest.mark.parametrize(
    ("state", "line"),
    [
        ("changed", "a: changed: 1 to create, 2 to update; 3 calls, 4 s"),
        ("applied", "a: applied: 1 created, 2 updated; 3 calls, 4 s"),
        ("unchanged", "a: unchanged; 3 calls, 4 s"),
    ],
)
def test_changes_are_told_in_the_words_of_the_cli(state: State, line: str) -> None:
    """A preview plans, an update has done it."""
    changes = {} if state == "unchanged" else {"create": 1, "update": 2}
    assert show_result(StackResult("a", state, changes, 0, 3, 4.0)) == line
    assert show_result(StackResult("a", state, changes, None, None, 4.0)) == line.replace("3 calls", "calls not known")


@pytest.mark.parametrize("width", [80, 120])
def test_the_columns_of_the_table_do_not_move(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    """A long name loses its middle: sites of one town differ at the end."""
    monkeypatch.setenv("COLUMNS", str(width))
    names = [f"amsterdam-zuidas-parkeergarage-dek-{part}-{number}" for part in ("noord", "oost") for number in (1, 2)]
    table = LiveTable({names[0]: f"canary:{names[0]}", **dict.fromkeys(names[1:], "rest")})
    heads = {draw(table, width)[0]}
    for name in names:
        table.begin(name, "rest")
        heads.add(draw(table, width)[0])
        table.end(StackResult(name, "applied", {"create": 11, "update": 120}, 120, 1234, 4000.0))
        heads.add(draw(table, width)[0])
    assert len(heads) == 1
    rows = draw(table, width)[1:-1]
    shown = [row.split()[0] for row in rows]
    assert len(set(shown)) == 4
    assert shown[-1].endswith("-oost-2")
    assert [row.split()[1] for row in rows] == ["canary", "rest", "rest", "rest"]
    if width == 80:
        assert all("…" in name for name in shown)


def test_the_table_tells_that_a_gate_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    table = LiveTable({"a": "canary:a", "b": "rest"})
    table.begin("a", "canary:a")
    table.end(StackResult("a", "applied", {"update": 1}, 1, 3, 4.0))
    table.pause("canary:a", 60)
    assert draw(table, 80)[-1].strip() == "1 of 2, 60 s for the hardware to settle"


@pytest.mark.parametrize(
    ("variables", "expected"), [({}, LiveTable), ({"CI": "true"}, Lines), ({"TERM": "dumb"}, Lines), (None, Lines)]
)
def test_a_table_moves_only_on_a_terminal_of_a_person(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str] | None, expected: type
) -> None:
    """Some CI gives a terminal; and with `| tee` there is one for standard error alone."""
    for name in ("CI", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in (variables or {}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: variables is not None, raising=False)
    with watch({"a": "rest"}) as watcher:
        assert type(watcher) is expected


def test_a_request_limit_that_is_not_shared_is_said_once(
    fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It concerns all stacks, and would otherwise stand in the log of each: one line for each kind, the first one."""
    monkeypatch.setattr(pacer, "PATIENCE", 0.0)
    said: list[str] = []
    (tmp_path / "file").touch()
    for host in ("/one", "/other"):
        store = PostgresStore(f"postgresql:///?host={host}", "user")
        folder = tmp_path / "file" / "cache"
        pacer.Pacer("user", folder=folder, database=store, say=said.append, window=0.01).take()
    assert len(said) == 4
    assert said[0] != said[2]
    for name, lines in zip("abd", (said[:1], said[2:], said[:2]), strict=True):
        message = "".join(f"plugchoice: {line}\n" for line in lines)
        event = {"diagnosticEvent": {"message": message, "severity": "info#err"}}
        (fleet.bin / f"{name}.said").write_text(f"{json.dumps(event)}\n")
        fleet.play(name, f'cat "$fake/{name}.said"')
    lines = fleet.run("up", "--all", "--jobs", "1")
    assert "4 unchanged" in lines[-1]
    assert fleet.errors == [f"a: {said[0]}", f"b: {said[3]}"]


def test_events_are_read_whatever_they_hold() -> None:
    """Counts of several providers add up; nothing of the server begins a line of ours."""
    from pulumi_plugchoice.fleet.events import read_events

    lines = [*events({"update": 1}, writes=1).splitlines(), *events(writes=2).splitlines()]
    outcome = read_events(lines, may_write=True)
    assert (outcome.calls, outcome.writes, outcome.changes, outcome.errors) == (7, 3, {}, [])
    assert read_events([OURS, FAILED.replace("failed", "succeeded")], may_write=True).writes is None
    hostile = json.dumps({"diagnosticEvent": {"message": "a\x1b[2Jb\n::error::x", "severity": "error"}})
    assert read_events([hostile, "[" * 100_000, "{}", ""], may_write=True).errors == [r"a\x1b[2Jb", "::error::x"]
