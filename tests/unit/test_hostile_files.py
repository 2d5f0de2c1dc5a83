"""Files that somebody else wrote, in every command: no traceback, no wait, no line that begins with foreign text.

`--hypothesis-profile=long` tries fifty times as many.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import unicodedata
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pulumi_plugchoice.cli.group import plugchoice
from pulumi_plugchoice.electrical.rotations import PHASE_ROTATIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

HARBOUR: Final = Path(__file__).parent.parent / "fixtures" / "sites" / "harbour.yaml"
IS_LONG: Final = settings.get_current_profile_name() == "long"
OPTIONS: Final = settings(
    max_examples=3_000 if IS_LONG else 40,
    derandomize=not IS_LONG,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
MOST_SECONDS: Final = 2.0  # of CPU
MOST_LETTERS: Final = 25_000  # the description of a picture
INVISIBLE: Final = {"Cc", "Cs", "Zl", "Zp", "Cf"}

COMMANDS: Final = (
    ("check", "--", "FILE"),
    ("check", "--", "other.yaml", "FILE"),
    ("plan", "--", "FILE"),
    ("plan", "--markdown", "--", "FILE"),
    ("plan", "--write", "--svg", "x.svg", "--", "FILE"),
    ("wired", "--", "FILE", "HRB-001"),
    ("wired", "--", "FILE", "5f0c3c1e-0000-4000-8000-000000000001", "::error::EVIL"),
    ("sheet", "--", "FILE"),
    ("picture", "--", "FILE"),
    ("review", "--", "FILE"),
    ("review", "--before", "other.yaml", "--", "FILE"),
    ("review", "--before", "FILE", "-o", "x.md", "--", "other.yaml"),
)

# A text of a file that begins a line would begin it with one of these.
STARTS: Final = ("::", "##[", "EVIL", "<script", "<img", "--- ", "section_")
NASTY: Final = (
    "::error file=a.py,line=1::EVIL",
    "EVIL words " * 12 + "::error file=a.py::EVIL",
    "##[error]EVIL",
    "a ##vso[task.complete result=Failed;]EVIL",
    "EVIL\n::error::EVIL\r\n::error::EVIL",
    "EVIL\x1b[2J\x1b]0;EVIL\x07",
    "\u202eEVIL\u2066\u200b\u2028::error::EVIL",
    "EVIL\uffff\ufffe\x00\x85::error::",
    "</text><script>EVIL</script>]]>&#0;",
    "[bold]EVIL[/bold] [link=http://evil.example]",
    "EVIL|`*_[x](http://evil.example)<img src=x>",
    "\udcffEVIL",
    "EVIL" * 5000,
    "٣",
    "9" * 5000,
    " ",
    "",
)
VALUES: Final[st.SearchStrategy[Any]] = st.sampled_from(
    [*NASTY, *PHASE_ROTATIONS, 0, -1, 1, 16, 10**30, 1.5, True, None, [], {}, [[]], 1e308]
)
PLACES: Final = st.lists(st.integers(0, 30), min_size=1, max_size=6)
NAMES: Final = st.sampled_from(
    [
        "x.yaml",
        "::error file=a.py::x.yaml",
        " ::error::x.yaml",
        "##[error]x",
        "a.py:1:1: x",
        "EVIL\x1b[2J.yaml",
        "a\n::error::EVIL",
        "\udcff\u202ex.yaml",
        "--- x",
    ]
)
SITE: Final[dict[str, Any]] = {
    "site": "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7",
    "label": "Harbour",
    "supply": {"net_type": "TN", "main_fuse_amps": 63},
    "limits": {"full_imbalance_amps": 10, "presets": ["DE-4.6kVA"]},
    "groups": [{"name": "main"}, {"name": "quay", "parent": "main", "fuse_amps": 16}],
    "defaults": {"max_amperage": 16, "breaker_amps": 16},
    "chargers": [
        {"identity": "HRB-001", "label": "bay", "connectors": [{"connector_id": 1, "phase_rotation": "RST"}]},
        {
            "uuid": "5f0c3c1e-0000-4000-8000-000000000001",
            "group": "quay",
            "connectors": [
                {"connector_id": 1, "phase_rotation": "RST", "planned_rotation": "STR"},
                {"connector_id": 2, "managed": False},
            ],
        },
    ],
}


def change(data: Any, place: list[int], value: Any) -> Any:
    """The data with one value replaced, a key renamed to it, or an entry added, found by going down."""
    if not place or not isinstance(data, dict | list) or not data:
        return value
    if isinstance(data, list):
        at = place[0] % (len(data) + 1)
        return [*data, value] if at == len(data) else [*data[:at], change(data[at], place[1:], value), *data[at + 1 :]]
    key = list(data)[place[0] % len(data)]
    if place[0] > 25 and isinstance(value, str):
        return {value if name == key else name: inner for name, inner in data.items()}
    return {name: change(inner, place[1:], value) if name == key else inner for name, inner in data.items()}


def spoil(content: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    for at, length, new in edits:
        start = at % (len(content) + 1)
        content = content[:start] + new + content[start + length :]
    return content


BYTES: Final = st.sampled_from(
    [b"\t", b"\n", b": ", b"- ", b"{", b"]", b"&a ", b"*a", b"!x ", b"\xff", b"\0", b'"', b"|\n"]
)
EDITS: Final = st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 20), BYTES), max_size=3)


def run(arguments: tuple[str, ...], file: str) -> Result:
    """Run a command, and check what holds for all of them."""
    started = time.process_time()
    result = CliRunner().invoke(plugchoice, [file if word == "FILE" else word for word in arguments])
    seconds = time.process_time() - started
    shown = f"{arguments} {file!r}: {result.output[:2000]!r}"
    assert result.exception is None or isinstance(result.exception, SystemExit), f"{shown} {result.exception!r}"
    assert result.exit_code in (0, 1), shown
    assert result.exit_code == 0 or result.stderr, shown
    assert seconds < MOST_SECONDS, f"{seconds:.1f} s: {shown}"
    for line in (*result.stdout.split("\n"), *result.stderr.split("\n")):
        assert not line.lstrip().startswith(STARTS), shown
        assert "##[" not in line, shown
        assert "##vso[" not in line, shown
        assert len(line) < MOST_LETTERS, shown
        assert not [letter for letter in line if unicodedata.category(letter) in INVISIBLE], shown
    return result


def make_content(changes: list[tuple[list[int], Any]], edits: list[tuple[int, int, bytes]], is_ascii: bool) -> bytes:
    """A site file with values, keys and entries replaced, and then bytes."""
    site: Any = SITE
    for place, value in changes:
        site = change(site, place, value)
    return spoil(json.dumps(site, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass"), edits)


CONTENTS: Final = st.builds(
    make_content, st.lists(st.tuples(PLACES, VALUES), max_size=4), st.just([]) | EDITS, st.booleans()
)


@OPTIONS
@given(arguments=st.sampled_from(COMMANDS), content=CONTENTS, name=NAMES)
def test_any_file_in_any_command(
    tmp_path_factory: pytest.TempPathFactory, arguments: tuple[str, ...], content: bytes, name: str
) -> None:
    """Under a name that looks like something else; a command that fails writes nothing."""
    folder = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("other.yaml").write_bytes(HARBOUR.read_bytes())
        Path(name).write_bytes(content)
        result = run(arguments, name)
        if result.exit_code:
            assert Path(name).read_bytes() == content
            assert {path.name for path in Path().iterdir()} == {"other.yaml", name}
        elif arguments[0] == "picture":
            ET.fromstring(result.stdout)  # noqa: S314 - ours
    shutil.rmtree(folder)


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_charger_named_like_a_command_in_any_command(
    arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With warnings, a plan, connectors that do not count, and a long label: each place that prints a name."""
    name = "::error file=a.py::EVIL"
    chargers = [{**charger, "label": NASTY[1], "breaker_amps": 6} for charger in SITE["chargers"]]
    chargers[0] |= {"identity": name}
    site = {**SITE, "label": NASTY[1], "chargers": chargers}
    monkeypatch.chdir(tmp_path)
    Path("x.yaml").write_text(json.dumps(site))
    Path("other.yaml").write_bytes(HARBOUR.read_bytes())
    result = run(tuple(name if word == "HRB-001" else word for word in arguments), "x.yaml")
    assert "EVIL" in result.output or result.exit_code == 1 or "x.md" in arguments


KINDS: Final[dict[str, Callable[[Path], object]]] = {
    "fifo": os.mkfifo,
    "folder": Path.mkdir,
    "link to a secret": lambda path: path.symlink_to("../secret"),
    "link to zeros": lambda path: path.symlink_to("/dev/zero"),
    "link to itself": lambda path: path.symlink_to(path),
    "nothing": lambda _: None,
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_file_in_any_command(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither waited for nor read nor replaced."""
    (tmp_path / "secret").write_text("ghp_secret")
    (tmp_path / "checkout").mkdir()
    monkeypatch.chdir(tmp_path / "checkout")
    Path("other.yaml").write_bytes(HARBOUR.read_bytes())
    KINDS[kind](Path("x.yaml"))
    for arguments in COMMANDS:
        result = run(arguments, "x.yaml")
        assert result.exit_code == 1, arguments
        assert result.stderr.startswith("x.yaml: "), arguments
        assert result.stderr.count("\n") == 1, arguments
        assert "ghp_secret" not in result.output
    for arguments in (("sheet", "-o", "x.yaml", "other.yaml"), ("plan", "--svg", "x.yaml", "other.yaml")):
        result = run(arguments, "")
        assert bool(result.exit_code) == (kind != "nothing"), result.output
        assert "x.yaml: " in result.stderr
    assert (tmp_path / "secret").read_text() == "ghp_secret"


def write_largest() -> bytes:
    """5,000 connectors in 500 groups, each below the one before; no file that is accepted takes longer."""
    lines = ["site: 0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7", "supply: {net_type: IT, main_fuse_amps: 63}", "groups:"]
    lines += [f"- {{name: g{n}, parent: g{n - 1}, fuse_amps: 63}}" if n else "- name: g0" for n in range(500)]
    lines.append("chargers:")
    for number in range(5000):
        rotation = ("RST", "STR", "TRS")[number % 3]
        lines += [f"- {{identity: HRB-{number:05}, label: bay {number}, group: g499, breaker_amps: 16, connectors:"]
        lines += [f"  [{{connector_id: 1, phase_rotation: {rotation}, planned_rotation: TRS, max_amperage: 16}}]}}"]
    return "\n".join(lines).encode()


WORST: Final[dict[str, Callable[[], bytes]]] = {
    "largest site": write_largest,
    "values": lambda: b"chargers: [" + b"[1, 2, 3, 4, 5, 6, 7, 8, 9], " * 30_000 + b"]",
    "wrong keys": lambda: b"chargers: [" + b"{" + b", ".join(b"%d: 1" % n for n in range(90)) + b"}, " * 1_000 + b"]",
    "wrong entries": lambda: b"chargers:\n" + b"- {a: 1, b: 1, c: 1, d: 1, uuid: 1, group: [], label: {}}\n" * 12_000,
    "names of groups": lambda: (
        b"groups: ["
        + b"{name: %s}, " % (b"x" * 60) * 500
        + b"]\nchargers: ["
        + b"{group: xxxxxxxxxxxxxxxxxxxxy}, " * 5000
        + b"]"
    ),
    "one flow mapping": lambda: b"{" + b", ".join(b"k%d: %d" % (n, n) for n in range(60_000)) + b"}",
    "groups": lambda: b"groups:\n" + b"".join(b"- {name: g%d, parent: g%d}\n" % (n, n - 1) for n in range(8000)),
    "levels": lambda: b"chargers: " + b"[" * 1_000_000,
    "quoted": lambda: b'chargers: "' + b"\\x41" * 260_000 + b'"',
    "lines": lambda: b"chargers: x\n" + b" x\n" * 340_000,
    "tabs": lambda: b"chargers:\n" + b" \t \n" * 250_000,
    "tabs in a row": lambda: b"chargers:\n" + b"\t" * 1_000_000 + b"x",
    "digits": lambda: b"chargers: " + b"1" * 1_000_000,
    "directives": lambda: b"".join(b"%%TAG !%x! a\n" % n for n in range(70_000)) + b"--- x",
    "comments": lambda: b"chargers: # x\n" + b"# x\n" * 250_000,
    "secrets": lambda: b"chargers: [" + b"##[x " * 200_000 + b"]",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", WORST)
def test_the_worst_files_are_checked_in_two_seconds_and_100_megabytes(name: str, tmp_path: Path) -> None:
    """The whole process. Its limit is three times as high here: on a busy machine CPU time doubles."""
    content = WORST[name]()
    assert len(content) <= 1 << 20
    (tmp_path / "x.yaml").write_bytes(content)
    code = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from pulumi_plugchoice.cli.group import plugchoice; from pulumi_plugchoice.cli.run import run\n"
        "status = run(plugchoice)\n"
        "used = resource.getrusage(resource.RUSAGE_SELF)\n"
        # Not ru_maxrss: it starts with what the process that forked this one had.
        "most = Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0]\n"
        "print(status, used.ru_utime + used.ru_stime, int(most) // 1024, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "check", "x.yaml"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    status, seconds, megabytes = done.stderr.splitlines()[-1].split()
    print(name, status, seconds, megabytes)  # noqa: T201 - shown with -rP
    assert status == ("0" if name == "largest site" else "1"), done.stderr
    assert float(seconds) < 3 * MOST_SECONDS
    assert int(megabytes) < 100
