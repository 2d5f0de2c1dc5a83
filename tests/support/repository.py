"""Git repositories for tests, without the user's settings."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

HARBOUR = Path(__file__).parent.parent / "fixtures" / "sites" / "harbour.yaml"
CONFIG = (
    "-c",
    "user.name=x",
    "-c",
    "user.email=x@example.com",
    "-c",
    "commit.gpgsign=false",
    "-c",
    "init.defaultBranch=main",
)
# Commits have the same names in every run.
DATES = {"GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z"}


def call(*arguments: str, folder: Path | None = None) -> str:
    """Run git; return what it prints."""
    command = ["git", *CONFIG, *arguments]
    done = subprocess.run(command, cwd=folder, env={**os.environ, **DATES}, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def commit() -> str:
    """Commit all that there is; return its name."""
    call("add", "-A")
    call("commit", "-q", "-m", "x")
    return call("rev-parse", "HEAD")


def make_text(number: int) -> str:
    """A site file; each number is another site."""
    text = HARBOUR.read_text().replace("site: 0b6c1d2e-3f40", f"site: 0b6c1d2e-3f{number:02}")
    return text.replace("label: Harbour", f"label: Harbour {number}")
