"""`plugchoice comment` and `plugchoice issue` against a fake of both forges."""

from __future__ import annotations

import sys
import time
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
        self.token = fake_forge.WORKFLOW if name == "github" else fake_forge.PERSON
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
    bench.forge.ignores_filters = True
    assert "edited" in put("sites/b.yaml: drift ```\n")
    assert "unchanged" in put("sites/b.yaml: drift ```\n")
    assert "````text\nsites/b.yaml: drift ```\n````" in issue.body
    assert "closed" in close()
    assert not issue.is_open
    assert "not needed" in close()
    assert "opened again" in put("sites/c.yaml: drift\n")
    assert (issue.title, issue.is_open, len(bench.forge.issues)) == ("Please look", True, 2)
    assert bench.forge.issues[90].body.endswith("mine")


# -- what a forge can answer instead


def run_once(bench: Bench, text: str = REVIEW) -> tuple[int, str]:
    """Status, and the only line that is printed but for those that tell of a wait."""
    result = bench.comment(text)
    *waits, line = result.output.splitlines()
    assert all("; waiting " in text or "; trying again" in text for text in waits)
    assert fake_forge.WORKFLOW not in result.output
    assert fake_forge.PERSON not in result.output
    return result.exit_code, line


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, {"message": "Bad credentials"}, "the token is wrong, expired or revoked"),
        (401, {"message": "no {token}"}, "no [hidden]"),
        (404, {"message": "Not Found"}, "the token may not see it"),
        (422, {"message": "Validation\nFailed", "errors": ["no", 1]}, "(Validation Failed"),
        (400, [], "the forge does not take it"),
        (200, "<html>Sign in</html>", "not one of the forge's API"),
        (200, {}, "not one of the forge's API"),
        (200, [1, None], "not one of the forge's API"),
        (418, "<html>\x1b[31mteapot</html>", "answered 418"),
    ],
)
def test_an_answer_that_is_no_use_is_one_line(
    bench: Bench, status: int, body: Any, words: str, waits: list[float]
) -> None:
    """Whichever request gets it: the first, the list, the write. A token that comes back is not shown."""
    if words == "no [hidden]":
        body = {"message": f"no {bench.token}"}
    for method, path in (("", ""), ("GET", "(comments|notes)$"), ("POST", "(comments|notes)$")):
        if status == 200 and method == "POST":
            continue
        bench.forge.reset()
        bench.forge.fail(status, body=body, method=method, path=path, times=99)
        code, line = run_once(bench)

        assert (code, bench.notes) == (1, [])
        assert line.startswith("127.0.0.1:")
        assert words in line
        assert "\x1b" not in line
    assert sum(waits) == 0


@pytest.mark.parametrize("status", [500, 503, 0])
@pytest.mark.parametrize("is_done", [False, True])
def test_a_failure_for_a_moment_writes_one_comment(
    bench: Bench, status: int, is_done: bool, waits: list[float]
) -> None:
    """Also when the comment was written and only the answer was lost."""
    bench.forge.fail(status, body="<html>", method="POST", path="(comments|notes)$", is_done=is_done, times=2)
    bench.done()

    assert len(bench.notes) == 1
    assert len(waits) in (1, 2)


def test_a_forge_that_stays_down_is_one_line(bench: Bench, waits: list[float]) -> None:
    """After some tries."""
    bench.forge.fail(0, times=99)
    code, line = run_once(bench)

    assert code == 1
    assert "cannot be reached" in line
    assert waits == [1, 2, 4, 8]


def limits(bench: Bench, seconds: int) -> list[dict[str, Any]]:
    """How each forge says that a request limit is used up."""
    if bench.name == "gitlab":
        return [{"status": 429, "body": "Retry later", "headers": {"Retry-After": str(seconds)}}]
    reset = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + seconds)}
    return [
        {"status": 403, "body": {"message": "API rate limit exceeded"}, "headers": reset},
        {"status": 429, "body": {"message": "API rate limit exceeded"}, "headers": reset},
        {
            "status": 403,
            "body": {"message": "You have exceeded a secondary rate limit"},
            "headers": {"retry-after": "9"},
        },
        {"status": 403, "body": {"message": "You have exceeded a secondary rate limit"}},
        {"status": 429, "body": {}},
    ]


def test_a_request_limit_is_waited_for(bench: Bench, waits: list[float]) -> None:
    """For as long as the forge asks, and said."""
    for limit in limits(bench, 8):
        bench.forge.reset()
        waits.clear()
        bench.forge.fail(**limit, method="POST", path="(comments|notes)$")
        result = bench.done()

        assert len(bench.notes) == 1
        assert 1 <= sum(waits) <= 60
        assert limit.get("headers", {}).get("retry-after", waits[0]) in (waits[0], str(int(waits[0])))
        assert sum(waits) < 5 or "the request limit of the token is used up; waiting" in result.output


def test_a_request_limit_of_an_hour_is_one_line(bench: Bench, waits: list[float]) -> None:
    """Nobody pays a runner that waits for an hour."""
    bench.forge.fail(**limits(bench, 3600)[0], times=99)
    code, line = run_once(bench)

    assert (code, waits) == (1, [])
    assert "run the job again later" in line


def test_a_comment_that_is_deleted_meanwhile_is_written_again(bench: Bench) -> None:
    """404 on the edit."""
    bench.done()
    number = bench.notes[0].number
    bench.notes.clear()
    stale = {
        "id": number,
        "body": f"{MARKER}\nold",
        "system": False,
        "url": f"{bench.forge.url}/api/v3/repos/acme/depot/issues/comments/{number}",
    }
    author = {"id": 583231} if bench.name == "gitlab" else {"login": bench.me}
    stale |= {"author": author, "user": author, "html_url": ""}
    bench.forge.fail(200, body=[stale], method="GET", path="(comments|notes)$")
    bench.done()

    assert len(bench.notes) == 1


def test_two_runs_at_once_leave_one_comment(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both find none and write one; the oldest stays, with the text of the run that saw both."""
    from pulumi_plugchoice.forge import posts

    put = posts.put_comment

    def put_late(comments: Any, *args: Any, **more: Any) -> Any:
        create = comments.create

        def create_second(body: str) -> Any:
            bench.forge.add_note(f"{MARKER}\nof the other run", bench.me)
            return create(body)

        comments.create = create_second
        return put(comments, *args, **more)

    monkeypatch.setattr("pulumi_plugchoice.forge.publish.put_comment", put_late)
    bench.done()

    (own,) = bench.notes
    assert "Harbour" in own.body


def test_an_older_run_leaves_the_comment_to_the_newer_one(bench: Bench) -> None:
    """Somebody has pushed again: that commit has its own run, which may be done already."""
    environment = bench.environment()
    bench.forge.pulls[1].head = "c" * 40
    (bench.folder / "review.md").write_text(REVIEW)
    body = str(bench.folder / "review.md")
    result = CliRunner().invoke(plugchoice, ["comment", bench.name, "--body", body], env=environment)

    assert result.exit_code == 0
    assert "has a newer commit, cccccccccccc; its own run writes it" in result.output
    assert bench.notes == []


def test_the_time_has_a_bound(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for an answer that a library would wait for."""
    from pulumi_plugchoice.forge import posts

    defaults: Any = posts.limit_time.__defaults__
    monkeypatch.setattr(posts.limit_time, "__defaults__", (0.3, *defaults[1:]))
    bench.forge.fail(200, seconds=0.8)
    code, line = run_once(bench)
    while not bench.forge.requests:  # the next test counts its own only
        time.sleep(0.02)

    assert code == 1
    assert "not done within 0 s; run the job again later" in line


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "is empty"), (b" \n\n", "is empty"), (b"\xff\xfe", "is not UTF-8"), (None, "cannot be read: No such file")],
)
def test_a_body_that_is_no_text_is_one_line(bench: Bench, content: bytes | None, words: str) -> None:
    """And no request is sent."""
    args = ("--body", str(bench.folder / "missing.md")) if content is None else ()
    result = bench.comment(content or b"", *args)

    (line,) = result.output.splitlines()
    assert result.exit_code == 1
    assert words in line
    assert bench.forge.requests == []


def test_a_run_without_a_pull_request_is_one_line(bench: Bench) -> None:
    """A push, a tag, a schedule: it says how to name one."""
    environment = {"GITHUB_EVENT_PATH": "", "GITHUB_REF": "refs/heads/main", "CI_MERGE_REQUEST_IID": ""}
    result = bench.comment(**environment)

    what = "pull request" if bench.name == "github" else "merge request"
    assert result.exit_code == 1
    assert result.output.startswith(f"--number: this run is not about a {what}")
    assert bench.comment(REVIEW, "--number", "1", **environment).exit_code == 0
    assert len(bench.notes) == 1


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--api-url", "http://forge.example/api"), "would send the token in plain text"),
        (("--api-url", "https://user:secret@forge.example"), "has a user name"),
        (("--api-url", "ftp://forge.example"), "is not an address"),
        (("--api-url", "https://[::1"), "is not an address"),
        (("--repository", "a b"), "is not one of"),
        (("--repository", "../.."), "is not one of"),
        (("--key", "a -->"), "is not a key"),
        (("--key", "a--b"), "is not a key"),
        (("--number", "0"), "0 is not in the range"),
        (("--number", "1_0"), "not a whole number"),
        (("--token-variable", "MY_TOKEN"), "MY_TOKEN: is not set"),
    ],
)
def test_a_wrong_option_is_named_and_nothing_is_sent(bench: Bench, args: tuple[str, ...], words: str) -> None:
    """No message shows a password."""
    result = bench.comment(REVIEW, *args)

    assert result.exit_code in (1, 2)
    assert words in result.output.splitlines()[-1]
    assert "secret" not in result.output
    assert bench.forge.requests == []


@pytest.mark.parametrize("event", [b"", b"[]", b"{", b'{"pull_request": 1}', b'{"pull_request": {"number": "x"}}'])
def test_an_odd_event_is_no_traceback(forge: Forge, tmp_path: Path, event: bytes) -> None:
    """One line, or the number of GITHUB_REF."""
    bench = Bench("github", forge, tmp_path)
    (tmp_path / "odd.json").write_bytes(event)
    result = bench.comment(GITHUB_EVENT_PATH=str(tmp_path / "odd.json"))

    assert result.exit_code == 0 or result.output.startswith("GITHUB_EVENT_PATH: ")
    assert len(result.output.splitlines()) == 1


def test_a_proxy_of_the_environment_does_not_get_the_token_of_plain_http(bench: Bench) -> None:
    """Plain http is for this machine only."""
    names = ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
    assert bench.comment(**dict.fromkeys(names, "http://127.0.0.1:9")).exit_code == 0
    assert len(bench.notes) == 1


def test_a_review_that_is_too_long_is_shortened_and_the_job_summary_has_it_all(bench: Bench) -> None:
    """The forge refuses one character more than it takes."""
    most = {"github": 65_536, "gitlab": 1_000_000}[bench.name]
    part = "### `Harbour 😀`: 1 change\n\n**Look at these first**\n\n| Where |\n|---|\n| `site` |\n\n"
    part += "| A per line |\n|---|\n" + "| `ä` |\n" * 400
    text = REVIEW + "\n" + f"{part}\n" * (most // len(part) + 20) + "Digest of these writes: `sha256:1`\n"
    result = bench.done(text)

    (note,) = bench.notes
    assert most * 0.95 < len(note.body) <= most
    assert f"review.md: longer than {most:,} characters; parts are left out" in result.output.replace("'", "")
    assert f"**Left out, because at most {most:,} characters fit here: " in note.body
    assert "\nDigest of these writes: `sha256:1`\n" in note.body
    assert "\nWritten for head `aaaaaaaaaaaa`, base `bbbbbbbbbbbb`, [this run](" in note.body
    assert note.body.count("**Look at these first**") == text.count("**Look at these first**")
    if bench.name == "github":
        assert bench.summary.read_text().strip() == text.strip()
    # Plain text of an issue, too.
    result = bench.run(
        "issue",
        "--title",
        "Drift",
        "--plain",
        "--body",
        str(bench.folder / "review.md"),
        text=f"{'ä' * 999}\n" * (most // 900),
    )
    (issue,) = bench.forge.issues.values()
    assert result.exit_code == 0
    assert most * 0.95 < len(issue.body) <= most
    assert "more lines do not fit here" in issue.body


def test_a_body_of_windows_is_read_like_any_other(bench: Bench) -> None:
    """With a byte order mark and other line ends."""
    assert "not needed" in bench.comment(b"\xef\xbb\xbf" + NOTHING.replace("\n", "\r\n").encode()).output


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_with_the_token(bench: Bench, status: int) -> None:
    """It may lead anywhere."""
    elsewhere = f"{bench.forge.url}/elsewhere".replace("127.0.0.1", "localhost")
    bench.forge.fail(status, headers={"Location": elsewhere}, times=99)
    code, line = run_once(bench)

    assert code == 1
    assert f"answered {status}" in line or "not one of the forge's API" in line
    assert not [path for _, path, _ in bench.forge.requests if "elsewhere" in path]


def test_the_next_page_is_asked_for_where_the_first_one_was(bench: Bench) -> None:
    """A link of an answer gets no token of ours elsewhere."""
    other = f'<http://localhost:1{bench.forge.url.partition("127.0.0.1")[2]}/api/v4/x?page=2>; rel="next"'
    bench.forge.fail(200, body=[], headers={"Link": other, "x-next-page": "2"}, method="GET", path="(comments|notes)$")
    result = bench.comment()

    assert result.exit_code in (0, 1)
    assert len(result.output.splitlines()) == 1


@pytest.mark.parametrize(("module", "package"), [("github", "PyGithub"), ("gitlab", "python-gitlab")])
def test_a_missing_extra_is_one_line(
    forge: Forge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, package: str
) -> None:
    """With what to install."""
    monkeypatch.delitem(sys.modules, f"pulumi_plugchoice.forge.{module}", raising=False)
    monkeypatch.setitem(sys.modules, module, None)
    result = Bench(module, forge, tmp_path).comment()

    assert result.exit_code == 1
    assert result.output.startswith(f"{package} is not installed; run: pip install 'pulumi-plugchoice[cli,ci]'")


def test_an_odd_event_does_not_matter_if_nobody_needs_it(forge: Forge, tmp_path: Path) -> None:
    """The number is given; or the command is about no pull request."""
    bench = Bench("github", forge, tmp_path)
    odd = {"GITHUB_EVENT_PATH": str(tmp_path / "missing.json"), "GITHUB_REF": "refs/heads/main"}

    assert "GITHUB_EVENT_PATH: " in bench.comment(**odd).output
    assert bench.comment(REVIEW, "--number", "1", **odd).exit_code == 0
    assert bench.run("issue", "--close", **odd).exit_code == 0


def test_another_pull_request_has_other_commits(bench: Bench) -> None:
    """Those of this run are not named there, and decide nothing."""
    other = bench.forge.open_pull(head="d" * 40)
    bench.done(REVIEW, "--number", str(other.number))

    (note,) = other.notes
    assert "Written for [this run](" in note.body
