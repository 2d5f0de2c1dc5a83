"""The workflows of `plugchoice adopt --ci`: their shell steps, run for real with a git repository and a fake forge."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from support import warm
from support.emulator import TOKEN
from support.fake_forge import FORK, PERSON, REPOSITORY, WORKFLOW, Forge, Thread
from support.repository import call
from support.stack import Stack, environment_for
from support.workflows import GitHub, GitLab, Job, Runner, machine

if TYPE_CHECKING:
    from support.emulator import Emulator

EXAMPLE: Final = Path(__file__).parent.parent.parent / "examples" / "gitops"
READ_TOKEN: Final = "reads-only-and-nobody-may-see-it"
PASSPHRASE: Final = "passphrase-that-nobody-may-see"
ZEROS: Final = "0" * 40
SEED: Final = json.loads((EXAMPLE / "emulator.json").read_text()) | {
    "tokens": {TOKEN: {"user": "writer"}, READ_TOKEN: {"user": "reader", "access": {"*": "basic"}}},
    "switches": {"rate_limit_per_minute": 1_000_000},
}


@dataclass
class Team:
    """A repository on a forge, with an account that was adopted."""

    forge: Forge
    emulator: Emulator
    repository: Path
    runner: Runner
    backend: str
    pulls: list[Thread] = field(default_factory=list)

    @property
    def main(self) -> str:
        """The newest commit of the main branch."""
        return call("rev-parse", "main", folder=self.repository)

    def commit(self, parent: str, name: str, *changes: tuple[str, str]) -> str:
        """A commit on a branch of its own, in which a site file differs."""
        call("checkout", "-q", "-B", "work", parent, folder=self.repository)
        file = self.repository / "sites" / f"{name}.yaml"
        text = file.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new, 1)
        file.write_text(text)
        call("commit", "-q", "-a", "-m", "A change", folder=self.repository)
        return call("rev-parse", "HEAD", folder=self.repository)

    def open(self, head: str) -> Thread:
        """Open a pull request."""
        self.pulls.append(self.forge.open_pull(head, self.main))
        return self.pulls[-1]

    def make_merge(self, pull: Thread) -> str:
        """The commit that a merge would be now."""
        options = ("-p", self.main, "-p", pull.head, "-m", "Merge")
        return call("commit-tree", f"{pull.head}^{{tree}}", *options, folder=self.repository)

    def merge(self, pull: Thread) -> tuple[str, str]:
        """Merge a pull request; return the commit before and the one after."""
        before, pull.merge = self.main, self.make_merge(pull)
        call("update-ref", "refs/heads/main", pull.merge, folder=self.repository)
        return before, pull.merge

    def live(self, charger: str) -> tuple[str, int]:
        """The values of a charger's first connector."""
        (row,) = (r for r in self.emulator.connectors() if r["identity"] == charger and r["connector_id"] == 1)
        return row["phase_rotation"], row["max_amperage"]

    def puts(self) -> int:
        """The writes since the last call."""
        count = self.emulator.puts_seen()
        self.emulator.clear_requests()
        return count


@pytest.fixture(scope="module")
def adopted(
    emulator_process: Emulator, pulumi_cli: str, warm_process: str, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with the account of examples/gitops, adopted into a repository for both forges, and its stacks."""
    folder = tmp_path_factory.mktemp("adopted")
    emulator_process.reset(SEED)
    repository = folder / "gitops"
    repository.mkdir()
    call("init", "-q", "-b", "main", folder=repository)
    environment = make_environment(emulator_process, folder, warm_process)
    for name in ("github", "gitlab"):
        command = [sys.executable, "-m", "pulumi_plugchoice.cli", "adopt", "--all", "--no-import", "--ci", name]
        subprocess.run(command, cwd=repository, env={**os.environ, **environment}, check=True, capture_output=True)
    stack = Stack(repository, emulator_process, environment, project="gitops")
    for name in ("depot", "harbour"):
        assert stack.add(name).must_up().puts == []
    call("add", "-A", folder=repository)
    call("commit", "-q", "-m", "The sites as they are", folder=repository)
    return folder


def make_environment(emulator: Emulator, folder: Path, warm_process: str) -> dict[str, str]:
    """The variables with which stacks below a folder are run."""
    more = {warm.VARIABLE: warm_process, "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE}
    return environment_for(emulator, folder, sys.executable, site=False) | more


@pytest.fixture
def team(adopted: Path, emulator: Emulator, forge: Forge, warm_process: str, tmp_path: Path) -> Team:
    """The repository, its stacks and the account, as they were adopted."""
    emulator.reset(SEED)
    shutil.copytree(adopted, tmp_path, dirs_exist_ok=True)
    for name in ("runner", "home"):
        (tmp_path / name).mkdir()
    environment = make_environment(emulator, tmp_path, warm_process)
    runner = Runner(tmp_path / "gitops", tmp_path / "runner", machine(environment, tmp_path / "home"))
    return Team(forge, emulator, tmp_path / "gitops", runner, environment["PULUMI_BACKEND_URL"])


class OnGitHub:
    """The workflows as events of GitHub start them."""

    def __init__(self, team: Team) -> None:
        self.team = team
        self.github = GitHub(
            team.runner,
            {key: value for key, value in team.forge.github().items() if key not in ("GITHUB_TOKEN", "GITHUB_REF")},
            secrets=(
                {"PLUGCHOICE_READ_TOKEN": READ_TOKEN},
                {"PLUGCHOICE_TOKEN": TOKEN, "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE},
            ),
            variables=({"PLUGCHOICE_CANARY": "harbour"}, {"PULUMI_BACKEND_URL": team.backend}),
            tokens=(WORKFLOW, FORK),
        )

    def review(self, pull: Thread, *, source: str = REPOSITORY, user: str = "octocat", **known: Job) -> dict[str, Job]:
        """Run the workflow for a pull request; `known` jobs are not run."""
        request = {
            "number": pull.number,
            "head": {"sha": pull.head, "repo": {"full_name": source}},
            "base": {"sha": pull.base},
            "user": {"login": user},
        }
        is_trusted = source == REPOSITORY and user == "octocat"
        event = {"number": pull.number, "pull_request": request}
        commit = self.team.make_merge(pull)
        return self.github.run("plugchoice-review.yml", commit, event, is_trusted=is_trusted, again=known)

    def apply(
        self, before: str, after: str, digest: str = "", again: dict[str, Job] | None = None, **between: Any
    ) -> dict[str, Job]:
        inputs = {"base": before, "digest": digest} if digest else {}
        event = {"before": "" if digest else before}
        return self.github.run("plugchoice-apply.yml", after, event, inputs=inputs, between=between, again=again)

    def drift(self) -> Job:
        return self.github.run("plugchoice-drift.yml", self.team.main, {})["drift"]


def results(jobs: dict[str, Job]) -> dict[str, str]:
    return {name: job.result for name, job in jobs.items()}


@pytest.mark.long
def test_a_team_on_github(team: Team) -> None:
    """Opened, pushed again, merged, cancelled and run again, changed by night, refused, and refused in part."""
    github, live = OnGitHub(team), team.live
    first = team.commit("main", "harbour", ("max_amperage: 16", "max_amperage: 20"))
    pull = team.open(first)

    jobs = github.review(pull)
    assert results(jobs) == {"check": "success", "review": "success"}, jobs["review"].log
    (note,) = pull.notes
    assert "| `RST, 16 A` | `RST, 20 A` |" in note.body

    pull.head = team.commit(first, "depot", ("max_amperage: 20", "max_amperage: 25"))
    checked = jobs["check"]
    assert results(github.review(pull, check=checked))["review"] == "success"
    assert pull.notes == [note], "edited, not doubled"
    assert "| `RST, 20 A` | `RST, 25 A` |" in note.body
    assert team.puts() == 0

    def cancel_at_the_first_write() -> None:
        team.emulator.switch(latency_seconds=0.5)
        team.runner.interrupt = lambda: team.emulator.puts_seen() > 0

    before, after = team.merge(pull)
    jobs = github.apply(before, after, canary=cancel_at_the_first_write)
    assert results(jobs) == {"plan": "success", "canary": "failure", "rest": "skipped"}
    assert jobs["canary"].lines("ancel"), jobs["canary"].log
    assert list(Path(team.backend.removeprefix("file://")).rglob("locks/**/*.json")) == [], "pulumi got the signal"
    assert live("HRB-001") == ("RST", 20)
    team.emulator.switch(latency_seconds=0)
    team.runner.interrupt = None
    jobs = github.apply(before, after, again=jobs)
    assert results(jobs) == dict.fromkeys(("plan", "canary", "rest"), "success"), "".join(j.log for j in jobs.values())
    assert jobs["plan"].lines(f"as pull request {pull.number} was reviewed")
    assert [e["STACK"] for name in ("canary", "rest") for e in jobs[name].environments if "STACK" in e] == [
        "harbour",
        "depot",
    ]
    assert (live("HRB-001"), live("DEP-001")) == (("RST", 20), ("RST", 25))
    assert team.puts() == 2, "each connector once"

    team.emulator.edit("HRB-002", 1, max_amperage=32)
    assert github.drift().result == "success"
    (issue,) = team.forge.issues.values()
    assert issue.is_open
    assert "HRB-002/1" in issue.body
    team.emulator.edit("HRB-002", 1, max_amperage=16)
    assert github.drift().result == "success"
    assert [item.is_open for item in team.forge.issues.values()] == [False]
    team.emulator.fault("status", path="/connectors$", status=403, times=1)
    assert github.drift().result == "failure", "something was not compared"
    assert [item.is_open for item in team.forge.issues.values()] == [True]

    pull = team.open(team.commit("main", "harbour", ("max_amperage: 20", "max_amperage: 24"), (" STR", " TRS")))
    github.review(pull, check=checked)
    team.emulator.edit("HRB-001", 1, max_amperage=13)
    before, after = team.merge(pull)
    jobs = github.apply(before, after)
    assert results(jobs) == {"plan": "failure", "canary": "skipped", "rest": "skipped"}
    (line,) = jobs["plan"].lines("is not what")
    digest = line[-72:-1]
    assert f"`{digest}`" in jobs["plan"].summary
    assert team.puts() == 0

    jobs = github.apply(before, after, digest, canary=lambda: team.emulator.edit("HRB-001", 1, max_amperage=10))
    assert results(jobs) == {"plan": "success", "canary": "failure", "rest": "skipped"}
    assert len(jobs["canary"].lines("HRB-001/1: not written, because reviewed.json has another change")) >= 1
    assert (live("HRB-001"), live("HRB-002")) == (("RST", 10), ("TRS", 16))
    assert team.puts() == 1


def test_a_fork_gets_no_secret_and_a_plain_check(team: Team) -> None:
    """On both forges; on GitHub, Dependabot too."""
    text = "label: '<!-- @octocat'"
    pull = team.open(team.commit("main", "harbour", ("label: Harbour", text)))
    pull.author = "mallory"
    github = OnGitHub(team)
    for source, user in (("mallory/gitops", "octocat"), (REPOSITORY, "dependabot[bot]")):
        jobs = github.review(pull, source=source, user=user)
        assert results(jobs) == {"check": "success", "review": "skipped"}
        assert "`<!-- @octocat`" in jobs["check"].summary
        for environment in jobs["check"].environments:
            values = " ".join(environment.values())
            assert not [secret for secret in (READ_TOKEN, TOKEN, PASSPHRASE, WORKFLOW) if secret in values]
    jobs = OnGitLab(team).review(pull, source="99")
    assert {name: job.result for name, job in jobs.items() if job.result != "skipped"} == {"check": "success"}
    assert pull.notes == []
    assert team.emulator.requests() == []


class OnGitLab:
    """The pipelines of GitLab."""

    def __init__(self, team: Team) -> None:
        self.team = team
        self.common = {
            key: value
            for key, value in team.forge.gitlab().items()
            if key in ("GITLAB_CI", "CI_API_V4_URL", "CI_PROJECT_ID")
        } | {"CI_DEFAULT_BRANCH": "main"}
        self.gitlab = GitLab(
            team.runner,
            {"PLUGCHOICE_READ_TOKEN": READ_TOKEN, "PLUGCHOICE_COMMENT_TOKEN": PERSON, "PLUGCHOICE_CANARY": "harbour"},
            {
                "PLUGCHOICE_TOKEN": TOKEN,
                "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
                "PULUMI_BACKEND_URL": team.backend,
            },
        )

    def review(self, pull: Thread, source: str = "7") -> dict[str, Job]:
        variables = {
            **self.common,
            "CI_PIPELINE_SOURCE": "merge_request_event",
            "CI_MERGE_REQUEST_IID": str(pull.number),
            "CI_MERGE_REQUEST_PROJECT_ID": "7",
            "CI_MERGE_REQUEST_SOURCE_PROJECT_ID": source,
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": pull.base,
            "CI_COMMIT_SHA": pull.head,
        }
        return self.gitlab.run(pull.head, variables)

    def run(self, source: str, after: str, again: dict[str, Job] | None = None, /, **more: str) -> dict[str, Job]:
        variables = {**self.common, "CI_PIPELINE_SOURCE": source, "CI_COMMIT_BRANCH": "main", "CI_COMMIT_SHA": after}
        return self.gitlab.run(after, {**variables, **more}, again)


@pytest.mark.long
def test_a_team_on_gitlab(team: Team) -> None:
    """Opened, pushed again, refused, applied by hand, failed and run again, changed by night."""
    gitlab = OnGitLab(team)
    first = team.commit("main", "harbour", ("max_amperage: 16", "max_amperage: 20"))
    pull = team.open(first)
    jobs = gitlab.review(pull)
    assert {name: job.result for name, job in jobs.items() if job.result != "skipped"} == {
        "check": "success",
        "review": "success",
    }, jobs
    second = team.commit(first, "harbour", ("max_amperage: 20", "max_amperage: 24"))
    pull.head = team.commit(second, "depot", ("max_amperage: 20", "max_amperage: 25"))
    gitlab.review(pull)
    (note,) = pull.notes
    assert "| `RST, 16 A` | `RST, 24 A` |" in note.body

    team.emulator.edit("HRB-001", 1, max_amperage=13)
    before, after = team.merge(pull)
    jobs = gitlab.run("push", after, CI_COMMIT_BEFORE_SHA=before)
    assert (jobs["plan"].result, jobs["apply"].result) == ("failure", "skipped")
    digest = jobs["plan"].lines("is not what")[0][-72:-1]
    assert team.puts() == 0

    by_hand = {"BASE": before, "DIGEST": digest, "CI_COMMIT_BEFORE_SHA": ZEROS}
    team.emulator.fault("status", method="PUT", status=422, times=1)
    jobs = gitlab.run("web", after, **by_hand)
    assert (jobs["plan"].result, jobs["apply"].result) == ("success", "failure"), jobs["apply"].log
    assert jobs["plan"].environments[0]["PLUGCHOICE_TOKEN"] == READ_TOKEN
    team.emulator.edit("HRB-001", 1, max_amperage=10)
    team.emulator.clear_requests()
    jobs = gitlab.run("web", after, jobs, **by_hand)
    assert jobs["apply"].lines("HRB-001/1: not written, because reviewed.json has another change"), jobs["apply"].log
    assert team.live("DEP-001") == ("RST", 20), "the first site that fails stops the others"
    assert team.puts() == 0
    team.emulator.edit("HRB-001", 1, max_amperage=13)
    job = gitlab.run("web", after, jobs, **by_hand)["apply"]
    assert job.result == "success", job.log
    assert (team.live("HRB-001"), team.live("DEP-001")) == (("RST", 24), ("RST", 25))
    assert team.puts() == 2
    assert re.findall(r"Updating \((\w+)\)", job.log) == ["harbour", "depot"]

    team.emulator.edit("DEP-001", 1, max_amperage=32)
    job = gitlab.run("schedule", after)["drift"]
    assert job.result == "success", job.log
    (issue,) = team.forge.issues.values()
    assert issue.is_open
    assert "DEP-001/1" in issue.body
    team.emulator.edit("DEP-001", 1, max_amperage=25)
    assert gitlab.run("schedule", after)["drift"].result == "success"
    assert [item.is_open for item in team.forge.issues.values()] == [False]
