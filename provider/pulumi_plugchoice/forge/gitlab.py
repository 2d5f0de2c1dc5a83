"""GitLab, through python-gitlab."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

import requests
from gitlab import Gitlab
from gitlab.exceptions import GitlabError

from .errors import UNUSABLE, ForgeError, describe_failure, describe_status
from .posts import REQUEST_SECONDS, Post, is_marked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .target import Target

_SUFFIX: Final = "/api/v4"
# The library repeats requests for as long as a server asks it to; `posts.try_again` has a bound.
_ONCE: Final[dict[str, Any]] = {"obey_rate_limit": False, "max_retries": 0}


class GitLab:
    """The API with the token's user.

    Args:
        target: where to write.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._wait: float | None = None
        session = requests.Session()
        session.hooks["response"].append(self._look)
        self._gitlab = Gitlab(
            target.api_url.removesuffix(_SUFFIX),
            private_token=target.token,
            timeout=REQUEST_SECONDS,
            per_page=100,
            session=session,
            keep_base_url=True,  # a next page is asked for where the first one was
        )
        self._project = self._gitlab.projects.get(target.repository, lazy=True)
        self._user: int | None = None

    def _look(self, response: requests.Response, **_: object) -> None:
        """Keep what the library's errors do not tell, and follow no redirect."""
        given = response.headers.get("Retry-After", "")
        self._wait = float(given) if given.isdigit() else None
        if response.is_redirect:  # `requests` would send the token along, also to another host
            response.close()
            raise describe_status(self._target.host, response.status_code, "", None, self._target.token_variable)

    def close(self) -> None:
        """Close its connections."""
        self._gitlab.session.close()

    def open_comments(self, number: int | None = None) -> GitLabNotes:
        """Read the merge request, or another one, and open its notes."""
        return GitLabNotes(self, number or self._target.number or 0)

    def open_issues(self) -> GitLabIssues:
        """Open the issues of the project."""
        return GitLabIssues(self)

    def get_request(self, number: int) -> Any:
        """Read the merge request."""
        with self.translate():
            return self._project.mergerequests.get(number, **_ONCE)

    def get_project(self) -> Any:
        """The project, without a request."""
        return self._project

    def list_merged(self, commit: str) -> list[int]:
        """Numbers of the merge requests with which a commit was merged."""
        with self.translate():
            path = f"/projects/{self._project.encoded_id}/repository/commits/{commit}/merge_requests"
            rows = self._gitlab.http_list(path, get_all=True, **_ONCE)
            merged = [row for row in rows if row["state"] == "merged"]
            names = ("merge_commit_sha", "squash_commit_sha", "sha")
            own = [row for row in merged if commit in [row.get(name) for name in names]]
            return [int(row["iid"]) for row in own or merged]

    def get_user(self) -> int:
        """Number of the token's user; a token of a project or group has one of its own."""
        if self._user is None:
            with self.translate():
                answer: Any = self._gitlab.http_get("/user", **_ONCE)
                self._user = int(answer["id"])
        return self._user

    @contextlib.contextmanager
    def translate(self) -> Iterator[None]:
        """Raise errors of the library as a `ForgeError`."""
        host, variable = self._target.host, self._target.token_variable
        self._wait = None
        try:
            yield
        except GitlabError as error:
            if not error.response_code or error.response_code < 300:
                raise describe_failure(host, error) from None
            wait = self._wait if error.response_code in (429, 503) else None
            raise describe_status(host, error.response_code, _get_text(error), wait, variable) from None
        except ForgeError:
            raise
        except UNUSABLE as error:
            raise describe_failure(host, error) from None


class GitLabNotes:
    """The notes of the merge request."""

    def __init__(self, gitlab: GitLab, number: int) -> None:
        self._gitlab = gitlab
        self._request = gitlab.get_request(number)

    @property
    def head(self) -> str:
        """The newest commit of the merge request."""
        return str(self._request.sha)

    def list_own(self, marker: str) -> list[Post]:
        """See `posts.Comments`."""
        user = self._gitlab.get_user()
        with self._gitlab.translate():
            notes = self._request.notes.list(iterator=True, order_by="created_at", sort="asc", **_ONCE)
            return [
                self._to_post(note)
                for note in notes
                if not note.system and note.author["id"] == user and is_marked(note.body, marker)
            ]

    def create(self, body: str) -> Post:
        """See `posts.Comments`."""
        with self._gitlab.translate():
            return self._to_post(self._request.notes.create({"body": body}, **_ONCE))

    def edit(self, post: Post, body: str) -> None:
        """See `posts.Comments`."""
        with self._gitlab.translate():
            self._request.notes.update(post.number, {"body": body}, **_ONCE)

    def remove(self, post: Post) -> None:
        """See `posts.Comments`."""
        with self._gitlab.translate():
            self._request.notes.delete(post.number, **_ONCE)

    def _to_post(self, note: Any) -> Post:
        return Post(int(note.id), str(note.body), f"{self._request.web_url}#note_{note.id}", note)


class GitLabIssues:
    """The issues of the project."""

    def __init__(self, gitlab: GitLab) -> None:
        self._gitlab = gitlab
        self._issues = gitlab.get_project().issues

    def list_own(self, marker: str) -> list[Post]:
        """See `posts.Issues`."""
        user = self._gitlab.get_user()
        with self._gitlab.translate():
            issues = self._issues.list(iterator=True, author_id=user, scope="all", state="all", **_ONCE)
            return [
                _issue_to_post(issue)
                for issue in issues
                if issue.author["id"] == user and is_marked(issue.description, marker)
            ]

    def create(self, title: str, body: str) -> Post:
        """See `posts.Issues`."""
        with self._gitlab.translate():
            return _issue_to_post(self._issues.create({"title": title, "description": body}, **_ONCE))

    def edit(self, post: Post, body: str) -> None:
        """See `posts.Issues`."""
        change = {"description": body} | ({} if post.is_open else {"state_event": "reopen"})
        with self._gitlab.translate():
            self._issues.update(post.number, change, **_ONCE)

    def close(self, post: Post) -> None:
        """See `posts.Issues`."""
        with self._gitlab.translate():
            self._issues.update(post.number, {"state_event": "close"}, **_ONCE)


def _issue_to_post(issue: Any) -> Post:
    body = str(issue.description or "").replace("\r\n", "\n")
    return Post(int(issue.iid), body, str(issue.web_url), issue, issue.state == "opened")


def _get_text(error: GitlabError) -> object:
    """What GitLab says, which for 400 is an object of lists."""
    message: Any = error.error_message
    if isinstance(message, dict):
        return "; ".join(
            f"{name} {' '.join(map(str, texts)) if isinstance(texts, list) else texts}"
            for name, texts in message.items()
        )
    return message
