"""What a worker needs in its own environment: nothing of it travels with a task."""

from __future__ import annotations

import os
import platform
import re
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import printable
from pulumi_plugchoice._version import __version__
from pulumi_plugchoice.config import Options
from pulumi_plugchoice.errors import PlugchoiceError

from .link import describe_host

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_BACKEND: Final = "PULUMI_BACKEND_URL"
_PHRASES: Final = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")
_SALT: Final = re.compile(rb"^encryptionsalt\s*:", re.MULTILINE)


@dataclass(frozen=True)
class Equipment:
    """What a worker says about itself. No credentials.

    Attributes:
        version: of this package.
        host: of the machine, as `describe_host` tells it.
        python: its version.
        problems: what it lacks, one line each.
        has_passphrase: whether it has one.
        has_file_backend: whether its stacks are in a folder.
        has_quota: whether it shares the request limit through a database.
    """

    version: str
    host: tuple[str, str]
    python: str
    problems: tuple[str, ...]
    has_passphrase: bool
    has_file_backend: bool
    has_quota: bool

    def find_problems(self, client: tuple[str, str], version: str, *, needs_passphrase: bool) -> list[str]:
        """Find why the stacks of a client cannot run there; one line each.

        Args:
            client: machine of the client.
            version: of this package at the client.
            needs_passphrase: whether a stack needs one.
        """
        if self.version != version:
            versions = f"{printable(self.version, 40)} there, and {printable(version, 40)} here"
            return [f"pulumi-plugchoice is {versions}; install the same version on both"]
        problems = list(self.problems)
        if needs_passphrase and not self.has_passphrase:
            problems.append(f"{_PHRASES[0]} is not set there; set it, or {_PHRASES[1]}")
        if self.has_file_backend and self.host != client:
            problems.append(
                f"{_BACKEND} is a folder of another machine, which shares no state; use a database or an object store"
            )
        return problems


def look_around(environment: Mapping[str, str] | None = None) -> Equipment:
    """Look at what this process has.

    Args:
        environment: of the process.
    """
    variables = os.environ if environment is None else environment
    problems = []
    if shutil.which("pulumi", path=variables.get("PATH", os.defpath)) is None:
        problems.append("pulumi: not found on PATH; install the Pulumi CLI")
    quota = None
    try:
        quota = Options.load({}, variables).quota_url
    except PlugchoiceError as error:
        problems.append(str(error))
    backend = variables.get(_BACKEND, "")
    if not backend and not variables.get("PULUMI_ACCESS_TOKEN"):
        problems.append(f"{_BACKEND} is not set; set it, or PULUMI_ACCESS_TOKEN for Pulumi Cloud")
    return Equipment(
        __version__,
        describe_host(),
        platform.python_version(),
        tuple(problems),
        any(name in variables for name in _PHRASES),
        backend.startswith("file:"),
        quota is not None,
    )


def needs_passphrase(config: Path) -> bool:
    """Whether a stack's config file has values that a passphrase encrypts."""
    try:
        return bool(_SALT.search(config.read_bytes()))
    except OSError:
        return False
