"""`plugchoice report --live`: the page beside the emulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from click.testing import CliRunner
from pulumi_plugchoice.cli.group import plugchoice
from support.emulator import SITE, TOKEN, identity, seed
from support.sites import bays, site_yaml

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result
    from support.emulator import Emulator

OTHER: Final = "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c8"


@pytest.fixture(autouse=True)
def project(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a site file of the emulator's three chargers, and the environment of the command."""
    emulator.reset(seed(3))
    (tmp_path / "sites").mkdir()
    (tmp_path / "sites" / "harbour.yaml").write_text(site_yaml(bays(3), fuse=125))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLUGCHOICE_BASE_URL", emulator.base_url)
    monkeypatch.setenv("PLUGCHOICE_TOKEN", TOKEN)
    monkeypatch.setenv("PLUGCHOICE_DEADLINE_SECONDS", "5")
    return tmp_path


def run(*arguments: str) -> Result:
    result = CliRunner().invoke(plugchoice, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def cells(page: str) -> list[str]:
    """The cells of the table of sites."""
    body = page.partition("</table>")[0].rpartition("<tbody>")[2]
    return [cell.partition("</td>")[0] for cell in body.split("<td>")[1:]]


def test_the_page_shows_what_differs_with_the_calls_of_drift(emulator: Emulator, project: Path) -> None:
    """A finding does not change the exit status, and nothing is written."""
    for number in (1, 2, 3):
        emulator.edit(identity(number), 1, phase_rotation="RST", max_amperage=16)
    result = run("report", "--live", "-o", "-")
    assert result.exit_code == 0
    assert cells(result.stdout)[-1] == "as declared"
    assert "Plugchoice has the declared values." in result.stdout
    emulator.edit(identity(3), 1, phase_rotation="TRS", max_amperage=32)
    emulator.clear_requests()
    result = run("report", "--live", "-o", "-")
    calls = emulator.requests()
    assert result.exit_code == 0
    assert cells(result.stdout)[-1] == "2 findings"
    row = f'<tr><th scope="row"><code>{identity(3)}/1</code></th>'
    assert f"{row}<td>phase_rotation</td><td>TRS</td><td>RST</td></tr>" in result.stdout
    assert f"{row}<td>max_amperage</td><td>32 A</td><td>16 A</td></tr>" in result.stdout
    assert "Live: L1 32 A, L2 0 A, L3 32 A; difference 32 A" in result.stdout
    assert "declared: L1 48 A, L2 0 A, L3 0 A; difference 48 A" in result.stdout
    emulator.clear_requests()
    assert run("drift").exit_code == 2
    assert len(calls) == len(emulator.requests())
    assert {call["method"] for call in calls} == {"GET"}


def test_a_site_that_cannot_be_read_is_never_shown_as_fine(emulator: Emulator, project: Path) -> None:
    """The page says so, the figures are those of the file, and the exit status is 1."""
    (project / "sites" / "quay.yaml").write_text(site_yaml(bays(2, first=8), site=OTHER, fuse=63))
    result = run("report", "--live")
    assert result.exit_code == 1
    assert f"sites/quay.yaml: site {OTHER} cannot be read: " in result.stderr
    page = (project / "report.html").read_text()
    assert cells(page)[-1] == "not read"
    assert f"<strong>Not read from Plugchoice.</strong> sites/quay.yaml: site {OTHER} cannot be read" in page
    emulator.fault("status", path=f"/v3/sites/{SITE}/groups$", status=403, times=None)
    result = run("report", "--live", "sites/harbour.yaml")
    assert result.exit_code == 1
    page = (project / "report.html").read_text()
    assert "not read completely" in cells(page)[-1]
    assert "groups cannot be read" in page
    assert "Plugchoice has the declared values." not in page


def test_there_is_no_page_without_plugchoice(emulator: Emulator, project: Path) -> None:
    """One line, as with `drift`."""
    emulator.fault("status", status=401, times=None)
    result = run("report", "--live")
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert not (project / "report.html").exists()
