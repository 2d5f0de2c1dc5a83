"""A GitHub and a GitLab on this machine: comments and issues of one repository, after their public documentation.

In a test: `with running() as forge:`, or the fixture `forge`. Other processes reach it as well, with
`forge.github(token)` or `forge.gitlab(token)` in their environment. By hand: `python tests/support/fake_forge.py`.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REPOSITORY, PROJECT = "acme/depot", "7"
#: Users by token: name, number, and what the token may do.
WORKFLOW, FORK, PERSON, READER = "ghs_workflow", "ghs_fork", "ghp_person", "ghp_reader"
USERS = {
    WORKFLOW: ("github-actions[bot]", 41898282, "workflow"),
    FORK: ("github-actions[bot]", 41898282, "fork"),
    PERSON: ("octocat", 583231, "person"),
    READER: ("reader", 9, "reader"),
}
_MOST = {"github": 65_536, "gitlab": 1_000_000}


@dataclass
class Note:
    """A comment."""

    number: int
    author: str
    body: str
    is_system: bool = False


@dataclass
class Thread:
    """A pull request or an issue."""

    number: int
    author: str
    title: str
    body: str = ""
    is_open: bool = True
    labels: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    head: str = ""  # of a pull request
    base: str = ""
    merge: str = ""  # commit with which it was merged


@dataclass
class Fault:
    """What the next requests get instead of their answer.

    Attributes:
        status: HTTP status; 0 closes the connection, before or (`is_done`) after the request was carried out.
        body: of the answer, as JSON or as text.
        headers: of the answer.
        method: of the requests; empty for all.
        path: regular expression for their paths.
        times: how many requests.
        is_done: whether the request is carried out.
        seconds: to wait before the answer.
    """

    status: int
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    method: str = ""
    path: str = ""
    times: int = 1
    is_done: bool = False
    seconds: float = 0


@dataclass
class Answer:
    """An answer."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class Forge:
    """The repository, and what was asked of it.

    Attributes:
        pulls: the pull requests by number.
        issues: the issues by number; on GitHub, both count together.
        requests: method, path and status of each request.
        faults: those that wait.
        page_size: the most rows on a page.
        ignores_filters: whether a list of issues has those of all authors, whatever was asked for.
    """

    def __init__(self) -> None:
        self.url = ""
        self.lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """Begin anew, with one pull request."""
        self.numbers = itertools.count(1)
        self.notes = itertools.count(1001)
        self.pulls: dict[int, Thread] = {}
        self.issues: dict[int, Thread] = {}
        self.requests: list[tuple[str, str, int]] = []
        self.faults: list[Fault] = []
        self.page_size = 100
        self.ignores_filters = False
        self.open_pull()

    def open_pull(self, head: str = "a" * 40, base: str = "b" * 40) -> Thread:
        """Open a pull request."""
        pull = Thread(next(self.numbers), "octocat", "Turn a bay", head=head, base=base)
        self.pulls[pull.number] = pull
        return pull

    def add_note(self, body: str, author: str = "octocat", *, number: int = 1, is_system: bool = False) -> Note:
        """Write a comment as somebody."""
        note = Note(next(self.notes), author, body, is_system)
        (self.pulls.get(number) or self.issues[number]).notes.append(note)
        return note

    def fail(self, status: int, **more: Any) -> None:
        """Add a fault."""
        self.faults.append(Fault(status, **more))

    def writes(self) -> list[str]:
        """The methods of all requests that change something, in order."""
        return [method for method, path, _ in self.requests if method != "GET" and "graphql" not in path]

    def github(self, token: str = WORKFLOW, *, event: Path | None = None, number: int = 1) -> dict[str, str]:
        """The variables of a workflow for a pull request; with `event`, that file is written."""
        pull = self.pulls[number]
        if event is not None:
            request = {"number": number, "head": {"sha": pull.head}, "base": {"sha": pull.base}}
            event.write_text(json.dumps({"number": number, "pull_request": request}))
        return {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": f"{self.url}/api/v3",
            "GITHUB_SERVER_URL": self.url,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_REF": f"refs/pull/{number}/merge",
            "GITHUB_RUN_ID": "99",
            "GITHUB_TOKEN": token,
            **({} if event is None else {"GITHUB_EVENT_PATH": str(event)}),
        }

    def gitlab(self, token: str = PERSON, *, number: int = 1) -> dict[str, str]:
        """The variables of a merge request pipeline."""
        pull = self.pulls[number]
        return {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": f"{self.url}/api/v4",
            "CI_PROJECT_ID": PROJECT,
            "CI_MERGE_REQUEST_IID": str(number),
            "CI_COMMIT_SHA": pull.head,
            "CI_MERGE_REQUEST_DIFF_BASE_SHA": pull.base,
            "CI_JOB_URL": f"{self.url}/{REPOSITORY}/-/jobs/99",
            "GITLAB_TOKEN": token,
        }

    def answer(self, method: str, path: str, query: dict[str, str], headers: Any, body: dict[str, Any]) -> Answer:
        """Carry out a request."""
        if path == "/_forge":
            return Answer(200, self._show())
        forge = "gitlab" if path.startswith("/api/v4/") else "github"
        if forge == "gitlab":
            token = headers.get("PRIVATE-TOKEN") or headers.get("Authorization", "").removeprefix("Bearer ")
        else:
            token = headers.get("Authorization", "").rpartition(" ")[2]
        if token not in USERS:
            return Answer(401, {"message": "401 Unauthorized" if forge == "gitlab" else "Bad credentials"})
        call = _Call(self, forge, token, (method, path), query, body)
        prefix = "/api/v4" if forge == "gitlab" else "/api/v3"
        routes = _GITLAB_ROUTES if forge == "gitlab" else _GITHUB_ROUTES
        if forge == "github" and path == "/api/graphql":
            return call.graphql()
        for pattern, name in routes:
            found = re.fullmatch(prefix + pattern, path)
            if found:
                answer: Answer = getattr(call, name)(*found.groups())
                return answer
        return call.missing()

    def _show(self) -> dict[str, Any]:
        """Everything, for `GET /_forge`."""
        return {
            "pulls": {
                number: vars(pull) | {"notes": [vars(note) for note in pull.notes]}
                for number, pull in self.pulls.items()
            },
            "issues": {number: vars(issue) | {"notes": []} for number, issue in self.issues.items()},
            "requests": self.requests,
        }


@dataclass
class _Call:
    """One request with a valid token."""

    forge: Forge
    kind: str
    token: str
    line: tuple[str, str]  # method and path
    query: dict[str, str]
    body: dict[str, Any]

    def __post_init__(self) -> None:
        self.method, self.path = self.line
        self.login, _, self.role = USERS[self.token]

    def missing(self) -> Answer:
        return Answer(404, {"message": "404 Not found" if self.kind == "gitlab" else "Not Found"})

    def refuse(self) -> Answer:
        if self.kind == "gitlab":
            return Answer(403, {"message": "403 Forbidden"})
        return Answer(403, {"message": "Resource not accessible by integration", "status": "403"})

    def graphql(self) -> Answer:
        if "viewer" not in self.body.get("query", ""):
            return Answer(200, {"errors": [{"message": "Parse error"}]})
        return Answer(200, {"data": {"viewer": {"login": self.login}}})

    def me(self) -> Answer:
        if self.kind == "github" and self.role in ("workflow", "fork"):
            return self.refuse()
        return Answer(200, _show_user(self.login))

    # -- pull requests and their comments

    def pull(self, number: str) -> Answer:
        pull = self.forge.pulls.get(int(number))
        if pull is None:
            return self.missing()
        if self.kind == "gitlab":
            return Answer(
                200,
                {
                    "iid": pull.number,
                    "sha": pull.head,
                    "web_url": f"{self.forge.url}/{REPOSITORY}/-/merge_requests/{number}",
                },
            )
        sides = {"head": {"sha": pull.head}, "base": {"sha": pull.base}}
        return Answer(
            200,
            {
                "number": pull.number,
                **sides,
                "url": f"{self.forge.url}/api/v3/repos/{REPOSITORY}/pulls/{number}",
                "issue_url": f"{self.forge.url}/api/v3/repos/{REPOSITORY}/issues/{number}",
            },
        )

    def merged(self, commit: str) -> Answer:
        """The pull requests that a commit belongs to: merged with it, or a branch that has it."""
        found = [pull for pull in self.forge.pulls.values() if commit in (pull.merge, pull.head)]
        if self.kind == "gitlab":
            return self.page(
                [
                    {
                        "iid": pull.number,
                        "state": "merged" if pull.merge else "opened",
                        "sha": pull.head,
                        "merge_commit_sha": pull.merge or None,
                    }
                    for pull in found
                ]
            )
        return self.page(
            [
                {
                    "number": pull.number,
                    "merged_at": "2026-01-01T00:00:00Z" if pull.merge else None,
                    "merge_commit_sha": pull.merge or None,
                }
                for pull in found
            ]
        )

    def notes(self, number: str) -> Answer:
        thread = self.forge.pulls.get(int(number)) or (self.kind == "github" and self.forge.issues.get(int(number)))
        if not thread:
            return self.missing()
        if self.method == "GET":
            notes = [note for note in thread.notes if self.kind == "gitlab" or not note.is_system]
            if self.kind == "gitlab" and self.query.get("sort", "desc") == "desc":
                notes.reverse()
            return self.page([self.show_note(note, thread) for note in notes])
        problem = self.check_write(self.body.get("body", ""), "note")
        if problem:
            return problem
        note = self.forge.add_note(self.body["body"], self.login, number=thread.number)
        return Answer(201, self.show_note(note, thread))

    def note(self, *names: str) -> Answer:
        number = int(names[-1])
        for thread in [*self.forge.pulls.values(), *self.forge.issues.values()]:
            for note in thread.notes:
                if note.number == number:
                    return self.change_note(thread, note)
        return self.missing()

    def change_note(self, thread: Thread, note: Note) -> Answer:
        if self.method == "GET":
            return Answer(200, self.show_note(note, thread))
        problem = self.check_write(self.body.get("body", "-"), "note")
        if problem:
            return problem
        if note.author != self.login and self.role == "person" and self.kind == "gitlab":
            return self.refuse()
        if self.method == "DELETE":
            thread.notes.remove(note)
            return Answer(204)
        note.body = self.body["body"]
        return Answer(200, self.show_note(note, thread))

    def show_note(self, note: Note, thread: Thread) -> dict[str, Any]:
        if self.kind == "gitlab":
            return {"id": note.number, "body": note.body, "author": _show_user(note.author), "system": note.is_system}
        api = f"{self.forge.url}/api/v3/repos/{REPOSITORY}"
        return {
            "id": note.number,
            "body": note.body,
            "user": _show_user(note.author),
            "url": f"{api}/issues/comments/{note.number}",
            "html_url": f"{self.forge.url}/{REPOSITORY}/pull/{thread.number}#issuecomment-{note.number}",
        }

    # -- issues

    def issues(self) -> Answer:
        if self.method == "GET":
            return self.page([self.show_issue(thread) for thread in self.list_issues()])
        problem = self.check_write(self.body.get("body") or self.body.get("description") or "", "description")
        if problem:
            return problem
        labels = self.body.get("labels", [])
        issue = Thread(
            next(self.forge.numbers),
            self.login,
            self.body["title"],
            self.body.get("body") or self.body.get("description") or "",
            labels=labels.split(",") if isinstance(labels, str) else labels,
        )
        self.forge.issues[issue.number] = issue
        return Answer(201, self.show_issue(issue))

    def list_issues(self) -> list[Thread]:
        threads = list(self.forge.issues.values())
        if self.kind == "github":  # where a pull request is an issue, too
            threads = sorted([*threads, *self.forge.pulls.values()], key=lambda thread: thread.number)
        state = self.query.get("state", "open" if self.kind == "github" else "all").removesuffix("ed") or "all"
        labels = set(filter(None, self.query.get("labels", "").split(",")))
        found = [
            thread
            for thread in threads
            if state in ("all", "open" if thread.is_open else "clos") and labels <= set(thread.labels)
        ]
        if self.forge.ignores_filters:
            return found[::-1]
        if "creator" in self.query:
            found = [thread for thread in found if thread.author == self.query["creator"]]
        if "author_id" in self.query:
            found = [thread for thread in found if str(_show_user(thread.author)["id"]) == self.query["author_id"]]
        return found[::-1]

    def issue(self, number: str) -> Answer:
        issue = self.forge.issues.get(int(number))
        if issue is None:
            return self.missing()
        if self.method == "GET":
            return Answer(200, self.show_issue(issue))
        text = self.body.get("body", self.body.get("description", issue.body))
        problem = self.check_write(text or "-", "description")
        if problem:
            return problem
        issue.body, issue.title = text, self.body.get("title", issue.title)
        state = self.body.get("state") or self.body.get("state_event")
        if state:
            issue.is_open = state in ("open", "reopen")
        return Answer(200, self.show_issue(issue))

    def show_issue(self, issue: Thread) -> dict[str, Any]:
        page = f"{self.forge.url}/{REPOSITORY}"
        if self.kind == "gitlab":
            return {
                "id": 5000 + issue.number,
                "iid": issue.number,
                "title": issue.title,
                "description": issue.body,
                "author": _show_user(issue.author),
                "state": "opened" if issue.is_open else "closed",
                "labels": issue.labels,
                "web_url": f"{page}/-/issues/{issue.number}",
            }
        return {
            "number": issue.number,
            "title": issue.title,
            "body": issue.body,
            "user": _show_user(issue.author),
            "state": "open" if issue.is_open else "closed",
            "labels": [{"name": name} for name in issue.labels],
            "url": f"{self.forge.url}/api/v3/repos/{REPOSITORY}/issues/{issue.number}",
            "html_url": f"{page}/issues/{issue.number}",
            **({"pull_request": {"url": ""}} if issue.head else {}),
        }

    # -- what all have in common

    def check_write(self, text: str, what: str) -> Answer | None:
        """Why a write is refused, or None."""
        if self.role in ("fork", "reader"):
            return self.refuse()
        most = _MOST[self.kind]
        if not text:
            return Answer(422 if self.kind == "github" else 400, {"message": "Body cannot be blank"})
        if len(text) <= most:
            return None
        if self.kind == "gitlab":
            return Answer(400, {"message": {what: [f"is too long (maximum is {most} characters)"]}})
        problem = {
            "resource": "IssueComment",
            "code": "unprocessable",
            "field": "data",
            "message": f"Body is too long (maximum is {most} characters)",
        }
        return Answer(422, {"message": "Validation Failed", "errors": [problem]})

    def page(self, rows: list[dict[str, Any]]) -> Answer:
        """One page of a list, with the headers that lead to the others."""
        size = min(int(self.query.get("per_page", "30")), self.forge.page_size)
        page = int(self.query.get("page", "1"))
        last = max(1, -(-len(rows) // size))

        def link(number: int, name: str) -> str:
            query = urlencode(self.query | {"page": str(number), "per_page": str(size)})
            return f'<{self.forge.url}{self.path}?{query}>; rel="{name}"'

        links = [link(page + 1, "next")] if page < last else []
        headers = {"Link": ", ".join([*links, link(last, "last")])}
        if self.kind == "gitlab":
            following = str(page + 1) if page < last else ""
            headers |= {"x-page": str(page), "x-per-page": str(size), "x-next-page": following}
            headers |= {"x-total": str(len(rows)), "x-total-pages": str(last), "x-prev-page": ""}
        return Answer(200, rows[(page - 1) * size : page * size], headers)


_REPO = f"/repos/{REPOSITORY}"
_GITHUB_ROUTES = (
    ("/user", "me"),
    (_REPO + "/pulls/([0-9]+)", "pull"),
    (_REPO + "/commits/([0-9a-f]+)/pulls", "merged"),
    (_REPO + "/issues", "issues"),
    (_REPO + "/issues/([0-9]+)", "issue"),
    (_REPO + "/issues/([0-9]+)/comments", "notes"),
    (_REPO + "/issues/comments/([0-9]+)", "note"),
)
_PROJECT = f"/projects/(?:{PROJECT}|{REPOSITORY})"
_GITLAB_ROUTES = (
    ("/user", "me"),
    (_PROJECT + "/merge_requests/([0-9]+)", "pull"),
    (_PROJECT + "/merge_requests/([0-9]+)/notes", "notes"),
    (_PROJECT + "/merge_requests/([0-9]+)/notes/([0-9]+)", "note"),
    (_PROJECT + "/repository/commits/([0-9a-f]+)/merge_requests", "merged"),
    (_PROJECT + "/issues", "issues"),
    (_PROJECT + "/issues/([0-9]+)", "issue"),
)


def _show_user(login: str) -> dict[str, Any]:
    number = next((number for name, number, _ in USERS.values() if name == login), abs(hash(login)) % 10**6)
    return {"login": login, "username": login, "id": number}


class _Handler(BaseHTTPRequestHandler):
    """HTTP/1.1 for the forge of its server."""

    protocol_version = "HTTP/1.1"
    forge: Forge

    def handle_request(self) -> None:
        """Answer one request."""
        forge, parts = self.forge, urlsplit(self.path)
        path = unquote(parts.path)
        content = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        with forge.lock:
            fault = self._take_fault(path)
        if fault is not None:
            time.sleep(fault.seconds)
        with forge.lock:
            answer = Answer(0)
            if fault is None or fault.is_done:
                answer = forge.answer(self.command, path, query, self.headers, json.loads(content or b"{}"))
            if fault is not None:
                answer = Answer(fault.status, fault.body, fault.headers)
            if path != "/_forge":
                forge.requests.append((self.command, path, answer.status))
        if not answer.status:
            self.close_connection = True
            self.connection.close()
            return
        is_text = isinstance(answer.body, str)
        data = b"" if answer.status == 204 else (answer.body if is_text else json.dumps(answer.body)).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", "text/html; charset=utf-8" if is_text else "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_request  # noqa: N815 - the names that http.server looks for

    def _take_fault(self, path: str) -> Fault | None:
        for fault in self.forge.faults:
            if fault.method in ("", self.command) and re.search(fault.path, path):
                fault.times -= 1
                if fault.times <= 0:
                    self.forge.faults.remove(fault)
                return fault
        return None

    def log_message(self, *_: object) -> None:
        """Print nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that has gone is no news."""


@contextlib.contextmanager
def running(port: int = 0) -> Iterator[Forge]:
    """Let a forge answer on loopback while the block lasts."""
    forge = Forge()
    handler = type("Handler", (_Handler,), {"forge": forge})
    with _Server(("127.0.0.1", port), handler) as server:
        forge.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield forge
        finally:
            server.shutdown()
            thread.join(10)


if __name__ == "__main__":
    with running() as started, contextlib.suppress(KeyboardInterrupt):
        print(json.dumps({"url": started.url, **started.github()}), flush=True)  # noqa: T201 - what it is started for
        while True:
            time.sleep(3600)
