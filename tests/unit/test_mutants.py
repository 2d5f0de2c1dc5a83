"""`tools/mutants.py`: what counts as noticed by a test."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from support.scripts import load

if TYPE_CHECKING:
    from pathlib import Path

MODULE = "electrical/groups.py"
META = "mutants/src/pulumi_plugchoice/electrical/groups.py.meta"


@pytest.mark.parametrize("code", [0, 2, 5, 33, 35, -9, -11, None], ids=str)
def test_a_mutant_that_no_test_has_noticed_has_survived(
    code: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also one that was not tried, and one whose tests ended in an unknown way. A failure and a time limit count."""
    mutants = load("mutants.py")
    (tmp_path / META).parent.mkdir(parents=True)
    codes = {"killed": 1, "late": 36, "other": code}
    (tmp_path / META).write_text(json.dumps({"exit_code_by_key": codes}))
    done: Any = subprocess.CompletedProcess([], 0)
    monkeypatch.setattr(mutants, "prepare", lambda _: tmp_path)
    monkeypatch.setattr(mutants.subprocess, "run", lambda *_, **__: done)
    monkeypatch.setattr(mutants, "describe", lambda _, names: names)
    monkeypatch.setattr(mutants, "read_reasons", dict)

    assert mutants.main([MODULE]) == 1

    printed = capsys.readouterr().out
    assert "66.7 %" in printed
    assert printed.endswith(f"Survivors without a reason in docs/explanation/evidence.md:\n  {MODULE} other\n")


def test_which_tests_run_a_function_is_found_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What mutmut has found before is removed: a function of another name would be tried with the new tests alone."""
    mutants = load("mutants.py")
    monkeypatch.setattr(mutants, "WORK", tmp_path)
    kept = tmp_path / "electrical.groups" / "mutants" / "mutmut-stats.json"
    kept.parent.mkdir(parents=True)
    kept.write_text("{}")
    assert mutants.prepare(MODULE) == tmp_path / "electrical.groups"
    assert not kept.exists()
