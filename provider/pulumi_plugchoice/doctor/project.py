"""The Pulumi project of the current folder: what `Pulumi.yaml` and the config files of its stacks say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from pulumi_plugchoice._files import FileRefused, read_file
from pulumi_plugchoice._text import printable, show_path
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.sitefile.yaml_text import BYTE_ORDER_MARK, MAX_BYTES, parse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_NAMES: Final = ("Pulumi.json", "Pulumi.yaml", "Pulumi.yml")


class ProjectError(PlugchoiceError):
    """A file of the project cannot be used."""


@dataclass(frozen=True)
class StackConfig:
    """What a stack's config file says, as far as it matters here.

    Attributes:
        secrets_provider: such as `awskms://…`; empty: the backend's default.
        has_salt: whether its secrets are encrypted with a passphrase.
        keys: the keys of its config.
    """

    secrets_provider: str = ""
    has_salt: bool = False
    keys: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Project:
    """A project.

    Attributes:
        file: Pulumi.yaml.
        folder: where that is.
        name: of the project.
        runtime: such as `python`.
        program: folder of the program, which `main` names.
        configs: folder of the stacks' config files.
        options: of the runtime.
        backend: URL of the backend; empty when the file has none.
        stacks: the stacks that have a config file, by name.
    """

    file: Path
    folder: Path
    name: str
    runtime: str
    program: Path
    configs: Path
    options: Mapping[str, str] = field(default_factory=dict)
    backend: str = ""
    stacks: Mapping[str, StackConfig] = field(default_factory=dict)


def find_project(start: Path) -> Project | None:
    """Find the project of a folder: there or above, as the CLI does; None when there is none.

    Raises:
        ProjectError: its file cannot be used.
    """
    for folder in (start, *start.parents):
        for name in _NAMES:
            if (folder / name).is_file():
                return _load(folder / name)
    return None


def _load(file: Path) -> Project:
    data = _read(file)
    runtime = data.get("runtime")
    described = runtime if isinstance(runtime, dict) else {"name": runtime}
    options = described.get("options")
    backend = data.get("backend")
    folder = file.parent
    main = folder / _text(data.get("main"))
    configs = folder / _text(data.get("stackConfigDir"))
    return Project(
        file,
        folder,
        _text(data.get("name")),
        _text(described.get("name")),
        main.parent if main.is_file() else main,
        configs,
        {key: _text(value) for key, value in options.items()} if isinstance(options, dict) else {},
        _text(backend.get("url")) if isinstance(backend, dict) else "",
        {
            path.name.split(".", 1)[1].rpartition(".")[0]: _load_stack(path)
            for path in sorted(configs.glob("Pulumi.*.y*ml"))
        },
    )


def _load_stack(file: Path) -> StackConfig:
    try:
        data = _read(file)
    except ProjectError:
        return StackConfig()  # `pulumi` reports it
    config = data.get("config")
    keys = frozenset(str(key) for key in config) if isinstance(config, dict) else frozenset()
    return StackConfig(_text(data.get("secretsprovider")), bool(data.get("encryptionsalt")), keys)


def _read(file: Path) -> dict[str, Any]:
    source = show_path(file.name)
    try:
        text = read_file(file, MAX_BYTES).decode().removeprefix(BYTE_ORDER_MARK)
    except FileRefused as refused:
        raise ProjectError(f"{source}: {refused}") from None
    except (OSError, ValueError) as error:
        reason = printable(getattr(error, "strerror", None) or error, 100)
        raise ProjectError(f"{source}: cannot be read ({reason}); correct it") from None
    document = parse(text)
    if not document.is_complete and document.findings:
        finding = document.findings[-1]
        line = finding.position.line if finding.position else 1
        raise ProjectError(f"{source}:{line}: {finding.mistake.reason}; correct it, `pulumi` cannot read it either")
    if not isinstance(document.data, dict):
        raise ProjectError(f"{source}: is not a mapping of names to values; is it the right file?")
    return document.data


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
