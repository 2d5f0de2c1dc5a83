"""Reads a site file, or the same as Python objects, and reports all mistakes with their line and column."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pulumi_plugchoice._files import FileRefused, read_file
from pulumi_plugchoice._text import printable, show_path
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.inputs import Mistake

from .mistakes import validate
from .yaml_text import BYTE_ORDER_MARK, MAX_BYTES, MAX_MISTAKES, parse

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

    Args:
        path: of the YAML file.

    Returns:
        The site as declared; nothing is read from Plugchoice.

    Raises:
        SiteFileError: the file cannot be read or has mistakes. The error lists all of them.
    """
    return load_text(path)[0]


def load_text(path: str | Path) -> tuple[SiteFile, str]:
    """Load the site from a file, with the text that it was read from.

    Raises:
        SiteFileError: as `load_site`.
    """
    source = show_path(path)
    content = _read(Path(path), source)
    return parse_site(content, source), content


def parse_bytes(content: bytes | None, source: str) -> SiteFile:
    """Parse the content of a site file that is not on the disk.

    Args:
        content: as it is stored; None for one that is larger than a site file may be.
        source: name of the file in messages.

    Raises:
        SiteFileError: it has mistakes.
    """
    if content is None:
        raise SiteFileError(
            [FileMistake(source, _file(f"is larger than {MAX_BYTES >> 20} MiB", "is it the right file?"))]
        )
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise SiteFileError([FileMistake(source, _describe_encoding(error))]) from None
    return parse_site(text, source)


def parse_site(content: str, source: str) -> SiteFile:
    """Parse the text of a site file.

    Args:
        content: with the byte order mark, if it has one.
        source: name of the file in messages.

    Raises:
        SiteFileError: it has mistakes.
    """
    text = content.removeprefix(BYTE_ORDER_MARK)
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
        if not _is_site_file(document):
            # What it holds may be a secret.
            raise SiteFileError([_describe_other_file(mistakes[0], is_yaml=document.is_complete)])
        mistakes.sort(key=lambda mistake: (mistake.line, mistake.column, str(mistake)))
        raise SiteFileError(mistakes[: MAX_MISTAKES + 2])  # the last says that there are more
    return site


def _is_site_file(document: Document) -> bool:
    """Whether a text can be recognised as a site file, so that a message may show parts of it."""
    return ("supply",) in document.keys or ("chargers",) in document.keys


def _describe_other_file(first: FileMistake, *, is_yaml: bool) -> FileMistake:
    needed = "a site file needs site, supply and chargers"
    if is_yaml:
        return FileMistake(first.source, _file("is not a site file", needed), 1, 1)
    return replace(first, mistake=_file("is not a site file, and not valid YAML from here on", needed))


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
        return read_file(path, MAX_BYTES).decode()
    except FileRefused as refused:
        mistake = _file(refused.reason, refused.suggestion)
    except IsADirectoryError:
        mistake = _file("is a folder", "name the site file in it")
    except FileNotFoundError:
        mistake = _file("there is no such file", _list_files(path.parent))
    except UnicodeDecodeError as error:
        mistake = _describe_encoding(error)
    except (OSError, ValueError) as error:
        mistake = _file(f"cannot be read ({printable(getattr(error, 'strerror', None) or error, 100)})")
    raise SiteFileError([FileMistake(source, mistake)])


def _describe_encoding(error: UnicodeDecodeError) -> Mistake:
    return _file(f"is not UTF-8 text (byte {error.start + 1})", "save it as UTF-8")


def _file(reason: str, suggestion: str = "") -> Mistake:
    return Mistake("", None, reason, suggestion)


def _list_files(folder: Path) -> str:
    try:
        names = sorted(name for name in os.listdir(folder) if fnmatch(name, "*.y*ml"))  # noqa: PTH208 - names are enough
    except OSError:
        names = []
    listed = ", ".join(printable(name, 60) for name in names[:10])
    where = "this folder" if folder == Path() else printable(folder, 200)
    return f"{where} has {listed}" if names else "create it"


def _get_source(document: Document, text: str, path: KeyPath) -> str | None:
    position = document.values.get(path)
    return None if position is None else text[position.start : position.end]


def _locate(source: str, document: Document, finding: Finding) -> FileMistake:
    position = finding.position or (document.keys.get(finding.path) if finding.is_key else None)
    position = position or document.locate(finding.path)
    return FileMistake(source, finding.mistake, position.line, position.column)
