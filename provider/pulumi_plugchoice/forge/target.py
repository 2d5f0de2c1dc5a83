"""Where to write: the repository, the pull request and the token, as the variables of the CI tell."""

from __future__ import annotations

import ipaddress
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

from pulumi_plugchoice._files import FileRefused, read_file
from pulumi_plugchoice._text import hide, printable, show_path
from pulumi_plugchoice.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

Forge = Literal["github", "gitlab"]

_REF: Final = re.compile(r"refs/pull/([0-9]+)/(?:merge|head)")
_MOST_BYTES: Final = 32 << 20  # GitHub's own bound of an event is 25 MiB
_PART: Final = r"(?!\.{1,2}(/|$))[\w.-]+"
_REPOSITORY: Final = {
    "github": re.compile(f"{_PART}/{_PART}", re.ASCII),
    "gitlab": re.compile(f"[0-9]+|{_PART}(/{_PART})+", re.ASCII),
}
_NAME: Final = {"github": "GitHub", "gitlab": "GitLab"}
_EXAMPLE: Final = {"github": "OWNER/NAME", "gitlab": "its number or GROUP/NAME"}
_REQUEST: Final = {"github": "pull request", "gitlab": "merge request"}


@dataclass(frozen=True)
class Target:
    """Where to write.

    Attributes:
        forge: which one.
        api_url: address of its API.
        repository: `owner/name`, or the project's number or path.
        number: of the pull request or merge request; None when there is none.
        token: for the API.
        token_variable: the variable that holds it.
        head: commit that was reviewed, if the CI tells.
        base: commit that it was compared with, if the CI tells.
        run_url: page of this run, or empty.
    """

    forge: Forge
    api_url: str
    repository: str
    token: str = field(repr=False)
    token_variable: str
    number: int | None = None
    head: str = ""
    base: str = ""
    run_url: str = ""

    @property
    def host(self) -> str:
        """Name of the API's host, for messages."""
        return printable(urlsplit(self.api_url).netloc, 120)

    @property
    def request(self) -> str:
        """What this forge calls a pull request."""
        return _REQUEST[self.forge]


def find_target(
    forge: Forge,
    environment: Mapping[str, str],
    *,
    repository: str | None = None,
    number: int | None = None,
    api_url: str | None = None,
    token_variable: str | None = None,
    is_for_request: bool = True,
) -> Target:
    """Find where to write.

    Args:
        forge: which one.
        environment: the process's.
        repository: instead of the CI's own.
        number: of the pull request, instead of the CI's own.
        api_url: instead of the CI's own.
        token_variable: the variable that holds the token, instead of GITHUB_TOKEN or GITLAB_TOKEN.
        is_for_request: whether it is about a pull request. Otherwise `number` is not looked for.

    Raises:
        ConfigError: something is missing or cannot be used.
    """
    find = _find_github if forge == "github" else _find_gitlab
    facts = find(environment)
    variable = token_variable or facts["token_variable"]
    url = _check_url(api_url or facts["api_url"])
    repository = repository or facts["repository"]
    if not repository:
        raise ConfigError(f"--repository: is not set, and neither is {facts['repository_variable']}; set one of them")
    if not _REPOSITORY[forge].fullmatch(repository):
        raise ConfigError(
            f"--repository: {printable(repository, 100)!r} is not one of {_NAME[forge]}; write {_EXAMPLE[forge]}"
        )
    if is_for_request and number is None:
        number = facts["number"]
        if number is None and facts["problem"]:
            raise ConfigError(facts["problem"])
        if number is None:
            raise ConfigError(
                f"--number: this run is not about a {_REQUEST[forge]}; run it for one, or name one with --number"
            )
    is_of_run = number == facts["number"]  # the commits of another pull request are not known
    token = environment.get(variable, "").strip()
    if not token:
        raise ConfigError(f"{variable}: is not set, and it holds the token; {facts['token_advice']}")
    if not re.fullmatch(r"[!-~]+", token):
        raise ConfigError(f"{variable}: is not a token: it has blanks or other characters that none has")
    hide(token)
    return Target(
        forge,
        url,
        repository,
        token,
        variable,
        number,
        _take_commit(facts["head"]) if is_of_run else "",
        _take_commit(facts["base"]) if is_of_run else "",
        facts["run_url"],
    )


def _find_github(environment: Mapping[str, str]) -> dict[str, Any]:
    event, problem = _read_event(environment.get("GITHUB_EVENT_PATH", ""))
    request = event.get("pull_request")
    request = request if isinstance(request, dict) else {}
    number = request.get("number")
    if not isinstance(number, int):
        found = _REF.fullmatch(environment.get("GITHUB_REF", ""))
        number = int(found[1]) if found else None
    repository, run = environment.get("GITHUB_REPOSITORY", ""), environment.get("GITHUB_RUN_ID", "")
    server = environment.get("GITHUB_SERVER_URL", "")
    return {
        "problem": problem,
        "api_url": environment.get("GITHUB_API_URL") or "https://api.github.com",
        "repository": repository,
        "repository_variable": "GITHUB_REPOSITORY",
        "number": number,
        "token_variable": "GITHUB_TOKEN",
        "token_advice": "in a workflow, `env: {GITHUB_TOKEN: ${{ github.token }}}` sets it",
        "head": _get_sha(request.get("head")),
        "base": _get_sha(request.get("base")),
        "run_url": _take_link(f"{server}/{repository}/actions/runs/{run}") if server and repository and run else "",
    }


def _find_gitlab(environment: Mapping[str, str]) -> dict[str, Any]:
    number = environment.get("CI_MERGE_REQUEST_IID", "")
    # In a fork's pipeline, the merge request is one of the other project.
    return {
        "problem": "",
        "api_url": environment.get("CI_API_V4_URL") or "https://gitlab.com/api/v4",
        "repository": environment.get("CI_MERGE_REQUEST_PROJECT_ID") or environment.get("CI_PROJECT_ID", ""),
        "repository_variable": "CI_PROJECT_ID",
        "number": int(number) if number.isascii() and number.isdigit() else None,
        "token_variable": "GITLAB_TOKEN",
        "token_advice": "a project access token with the scope `api` can write notes, CI_JOB_TOKEN cannot",
        # Set in pipelines for merged results only, where CI_COMMIT_SHA is the merge.
        "head": environment.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or environment.get("CI_COMMIT_SHA", ""),
        "base": environment.get("CI_MERGE_REQUEST_DIFF_BASE_SHA", ""),
        "run_url": _take_link(environment.get("CI_JOB_URL", "")),
    }


def _read_event(path: str) -> tuple[dict[str, Any], str]:
    """What started the run, from a file in JSON; and why it cannot be read, or an empty text."""
    if not path:
        return {}, ""
    try:
        event = json.loads(read_file(Path(path), _MOST_BYTES))
    except (OSError, FileRefused, ValueError, RecursionError) as error:
        what = f"GITHUB_EVENT_PATH: {show_path(path)} cannot be read: {printable(error, 200)}"
        return {}, f"{what}; name a pull request with --number"
    return (event if isinstance(event, dict) else {}), ""


def _get_sha(side: object) -> str:
    sha = side.get("sha") if isinstance(side, dict) else None
    return sha if isinstance(sha, str) else ""


def _take_commit(text: str) -> str:
    return text if re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", text) else ""


def _take_link(text: str) -> str:
    """A URL that cannot end the link it stands in."""
    return text if re.fullmatch(r"https?://[\w.~:/?#@!$&'*+,;=%-]+", text, re.ASCII) else ""


def _check_url(text: str) -> str:
    """The API's address: https, or http to this machine."""
    what = f"--api-url: {printable(text, 200)!r}"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https") or not re.fullmatch(r"[!-~]+", text):
        raise ConfigError(f"{what} is not an address; write one such as https://api.github.com")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise ConfigError("--api-url: has a user name, a query or a fragment; write only host and path")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ConfigError(f"{what} would send the token in plain text; use https")
    return text.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
