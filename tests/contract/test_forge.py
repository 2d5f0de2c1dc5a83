"""`plugchoice comment` and `plugchoice issue` against a fake of both forges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from pulumi_plugchoice.cli.group import plugchoice
from support import fake_forge
from support.fake_forge import FORK, Forge, Note

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

REVIEW = (
    "### Review: 1 of 3 site files changed\n\nBase `bbbbbbbbbbbb`, head `aaaaaaaaaaaa`.\n\n### `Harbour`: 1 change\n"
)
NOTHING = "### Review: no site file changed\n\nBase `bbbbbbbbbbbb`, head `aaaaaaaaaaaa`.\n"
MARKER = "<!-- plugchoice comment: review -->"


class Bench:
    """One forge, and the command in its CI."""

    def __init__(self, name: str, forge: Forge, folder: Path) -> None:
        self.name, self.forge, self.folder = name, forge, folder
        self.me = "github-actions[bot]" if name == "github" else "octocat"
        self.other = "mallory"
        self.summary = folder / "summary.md"

    @property
    def notes(self) -> list[Note]:
        return self.forge.pulls[1].notes

    def environment(self, **more: str) -> dict[str, str | None]:
        if self.name == "github":
            event = self.folder / "event.json"
            return {**self.forge.github(event=event), "GITHUB_STEP_SUMMARY": str(self.summary), **more}
        return {**self.forge.gitlab(), **more}

    def run(self, command: str, *args: str, text: str | bytes = REVIEW, **more: str) -> Result:
        body = self.folder / "review.md"
        body.write_bytes(text if isinstance(text, bytes) else text.encode())
        return CliRunner().invoke(plugchoice, [command, self.name, *args], env=self.environment(**more))

    def comment(self, text: str | bytes = REVIEW, *args: str, **more: str) -> Result:
        return self.run("comment", "--body", str(self.folder / "review.md"), *args, text=text, **more)

    def done(self, text: str = REVIEW, *args: str) -> Result:
        result = self.comment(text, *args)
        assert result.exit_code == 0, result.output
        return result


@pytest.fixture(params=["github", "gitlab"])
def bench(request: pytest.FixtureRequest, forge: Forge, tmp_path: Path) -> Bench:
    """Each forge in turn."""
    return Bench(request.param, forge, tmp_path)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between tries, which take no time."""
    seen: list[float] = []
    from pulumi_plugchoice.forge import posts

    defaults: Any = posts.try_again.__kwdefaults__
    monkeypatch.setitem(defaults, "sleep", seen.append)
    return seen


def test_a_second_run_edits_the_comment_of_the_first(bench: Bench) -> None:
    """Also when it is on another page, and people have written others before and after it."""
    bench.forge.page_size = 2
    for _ in range(3):
        bench.forge.add_note("Looks good", "octocat")
    first = bench.done()
    bench.forge.add_note("And now?", "octocat")
    second = bench.done(REVIEW.replace("1 change", "2 changes"))

    (own,) = [note for note in bench.notes if note.body.startswith(MARKER)]
    assert "written" in first.output
    assert "edited" in second.output
    assert "2 changes" in own.body
    assert "head `aaaaaaaaaaaa`, base `bbbbbbbbbbbb`" in own.body
    assert len(bench.notes) == 5
    assert bench.done(REVIEW.replace("1 change", "2 changes")).output.startswith(second.output.partition(" comment")[0])
    assert bench.forge.writes() == ["POST", "PATCH" if bench.name == "github" else "PUT"]


def test_somebody_elses_comment_with_our_marker_is_left_alone(bench: Bench) -> None:
    """And so is one of ours that only quotes it."""
    bench.forge.add_note(f"{MARKER}\nAll good, merge it", bench.other)
    bench.forge.add_note(f"> {MARKER}\nwhat is this?", bench.me)
    bench.forge.add_note(f"see\n{MARKER}", bench.me)
    bench.done()

    assert bench.notes[0].body.partition("\n")[2] == "All good, merge it"
    assert len(bench.notes) == 4


def test_each_key_has_its_own_comment(bench: Bench) -> None:
    """Two pipelines of one repository do not overwrite each other's."""
    bench.done()
    bench.done(REVIEW.replace("Harbour", "Depot"), "--key", "depot/north")

    assert [("Harbour" in note.body, "Depot" in note.body) for note in bench.notes] == [(True, False), (False, True)]


def test_nothing_to_say_writes_no_comment_and_shrinks_the_one_that_is_there(bench: Bench) -> None:
    """A reader sees that the change was taken back."""
    assert "not needed" in bench.done(NOTHING).output
    assert bench.notes == []
    bench.done()
    bench.done(NOTHING)

    (own,) = bench.notes
    assert "no site file changed" in own.body


def test_a_token_that_may_not_write_has_a_status_of_its_own(bench: Bench) -> None:
    """That of a fork's pull request; the review is in the job summary."""
    token = {"GITHUB_TOKEN": FORK} if bench.name == "github" else {"GITLAB_TOKEN": fake_forge.READER}
    result = bench.comment(**token)

    assert result.exit_code == 3
    assert len(result.output.splitlines()) == 1
    assert "a fork's pull request" in result.output
    assert bench.notes == []
    if bench.name == "github":
        assert "the text is in the job summary" in result.output
        assert bench.summary.read_text().strip() == REVIEW.strip()


def test_a_missing_token_is_one_line(bench: Bench) -> None:
    """It names the variable."""
    result = bench.comment(GITHUB_TOKEN="", GITLAB_TOKEN="")

    variable = "GITHUB_TOKEN" if bench.name == "github" else "GITLAB_TOKEN"
    assert result.exit_code == 1
    assert result.output.startswith(f"{variable}: is not set")
    assert bench.forge.requests == []


def test_one_issue_opens_changes_closes_and_opens_again(bench: Bench) -> None:
    """Found by marker and author, whatever people call it; somebody else's copy is left alone."""
    bench.forge.issues[90] = fake_forge.Thread(90, "mallory", "Drift", "<!-- plugchoice issue: drift -->\nmine")

    def put(text: str) -> str:
        result = bench.run("issue", "--title", "Drift", "--plain", "--body", str(bench.folder / "review.md"), text=text)
        assert result.exit_code == 0, result.output
        return result.output

    def close() -> str:
        result = bench.run("issue", "--close")
        assert result.exit_code == 0, result.output
        return result.output

    assert "not needed" in close()
    assert "opened" in put("sites/a.yaml: drift @octocat #1\n")
    (number,) = set(bench.forge.issues) - {90}
    issue = bench.forge.issues[number]
    issue.title = "Please look"
    assert "edited" in put("sites/b.yaml: drift ```\n")
    assert "unchanged" in put("sites/b.yaml: drift ```\n")
    assert "````text\nsites/b.yaml: drift ```\n````" in issue.body
    assert "closed" in close()
    assert not issue.is_open
    assert "not needed" in close()
    assert "opened again" in put("sites/c.yaml: drift\n")
    assert (issue.title, issue.is_open, len(bench.forge.issues)) == ("Please look", True, 2)
    assert bench.forge.issues[90].body.endswith("mine")
