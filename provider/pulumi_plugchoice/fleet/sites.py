"""The sites of an account, each with the site file that declares it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulumi_plugchoice._text import show_path

from .labels import show_name, sort_key

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pulumi_plugchoice.api.client import PlugchoiceClient

    from .files import Declaration


@dataclass(frozen=True)
class SiteEntry:
    """A site of the account.

    Attributes:
        uuid: lower case.
        name: as people gave it, printable; None when it has none.
        chargers: how many it has; None when Plugchoice does not tell.
        configurable: whether the token may change it; None when Plugchoice does not tell.
        file: the site file that declares it.
    """

    uuid: str
    name: str | None
    chargers: int | None
    configurable: bool | None
    file: Path | None


@dataclass(frozen=True)
class Account:
    """The sites that the token's user sees.

    Attributes:
        sites: by name.
        problems: site files that cannot be used, and those of other sites; one line each.
    """

    sites: list[SiteEntry]
    problems: list[str]


def list_account(client: PlugchoiceClient, declarations: Iterable[Declaration]) -> Account:
    """List the sites of the account, each with the site file that declares it.

    Raises:
        PlugchoiceError: they cannot be read.
    """
    sites = client.sites()
    files: dict[str, Path] = {}
    problems = []
    known = {site.uuid.lower() for site in sites}
    for declaration in declarations:
        if declaration.site is None:
            problems.append(declaration.problem)
            continue
        uuid = declaration.site.site.lower()
        files[uuid] = declaration.file
        if uuid not in known:
            problems.append(
                f"{show_path(declaration.file)}: declares site {uuid}, which the token's user does not see; "
                "check the UUID and the token"
            )
    entries = [
        SiteEntry(
            site.uuid.lower(),
            show_name(site.name),
            site.chargers_count,
            site.permissions.full if site.permissions else None,
            files.get(site.uuid.lower()),
        )
        for site in sites
    ]
    return Account(sorted(entries, key=lambda entry: sort_key(entry.name or "", entry.uuid)), problems)
