"""`plugchoice review --live`: what has drifted since the base, and what an update sends, in Markdown and JSON."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from pulumi_plugchoice.cli.group import plugchoice
from pulumi_plugchoice.review.json_report import SCHEMA_FILE
from support import schemas
from support.emulator import SITE, TOKEN, charger_uuid, connector, seed
from support.repository import call, commit
from support.sites import bay, numbered_site, site_yaml

if TYPE_CHECKING:
    from collections.abc import Sequence

    from click.testing import Result
    from support.emulator import Emulator

SNAPSHOT = Path(__file__).parent.parent / "fixtures" / "site-reports" / "review-drift-only.md"
FILE = Path("sites/harbour.yaml")
RESTORE = ", on_destroy: restore"
WRITE = ("file", "name", "kind")


@pytest.fixture
def repository(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The base: a site of five chargers as Plugchoice has them, in the current folder; its commit."""
    emulator.reset(seed(5))
    monkeypatch.chdir(tmp_path)
    for name, value in (("BASE_URL", emulator.base_url), ("TOKEN", TOKEN), ("DEADLINE_SECONDS", "5")):
        monkeypatch.setenv(f"PLUGCHOICE_{name}", value)
    FILE.parent.mkdir()
    declare(*(bay(index, more=RESTORE if index < 3 else "") for index in range(1, 6)))
    call("init", "-q")
    return commit()


def declare(*chargers: str, file: Path = FILE, site: str = SITE, **more: Any) -> None:
    """Write a site file."""
    file.write_text(site_yaml(list(chargers), site=site, **more))


def unmanaged(index: int) -> str:
    return f"  - {{identity: HRB-00{index}, connectors: [{{connector_id: 1, managed: false}}]}}"


def run(*arguments: str, status: int = 0) -> Result:
    result = CliRunner().invoke(plugchoice, ["review", *arguments])
    assert result.exit_code == status, result.output
    return result


def read(*arguments: str, status: int = 0) -> dict[str, Any]:
    """The key `live` of the JSON report."""
    report = json.loads(run(*arguments, "--live", "--format", "json", status=status).stdout)
    schemas.validate(report, SCHEMA_FILE)
    live: dict[str, Any] = report["live"]
    return live


def pick(items: Sequence[dict[str, Any]], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(item[name] for name in names) for item in items]


def base_of(*arguments: str) -> tuple[str, ...]:
    return ("--base", "HEAD", *arguments)


# ---------------------------------------------------------------- drift


def test_drift_stands_apart_from_what_an_update_sends(repository: str, emulator: Emulator) -> None:
    """Somebody has used the portal since the base: four connectors, each with another end."""
    for index in range(1, 5):
        emulator.edit(charger_uuid(index), max_amperage=30 + index)
    declare(bay(2), bay(3, amps=33), bay(4), bay(5, "STR"))
    live = read(*base_of())
    assert pick(live["drift"], "name", "base", "live", "effect") == [
        ("HRB-001/1", {"max_amperage": 16}, {"max_amperage": 31}, "restored"),
        ("HRB-002/1", {"max_amperage": 16}, {"max_amperage": 32}, "overwritten"),
        ("HRB-003/1", {"max_amperage": 16}, {"max_amperage": 33}, "declared"),
        ("HRB-004/1", {"max_amperage": 16}, {"max_amperage": 34}, "overwritten"),
    ]
    assert pick(live["writes"], "name", "kind", "live", "after") == [
        ("HRB-002/1", "declared", settings("RST", 32), settings("RST", 16)),
        ("HRB-004/1", "declared", settings("RST", 34), settings("RST", 16)),
        ("HRB-005/1", "declared", settings("RST", 16), settings("STR", 16)),
        ("HRB-001/1", "restore", settings("RST", 31), None),
    ]
    text = run(*base_of("--live")).stdout
    assert "### Drift: 4 connectors changed in Plugchoice since the base" in text
    assert "| `HRB-003/1` | `16 A` | `33 A` | leaves it: it is declared now | `sites/harbour.yaml` |" in text
    assert "4 writes, 1 of them a restore, as Plugchoice is now:" in text
    assert (
        "| `HRB-001/1` | `RST, 31 A` | restored: what was recorded when it was adopted | `sites/harbour.yaml` |" in text
    )


def settings(rotation: str | None, amps: int | None) -> dict[str, Any]:
    return {"phase_rotation": rotation, "max_amperage": amps}


def test_what_is_no_longer_managed_is_drift_that_stays(repository: str, emulator: Emulator) -> None:
    """A connector, or one of its settings; the other one is still written."""
    emulator.edit(charger_uuid(3), max_amperage=33)
    emulator.edit(charger_uuid(4), phase_rotation="TRS", max_amperage=34)
    only = "  - {identity: HRB-004, connectors: [{connector_id: 1, phase_rotation: RST}]}"
    declare(bay(1), bay(2), unmanaged(3), only, bay(5))
    live = read(*base_of())
    assert pick(live["drift"], "name", "live", "effect") == [
        ("HRB-003/1", {"max_amperage": 33}, "kept"),
        ("HRB-004/1", settings("TRS", 34), "overwritten"),
    ]
    assert pick(live["writes"], "name", "live", "after") == [("HRB-004/1", settings("TRS", 34), settings("RST", 34))]


def test_a_file_that_is_named_is_read_also_if_it_does_not_differ(
    repository: str, emulator: Emulator, request: pytest.FixtureRequest
) -> None:
    """Nothing changed in git, and Plugchoice differs. One that nobody named costs no call."""
    emulator.edit(charger_uuid(4), max_amperage=32)
    emulator.edit(charger_uuid(5), phase_rotation=None)
    text = run(*base_of("--live", str(FILE))).stdout
    if request.config.getoption("--write-snapshots"):
        SNAPSHOT.write_text(text)
    assert text == SNAPSHOT.read_text()
    live = read(*base_of(str(FILE)))
    assert pick(live["drift"], "name", "effect") == [("HRB-004/1", "overwritten"), ("HRB-005/1", "overwritten")]
    FILE.write_text(f"# a comment\n{FILE.read_text()}")
    assert read(*base_of()) == live
    call("checkout", "-q", ".")
    emulator.clear_requests()
    for arguments in (base_of(), base_of("sites")):
        assert read(*arguments)["writes"] == []
        assert "\nPlugchoice was not read: no site file changed.\n" in run(*arguments, "--live").stdout
    assert emulator.requests() == []


def test_without_a_base_there_is_no_drift(repository: str, emulator: Emulator) -> None:
    """And it is said that restores are not known; `--before` is a base."""
    emulator.edit(charger_uuid(4), max_amperage=32)
    live = read(str(FILE))
    assert (live["has_base"], live["drift"], len(live["writes"])) == (False, [], 1)
    told = "Without `--base` or `--before`, connectors that an update restores are not known."
    assert told in run(str(FILE), "--live").stdout
    shutil.copy(FILE, "before.yaml")
    declare(bay(4))
    live = read(str(FILE), "--before", "before.yaml")
    assert live["has_base"] is True
    assert pick(live["writes"], *WRITE) == [
        (str(FILE), "HRB-004/1", "declared"),
        (str(FILE), "HRB-001/1", "restore"),
        (str(FILE), "HRB-002/1", "restore"),
    ]
    assert told not in run(str(FILE), "--before", "before.yaml", "--live").stdout


# ---------------------------------------------------------------- restores


@pytest.mark.parametrize(
    ("chargers", "restored"),
    [
        ([bay(1), bay(2), bay(3)], []),
        ([bay(2)], ["HRB-001/1"]),
        ([unmanaged(1), bay(2)], ["HRB-001/1"]),
        ([bay(1).replace("identity: HRB-001", f"uuid: {charger_uuid(1).upper()}"), bay(2)], []),
        ([bay(1).replace("identity: HRB-001", f"identity: HRB-001, uuid: {charger_uuid(1)}"), bay(2)], []),
        ([bay(1, more=", on_destroy: retain"), bay(3)], ["HRB-002/1"]),
    ],
    ids=["none", "taken out", "managed: false", "by UUID", "by both", "no more restore"],
)
def test_a_connector_that_is_no_longer_managed_is_restored(
    repository: str, chargers: list[str], restored: list[str]
) -> None:
    """As the base says; another name of the charger is the same connector."""
    declare(*chargers)
    assert pick(read(*base_of())["writes"], "name") == [(name,) for name in restored]


@pytest.mark.parametrize("where", ["group", "site"])
def test_a_restore_may_be_inherited(repository: str, emulator: Emulator, where: str) -> None:
    """From the group or the site of the base; what the file says now does not count."""
    text = FILE.read_text().replace(RESTORE, "")
    group = text.replace("group_id: 801}", "group_id: 801, on_destroy: restore}")
    FILE.write_text(group if where == "group" else f"{text}on_destroy: restore\n")
    commit()
    declare(bay(1))
    live = read(*base_of())
    assert pick(live["writes"], "kind", "name") == [("restore", f"HRB-00{index}/1") for index in (2, 3, 4, 5)]


def test_a_removed_file_restores_when_its_stack_is_destroyed(repository: str) -> None:
    """So a destroy can be bound, too."""
    FILE.unlink()
    live = read(*base_of())
    assert pick(live["writes"], *WRITE) == [(str(FILE), f"HRB-00{index}/1", "restore") for index in (1, 2)]


def test_a_restore_of_what_is_not_there_is_noted(repository: str, emulator: Emulator) -> None:
    """Gone, or on another site: the provider asks its charger alone. With a UUID the review can do that, too."""
    declare(
        bay(1, more=RESTORE),
        bay(2, more=RESTORE).replace("identity: HRB-002", f"uuid: {charger_uuid(2)}"),
        bay(9, more=RESTORE).replace("identity: HRB-009", f"uuid: {charger_uuid(9)}"),
        bay(4),
    )
    commit()
    declare(bay(4))
    emulator.reset(seed(5, off_site=(9,)))
    emulator.remove(charger_uuid(1))
    emulator.remove(charger_uuid(2))
    live = read(*base_of())
    assert pick(live["writes"], "charger", "kind") == [(charger_uuid(9), "restore")]
    first, second = live["notes"]
    assert first.startswith(f"{FILE}: HRB-001/1: the restore is not among these writes: charger 'HRB-001': not found")
    assert second.startswith(f"{FILE}: {charger_uuid(2)}/1: the restore is not among these writes: charger ")
    assert f"- `{first}`" in run(*base_of("--live")).stdout


def test_a_base_that_cannot_be_compared_is_noted(repository: str, emulator: Emulator) -> None:
    """A site that is gone, a file with a mistake: the writes are known, restores and drift are not."""
    FILE.write_text(FILE.read_text().replace(SITE, "0b6c1d2e-3f40-4a51-8b62-000000000000"))
    commit()
    declare(bay(1, amps=20))
    live = read(*base_of())
    (note,) = live["notes"]
    assert note.startswith(f"{FILE}: site 0b6c1d2e-3f40-4a51-8b62-000000000000 cannot be read: ")
    assert note.endswith("; what has drifted is not known, and no restore is among these writes")
    FILE.write_text("site: x\n")
    commit()
    declare(bay(1, amps=20))
    again = read(*base_of())
    assert again["digest"] == live["digest"] is not None
    (note,) = again["notes"]
    assert note == (
        f"{FILE}: cannot be read before the change; what has drifted is not known, and no restore is among these writes"
    )


def test_two_files_that_write_one_connector_have_no_digest(repository: str, emulator: Emulator) -> None:
    """One restores it and the other declares it, also with the live values; or both declare it."""
    other = Path("sites/quay.yaml")
    declare(bay(2), bay(3))
    declare(bay(1), file=other)
    problem = (
        f"{other}: HRB-001/1: declared here and restored in {FILE}; declare it in one file, and set on_destroy: retain "
        "before you move it"
    )
    live = read(*base_of(), status=1)
    assert (live["digest"], live["problems"]) == (None, [problem])
    declare(bay(1, amps=20), bay(2))
    (problem,) = read(*base_of(), status=1)["problems"]
    assert f"{other}: HRB-001/1: declared here and declared in {FILE}; " in problem


def test_an_adoption_that_a_preview_refuses_has_no_digest(repository: str, emulator: Emulator) -> None:
    """`on_adopt: match` of what becomes managed: a connector, or a setting; not of what the base manages already."""
    match = ", on_adopt: match"
    only = "  - {identity: HRB-002, connectors: [{connector_id: 1, phase_rotation: RST}]}"
    declare(bay(1), only, bay(3, more=match))
    base = commit()
    declare(bay(1, more=match), bay(2, amps=20, more=match), bay(3, amps=20, more=match), bay(4, "STR", more=match))
    live = read("--base", base, status=1)
    assert [line.partition(", which")[0] for line in live["problems"]] == [
        f"{FILE}: HRB-002/1: max_amperage is 16 A in Plugchoice and 20 A is declared",
        f"{FILE}: HRB-004/1: phase_rotation is RST in Plugchoice and STR is declared",
    ]
    assert read(str(FILE))["digest"] is not None  # without a base, all may be managed already
    declare(bay(1, more=match), bay(2), bay(3, amps=20, more=match), bay(4, more=match))
    assert pick(read("--base", base)["writes"], "name") == [("HRB-003/1",)]


# ---------------------------------------------------------------- the digest


def test_the_digest_is_the_same_everywhere(repository: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In Markdown and JSON, whatever the order of files, labels, comments, folder; another value is another digest."""
    declare(bay(2), bay(3, amps=20), bay(4, "STR"))
    digest = read(*base_of())["digest"]
    assert f"Digest of these writes: `{digest}`" in run(*base_of("--live")).stdout
    assert run(*base_of("--live", "--digest-only")).stdout == f"{digest}\n"
    assert run(*base_of("--live", "--digest-only", "--format", "json")).stdout == f"{digest}\n"
    assert run(*base_of("--live", "--digest-only", "-o", "digest")).stdout == ""
    assert Path("digest").read_text() == f"{digest}\n"
    declare("  # turned", bay(4, "STR", label="w"), bay(3, amps=20, label="z"), bay(2))
    assert read(*base_of())["digest"] == digest
    head = commit()
    call("clone", "-q", str(tmp_path), str(tmp_path / "elsewhere"))
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert read("--base", repository, "--head", head)["digest"] == digest


def test_each_value_of_a_write_is_in_the_digest(repository: str, emulator: Emulator) -> None:
    """Live or declared, also one that is sent back as it is, and the connector that is restored."""
    base = repository
    only = "  - {identity: HRB-003, connectors: [{connector_id: 1, phase_rotation: STR}]}"

    def digest(*chargers: str) -> str:
        declare(*chargers)
        return run("--base", base, "--live", "--digest-only").stdout

    seen = [digest(bay(2), only, bay(4, "STR"))]
    seen.append(digest(bay(2), only, bay(4, "TRS")))
    seen.append(digest(bay(2), only, bay(4, "TRS", 20)))
    seen.append(digest(bay(1), only, bay(4, "TRS", 20)))
    for index, change in ((2, {"max_amperage": 17}), (3, {"max_amperage": 17}), (4, {"phase_rotation": None})):
        emulator.edit(charger_uuid(index), **change)
        seen.append(digest(bay(1), only, bay(4, "TRS", 20)))
    assert len(set(seen)) == len(seen)
    # Of the first charger, which nobody writes.
    emulator.edit(charger_uuid(5), max_amperage=17)
    assert digest(bay(1), only, bay(4, "TRS", 20)) == seen[-1]


def test_the_amps_are_those_of_a_preview(repository: str, emulator: Emulator) -> None:
    """With the values of connectors that the file does not manage; and what a preview refuses is a problem."""
    declare(bay(1), unmanaged(2), bay(3, "STR"), limits="{single_phase_amps: 40}", fuse=130)
    live = read(*base_of())
    assert live["amps"] == [
        {
            "file": "sites/harbour.yaml",
            "usable": 130,
            "single_phase": {"L1": 64, "L2": 16, "L3": 0},  # chargers 4 and 5 are on the site, too
            "three_phase": {"L1": 80, "L2": 80, "L3": 80},
        }
    ]
    (note,) = [text for text in live["notes"] if "limit" in text]
    assert note == (
        "sites/harbour.yaml: limit single_phase_amps (40 A) exceeded: 64 A on L1 when every connector charges a "
        "one-phase car, 80 A live; allowed, because the change does not make it worse"
    )
    text = run(*base_of("--live")).stdout
    assert "| `sites/harbour.yaml` | one-phase cars | 64 | 16 | 0 | 130 |" in text
    # The file alone stays below its limit; a preview of it fails.
    assert "- limit single_phase_amps (40 A): not exceeded" in text
    emulator.edit(charger_uuid(1), phase_rotation="STR")
    emulator.edit(charger_uuid(2), phase_rotation="STR")
    emulator.edit(charger_uuid(4), phase_rotation="TRS")
    declare(bay(1), unmanaged(2), bay(3, "STR"), limits="{single_phase_amps: 31}", fuse=120)
    live = read(*base_of(), status=1)
    assert live["digest"] is None
    assert live["problems"] == [
        "sites/harbour.yaml: a preview fails: group main (801): 125 A in Plugchoice, the declared fuse is 120 A; load "
        "balancing would let chargers draw more than the fuse carries: correct the wrong value",
    ]
    declare(bay(1), unmanaged(2), bay(3, "STR"), bay(4), bay(5), limits="{single_phase_amps: 40}", fuse=130)
    (problem,) = read(*base_of(), status=1)["problems"]
    assert problem == (
        "sites/harbour.yaml: a preview fails: limit single_phase_amps (40 A) exceeded: 48 A on L1 when every connector "
        "charges a one-phase car, 32 A live; this makes the site worse: change the connectors or the limit"
    )


def test_several_files_without_a_base(repository: str, emulator: Emulator) -> None:
    """Two sites in one call: descriptions, writes and one digest; a file that cannot be read does not hide them."""
    second = numbered_site(7, {71: [connector(1, "RST", 16)]})
    content = seed(5)
    content["sites"].append(second)
    emulator.reset(content)
    other, broken = Path("sites/quay.yaml"), Path("sites/x.yaml")
    declare(bay(71, "STR"), file=other, site=second["uuid"], group=808)
    declare(bay(1, "STR"))
    text = run(str(other), str(FILE), "--live").stdout
    assert "| `HRB-071/1` | `RST, 16 A` | `STR, 16 A` | `sites/quay.yaml` |" in text
    assert text.count("1 charger; TN with neutral") == 2
    live = read("sites")
    assert f"`{live['digest']}`" in text
    assert pick(live["writes"], "file") == [(str(FILE),), (str(other),)]
    broken.write_text("site: x\n")
    refused = run("sites", "--live", status=1)
    assert refused.stdout.count("1 charger; TN with neutral") == 2
    assert "`sites/x.yaml`: cannot be read" in refused.stdout
    assert "Digest" not in refused.stdout
    assert refused.stderr.splitlines()[0].startswith("sites/x.yaml:1:")
    assert run("sites", status=1).stdout.count("1 charger; TN with neutral") == 2


def test_a_planned_rotation_is_not_sent(repository: str) -> None:
    """`wired` makes it the rotation; then it is."""
    declare(bay(1, more=", planned_rotation: STR"), bay(2))
    assert read(*base_of())["writes"] == []
    CliRunner().invoke(plugchoice, ["wired", str(FILE), "HRB-001"])
    assert pick(read(*base_of())["writes"], "after") == [(settings("STR", 16),)]


def test_the_reviewed_file_is_not_the_review(repository: str) -> None:
    """Both would be lost."""
    refused = run(str(FILE), "--live", "-o", "x.json", "--reviewed-file", "./x.json", status=1)
    assert refused.stderr == "x.json: is named by --output and --reviewed-file; name two files\n"
    assert not Path("x.json").exists()
