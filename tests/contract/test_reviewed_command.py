"""`plugchoice reviewed`: nothing is applied but what the comment of the merged pull request shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from pulumi_plugchoice.cli.group import plugchoice
from pulumi_plugchoice.reviewed import ReviewedWrite, compute_digest, format_reviewed
from support.emulator import charger_uuid
from support.fake_forge import FORK, PERSON, WORKFLOW

if TYPE_CHECKING:
    from click.testing import Result
    from support.fake_forge import Forge

MERGE = "c" * 40
WRITES = [ReviewedWrite(charger_uuid(1), 1, ("RST", 16), ("STR", 16))]
OTHERS = [WRITES[0]._replace(before=("RST", 20))]
EMPTY, SEEN, NOW = compute_digest([]), compute_digest(WRITES), compute_digest(OTHERS)


class Bench:
    """A merged pull request, and the command in the CI of its forge."""

    def __init__(self, name: str, forge: Forge) -> None:
        self.name, self.forge = name, forge
        self.me = "github-actions[bot]" if name == "github" else "octocat"
        self.kind = "pull request" if name == "github" else "merge request"
        forge.pulls[1].merge = MERGE

    def comment(self, digest: str = SEEN, head: str = "a" * 40, author: str = "") -> None:
        body = f"### Review: x\n\nDigest of these writes: `{digest}`\n\nWritten for head `{head[:12]}`, base `b`.\n"
        self.forge.add_note(f"<!-- plugchoice comment: review -->\n{body}", author or self.me)

    def run(self, *arguments: str, token: str = "", **more: str) -> Result:
        token = token or (WORKFLOW if self.name == "github" else PERSON)
        given = self.forge.github(token) if self.name == "github" else self.forge.gitlab(token)
        environment = {**given, "GITHUB_SHA": MERGE, "CI_COMMIT_SHA": MERGE, **more}
        return CliRunner().invoke(plugchoice, ["reviewed", self.name, "reviewed.json", *arguments], env=environment)

    def says(self, text: str, *arguments: str, **more: str) -> None:
        result = self.run(*arguments, **more)
        assert (result.exit_code, result.output) == (0, f"reviewed.json: {text}\n")

    def refuses(self, *arguments: str, **more: str) -> str:
        result = self.run(*arguments, **more)
        assert result.exit_code == 1
        assert result.stdout == ""
        (line,) = result.stderr.splitlines()
        return line


@pytest.fixture(params=["github", "gitlab"])
def bench(request: pytest.FixtureRequest, forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Each forge in turn, with writes that were reviewed."""
    monkeypatch.chdir(tmp_path)
    Path("reviewed.json").write_text(format_reviewed(WRITES))
    return Bench(request.param, forge)


def test_the_digest_of_the_comment_is_the_one_of_now(bench: Bench) -> None:
    """Comments of others and other pull requests do not count, on whichever page they are."""
    bench.forge.page_size = 2
    other = bench.forge.open_pull(head=MERGE)  # a branch that was made from the merge
    bench.forge.add_note("Looks good")
    bench.comment(NOW, author="mallory")
    bench.comment()
    bench.forge.add_note("x", number=other.number)
    bench.says(f"{SEEN}, as {bench.kind} 1 was reviewed")


def test_another_digest_is_refused(bench: Bench) -> None:
    """Whether it is the portal or the file that has changed; and when nothing is left to write."""
    bench.comment(NOW)
    assert bench.refuses() == (
        f"reviewed.json: {SEEN} is not what {bench.kind} 1 was reviewed with ({NOW}); the files or Plugchoice have "
        f"changed since: read the new review, and give its digest ({SEEN})"
    )
    Path("reviewed.json").write_text(format_reviewed([]))
    assert f"{EMPTY} is not what {bench.kind} 1" in bench.refuses()


def test_a_comment_on_an_older_commit_is_no_review(bench: Bench) -> None:
    """The last push was not reviewed: its own run has failed, or had no time."""
    bench.comment(head="d" * 40)
    assert "the comment is about commit dddddddddddd, and aaaaaaaaaaaa was merged; " in bench.refuses()


@pytest.mark.parametrize("text", ["### Review: 1 of 3\n", f"see Digest of these writes: `{SEEN}`\n", ""])
def test_a_comment_without_a_digest_is_no_review(bench: Bench, text: str) -> None:
    """It was written without live values, or a connector could not be read."""
    bench.forge.add_note(f"<!-- plugchoice comment: review -->\n{text}\nWritten for head `{'a' * 12}`.\n", bench.me)
    assert "the comment has no digest; read the new review, " in bench.refuses()


def test_without_a_comment_only_what_writes_nothing_is_applied(bench: Bench) -> None:
    """A change that touches no value has no comment; neither has a push without a pull request."""
    unknown = f"no merged {bench.kind} of commit eeeeeeeeeeee"
    advice = f"and there are writes; read the new review, and give its digest ({SEEN})"
    assert bench.refuses() == f"reviewed.json: {bench.kind} 1 without a review, {advice}"
    assert bench.refuses("--commit", "e" * 40) == f"reviewed.json: {unknown}, {advice}"
    Path("reviewed.json").write_text(format_reviewed([]))
    bench.says(f"nothing is written, so no review is needed ({bench.kind} 1 without a review)")
    bench.says(f"nothing is written, so no review is needed ({unknown})", "--commit", "e" * 40)


def test_two_pull_requests_in_one_push_are_refused(bench: Bench) -> None:
    """As a merge queue may do it: no comment has the digest of both."""
    bench.comment()
    bench.forge.open_pull(head="f" * 40).merge = MERGE
    assert f"was merged with {bench.kind}s 1 and 2, and each has a review of its own; " in bench.refuses()


def test_a_digest_that_a_person_has_read_needs_no_forge(bench: Bench) -> None:
    """A run by hand, after a refused one. An empty one is none: a workflow always passes the option."""
    bench.comment(NOW)
    bench.says(f"{SEEN}, as given", "--digest", SEEN, GITHUB_TOKEN="", GITLAB_TOKEN="")
    assert bench.forge.requests == []
    assert f"{SEEN} is not {NOW}; the files or Plugchoice have changed since" in bench.refuses("--digest", NOW)
    assert bench.refuses("--digest", "sha256:1").startswith("--digest: 'sha256:1' is not a digest; ")
    assert f"{SEEN} is not what {bench.kind} 1 was" in bench.refuses("--digest", "")


def test_what_cannot_be_read_is_one_line(bench: Bench) -> None:
    """A file that somebody has edited, a token that sees nothing, and a name that is none of a commit."""
    bench.comment()
    assert "answered 401" in bench.refuses(token="wrong")
    assert bench.run(token=FORK if bench.name == "github" else PERSON).exit_code == 0, "reading is enough"
    assert bench.refuses("--commit", "HEAD").startswith("--commit: 'HEAD' is not the whole name of a commit; ")
    unset = bench.refuses(GITHUB_SHA="", CI_COMMIT_SHA="")
    assert re.match(r"--commit: is not set, and neither is (GITHUB_SHA|CI_COMMIT_SHA); ", unset)
    Path("reviewed.json").write_text(format_reviewed(WRITES).replace("STR", "TRS"))
    assert "reviewed.json: was changed after it was written, " in bench.refuses()
    Path("reviewed.json").unlink()
    assert "reviewed.json: cannot be read: No such file" in bench.refuses()
