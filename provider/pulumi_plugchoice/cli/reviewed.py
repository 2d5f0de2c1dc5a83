"""`plugchoice reviewed`: what is about to be written is what was reviewed."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Final

import click

from pulumi_plugchoice._text import printable, show_path
from pulumi_plugchoice.errors import PlugchoiceError

from .common import Command, Failure, echo
from .forge import Key, add_options

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@click.command(
    "reviewed",
    cls=Command,
    statuses={0: "The writes are those of the review.", 1: "They are others; or there is no review; or another error."},
)
@add_options
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--commit", metavar="SHA", help="The merged commit.  [default: GITHUB_SHA, CI_COMMIT_SHA]")
@click.option("--digest", default="", help="Of a review that you have read, instead of the comment's; it may be empty.")
@click.option("--key", type=Key(), default="review", show_default=True, help="Which comment.")
def reviewed(
    forge: Any,
    file: Path,
    *,
    repository: str | None,
    api_url: str | None,
    token_variable: str | None,
    commit: str | None,
    digest: str,
    key: str,
) -> None:
    """Compare writes with those of the merged review.

    FORGE is github or gitlab. FILE is what `plugchoice review --live --reviewed-file` has written. Its digest has to
    be the one in the comment of the pull request with which the commit was merged, and the comment has to be about
    the last commit of that pull request. Without a comment, FILE must have no write.
    """
    from pulumi_plugchoice.forge.merged import find_review
    from pulumi_plugchoice.forge.target import find_target
    from pulumi_plugchoice.reviewed import compute_digest, load_reviewed

    name = show_path(file)
    try:
        writes = load_reviewed(file.absolute()).writes.values()
    except PlugchoiceError as error:
        raise Failure(str(error).removeprefix("PLUGCHOICE_REVIEWED: ")) from None
    now = compute_digest(writes)
    if digest:
        if not _DIGEST.fullmatch(digest):
            raise Failure(f"--digest: {printable(digest, 100)!r} is not a digest; copy the one of the review")
        if digest != now:
            raise Failure(
                f"{name}: {now} is not {digest}; the files or Plugchoice have changed since: read the new review"
            )
        echo(f"{name}: {now}, as given")
        return
    variable = "GITHUB_SHA" if forge == "github" else "CI_COMMIT_SHA"
    commit = commit or os.environ.get(variable, "")
    if not commit:
        raise Failure(f"--commit: is not set, and neither is {variable}; name the merged commit")
    if not _COMMIT.fullmatch(commit):
        raise Failure(f"--commit: {printable(commit, 100)!r} is not the whole name of a commit; write all 40 digits")
    target = find_target(
        forge,
        os.environ,
        repository=repository,
        api_url=api_url,
        token_variable=token_variable,
        is_for_request=False,
    )
    review = find_review(target, commit, key, lambda line: echo(printable(line, 600), is_error=True))
    advice = f"read the new review, and give its digest ({now})"
    if review.digest is None:
        if writes:
            raise Failure(f"{name}: {review.name}, and there are writes; {advice}")
        echo(f"{name}: nothing is written, so no review is needed ({review.name})")
        return
    if review.digest != now:
        raise Failure(
            f"{name}: {now} is not what {review.name} was reviewed with ({review.digest}); the files or Plugchoice "
            f"have changed since: {advice}"
        )
    echo(f"{name}: {now}, as {review.name} was reviewed")
