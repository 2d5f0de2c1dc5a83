"""`plugchoice check`: what is found in site files, and how it is printed. No account is needed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from click.testing import CliRunner
from pulumi_plugchoice.cli.group import plugchoice
from pulumi_plugchoice.fleet.check import FAILURES, KINDS
from pulumi_plugchoice.fleet.check_report import SCHEMA_FILE
from support import schemas

if TYPE_CHECKING:
    from click.testing import Result

FIXTURES: Final = Path(__file__).parent.parent / "fixtures"
SARIF_SCHEMA: Final = FIXTURES / "schemas" / "sarif-schema-2.1.0.json"
SITE: Final = "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7"
QUAY: Final = "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c8"
UUID: Final = "5f0c3c1e-0000-4000-8000-000000000001"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with an empty folder of site files."""
    (tmp_path / "sites").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str = "harbour", *, site: str = SITE, limits: str = "", chargers: str = "", **more: str) -> Path:
    """Write a site file of three chargers on line L1, each of 16 A, on a group of 40 A."""
    text = (
        f"site: {site}\n"
        f"label: {more.get('label', 'Harbour')}\n"
        f"supply: {{net_type: TN, main_fuse_amps: {more.get('fuse', '63')}}}\n"
        f"limits: {{{limits}}}\n"
        "groups:\n"
        "  - {name: main}\n"
        f"  - {{name: garage, parent: main, fuse_amps: {more.get('garage', '50')}}}\n"
        "defaults: {max_amperage: 16, group: garage}\n"
        "chargers:\n"
    )
    own = "".join(
        f"  - {{identity: {name}-{number}, connectors: [{{connector_id: 1, phase_rotation: RST}}]}}\n"
        for number in (1, 2, 3)
    )
    file = Path("sites") / f"{name}.yaml"
    file.write_text(text + (chargers or own))
    return file


def check(*arguments: str, status: int = 0) -> Result:
    """Run the command."""
    result = CliRunner().invoke(plugchoice, ["check", *arguments])
    assert result.exit_code == status, result.output
    return result


def load(*arguments: str, status: int = 0) -> Any:
    """The JSON that it prints, which fits its schema."""
    report = json.loads(check("--format", "json", *arguments, status=status).stdout)
    schemas.validate(report, SCHEMA_FILE)
    return report


def test_exceeded_limits_and_fuses_are_told_with_their_place() -> None:
    """Each line begins with file, line and column. They fail the check when they are asked to."""
    write(limits="single_phase_amps: 40, full_imbalance_amps: 20", garage="40")

    lines = check().stdout.splitlines()

    assert lines == [
        "sites/harbour.yaml: 3 chargers; L1/L2/L3 48/0/0 A when every connector charges a one-phase car, 63 A usable",
        "sites/harbour.yaml:4:29: limit: single_phase_amps (40 A) exceeded: 48 A on L1 when every connector charges a "
        "one-phase car",
        "sites/harbour.yaml:4:54: limit: full_imbalance_amps (20 A) exceeded: 48 A between two lines when every "
        "connector charges a one-phase car",
        "sites/harbour.yaml:7:45: warning: fuse of group garage: 48 A on L1 when every connector charges a one-phase "
        "car, 40 A usable; the site relies on load balancing",
        *lines[4:],
    ]
    assert lines[4].startswith("sites/harbour.yaml:1:1: warning: empty bays: up to 48 A between two lines")
    check("--fail-on", "limits", status=1)
    write(garage="40")
    check("--fail-on", "limits")
    check("--fail-on", "fuses", status=1)
    write(fuse="40", garage="60")
    assert "sites/harbour.yaml:3:40: warning: main fuse: " in check("--fail-on", "fuses", status=1).stdout
    write()
    check("--fail-on", "fuses")


def test_a_mistake_fails_unless_nothing_shall() -> None:
    """All mistakes of all files, and the figures of the others."""
    write()
    Path("sites/bad.yaml").write_text(f"site: x\nsupply: {{net_type: TN, main_fuse_amps: 63}}\nlabels: {SITE}\n")
    for fail_on in FAILURES:
        result = check("--fail-on", fail_on, status=0 if fail_on == "none" else 1)
        assert [line.partition(": ")[0] for line in result.stderr.splitlines()] == [
            "sites/bad.yaml:1:1",
            "sites/bad.yaml:1:7",
            "sites/bad.yaml:3:1",
        ]
        assert result.stdout.startswith("sites/harbour.yaml: 3 chargers; ")


@pytest.mark.parametrize(
    ("site", "chargers", "expected"),
    [
        (
            SITE.upper(),
            "",
            f"sites/quay.yaml:1:7: site {SITE} is declared in sites/harbour.yaml, too; keep one of them",
        ),
        (
            QUAY,
            "  - {identity: harbour-2, connectors: [{connector_id: 1, phase_rotation: RST}]}\n",
            "sites/quay.yaml:10:5: charger harbour-2 is declared in sites/harbour.yaml, too; keep one of them",
        ),
        (
            QUAY,
            f"  - {{uuid: {UUID.upper()}, connectors: [{{connector_id: 2, phase_rotation: RST}}]}}\n",
            f"sites/quay.yaml:10:5: charger {UUID} is declared in sites/harbour.yaml, too; keep one of them",
        ),
    ],
)
def test_a_site_and_a_charger_are_declared_once(site: str, chargers: str, expected: str) -> None:
    """By identity or by UUID, in whatever case; one line each."""
    own = "".join(
        f"  - {{identity: harbour-{number}, {uuid}connectors: [{{connector_id: 1, phase_rotation: RST}}]}}\n"
        for number, uuid in ((1, f"uuid: {UUID}, "), (2, ""))
    )
    write(chargers=own)
    write("quay", site=site, chargers=chargers or own)

    assert check(status=1).stderr == f"{expected}\n"
    (first, second) = load(status=1)["files"]
    assert (first["status"], second["status"]) == ("ok", "failed")


def test_the_json_has_all_findings_and_figures() -> None:
    """And null where a file has mistakes."""
    write(limits="single_phase_amps: 40", garage="40")
    Path("sites/zoo.yaml").write_text(f"site: {QUAY}\nchargers: []\nsupply: {{}}\n")

    harbour, zoo = load(status=1)["files"]

    assert harbour["amps"]["single_phase"] == {"L1": 48, "L2": 0, "L3": 0}
    assert (harbour["status"], harbour["usable_amps"], harbour["label"]) == ("ok", 63, "Harbour")
    assert [finding["kind"] for finding in harbour["findings"]] == ["limit", "fuse"]
    assert (zoo["status"], zoo["site"], zoo["amps"]) == ("failed", None, None)
    assert {finding["kind"] for finding in zoo["findings"]} == {"mistake"}


def test_a_warning_stands_at_its_charger() -> None:
    """What begins with the name of a charger, of a connector, or of several."""
    chargers = (
        "  - {identity: A-1, breaker_amps: 10, connectors: [{connector_id: 1, phase_rotation: RST}]}\n"
        "  - {identity: A-2, connectors: [{connector_id: 1, phase_rotation: RS}, {connector_id: 2, managed: false}]}\n"
    )
    write(chargers=chargers)
    lines = check().stdout.splitlines()[1:]
    assert [re.sub(": .*", "", line) for line in lines] == [
        "sites/harbour.yaml:11:34",
        "sites/harbour.yaml:10:5",
        "sites/harbour.yaml:11:73",
    ]
    assert "A-2/1: two letters" in lines[0]
    assert "A-1: one socket, 16 A, but the breaker is 10 A" in lines[1]
    assert "not counted in the amps per line: A-2/2" in lines[2]


def test_github_gets_annotations_with_line_and_column(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors are those that fail the check; ten of each level, and a line that counts the others."""
    summary = Path("summary.md")
    write(limits="single_phase_amps: 40", garage="40")
    lines = check("--format", "github").stdout.splitlines()
    assert lines[0].startswith("::warning file=sites/harbour.yaml,line=4,col=29,title=limit::limit single_phase_amps")
    lines = check("--format", "github", "--fail-on", "limits", status=1).stdout.splitlines()
    assert lines[0].startswith("::error file=sites/harbour.yaml,line=4,col=29,title=limit::")
    for number in range(12):
        Path(f"sites/bad-{number}.yaml").write_text(f"site: x\nsupply: {{}}\nchargers: [{number}]\n")
    lines = check("--format", "github", status=1).stdout.splitlines()
    assert sum(line.startswith("::error ") for line in lines) == 10
    assert any(re.fullmatch(r"plugchoice: \d+ findings without an annotation, listed below", line) for line in lines)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "summary.md")
    Path("sites/bad-9.yaml").write_text("site: x\nsupply: {}\nchargers: []\n'<!-- @octocat `#1`': 1\n")
    lines = check("--format", "github", status=1).stdout.splitlines()
    (line,) = [line for line in lines if line.startswith("plugchoice: ")]
    found = re.fullmatch(r"plugchoice: (\d+) findings without an annotation, listed below and in the job summary", line)
    title, *items, last = summary.read_text().split("\n\n")
    assert found
    assert title == f"### plugchoice check: {found[1]} findings without an annotation"
    assert len(items) == int(found[1])
    assert all(re.fullmatch(r"- (error|warning): (`+).*\2", item) for item in items)
    assert last == "\n"
    assert "<!-- @octocat" in summary.read_text()


def test_gitlab_and_sarif_have_unique_fingerprints_that_stay_when_lines_move() -> None:
    """SARIF fits its own schema."""
    file = write(limits="single_phase_amps: 40", garage="40")
    Path("sites/zoo ö.yaml").write_text(f"site: {QUAY}\nchargers: []\nsupply: {{}}\n")

    def fingerprints() -> tuple[list[str], list[str]]:
        quality = json.loads(check("--format", "gitlab", status=1).stdout)
        log = json.loads(check("--format", "sarif", status=1).stdout)
        schemas.validate(log, SARIF_SCHEMA)
        (run,) = log["runs"]
        results = run["results"]
        assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == set(KINDS) - {"not-counted"}
        assert results[-1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "sites/zoo%20%C3%B6.yaml"
        assert [entry["location"]["lines"]["begin"] for entry in quality] == [
            result["locations"][0]["physicalLocation"]["region"]["startLine"] for result in results
        ]
        return (
            [entry["fingerprint"] for entry in quality],
            [result["partialFingerprints"]["plugchoice/v1"] for result in results],
        )

    gitlab, sarif = fingerprints()
    assert gitlab == sarif
    assert len(set(gitlab)) == len(gitlab) == 5
    file.write_text("# moved\n\n" + file.read_text())
    assert fingerprints() == (gitlab, sarif)


def test_without_site_files_there_is_one_line() -> None:
    """A check of nothing is not green."""
    refused = "sites: has no site file (*.yaml); name the site files, or run this where `sites/` is\n"
    assert check(status=1).stderr == refused
