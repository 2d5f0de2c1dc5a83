"""`tools/install.py`: layers from hashed files, and pip's options for uv."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.scripts import load

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def install() -> ModuleType:
    return load("install.py")


def test_each_layer_has_a_hashed_file_that_names_no_host(install: ModuleType) -> None:
    """The package index is the user's choice."""
    for layer in install.LAYERS:
        text = install.requirements(layer).read_text()
        assert "--hash=sha256:" in text
        assert "://" not in text
        assert "index" not in text


def test_pip_options_reach_uv(install: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment wins over a file."""
    listed = """\
:env:.index-url='https://index.test/env'
global.cert='/etc/ca.pem'
global.index-url='https://index.test/file'
global.quiet='1'
install.extra-index-url='\\nhttps://a.test\\nhttps://b.test'
global.find-links='/wheels\\n/more'
"""
    done: Any = subprocess.CompletedProcess([], 0, stdout=listed)
    monkeypatch.setattr(install.subprocess, "run", lambda *_, **__: done)

    assert install.uv_options() == {
        "UV_DEFAULT_INDEX": "https://index.test/env",
        "SSL_CERT_FILE": "/etc/ca.pem",
        "UV_INDEX": "https://a.test https://b.test",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": "/wheels,/more",
    }


def test_an_old_python_is_refused(install: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is made."""
    monkeypatch.setattr(sys, "version_info", (3, 9, 18))
    with pytest.raises(SystemExit, match=r"Python 3\.9\.18 is too old: 3\.10 or newer is needed"):
        install.main("uv")


def test_a_python_without_ensurepip_is_refused(install: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Debian, where it is a package of its own."""
    monkeypatch.setattr(install.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SystemExit, match=r"ensurepip is missing; .*apt install python3\.\d+-venv"):
        install.main("uv")
