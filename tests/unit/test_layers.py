"""Imports run in one direction; one file knows HTTP; few know the engine; the emulator shares nothing."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pulumi_plugchoice
import pytest

PACKAGE = Path(pulumi_plugchoice.__file__).parent

# Each module with what it may import of the package, imports for type checkers included. Lower layers first: a module
# may only name modules above it in this table.
ALLOWED: dict[str, set[str]] = {
    "_version": set(),
    "errors": set(),
    "phases": set(),
    "limits": {"phases"},
    "planner": {"phases"},
    "evidence": {"errors", "phases"},
    "models": {"phases"},
    "values": {"errors", "models"},
    "settings": {"errors"},
    "auth": set(),
    "budget": set(),
    "pacer_policy": set(),
    "pacer_store": {"pacer_policy"},
    "pacer": {"errors", "pacer_policy", "pacer_store"},
    "time_limit": set(),
    "transport": {"_version", "errors", "settings", "auth", "budget", "pacer", "time_limit"},
    "client": {"errors", "models", "transport"},
    "connect": {"settings", "budget", "pacer", "transport", "client"},
    "snapshot": {"errors", "models", "transport", "client"},
    "writes": {"errors", "models", "values", "transport", "client", "snapshot"},
    "notices": {"errors"},
    "inputs": {"errors", "phases", "values"},
    "yaml_text": {"errors"},
    "site_file": {"errors", "phases", "limits", "inputs", "yaml_text"},
    "site_schema": {"site_file"},
    "definition": {"errors", "phases", "limits", "snapshot", "inputs", "site_file"},
    "planning": {"errors", "phases", "planner", "yaml_text", "site_file", "definition"},
    "pictures": {"errors", "phases", "site_file"},
    "reports": {"errors", "phases", "limits", "planner", "site_file"},
    "state": {"errors", "values", "snapshot", "inputs"},
    "engine_watch": set(),
    "session": {"engine_watch", "settings", "values", "budget", "connect", "client", "snapshot", "writes", "notices"},
    "engine": {"errors"},
    "gate": {"errors", "inputs"},
    "lookup": {"errors", "models", "settings", "client", "connect", "notices", "inputs"},
    "wiring": {"errors", "models", "transport", "client", "evidence", "lookup", "site_file"},
    "connector": {"errors", "phases", "values", "settings", "snapshot", "inputs", "state", "session", "engine", "gate"},
    "balance": {"errors", "phases", "limits", "models", "definition", "state", "session", "engine"},
    "site": {"errors", "site_file", "definition", "gate", "connector", "balance"},
    "import_file": {"errors", "phases", "models", "snapshot", "state", "connector"},
    "__init__": {
        "_version",
        "errors",
        "phases",
        "evidence",
        "models",
        "site_file",
        "planning",
        "lookup",
        "wiring",
        "connector",
        "site",
    },
}
# Who may import these libraries.
USERS = {
    "requests": {"auth", "time_limit", "transport"},
    "urllib3": {"time_limit", "transport"},
    "stamina": {"transport", "writes"},
    "pulumi": {"engine", "gate", "lookup", "connector", "balance", "site", "import_file"},
    "pydantic": {"models", "client", "writes", "site_file", "emulator"},
    "ruamel": {"yaml_text"},
    "click": {"cli"},
    "rich": {"cli"},
    "fastapi": {"emulator"},
    "uvicorn": {"emulator"},
    "starlette": {"emulator"},
}


def modules() -> dict[str, list[Path]]:
    """The package's files by module; those of a subpackage together."""
    files: dict[str, list[Path]] = {}
    for file in sorted(PACKAGE.rglob("*.py")):
        files.setdefault(file.relative_to(PACKAGE).parts[0].removesuffix(".py"), []).append(file)
    return files


def imported(file: Path) -> set[str]:
    """Every module that a file imports, in full, wherever in the file: `pulumi_plugchoice.errors`, `requests.auth`."""
    here = ("pulumi_plugchoice", *file.relative_to(PACKAGE).with_suffix("").parts)
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = (
                ".".join((*here[: len(here) - node.level], node.module or "")).strip(".") if node.level else node.module
            )
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return found


def of_package(module: str) -> set[str]:
    """The package's own modules that a module or subpackage imports, itself left out."""
    parts = {tuple(name.split(".")) for file in modules()[module] for name in imported(file)}
    return {part[1] for part in parts if part[0] == "pulumi_plugchoice" and len(part) > 1} - {module}


def libraries(module: str) -> set[str]:
    """The top-level names that a module or subpackage imports."""
    return {name.split(".")[0] for file in modules()[module] for name in imported(file)}


def test_the_graph_has_been_found() -> None:
    """The other tests here would be green over an empty one."""
    assert of_package("transport") == ALLOWED["transport"]
    assert of_package("client") == ALLOWED["client"]
    assert "requests" in libraries("transport")
    assert "fastapi" in libraries("emulator")


def test_the_table_is_in_layers() -> None:
    """No module may import one that stands below it."""
    above: set[str] = set()
    for module, allowed in ALLOWED.items():
        assert allowed <= above, f"{module} is to import {sorted(allowed - above)}, which stand below it"
        above.add(module)


def test_every_module_has_its_place_in_the_table() -> None:
    """A new one is to be put there, with what it may import."""
    assert set(modules()) - set(ALLOWED) == {"cli", "emulator"}


@pytest.mark.parametrize("module", ALLOWED)
def test_a_module_imports_what_its_layer_allows(module: str) -> None:
    """And nothing else of the package."""
    assert of_package(module) - ALLOWED[module] == set()


@pytest.mark.parametrize("library", USERS)
def test_a_library_is_known_to_few(library: str) -> None:
    """HTTP to one file (and the header to another), the engine to those that face it, the extras to theirs."""
    assert {module for module in modules() if library in libraries(module)} <= USERS[library]


def test_the_emulator_shares_nothing_with_the_rest() -> None:
    """What checks the client must not be made of it; only the command starts it."""
    assert of_package("emulator") == set()
    assert {module for module in ALLOWED if "emulator" in of_package(module)} == set()


def test_nothing_imports_the_command() -> None:
    """It is a door, and not a part."""
    assert {module for module in modules() if module != "cli" and "cli" in of_package(module)} == set()


def test_a_program_starts_without_the_http_side() -> None:
    """A program only declares; importing what the provider's process needs would cost every preview time."""
    code = "import sys, pulumi_plugchoice; print(*{name.partition('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "pulumi" in loaded
    assert not {"requests", "urllib3", "pydantic", "stamina", "fastapi", "click"} & set(loaded)
