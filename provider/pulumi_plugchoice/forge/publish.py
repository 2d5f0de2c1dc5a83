"""Writes a comment or an issue to a forge: opens it, tries again, and bounds the time."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any, TypeVar

from pulumi_plugchoice.errors import ConfigError

from .posts import close_issue, format_marker, limit_time, put_comment, put_issue, try_again

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .target import Target

Result = TypeVar("Result")


def publish_comment(
    target: Target, key: str, body: str, say: Callable[[str], None], *, has_content: bool
) -> tuple[str, str]:
    """Make `body` the one comment with this key on the pull request.

    Args:
        target: where to write.
        key: which comment.
        body: the text, below the marker.
        say: prints a line.
        has_content: False when there is nothing to say; see `posts.put_comment`.

    Returns:
        What was done, in a few words, and the URL of the comment.

    Raises:
        PlugchoiceError: it could not be done.
    """
    marker = format_marker("comment", key)

    def work(forge: Any) -> tuple[str, str]:
        comments = forge.open_comments()
        if target.head and comments.head and comments.head != target.head:
            return (
                f"not written: the {target.request} has a newer commit, {comments.head[:12]}; its own run writes it",
                "",
            )
        return put_comment(comments, marker, f"{marker}\n{body.strip()}", has_content=has_content)

    return run(target, work, say)


def publish_issue(target: Target, key: str, title: str, body: str, say: Callable[[str], None]) -> tuple[str, str]:
    """Make `body` the text of the one issue with this key; see `publish_comment`."""
    marker = format_marker("issue", key)
    text = f"{marker}\n{body.strip()}"
    return run(target, lambda forge: put_issue(forge.open_issues(), marker, title, text), say)


def end_issue(target: Target, key: str, say: Callable[[str], None]) -> tuple[str, str]:
    """Close the issue with this key, if it is open; see `publish_comment`."""
    marker = format_marker("issue", key)
    return run(target, lambda forge: close_issue(forge.open_issues(), marker), say)


def run(target: Target, work: Callable[[Any], Result], say: Callable[[str], None]) -> Result:
    """Do work that may be done twice, with a bound in time.

    Args:
        target: where.
        work: gets the open forge.
        say: prints a line.

    Raises:
        PlugchoiceError: it did not succeed.
    """

    def begin() -> Result:
        forge = _open(target)
        with contextlib.closing(forge), forge.translate():  # an answer without what belongs in it may be noticed late
            return work(forge)

    with _connect_directly(target.api_url):
        return limit_time(lambda: try_again(begin, say), target.host)


def _open(target: Target) -> Any:
    try:
        if target.forge == "github":
            from .github import GitHub

            return GitHub(target)
        from .gitlab import GitLab

        return GitLab(target)
    except ModuleNotFoundError as error:
        if error.name not in ("github", "gitlab"):
            raise
        name = "PyGithub" if error.name == "github" else "python-gitlab"
        raise ConfigError(f"{name} is not installed; run: pip install 'pulumi-plugchoice[cli,ci]'") from None


@contextlib.contextmanager
def _connect_directly(url: str) -> Iterator[None]:
    """Use no proxy for plain http, which goes to this machine only: a proxy would read the token."""
    if url.startswith("https:"):
        yield
        return
    names = ("NO_PROXY", "no_proxy")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "*"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
