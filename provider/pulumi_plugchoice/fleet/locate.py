"""Finds the site of chargers that their declared site does not list any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.api.sites import describe_sites
from pulumi_plugchoice.errors import PlugchoiceError

from .workers import run_each

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pulumi_plugchoice.api.client import PlugchoiceClient
    from pulumi_plugchoice.api.models import Site
    from pulumi_plugchoice.api.rows import SiteListing

# Two calls each for a site of 40: a fifth of what a user has in a minute.
_MOST_SITES: Final = 50


class Whereabouts:
    """Which charger is on which site.

    Args:
        client: the API, for the sites that are not read yet.
    """

    def __init__(self, client: PlugchoiceClient) -> None:
        self._client = client
        self._sites: dict[str, str] = {}  # by charger: UUID or identity
        self._names: dict[str, str] = {}  # of the sites
        self._read: set[str] = set()
        self._account: list[Site] | None = None
        self.gap = ""

    def add(self, site: str, name: str, chargers: Iterable[str | None]) -> None:
        """Note a site that was read, and the UUIDs and identities of its chargers."""
        self._read.add(site)
        self._names[site] = name
        for charger in chargers:
            if charger:
                self._sites.setdefault(charger, site)

    def find(self, charger: str) -> str | None:
        """The site of a charger (UUID or identity), with its name; None when no site that was read lists it."""
        site = self._sites.get(charger)
        return site and f"{site} ({printable(self._names[site], 40)})"

    def search(self, chargers: Iterable[str]) -> None:
        """Read the other sites of the account, if one of these chargers is on none that was read.

        Afterwards `gap` says which sites were not read; it is empty when all were.
        """
        if all(charger in self._sites for charger in chargers):
            return
        try:
            others = [site for site in self.list_sites() if site.uuid.lower() not in self._read]
        except PlugchoiceError as error:
            self.gap = f"the other sites are not known: {error}"
            return

        def read(site: Site) -> SiteListing | PlugchoiceError:
            try:
                return self._client.site_listing(site.uuid.lower())
            except PlugchoiceError as error:
                return error

        if len(others) > _MOST_SITES:
            self.gap = f"{len(others) - _MOST_SITES} other sites were not searched"
        for site, listing in run_each(others[:_MOST_SITES], read):
            if isinstance(listing, PlugchoiceError):
                self.gap = f"a site was not read: {listing}"
                continue
            names = [name for pair in listing.chargers.items() for name in pair]
            self.add(site.uuid.lower(), site.name or "no name", names)

    def list_sites(self) -> list[Site]:
        """The sites that the token's user sees; read once.

        Raises:
            PlugchoiceError: they cannot be read.
        """
        if self._account is None:
            self._account = self._client.sites()
        return self._account

    def describe_sites(self) -> str:
        """The sites that the token's user sees, for a message about one that is not found."""
        try:
            sites = self.list_sites()
        except PlugchoiceError:
            return ""
        return describe_sites(sites)
