"""The commands that write to GitHub and GitLab: comment, issue. They need the extra `ci`."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pulumi_plugchoice._files import FileRefused, read_file
from pulumi_plugchoice._text import printable, show_path

from .common import Command, Failure, WholeNumber, echo

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi_plugchoice.forge.target import Target

_MAY_NOT_WRITE: Final = 3
_LARGEST: Final = 16 << 20
_NOT_WRITTEN: Final = "The token may not write (403), as that of a fork's pull request: the text is in the job summary."
_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,59}")


class Key(click.types.StringParamType):
    """A name that can stand in a hidden marker."""

    name = "key"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name."""
        if not _KEY.fullmatch(value) or "--" in value:
            text = "use up to 60 letters, digits, `.`, `_`, `/`, single `-`"
            self.fail(f"{printable(value, 80)!r} is not a key; {text}", param, ctx)
        return str(value)


def add_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the argument FORGE, and the options that say where it is."""
    options = (
        click.argument("forge", type=click.Choice(["github", "gitlab"])),
        click.option(
            "--repository", metavar="NAME", help="OWNER/NAME, or project.  [default: GITHUB_REPOSITORY, CI_PROJECT_ID]"
        ),
        click.option("--api-url", metavar="URL", help="Address of the API.  [default: GITHUB_API_URL, CI_API_V4_URL]"),
        click.option(
            "--token-variable",
            metavar="NAME",
            help="The environment variable that holds the token.  [default: GITHUB_TOKEN, GITLAB_TOKEN]",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command(
    "comment",
    cls=Command,
    statuses={
        0: "The comment is up to date; or a newer commit was pushed, whose own run writes it.",
        1: "An error.",
        _MAY_NOT_WRITE: _NOT_WRITTEN,
    },
)
@add_options
@click.option(
    "--body", type=click.Path(path_type=Path), required=True, help="What `plugchoice review -o FILE` has written."
)
@click.option(
    "--key", type=Key(), default="review", show_default=True, help="Which comment, if several jobs write one each."
)
@click.option("--number", type=WholeNumber(min=1), help="Of the pull request.  [default: that of this run]")
@click.pass_context
def comment(
    ctx: click.Context,
    forge: Any,
    *,
    repository: str | None,
    api_url: str | None,
    token_variable: str | None,
    body: Path,
    key: str,
    number: int | None,
) -> None:
    """Write a review as the one comment on a pull request.

    FORGE is github or gitlab. The comment that an earlier run wrote is edited; it is found by a hidden marker and its
    author. If no site file differs, an earlier comment says so, and no new one is written. A text that is too long is
    shortened by whole sections, the important ones stay, and all of it goes to the job summary.

    Repository, number and commits come from the variables of GitHub Actions or GitLab CI/CD.
    """
    from pulumi_plugchoice.forge.publish import publish_comment
    from pulumi_plugchoice.forge.target import find_target
    from pulumi_plugchoice.review.fit import has_content

    text = _read_body(body)
    target = find_target(
        forge, os.environ, repository=repository, number=number, api_url=api_url, token_variable=token_variable
    )
    draft = _shorten(text, target, body)
    _publish(
        ctx,
        lambda: publish_comment(target, key, draft.short, _say, has_content=has_content(text)),
        f"{target.request} {target.number}: comment",
        draft,
    )


@click.command(
    "issue",
    cls=Command,
    statuses={0: "The issue is up to date.", 1: "An error.", _MAY_NOT_WRITE: _NOT_WRITTEN},
)
@add_options
@click.option("--title", help="Title of the issue.")
@click.option("--body", type=click.Path(path_type=Path), help="What the issue says: Markdown.")
@click.option("--plain", is_flag=True, help="The body is plain text, such as what `plugchoice drift` prints.")
@click.option("--close", "is_over", is_flag=True, help="Nothing is left to say: close the issue, if it is open.")
@click.option(
    "--key", type=Key(), default="drift", show_default=True, help="Which issue, if several jobs keep one each."
)
@click.pass_context
def issue(
    ctx: click.Context,
    forge: Any,
    *,
    repository: str | None,
    api_url: str | None,
    token_variable: str | None,
    title: str | None,
    body: Path | None,
    plain: bool,
    is_over: bool,
    key: str,
) -> None:
    """Keep one issue up to date: for findings of a nightly job.

    FORGE is github or gitlab. With --title and --body the issue is opened, or edited, or opened again. With --close it
    is closed. It is found by a hidden marker and its author, so people may change its title and labels.
    """
    if is_over == (body is not None) or (body is not None and not title):
        raise click.UsageError("give --title and --body, or --close")
    from pulumi_plugchoice.forge.publish import end_issue, publish_issue
    from pulumi_plugchoice.forge.target import find_target

    text = "" if body is None else _read_body(body)
    target = find_target(
        forge,
        os.environ,
        repository=repository,
        api_url=api_url,
        token_variable=token_variable,
        is_for_request=False,
    )
    if body is None:
        _publish(ctx, lambda: end_issue(target, key, _say), "issue", Draft("", ""))
        return
    draft, name = _shorten(text, target, body, is_plain=plain), printable(title or "", 200)
    _publish(ctx, lambda: publish_issue(target, key, name, draft.short, _say), "issue", draft)


@dataclass
class Draft:
    """A text to write.

    Attributes:
        short: what the forge takes.
        whole: what the job summary takes.
        is_in_summary: whether it is there.
    """

    short: str
    whole: str
    is_in_summary: bool = False

    def add_to_summary(self) -> None:
        """Add the whole text to the job summary, once."""
        from pulumi_plugchoice.review.job_summary import add_to_summary

        if self.whole and not self.is_in_summary:
            self.is_in_summary = add_to_summary(self.whole, os.environ)


def _publish(ctx: click.Context, work: Callable[[], tuple[str, str]], what: str, draft: Draft) -> None:
    """Do it, and print one line; what cannot be written to the forge goes to the job summary."""
    from pulumi_plugchoice.forge.errors import ForgeError, MayNotWrite

    try:
        done, url = work()
    except ForgeError as error:
        draft.add_to_summary()
        where = "; the text is in the job summary" if draft.is_in_summary else ""
        if not isinstance(error, MayNotWrite):
            raise Failure(f"{error}{where}") from None
        echo(f"{error}: give the job one that may write, which a fork's pull request cannot have{where}", is_error=True)
        ctx.exit(_MAY_NOT_WRITE)
    echo(f"{what} {done}" + (f": {printable(url, 300)}" if url else ""))


def _shorten(text: str, target: Target, body: Path, *, is_plain: bool = False) -> Draft:
    """Shorten a text to what the forge takes, with the line that names its commits."""
    from pulumi_plugchoice.review.fit import MOST_CHARACTERS, fit, fit_plain, format_commits
    from pulumi_plugchoice.review.job_summary import MOST_BYTES
    from pulumi_plugchoice.review.markdown import code

    most = MOST_CHARACTERS[target.forge]
    commits = format_commits(target.head, target.base, target.run_url)
    taken = len(commits) + 200  # the marker and blank lines, too
    where = f"The file {code(body.name)} of this run has all of it"
    where += ", and so has the job summary." if os.environ.get("GITHUB_STEP_SUMMARY") else "."
    if is_plain:
        # 4 bytes each at most.
        draft = Draft(fit_plain(text, most - taken, where), fit_plain(text, MOST_BYTES // 4, where))
    else:
        draft = Draft(fit(text, most, "characters", where, taken=taken), text)
    if draft.short != draft.whole:
        _say(f"{show_path(body)}: longer than {most:,} characters; parts are left out")
        draft.add_to_summary()
    draft.short = f"{draft.short.rstrip()}\n\n{commits}"
    return draft


def _read_body(path: Path) -> str:
    name = show_path(path)
    try:
        text = read_file(path, _LARGEST).decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError:
        raise Failure(f"{name}: is not UTF-8; write it with `plugchoice review -o FILE`") from None
    except FileRefused as refused:
        raise Failure(f"{name}: {refused}") from None
    except (OSError, ValueError) as error:
        reason = printable(getattr(error, "strerror", None) or error, 100)
        raise Failure(
            f"{name}: cannot be read: {reason}; name the file that `plugchoice review -o FILE` wrote"
        ) from None
    if not text.strip():
        raise Failure(f"{name}: is empty; did the command before it fail?")
    return text


def _say(line: str) -> None:
    echo(printable(line, 600), is_error=True)


COMMANDS = (comment, issue)
