"""Reads a site file, or the same as Python objects, and reports all mistakes with their line and column."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi_plugchoice._text import printable
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.inputs import Mistake

from .mistakes import validate
from .yaml_text import MAX_BYTES, MAX_MISTAKES, parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from .model import SiteFile
    from .yaml_text import Document, Finding, KeyPath


@dataclass(frozen=True)
class FileMistake:
    """A mistake and where it is. As text: `sites/harbour.yaml:17:9: chargers[3].group: ...`.

    Attributes:
        source: the file, or the resource when the definition is Python objects.
        mistake: what is wrong. Its place is the path in the file, `chargers[3].group`.
        line: line in the file, from 1; None when the mistake has no position.
        column: column in the file, from 1; None likewise.
    """

    source: str
    mistake: Mistake
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        position = "" if self.line is None else f":{self.line}:{self.column}"
        return f"{self.source}{position}: {self.mistake}"


class SiteFileError(PlugchoiceError):
    """A site file has mistakes.

    Attributes:
        mistakes: all of them, in the order of the file.
    """

    def __init__(self, mistakes: Sequence[FileMistake]) -> None:
        self.mistakes = list(mistakes)
        more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
        super().__init__(f"{mistakes[0]}{more}")

    @property
    def lines(self) -> list[str]:
        """The mistakes as text, one line each."""
        return [str(mistake) for mistake in self.mistakes]


def load_site(path: str | Path) -> SiteFile:
    """Load the site from a file.

    Raises:
        SiteFileError: the file cannot be read or has mistakes. The error lists all of them.
    """
    source = printable(path, 200)
    text = _read(Path(path), source)
    document = parse(text)
    findings = list(document.findings)
    site = None
    if document.is_complete and document.data is None and not findings:
        raise SiteFileError([FileMistake(source, _file("is empty", "it needs site, supply and chargers"), 1, 1)])
    if document.is_complete:
        # A refused value is `REFUSED` in the data; it is not refused again.
        refused = {finding.path for finding in findings}
        site, others = validate(document.data, lambda path: _get_source(document, text, path))
        findings += [finding for finding in others if finding.path not in refused]
    if findings or site is None:
        mistakes = [_locate(source, document, finding) for finding in findings]
        mistakes.sort(key=lambda mistake: (mistake.line, mistake.column, str(mistake)))
        raise SiteFileError(mistakes[: MAX_MISTAKES + 1])
    return site


def build_site(definition: Mapping[str, Any], source: str) -> SiteFile:
    """Build the site from Python objects.

    Args:
        definition: dicts, lists, text, numbers and booleans as in a site file.
        source: name of the definition in messages.

    Raises:
        SiteFileError: the definition has mistakes. The error lists all of them.
    """
    site, findings = validate(definition)
    if site is None:
        raise SiteFileError([FileMistake(source, finding.mistake) for finding in findings])
    return site


def _read(path: Path, source: str) -> str:
    try:
        if path.is_dir():
            raise SiteFileError([FileMistake(source, _file("is a folder", "name the site file in it"))])
        if path.stat().st_size > MAX_BYTES:
            limit = f"is larger than {MAX_BYTES >> 20} MiB"
            raise SiteFileError([FileMistake(source, _file(limit, "is it the right file?"))])
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        mistake = _file("there is no such file", _list_files(path.parent))
    except UnicodeDecodeError as error:
        mistake = _file(f"is not UTF-8 text (byte {error.start + 1})", "save it as UTF-8")
    except (OSError, ValueError) as error:
        mistake = _file(f"cannot be read ({printable(getattr(error, 'strerror', None) or error, 100)})")
    raise SiteFileError([FileMistake(source, mistake)])


def _file(reason: str, suggestion: str = "") -> Mistake:
    return Mistake("", None, reason, suggestion)


def _list_files(folder: Path) -> str:
    names = sorted(item.name for item in folder.glob("*.y*ml")) if folder.is_dir() else []
    return f"{folder} has {', '.join(printable(name, 60) for name in names[:10])}" if names else "create it"


def _get_source(document: Document, text: str, path: KeyPath) -> str | None:
    position = document.values.get(path)
    return None if position is None else text[position.start : position.end]


def _locate(source: str, document: Document, finding: Finding) -> FileMistake:
    position = finding.position or (document.keys.get(finding.path) if finding.is_key else None)
    position = position or document.locate(finding.path)
    return FileMistake(source, finding.mistake, position.line, position.column)
