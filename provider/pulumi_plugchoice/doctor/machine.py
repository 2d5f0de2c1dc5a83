"""Checks the cache folder, the quota database and the site files."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from typing import TYPE_CHECKING, Final

from pulumi_plugchoice._text import list_some, plural, show_path
from pulumi_plugchoice.api import open_quota_database
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.fleet.files import FOLDER, Declaration, find_site_files, load_declarations
from pulumi_plugchoice.quota.file_store import StoreError
from pulumi_plugchoice.quota.pacer import find_cache_folder

from .report import Check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pulumi_plugchoice.config import Options

_MOST_LINES: Final = 20


def check_cache() -> Check:
    """Check the folder in which all runs of a user share the request limit. Without it each run counts by itself."""
    name = "cache"
    folder = find_cache_folder()
    alone = "and set PLUGCHOICE_REQUESTS_PER_MINUTE if several run at once"
    if not folder.is_absolute():
        return Check.warning(name, "there is no home folder for it", f"set HOME or XDG_CACHE_HOME, {alone}")
    shown = show_path(folder)
    existing = next(above for above in (folder, *folder.parents) if above.exists())
    try:
        status = existing.stat()
        if not stat.S_ISDIR(status.st_mode):
            return Check.warning(name, f"{show_path(existing)} is not a folder", f"remove it, {alone}")
        if existing == folder and sys.platform != "win32":
            if status.st_uid != os.getuid():
                return Check.warning(name, f"{shown} belongs to another user", f"remove it, {alone}")
            if status.st_mode & 0o077:
                return Check.warning(name, f"{shown} is open to other users", f"run: chmod 700 {shown}")
        if existing == folder:
            with tempfile.TemporaryFile(dir=folder):
                pass
        elif not os.access(existing, os.W_OK | os.X_OK):
            return Check.warning(
                name, f"{shown} cannot be made", f"change the rights of {show_path(existing)}, {alone}"
            )
    except OSError as error:
        return Check.warning(
            name, f"{shown} cannot be written ({error.strerror})", f"make room or change rights, {alone}"
        )
    return Check.ok(name, shown if existing == folder else f"{shown}, which the first run makes")


def check_quota_database(options: Options) -> Check:
    """Check the database in which machines share the request limit, by taking nothing from it."""
    name = "quota-database"
    try:
        store = open_quota_database(options)
    except PlugchoiceError as error:
        return Check.of(name, error)
    if store is None:
        raise ValueError("PLUGCHOICE_QUOTA_URL is not set")
    try:
        with store.transaction():
            return Check.ok(name, "machines share the request limit in it")
    except StoreError as error:
        return Check.warning(
            name,
            f"cannot be used ({error}); each run would go on with a share of the limit after more than a minute",
            "correct PLUGCHOICE_QUOTA_URL, or the rights of its user in the database",
        )
    finally:
        store.close()


def find_declarations() -> list[Declaration]:
    """The site files of the current folder; none without a folder `sites/`."""
    try:
        return load_declarations(find_site_files(()))
    except PlugchoiceError:
        return []


def check_site_files(declarations: Sequence[Declaration]) -> list[Check]:
    """Check that the site files can be used: one line for all that can, and one for each other."""
    name = "site-files"
    if not declarations:
        return [
            Check.warning(
                name,
                f"none here ({FOLDER}/*.yaml)",
                "run this in the folder of the project; `plugchoice adopt` writes the files of an account",
            )
        ]
    good = [show_path(item.file) for item in declarations if item.site is not None]
    bad = [item for item in declarations if item.site is None]
    checks = [Check.ok(name, f"{plural(len(good), 'valid file')}: {list_some(good)}")] if good else []
    for item in bad[:_MOST_LINES]:
        remedy = f"correct it; `plugchoice check {show_path(item.file)}` lists all mistakes"
        checks.append(Check.failure(name, item.problem, remedy))
    if len(bad) > _MOST_LINES:
        checks.append(
            Check.failure(
                name, f"{len(bad) - _MOST_LINES} more with mistakes", f"run: plugchoice check {FOLDER}/*.yaml"
            )
        )
    return checks
