"""Imports run in one direction; each library has its place; the emulator shares nothing with the rest."""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pulumi_plugchoice
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(pulumi_plugchoice.__file__).parent

# The folders and files of the package, lowest first. One may import what stands in an earlier row, imports for type
# checkers included, and nothing of its own row.
LAYERS: list[set[str]] = [
    {"_version", "_text", "_interrupts"},
    {"errors", "identities"},
    {"_files"},
    {"config"},
    {"electrical"},
    {"inputs", "reviewed", "forge"},
    {"quota"},
    {"api"},
    {"runtime"},
    {"gate"},
    {"sitefile"},
    {"site_reading"},
    {"connector", "balance", "lookup"},
    {"site", "review", "wiring"},
    {"fleet"},
    {"doctor"},
    {"__init__"},
    {"cli"},
]
# Which of them may import these libraries.
USERS = {
    "requests": {"api", "forge"},
    "urllib3": {"api"},
    "pulumi": {"runtime", "gate", "connector", "balance", "lookup", "site", "fleet"},
    "pydantic": {"api", "runtime", "sitefile", "emulator"},
    "yaml": {"sitefile"},
    "github": {"forge"},
    "gitlab": {"forge"},
    "anyascii": {"fleet"},
    "dask": {"fleet"},
    "distributed": {"fleet"},
    "click": {"cli"},
    "rich": {"cli"},
    "fastapi": {"emulator"},
    "uvicorn": {"emulator"},
    "starlette": {"emulator"},
}


@functools.cache
def parts() -> dict[str, list[Path]]:
    """The files of each folder or module at the top of the package."""
    files: dict[str, list[Path]] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        files.setdefault(file.relative_to(PACKAGE).parts[0].removesuffix(".py"), []).append(file)
    return files


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """All statements, those inside of others too, without their expressions: `ast.walk` takes three times as long."""
    for node in body:
        yield node
        for field in ("body", "orelse", "finalbody", "handlers", "cases"):
            yield from statements(getattr(node, field, []))


@functools.cache
def imported(file: Path) -> set[str]:
    """Every module that a file imports, in full, wherever in the file: `pulumi_plugchoice.errors`, `requests.auth`."""
    here = ("pulumi_plugchoice", *file.relative_to(PACKAGE).with_suffix("").parts)
    found: set[str] = set()
    for node in statements(ast.parse(file.read_text(encoding="utf-8")).body):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = (
                ".".join((*here[: len(here) - node.level], node.module or "")).strip(".") if node.level else node.module
            )
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return found


@functools.cache
def imported_parts(part: str) -> set[str]:
    """The other parts of the package that one imports."""
    names = {tuple(name.split(".")) for file in parts()[part] for name in imported(file)}
    return {name[1] for name in names if name[0] == "pulumi_plugchoice" and len(name) > 1} & set(parts()) - {part}


@functools.cache
def libraries(part: str) -> set[str]:
    """The top-level names that a part imports."""
    return {name.split(".")[0] for file in parts()[part] for name in imported(file)}


def test_the_imports_are_found() -> None:
    """The other tests here would pass on an empty graph."""
    assert {"errors", "config", "quota"} <= imported_parts("api")
    assert {"runtime", "gate", "inputs"} <= imported_parts("connector")
    assert "requests" in libraries("api")
    assert "fastapi" in libraries("emulator")


def test_every_part_has_its_layer() -> None:
    """A new folder or module needs a place in the list."""
    assert set(parts()) == set().union(*LAYERS) | {"emulator"}


@pytest.mark.parametrize("layer", range(len(LAYERS)), ids=lambda layer: "-".join(sorted(LAYERS[layer])))
def test_a_layer_imports_only_lower_layers(layer: int) -> None:
    """Nothing imports upwards or sideways; only the command may also import the emulator, to start it."""
    lower = set().union(*LAYERS[:layer]) | ({"emulator"} if "cli" in LAYERS[layer] else set())
    for part in LAYERS[layer]:
        assert imported_parts(part) - lower == set(), part


@pytest.mark.parametrize("library", USERS)
def test_a_library_has_few_users(library: str) -> None:
    """HTTP belongs to the API folder, the engine to the parts that face it, the extras to the command and emulator."""
    assert {part for part in parts() if library in libraries(part)} <= USERS[library]


def test_the_emulator_shares_nothing_with_the_rest() -> None:
    """The tests compare the client with it, so it is not made of the same code."""
    assert imported_parts("emulator") == set()


def test_a_program_starts_without_the_http_side() -> None:
    """A program only declares; importing what the provider's process needs would slow down every preview."""
    code = (
        "import sys; from pulumi_plugchoice import ChargerConnector; print(*{n.partition('.')[0] for n in sys.modules})"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "pulumi" in loaded
    assert not {"requests", "urllib3", "pydantic", "fastapi", "click"} & set(loaded)


@pytest.mark.parametrize(
    ("call", "places"),
    [
        (".put_connector(", {"runtime/writes.py"}),
        (" settle(", {"runtime/writes.py", "runtime/session.py"}),
        ('"PUT"', {"api/transport.py", "api/client.py"}),
    ],
)
def test_no_write_passes_by_the_set_of_reviewed_ones(call: str, places: set[str]) -> None:
    """`writes.settle` asks the set before it sends; the session gives it the set."""
    files = [file for part, files in parts().items() if part != "emulator" for file in files]
    found = {file.relative_to(PACKAGE).as_posix() for file in files if call in file.read_text()}
    assert found == places
