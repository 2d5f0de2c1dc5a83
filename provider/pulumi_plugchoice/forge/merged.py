"""Compares what is about to be written with what the comment of the merged pull request shows."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .errors import ForgeError
from .posts import format_marker
from .publish import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from .target import Target

# Lines of a comment that `plugchoice comment` has written; text of others never begins a line.
_HEAD: Final = re.compile(r"^Written for head `([0-9a-f]{12})`", re.MULTILINE)
_DIGEST: Final = re.compile(r"^Digest of these writes: `(sha256:[0-9a-f]{64})`$", re.MULTILINE)


@dataclass(frozen=True)
class Review:
    """What is known of the review of a commit.

    Attributes:
        name: of the pull request, such as `pull request 5`; or that there is none.
        digest: of the writes that its comment shows; None without a comment.
    """

    name: str
    digest: str | None = None


def find_review(target: Target, commit: str, key: str, say: Callable[[str], None]) -> Review:
    """Find the review of the pull request with which a commit was merged.

    Args:
        target: the repository.
        commit: its whole name.
        key: of the comment.
        say: prints a line.

    Raises:
        PlugchoiceError: it cannot be read, or is about another commit than the merged one.
    """
    return run(target, lambda forge: _find(forge, target, commit, key), say)


def _find(forge: Any, target: Target, commit: str, key: str) -> Review:
    numbers = forge.list_merged(commit)
    if not numbers:
        return Review(f"no merged {target.request} of commit {commit[:12]}")
    if len(numbers) > 1:
        named = " and ".join(map(str, sorted(numbers)[:10]))
        raise ForgeError(
            f"{target.host}: commit {commit[:12]} was merged with {target.request}s {named}, and each has a review of "
            "its own; merge one at a time, and give the digest of a new review"
        )
    name = f"{target.request} {numbers[0]}"
    comments = forge.open_comments(numbers[0])
    posts = sorted(comments.list_own(format_marker("comment", key)), key=lambda post: post.number)
    if not posts:
        return Review(f"{name} without a review")
    heads, digests = _HEAD.findall(posts[0].body), _DIGEST.findall(posts[0].body)
    if not heads or not digests:
        raise ForgeError(f"{posts[0].url}: the comment has no digest; read the new review, and give its digest")
    if heads[-1] != comments.head[:12]:
        raise ForgeError(
            f"{posts[0].url}: the comment is about commit {heads[-1]}, and {comments.head[:12]} was merged; read the "
            "new review, and give its digest"
        )
    return Review(name, digests[-1])
