"""PLUGCHOICE_REVIEWED: an update sends the reviewed writes and no other."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pulumi_plugchoice.cli.group import plugchoice
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.reviewed import RESTORE, ReviewedWrite, compute_digest, format_reviewed, load_reviewed
from support.emulator import SITE, TOKEN, charger_uuid, connector, seed
from support.engine_double import Engine

if TYPE_CHECKING:
    from click.testing import Result
    from support.emulator import Emulator

REVIEWED = "PLUGCHOICE_REVIEWED"
RST_16 = ("RST", 16)
STR_20 = ("STR", 20)


def write_file(*writes: ReviewedWrite, path: Path) -> Path:
    """Write a file of these writes."""
    path.write_text(format_reviewed(writes))
    return path


def reviewed(index: int, before: tuple[str | None, int | None] = RST_16, after: Any = STR_20) -> ReviewedWrite:
    return ReviewedWrite(charger_uuid(index), 1, before, after)


@pytest.fixture
def bound(emulator: Emulator, tmp_path: Path) -> Engine:
    """A stack whose updates are bound to the file `reviewed.json`."""
    return Engine(
        {
            "PLUGCHOICE_BASE_URL": emulator.base_url,
            "PLUGCHOICE_TOKEN": TOKEN,
            "PLUGCHOICE_SITE": SITE,
            "PLUGCHOICE_DEADLINE_SECONDS": "5",
            "PLUGCHOICE_REVIEWED": str(tmp_path / "reviewed.json"),
        }
    )


def program(*indexes: int, **more: Any) -> dict[str, dict[str, Any]]:
    """Declare the connectors of these chargers as STR, 20 A."""
    settings = {"phase_rotation": "STR", "max_amperage": 20, **more}
    return {f"bay-{index}": {"charger": charger_uuid(index), "connector_id": 1, **settings} for index in indexes}


def test_the_reviewed_writes_are_sent(bound: Engine, emulator: Emulator, tmp_path: Path) -> None:
    """Each after a fresh reading of its connector."""
    write_file(reviewed(1), reviewed(2), path=tmp_path / "reviewed.json")
    with emulator.recording() as calls:
        report = bound.up(program(1, 2))
    assert report.went_well, report.errors
    assert emulator.live(1) == emulator.live(2) == STR_20
    for path, _ in calls.puts:
        charger = path.split("/")[-3]
        asked = [request["method"] for request in calls.requests if request["path"].endswith(charger)]
        assert asked == ["GET"]


def test_a_portal_edit_since_the_review_refuses_that_connector_alone(
    bound: Engine, emulator: Emulator, tmp_path: Path
) -> None:
    """Also one in the minute in which a reading is shared; the others are written."""
    file = write_file(reviewed(1), reviewed(2), path=tmp_path / "reviewed.json")
    emulator.edit(charger_uuid(1), max_amperage=31)

    report = bound.up(program(2, 1))

    assert report.errors == [
        f"HRB-001/1: not written, because {file} has another change: RST, 16 A -> STR, 20 A was reviewed; "
        "STR, 20 A would replace RST, 31 A; review it again"
    ]
    assert emulator.live(1) == ("RST", 31)
    assert emulator.live(2) == STR_20


def test_a_write_that_nobody_reviewed_is_refused(bound: Engine, emulator: Emulator, tmp_path: Path) -> None:
    """Of another connector, with another value; a restore, too. What needs no write needs no review."""
    file = write_file(reviewed(1), path=tmp_path / "reviewed.json")
    report = bound.up(program(1, 2, on_destroy="restore"))
    assert report.errors == [
        f"HRB-002/1: not written, because {file} does not have this change: STR, 20 A would replace RST, 16 A; "
        "review it again"
    ]
    assert emulator.live(2) == RST_16
    again = bound.up(program(1, on_destroy="restore"))
    assert again.went_well, again.errors
    other = bound.up(program(1, max_amperage=25, on_destroy="restore"))
    (error,) = other.errors
    assert "STR, 25 A would replace STR, 20 A" in error
    (error,) = bound.up({}).errors
    assert error.endswith(
        "RST, 16 A -> STR, 20 A was reviewed; the restore of RST, 16 A would replace STR, 20 A; review it again"
    )
    assert emulator.live(1) == STR_20


def first(**more: Any) -> dict[str, dict[str, Any]]:
    """Declare one connector, as RST, 16 A, which needs no write."""
    inputs = {"charger": charger_uuid(1), "connector_id": 1, "phase_rotation": "RST", "max_amperage": 16, **more}
    return {"bay": inputs}


# What is in the stack before; the program; then what it writes to which charger, in order.
RESTORED = {"phase_rotation": "TRS", "max_amperage": 20, "on_destroy": "restore"}
KINDS: dict[str, tuple[dict[str, Any], dict[str, Any], list[ReviewedWrite]]] = {
    "adopted": ({}, first(max_amperage=20), [reviewed(1, RST_16, ("RST", 20))]),
    "updated": (first(), first(max_amperage=20), [reviewed(1, RST_16, ("RST", 20))]),
    "drift put right": (first(), first(), [reviewed(1, ("RST", 31), RST_16)]),
    "a setting that becomes managed": (
        first(phase_rotation=None),
        first(phase_rotation="STR"),
        [reviewed(1, RST_16, ("STR", 16))],
    ),
    "a setting that is left as it is": (
        first(),
        first(phase_rotation=None, max_amperage=20),
        [reviewed(1, RST_16, ("RST", 20))],
    ),
    "removed": (first(**RESTORED), {}, [reviewed(1, ("TRS", 20), RESTORE)]),
    "another charger": (
        first(**RESTORED),
        first(charger=charger_uuid(2), **RESTORED),
        [reviewed(2, RST_16, ("TRS", 20)), reviewed(1, ("TRS", 20), RESTORE)],
    ),
    "another number": (
        first(**RESTORED),
        first(**RESTORED) | {"bay": first(**RESTORED)["bay"] | {"connector_id": 2}},
        [reviewed(1, RST_16, ("TRS", 20))._replace(connector_id=2), reviewed(1, ("TRS", 20), RESTORE)],
    ),
    "one setting restored": (
        first(phase_rotation="TRS", max_amperage=None, on_destroy="restore"),
        {},
        [reviewed(1, ("TRS", 16), RESTORE)],
    ),
    "not restored: still declared": (
        first(**RESTORED),
        {"renamed": first(**RESTORED)["bay"] | {"max_amperage": 25}},
        [reviewed(1, ("TRS", 20), ("TRS", 25))],
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_no_write_leaves_without_consent(bound: Engine, emulator: Emulator, tmp_path: Path, kind: str) -> None:
    """Of each kind: none with an empty set, all but the last if that one was reviewed from other values, else all."""
    before, program, writes = KINDS[kind]
    emulator.reset(seed(3, {1: [connector(1), connector(2)]}))
    free = Engine({name: value for name, value in bound.environment.items() if name != REVIEWED}, bound.state)
    file = tmp_path / "reviewed.json"
    assert free.up(before).went_well
    if kind == "drift put right":
        emulator.edit(charger_uuid(1), max_amperage=31)

    other = writes[-1]._replace(before=("RST", 999))
    for consent in ([], [*writes[:-1], other]):
        write_file(*consent, path=file)
        with emulator.recording() as calls:
            report = bound.up(program)
        assert [path.split("/")[-3] for path, _ in calls.puts] == [
            write.charger for write in consent if write in writes
        ]
        (error,) = report.errors
        assert ": not written, because " in error
    write_file(*writes, path=file)
    report = bound.up(program)
    assert report.went_well, report.errors
    with emulator.recording() as calls:
        assert bound.up(program).went_well
    assert calls.puts == []


def test_a_destroy_is_bound_too(bound: Engine, emulator: Emulator, tmp_path: Path) -> None:
    """It restores what was reviewed; what is refused stays in the state."""
    file = write_file(reviewed(1), reviewed(2), path=tmp_path / "reviewed.json")
    assert bound.up(program(1, 2, on_destroy="restore")).went_well
    write_file(reviewed(2, STR_20, RESTORE), path=file)
    (error,) = bound.destroy().errors
    assert error.startswith(f"HRB-001/1: not written, because {file} does not have this change: ")
    assert (emulator.live(1), emulator.live(2)) == (STR_20, RST_16)
    assert list(bound.state) == ["bay-1"]


def test_a_setting_that_is_not_managed_is_part_of_the_write(bound: Engine, emulator: Emulator, tmp_path: Path) -> None:
    """It is sent back as it is, so it has to be what it was."""
    write_file(reviewed(1, after=("STR", 16)), path=tmp_path / "reviewed.json")
    only = {"bay-1": {"charger": charger_uuid(1), "connector_id": 1, "phase_rotation": "STR"}}
    emulator.edit(charger_uuid(1), max_amperage=12)
    assert not bound.up(only).went_well
    emulator.edit(charger_uuid(1), max_amperage=16)
    assert bound.up(only).went_well
    assert emulator.live(1) == ("STR", 16)


def test_a_write_whose_answer_is_lost_is_still_the_reviewed_one(
    bound: Engine, emulator: Emulator, tmp_path: Path
) -> None:
    """The second try finds our own value, which is no edit of somebody else."""
    write_file(reviewed(1), path=tmp_path / "reviewed.json")
    emulator.fault("status", method="PUT", status=503)
    emulator.fault("status_after_write", method="PUT", status=504)
    report = bound.up(program(1))
    assert report.went_well, report.errors
    assert emulator.live(1) == STR_20


def test_a_value_that_was_never_set_can_be_reviewed(bound: Engine, emulator: Emulator, tmp_path: Path) -> None:
    emulator.reset(seed(1, {1: [connector(1, None, None)]}))
    write_file(reviewed(1, before=(None, None)), path=tmp_path / "reviewed.json")
    assert bound.up(program(1)).went_well
    assert emulator.live(1) == STR_20


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, "cannot be read: No such file or directory; nothing is written without it"),
        ("", "is not a file of `plugchoice review --reviewed-file`; write it again"),
        ("[]", "is not a file of `plugchoice review --reviewed-file`; write it again"),
        ("[" * 100_000, "is not a file of `plugchoice review --reviewed-file`; write it again"),
        ('"STR"->"TRS"', "was changed after it was written, or is of another version; write it again"),
        ('"version": 1->"version": 2', "was changed after it was written, or is of another version; write it again"),
        ('20->"20"', "is not a file of `plugchoice review --reviewed-file`; write it again"),
        ("20->1001", "is not a file of `plugchoice review --reviewed-file`; write it again"),
        ('"STR"->"ABC"', "is not a file of `plugchoice review --reviewed-file`; write it again"),
        ('_id": 1->_id": 0', "is not a file of `plugchoice review --reviewed-file`; write it again"),
        ('_id": 1->_id": true', "is not a file of `plugchoice review --reviewed-file`; write it again"),
        ('"version": 1->"version": true', "was changed after it was written, or is of another version; write it again"),
        ('"version": 1,->', "is not a file of `plugchoice review --reviewed-file`; write it again"),
        ('"digest"->"other"', "was changed after it was written, or is of another version; write it again"),
        ('16->"16"', "is not a file of `plugchoice review --reviewed-file`; write it again"),
        ("16->16.0", "is not a file of `plugchoice review --reviewed-file`; write it again"),
        ("16->17", "was changed after it was written, or is of another version; write it again"),
        ('"RST"->["RST"]', "is not a file of `plugchoice review --reviewed-file`; write it again"),
        ('"STR"->null', "is not a file of `plugchoice review --reviewed-file`; write it again"),
        ("20->null", "is not a file of `plugchoice review --reviewed-file`; write it again"),
        ("5f0c->5F0C", "is not a file of `plugchoice review --reviewed-file`; write it again"),
        ("\n}\n->", "is not a file of `plugchoice review --reviewed-file`; write it again"),
        ("STR->\udcff", "is not a file of `plugchoice review --reviewed-file`; write it again"),
    ],
)
def test_a_file_that_cannot_be_used_stops_every_write(
    bound: Engine, emulator: Emulator, tmp_path: Path, content: str | None, text: str
) -> None:
    """One line for each connector, and nothing is sent. A preview needs no such file."""
    path = tmp_path / "reviewed.json"
    if content is not None and "->" in content:
        old, _, new = content.partition("->")
        whole = format_reviewed([reviewed(1)])
        assert old in whole
        content = whole.replace(old, new, 1)
    if content is not None:
        path.write_bytes(content.encode(errors="surrogateescape"))
    assert bound.preview(program(1)).went_well
    report = bound.up(program(1))
    assert report.errors == [f"PLUGCHOICE_REVIEWED: {path}: {text}"]
    assert emulator.puts_seen() == 0


def change_after(content: dict[str, Any], after: object) -> dict[str, Any]:
    return content | {"writes": [content["writes"][0] | {"after": after}]}


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda content: content | {"writes": content["writes"] * 2}, "was changed after it was written"),
        (lambda content: content | {"writes": []}, "was changed after it was written"),
        (lambda content: content | {"writes": "", "digest": compute_digest([])}, "is not a file of"),
        (lambda content: content | {"writes": {}, "digest": compute_digest([])}, "is not a file of"),
        (lambda content: change_after(content, RESTORE), "was changed after it was written"),
        (lambda content: change_after(content, "other"), "is not a file of"),
        (lambda content: change_after(content, {"phase_rotation": "STR"}), "is not a file of"),
        (lambda content: change_after(content, ["STR", 20]), "is not a file of"),
        (lambda content: change_after(content, None), "is not a file of"),
    ],
    ids=["twice", "none", "text", "object", "restore", "word", "one setting", "list", "null"],
)
def test_a_file_that_was_edited_cannot_be_used(tmp_path: Path, change: Any, text: str) -> None:
    """Neither with entries twice, nor with an entry that is now another one."""
    content = json.loads(format_reviewed([reviewed(1)]))
    path = tmp_path / "reviewed.json"
    path.write_text(json.dumps(change(content)))
    with pytest.raises(PlugchoiceError, match=f"^PLUGCHOICE_REVIEWED: {path}: {text}"):
        load_reviewed(path)


def test_a_place_that_is_no_file_stops_every_write(bound: Engine, emulator: Emulator, tmp_path: Path) -> None:
    """A folder, a pipe, a path below a file, a name that is relative or empty, a file that nobody reviews."""
    pipe, large = tmp_path / "pipe", tmp_path / "large"
    os.mkfifo(pipe)
    with large.open("wb") as file:
        file.truncate((8 << 20) + 1)
    for value, text in (
        (tmp_path, f"{tmp_path}: cannot be read: Is a directory; nothing is written without it"),
        (pipe, f"{pipe}: is not a regular file; name a file"),
        (large, f"{large}: is larger than 8 MiB; is it the right file?"),
        (large / "x", f"{large / 'x'}: cannot be read: Not a directory; nothing is written without it"),
        (
            "none.json",
            "none.json: cannot be read in the folder of the program: No such file or directory; nothing is written "
            "without it",
        ),
        (" ", "is set and empty; name the file of the reviewed writes, or unset it"),
    ):
        report = Engine({**bound.environment, REVIEWED: str(value)}).up(program(1))
        assert report.errors == [f"PLUGCHOICE_REVIEWED: {text}"]
    assert emulator.puts_seen() == 0


def test_a_set_of_another_account_refuses_every_write(bound: Engine, emulator: Emulator, tmp_path: Path) -> None:
    """Its chargers are others; one line for each connector."""
    write_file(reviewed(7), reviewed(8), path=tmp_path / "reviewed.json")
    report = bound.up(program(1, 2, 3), continue_on_error=True)
    assert [error.partition(", because")[0] for error in report.errors] == [
        f"HRB-00{index}/1: not written" for index in (1, 2, 3)
    ]
    assert emulator.puts_seen() == 0


ROTATIONS = st.sampled_from(["RST", "STR", "TRS"])
AMPS = st.sampled_from([10, 16, 20])
INPUTS = st.fixed_dictionaries(
    {
        "phase_rotation": ROTATIONS | st.none(),
        "max_amperage": AMPS,
        "on_destroy": st.sampled_from(["retain", "restore"]),
    }
)
STEPS = st.tuples(
    st.dictionaries(st.sampled_from([1, 2]), INPUTS, max_size=2),  # what the program declares, by charger
    st.none() | st.tuples(st.sampled_from([1, 2]), ROTATIONS, AMPS),  # an edit in the portal before
    st.dictionaries(  # what was reviewed, and for restores `RESTORE`
        st.sampled_from([1, 2]),
        st.tuples(
            st.none() | st.tuples(ROTATIONS, AMPS),  # None: what is there
            st.none() | st.just(RESTORE) | st.tuples(ROTATIONS, AMPS),  # None: what is declared, or a restore
        ),
    ),
)


@pytest.mark.slow
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=1, max_size=4))
def test_every_put_is_one_of_the_set(bound: Engine, emulator: Emulator, tmp_path: Path, steps: list[Any]) -> None:
    """Whatever is declared, edited and reviewed: from the reviewed value to the reviewed one, or a reviewed restore."""
    emulator.reset(seed(2))
    engine = Engine(bound.environment)
    for declared, edit, consent in steps:
        if edit is not None:
            emulator.edit(charger_uuid(edit[0]), phase_rotation=edit[1], max_amperage=edit[2])
        live = {charger_uuid(index): emulator.live(index) for index in (1, 2)}
        writes = {}
        for index, (before, after) in consent.items():
            charger = charger_uuid(index)
            meant: Any = RESTORE
            if index in declared:
                meant = declared[index]["phase_rotation"] or live[charger][0], declared[index]["max_amperage"]
            writes[charger] = reviewed(index, before or live[charger], after or meant)
        write_file(*writes.values(), path=tmp_path / "reviewed.json")
        names = {f"bay-{index}": {"charger": charger_uuid(index), "connector_id": 1} for index in declared}
        with emulator.recording() as calls:
            engine.up(
                {name: inputs | drop_none(declared[int(name[-1])]) for name, inputs in names.items()},
                continue_on_error=True,
            )
        for path, body in calls.puts:
            charger = path.split("/")[-3]
            write = writes[charger]
            assert write.before == live[charger]
            if write.after == RESTORE:
                assert int(charger[-1]) not in declared
            else:
                assert write.after == (body["phase_rotation"], body["max_amperage"])


def drop_none(inputs: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in inputs.items() if value is not None}


def test_the_digest_stands_for_the_writes_in_any_order(tmp_path: Path) -> None:
    """And for nothing else; the file holds it."""
    writes = [reviewed(1), reviewed(2, before=(None, 16)), reviewed(3)]
    assert compute_digest(writes) == compute_digest([*reversed(writes), writes[0]])
    assert compute_digest(writes) != compute_digest(writes[:2])
    assert compute_digest([reviewed(1)]) != compute_digest([reviewed(1, before=("RST", 17))])
    loaded = load_reviewed(write_file(*writes, path=tmp_path / "x.json"))
    assert set(loaded.writes.values()) == set(writes)
    assert json.loads((tmp_path / "x.json").read_text())["digest"] == compute_digest(writes)
    with pytest.raises(PlugchoiceError):
        load_reviewed(tmp_path)


# The command that writes the file


SITE_FILE = f"""site: {SITE}
supply: {{net_type: TN, main_fuse_amps: 125}}
chargers:
  - {{identity: HRB-001, connectors: [{{connector_id: 1, phase_rotation: STR, max_amperage: 20}}]}}
  - {{identity: HRB-002, connectors: [{{connector_id: 1, phase_rotation: RST}}]}}
  - {{identity: HRB-003, connectors: [{{connector_id: 1, phase_rotation: TRS}}]}}
"""


@pytest.fixture
def folder(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a site file, and the environment of the command."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PLUGCHOICE_BASE_URL", emulator.base_url)
    monkeypatch.setenv("PLUGCHOICE_TOKEN", TOKEN)
    monkeypatch.setenv("PLUGCHOICE_DEADLINE_SECONDS", "5")
    Path("site.yaml").write_text(SITE_FILE)
    return tmp_path


def review(*arguments: str, status: int = 0) -> Result:
    """Run the command on the site file."""
    result = CliRunner().invoke(plugchoice, ["review", "site.yaml", *arguments])
    assert result.exit_code == status, result.output
    return result


def test_a_live_review_shows_what_an_update_sends(folder: Path, emulator: Emulator) -> None:
    """With values that are sent back as they are; its digest is that of the file, and of the next run."""
    result = review("--live", "--reviewed-file", "reviewed.json")
    assert result.stderr == "reviewed.json: 2 writes\n"
    table = [line for line in result.stdout.splitlines() if line.endswith("| `site.yaml` |")]
    assert table[-2:] == [
        "| `HRB-001/1` | `RST, 16 A` | `STR, 20 A` | `site.yaml` |",
        "| `HRB-003/1` | `RST, 16 A` | `TRS, 16 A` | `site.yaml` |",
    ]
    digest = json.loads(Path("reviewed.json").read_text())["digest"]
    assert f"Digest of these writes: `{digest}`" in result.stdout
    assert review("--live", "--digest-only").stdout == f"{digest}\n"
    emulator.edit(charger_uuid(3), max_amperage=10)
    assert review("--live", "--digest-only").stdout != f"{digest}\n"
    assert emulator.puts_seen() == 0


def test_what_was_reviewed_is_what_is_applied(folder: Path, emulator: Emulator, bound: Engine) -> None:
    """By the same names; afterwards there is nothing to send."""
    review("--live", "--reviewed-file", "reviewed.json")
    only = {"bay-3": {"charger": charger_uuid(3), "connector_id": 1, "phase_rotation": "TRS"}}
    report = bound.up(program(1) | only)
    assert report.went_well, report.errors
    assert (emulator.live(1), emulator.live(3)) == (STR_20, ("TRS", 16))
    assert "Nothing: Plugchoice has the declared values." in review("--live").stdout


def test_a_live_review_of_a_commit_has_the_files_that_it_changes(folder: Path, emulator: Emulator) -> None:
    """From the disk and from a commit alike; the file that it does not change sends nothing here."""
    Path("sites").mkdir()
    other = SITE_FILE.replace(SITE, "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c8").replace("HRB-00", "QUA-00")
    Path("sites/quay.yaml").write_text(other)
    Path("sites/harbour.yaml").write_text(SITE_FILE.replace("TRS", "RST"))
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        git(*words)
    Path("sites/harbour.yaml").write_text(SITE_FILE)

    disk = CliRunner().invoke(plugchoice, ["review", "--base", "HEAD", "--live", "--reviewed-file", "r.json"])

    assert disk.exit_code == 0, disk.output
    assert "| `HRB-003/1` | `RST, 16 A` | `TRS, 16 A` | `sites/harbour.yaml` |" in disk.stdout.splitlines()
    digest = json.loads(Path("r.json").read_text())["digest"]
    git("commit", "-qam", "two")
    words = ["review", "--base", "HEAD~1", "--head", "HEAD", "--live", "--digest-only"]
    assert CliRunner().invoke(plugchoice, words).stdout == f"{digest}\n"
    Path("sites/harbour.yaml").write_text("site: x\n")
    broken = CliRunner().invoke(plugchoice, ["review", "--base", "HEAD", "--live", "--reviewed-file", "none.json"])
    assert broken.exit_code == 1
    assert "Digest" not in broken.stdout
    assert not Path("none.json").exists()


def git(*words: str) -> None:
    """Run git as somebody."""
    names = [f"{key}=somebody" for key in ("user.name", "user.email")]
    subprocess.run(["git", "-c", names[0], "-c", names[1], *words], check=True, capture_output=True)


def test_a_review_that_does_not_know_all_writes_has_no_digest(folder: Path, emulator: Emulator) -> None:
    """A charger that is gone, a setting that was never set: a line for each, and no file."""
    emulator.remove(charger_uuid(1))
    emulator.reset(seed(3, {3: [connector(1, "RST", None)]}))
    emulator.remove(charger_uuid(1))
    refused = review("--live", "--reviewed-file", "reviewed.json", status=1)
    assert "**Not all writes are known, or a preview fails, so there is no digest:**" in refused.stdout
    assert "Digest" not in refused.stdout
    (gone, unset) = refused.stderr.splitlines()
    assert [line for line in refused.stdout.splitlines() if "HRB-001/1" in line or "max_amperage" in line] == [
        f"- `{gone}`",
        f"- `{unset}`",
    ]
    only = review("--live", "--digest-only", status=1)
    assert (only.stdout, only.stderr) == ("", refused.stderr)
    assert gone.startswith("site.yaml: HRB-001/1: ")
    assert unset.startswith("site.yaml: HRB-003/1: max_amperage is not set in Plugchoice")
    assert not Path("reviewed.json").exists()


def test_options_of_a_live_review_need_it(folder: Path) -> None:
    """They would do nothing."""
    for option in (["--digest-only"], ["--reviewed-file", "x.json"]):
        assert review(*option, status=1).stderr == (
            "--reviewed-file, --digest-only: need --live, which reads what an update would send\n"
        )
    assert "is the site file itself" in review("--live", "--reviewed-file", "./site.yaml", status=1).stderr
    assert Path("site.yaml").read_text() == SITE_FILE
