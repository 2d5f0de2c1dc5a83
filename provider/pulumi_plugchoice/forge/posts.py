"""Keeps one comment, or one issue, of the token's own user up to date, on any forge."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from .errors import Busy, ForgeError, Gone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Result = TypeVar("Result")

#: Seconds for all tries together, and for one request.
PATIENCE: Final = 120.0
REQUEST_SECONDS: Final = 20
_TRIES: Final = 5
_TELL_SECONDS: Final = 5.0


@dataclass(frozen=True)
class Post:
    """A comment or an issue.

    Attributes:
        number: that grows: the older one has the smaller number.
        body: its text.
        url: of its page.
        item: as the library gives it.
        is_open: False for an issue that was closed.
    """

    number: int
    body: str
    url: str
    item: Any
    is_open: bool = True


class Comments(Protocol):
    """The comments of a pull request. Each call may raise a `ForgeError`."""

    def list_own(self, marker: str) -> Iterable[Post]:
        """Those of the token's own user that begin with the marker."""

    def create(self, body: str) -> Post:
        """Write a new one."""

    def edit(self, post: Post, body: str) -> None:
        """Replace the text of one."""

    def remove(self, post: Post) -> None:
        """Delete one."""


class Issues(Protocol):
    """The issues of a repository. Each call may raise a `ForgeError`."""

    def list_own(self, marker: str) -> Iterable[Post]:
        """Those of the token's own user that begin with the marker, closed ones included."""

    def create(self, title: str, body: str) -> Post:
        """Open a new one."""

    def edit(self, post: Post, body: str) -> None:
        """Replace the text of one, and open it if it was closed."""

    def close(self, post: Post) -> None:
        """Close one."""


def format_marker(what: str, key: str) -> str:
    """The first line of a text, which nobody sees and by which it is found again."""
    return f"<!-- plugchoice {what}: {key} -->"


def is_marked(body: str | None, marker: str) -> bool:
    """Whether a text begins with the marker; further down it may be a quotation."""
    return (body or "").replace("\r\n", "\n").split("\n", 1)[0].rstrip() == marker


def put_comment(comments: Comments, marker: str, body: str, *, has_content: bool) -> tuple[str, str]:
    """Make `body` the one comment with this marker.

    Args:
        comments: of a pull request.
        marker: see `format_marker`.
        body: begins with the marker.
        has_content: False when there is nothing to say. A comment is then edited, not deleted: it may have been
            answered, and it shows that something was taken back. Without one, none is written.

    Returns:
        What was done, in one word or two, and the URL of the comment.
    """
    own = _sort(comments.list_own(marker))
    done = "edited"
    if not own:
        if not has_content:
            return "not needed", ""
        created = comments.create(body)
        # Another run may have written one in the meantime. The oldest stays, so that both runs choose the same.
        own = _sort([created, *comments.list_own(marker)])
        done = "written" if own[0].number == created.number else done
    first, *others = own
    if first.body.strip() == body:
        done = done if done == "written" else "unchanged"
    else:
        comments.edit(first, body)
    for post in others:
        with contextlib.suppress(Gone):  # the other run was faster
            comments.remove(post)
    return done, first.url


def put_issue(issues: Issues, marker: str, title: str, body: str) -> tuple[str, str]:
    """Make `body` the text of the one issue with this marker, and open it. Its title may have been changed, and stays.

    Returns:
        What was done, in one word, and the URL of the issue.
    """
    own = _sort(issues.list_own(marker))
    is_created = not own
    if is_created:
        created = issues.create(title, body)
        own = _sort([created, *issues.list_own(marker)])
        is_created = own[0].number == created.number
    # Without an open one, the newest goes on.
    first = next((post for post in own if post.is_open), own[-1])
    done = "opened" if is_created else "edited" if first.is_open else "opened again"
    if first.body.strip() != body or not first.is_open:
        issues.edit(first, body)
    elif not is_created:
        done = "unchanged"
    for post in own:
        if post.is_open and post.number != first.number:
            issues.close(post)
    return done, first.url


def close_issue(issues: Issues, marker: str) -> tuple[str, str]:
    """Close the issue with this marker; its text stays.

    Returns:
        What was done, and the URL of the issue, or an empty text.
    """
    done, url = "not needed", ""
    for post in _sort(issues.list_own(marker)):
        if post.is_open:
            issues.close(post)
            done, url = "closed", post.url
    return done, url


def _sort(posts: Iterable[Post]) -> list[Post]:
    by_number = {post.number: post for post in posts}
    return [by_number[number] for number in sorted(by_number)]


def try_again(
    work: Callable[[], Result],
    say: Callable[[str], None],
    *,
    patience: float = PATIENCE,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Result:
    """Do work that may be done twice until it succeeds, or until the time is over.

    Args:
        work: begins with reading what is there, so that an answer that was lost does no harm.
        say: prints a line.
        patience: seconds for everything.
        sleep: waits.
        clock: seconds.

    Raises:
        ForgeError: it did not succeed.
    """
    end = clock() + patience
    for count in itertools.count(1):
        try:
            return work()
        except (Busy, Gone) as error:  # noqa: PERF203 - a try is a request
            # A comment that was deleted between reading and editing: a second look finds none, and writes one.
            wait = 0.0 if isinstance(error, Gone) else error.seconds
            if isinstance(error, Gone) and count > 1:
                raise
            if wait is None:
                wait = 2.0 ** (count - 1)
            if count >= _TRIES or clock() + wait > end:
                raise
            if wait >= _TELL_SECONDS:
                say(f"{str(error).partition(';')[0]}; waiting {wait:.0f} s")
            sleep(wait)
    raise AssertionError  # the loop has no end


def limit_time(work: Callable[[], Result], host: str, seconds: float = PATIENCE + 60) -> Result:
    """Do work, and give up when it takes longer: an answer that comes a byte at a time is never late for a library.

    Raises:
        ForgeError: the time is over.
    """
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again by the other thread
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise ForgeError(f"{host}: not done within {seconds:.0f} s; run the job again later")
    return results[0]
