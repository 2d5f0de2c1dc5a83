"""GitHub, through PyGithub."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any

from github import Auth, Github, GithubException

from .errors import UNUSABLE, ForgeError, describe_failure, describe_status
from .posts import REQUEST_SECONDS, Post, is_marked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from github.IssueComment import IssueComment
    from github.PullRequest import PullRequest

    from .target import Target


class GitHub:
    """The API with the token's user.

    Args:
        target: where to write.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        # Tries are repeated by `posts.try_again`, with a bound in time that the library's own do not have.
        self._github = Github(
            auth=Auth.Token(target.token),
            base_url=target.api_url,
            timeout=REQUEST_SECONDS,
            per_page=100,
            retry=None,
            seconds_between_requests=None,
            seconds_between_writes=None,
            lazy=True,  # an object is read when something of it is needed
        )
        self._login = ""

    def close(self) -> None:
        """Close its connections."""
        self._github.close()

    def open_comments(self, number: int | None = None) -> GitHubComments:
        """Open the comments of the pull request, or of another one."""
        return GitHubComments(self, number or self._target.number or 0)

    def open_issues(self) -> GitHubIssues:
        """Open the issues of the repository."""
        return GitHubIssues(self)

    def get_pull(self, number: int) -> PullRequest:
        """The pull request, which is read when something of it is needed."""
        with self.translate():
            return self._github.get_repo(self._target.repository).get_pull(number)

    def get_repository(self) -> Any:
        """The repository, without a request."""
        return self._github.get_repo(self._target.repository)

    def list_merged(self, commit: str) -> list[int]:
        """Numbers of the pull requests with which a commit was merged."""
        with self.translate():
            path = f"/repos/{self._target.repository}/commits/{commit}/pulls"
            _, rows = self._github.requester.requestJsonAndCheck("GET", path, parameters={"per_page": 100})
            merged = [row for row in rows if row["merged_at"]]
            # A branch that had another one in it is in that one's list, too.
            own = [row for row in merged if row["merge_commit_sha"] == commit]
            return [int(row["number"]) for row in own or merged]

    def get_login(self) -> str:
        """Name of the token's user. `GET /user` answers 403 for the token of a workflow, and GraphQL does not."""
        if not self._login:
            with self.translate():
                _, data = self._github.requester.graphql_query("query { viewer { login } }", {})
                self._login = str(data["data"]["viewer"]["login"])
        return self._login

    @contextlib.contextmanager
    def translate(self) -> Iterator[None]:
        """Raise errors of the library as a `ForgeError`."""
        host = self._target.host
        try:
            yield
        except GithubException as error:
            text = error.data.get("message") if isinstance(error.data, dict) else error.data
            details = error.data.get("errors") if isinstance(error.data, dict) else None
            if isinstance(details, list):
                text = "; ".join(
                    [str(text), *(str(item.get("message", "")) for item in details if isinstance(item, dict))]
                )
            if not 300 <= (error.status or 0) < 600:
                raise describe_failure(host, error) from None
            raise describe_status(
                host, error.status, text, _get_wait(error.headers or {}, str(text)), self._target.token_variable
            ) from None
        except ForgeError:
            raise
        except UNUSABLE as error:
            raise describe_failure(host, error) from None


class GitHubComments:
    """The comments of the pull request."""

    def __init__(self, github: GitHub, number: int) -> None:
        self._github = github
        self._pull = github.get_pull(number)

    @property
    def head(self) -> str:
        """The newest commit of the pull request."""
        with self._github.translate():
            return self._pull.head.sha

    def list_own(self, marker: str) -> list[Post]:
        """See `posts.Comments`."""
        login = self._github.get_login()
        with self._github.translate():
            return [
                _to_post(item)
                for item in self._pull.get_issue_comments()
                if getattr(item.user, "login", None) == login and is_marked(item.body, marker)
            ]

    def create(self, body: str) -> Post:
        """See `posts.Comments`."""
        with self._github.translate():
            return _to_post(self._pull.create_issue_comment(body))

    def edit(self, post: Post, body: str) -> None:
        """See `posts.Comments`."""
        with self._github.translate():
            post.item.edit(body)

    def remove(self, post: Post) -> None:
        """See `posts.Comments`."""
        with self._github.translate():
            post.item.delete()


class GitHubIssues:
    """The issues of the repository."""

    def __init__(self, github: GitHub) -> None:
        self._github = github
        self._repository = github.get_repository()

    def list_own(self, marker: str) -> list[Post]:
        """See `posts.Issues`."""
        login = self._github.get_login()
        with self._github.translate():
            return [
                _issue_to_post(item)
                for item in self._repository.get_issues(state="all", creator=login)
                if getattr(item.user, "login", None) == login
                and is_marked(item.body, marker)
                and "pull_request" not in item.raw_data
            ]

    def create(self, title: str, body: str) -> Post:
        """See `posts.Issues`."""
        with self._github.translate():
            return _issue_to_post(self._repository.create_issue(title, body))

    def edit(self, post: Post, body: str) -> None:
        """See `posts.Issues`."""
        with self._github.translate():
            post.item.edit(body=body, state="open")

    def close(self, post: Post) -> None:
        """See `posts.Issues`."""
        with self._github.translate():
            post.item.edit(state="closed", state_reason="completed")


def _to_post(item: IssueComment) -> Post:
    return Post(item.id, (item.body or "").replace("\r\n", "\n"), item.html_url, item)


def _issue_to_post(item: Any) -> Post:
    body = (item.body or "").replace("\r\n", "\n")
    return Post(item.number, body, item.html_url, item, item.state == "open")


def _get_wait(headers: Mapping[str, str], text: str) -> float | None:
    """Seconds to wait when a request limit is used up; None when none is."""
    given = {name.lower(): value for name, value in headers.items()}
    if given.get("retry-after", "").isdigit():
        return float(given["retry-after"])
    if given.get("x-ratelimit-remaining") == "0" and given.get("x-ratelimit-reset", "").isdigit():
        return max(0.0, float(given["x-ratelimit-reset"]) - time.time()) + 1
    return 60.0 if "rate limit" in text.lower() else None
