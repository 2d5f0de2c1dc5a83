"""yaml_text.py and yaml_edit.py: positions, refused YAML, and edits that change nothing else."""

from __future__ import annotations

import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.sitefile.yaml_edit import edit_values
from pulumi_plugchoice.sitefile.yaml_text import parse


def find(text: str) -> list[tuple[int, int, str]]:
    """Line, column and text of each mistake."""
    findings = []
    for finding in parse(text).findings:
        assert finding.position is not None
        findings.append((finding.position.line, finding.position.column, str(finding.mistake)))
    return findings


def edit(text: str, changes: dict[tuple[str | int, ...], str | None]) -> str:
    return edit_values(text, changes, "x.yaml")


def test_values_have_their_types_and_places() -> None:
    """YAML 1.2: text, whole numbers, numbers, booleans, null; lines and columns from 1."""
    document = parse('a: R\nb: [1, -2, 1.5]\nc:\n  d: true\n  e: "016"\n  f:\n')
    assert document.data == {"a": "R", "b": [1, -2, 1.5], "c": {"d": True, "e": "016", "f": None}}
    place = document.values["c", "d"]
    assert (place.line, place.column) == (4, 6)
    assert document.values["b", 1].column == 8
    assert document.keys["c", "d"].column == 3
    assert document.findings == []


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("a: 1\nb: 2\na: 3", (3, 1), "a: key is set twice, first in line 1; keep one"),
        ("a:\n\t- b", (2, 1), "tab in the indentation; indent YAML with spaces only"),
        ("a: &x 1", (1, 4), "a: anchor (&x) is not supported; write the value out"),
        ("a: *x", (1, 4), "a: alias (*) is not supported; write the value out"),
        ("a: {<<: {b: 1}}", (1, 5), "a: merge key (<<) is not supported; write the value out"),
        (
            "a: !!python/object:os.system x",
            (1, 4),
            "a: tag (tag:yaml.org,2002:python/object:os.system) is not",
        ),
        ("a: 1\n---\nb: 2", (2, 1), "second document (---); give each site its own file"),
        ("? [a]\n: 1", (1, 3), "key is not plain text"),
        ("a: [1, 2", (1, 9), "not valid YAML"),
        ("a: b: c", (1, 5), "not valid YAML: mapping values are not allowed in this context"),
        ("a: \x00", (1, 4), "not valid YAML"),
        ("a: @x", (1, 4), "not valid YAML"),
        ("[" * 5000, (1, 21), "nested more than 20 levels deep"),
        ("{a: " * 5000, (1, 81), "nested more than 20 levels deep"),
    ],
)
def test_refused_yaml_is_one_line_with_its_position(text: str, place: tuple[int, int], words: str) -> None:
    """The first mistake of each text."""
    (line, column, text_) = find(text)[0]
    assert (line, column) == place
    assert text_.startswith(words)


@pytest.mark.parametrize("word", ["NO", "no", "n", "Y", "on", "OFF", "yes"])
def test_words_that_are_booleans_in_yaml_1_1_are_refused(word: str) -> None:
    """They can be a rotation, a name or a boolean."""
    assert find(f"a: {word}") == [
        (
            1,
            4,
            f"a: {word} is ambiguous: some programs read it as true or false; write true or false, "
            f'or "{word}" if it is text',
        )
    ]
    assert parse(f'a: "{word}"').data == {"a": word}


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        ("016", 'write 16, or "016" if it is text'),
        ("1_000", 'write 1000, or "1_000" if it is text'),
        ("0x10", 'write "0x10" if it is text'),
        ("12:30", 'write "12:30" if it is text'),
        ("1e3", 'write "1e3" if it is text'),
        ("TRUE", 'write true, or "TRUE" if it is text'),
        ("Null", 'write null, or "Null" if it is text'),
        ("2026-11-23", 'write "2026-11-23" if it is text'),
    ],
)
def test_numbers_with_another_value_in_yaml_1_1_are_refused(number: str, advice: str) -> None:
    """Octal, base 60, dates and so on."""
    ((_, _, text),) = find(f"a: {number}")
    assert text.startswith(f"a: {number} is ambiguous: ")
    assert text.endswith(advice)


@pytest.mark.parametrize("text", ["0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7", "HRB-001", "R", "S", "T", "1.2.3", "null-1"])
def test_plain_text_stays_plain_text(text: str) -> None:
    """UUIDs that begin like a number, identities, single letters."""
    assert parse(f"a: {text}").data == {"a": text}


def test_nested_anchors_are_refused_at_the_first() -> None:
    """And quickly: the "billion laughs" text would expand to gigabytes."""
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    started = time.process_time()
    assert find("\n".join(lines)) == [(1, 5, "a0: anchor (&a0) is not supported; write the value out")]
    assert time.process_time() - started < 1


TABBED = "a:\t1\t# c\n\t# c\nb: [1,\t2]\t# c\n \t\nc:\t# c\n  d: 'x'\t# c\n\t  # c\n  e: |\t# c\n    y\n"


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_tabs_before_comments_and_between_words_are_accepted(line_end: str) -> None:
    """YAML allows them everywhere but in the indentation. Positions stay those of the text."""
    text = TABBED.replace("\n", line_end)
    document = parse(text)
    assert document.findings == []
    assert document.data == {"a": 1, "b": [1, 2], "c": {"d": "x", "e": "y\n"}}
    assert text[document.values["c", "d"].start :].startswith("'x'")
    changed = edit(text, {("c", "d"): "z"})
    assert changed == text.replace("'x'", "z")


@pytest.mark.parametrize("text", ["a:\n\tb: 1", "\ta: 1", "a:\n \t- b", "a: 1\n\tb: 2"])
def test_tabs_in_the_indentation_are_refused(text: str) -> None:
    """Programs read them differently."""
    assert [words for *_, words in find(text)] == ["tab in the indentation; indent YAML with spaces only"]


def test_yaml_is_read_where_libyaml_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parser in Python gives the same positions."""
    text = "a: R\nb: [1, {x: é}]\nc:\n  d: true # c\n  e: |\n    y\n"
    with_libyaml = parse(text)
    monkeypatch.delattr(yaml, "CSafeLoader")
    assert parse(text).data == with_libyaml.data == {"a": "R", "b": [1, {"x": "é"}], "c": {"d": True, "e": "y\n"}}
    scalars = [path for path in with_libyaml.values if path not in {(), ("b",), ("c",), ("b", 1)}]
    assert [parse(text).values[path] for path in scalars] == [with_libyaml.values[path] for path in scalars]


@given(st.text(max_size=200))
def test_any_text_is_a_document_or_has_findings(text: str) -> None:
    """It never raises."""
    document = parse(text)
    assert document.is_complete or document.findings
    for line, _, words in find(text):
        assert line >= 1
        assert "\n" not in words


STYLES = {
    "flow": "x: [{id: 1, rot: RST}, {id: 2}]  # c\n# end\n",
    "block": "x:  # list\n  - id: 1   # first\n    rot: RST  # wired\n\n  - id: 2\n# end\n",
    "windows": "x:\r\n  - id: 1\r\n    rot: RST\r\n  - id: 2\r\n",
    "no last line end": "x:\n  - id: 1\n    rot: RST\n  - id: 2",
    "byte order mark": "\ufeffx: [{id: 1, rot: RST}, {id: 2}]\n",
}


@pytest.mark.parametrize("style", STYLES)
def test_an_edit_changes_nothing_else_and_can_be_undone(style: str) -> None:
    """Both layouts, both kinds of line ends; comments stay where they are."""
    text = STYLES[style]
    plain = text.removeprefix("\ufeff")

    added = edit(text, {("x", 0, "plan"): "STR", ("x", 1, "plan"): "TRS"})

    data = parse(added.removeprefix("\ufeff")).data
    assert data == {"x": [{"id": 1, "rot": "RST", "plan": "STR"}, {"id": 2, "plan": "TRS"}]}
    assert edit(added, {("x", 0, "plan"): None, ("x", 1, "plan"): None}) == text
    changed = edit(added, {("x", 0, "plan"): "TRS"})
    assert changed == added.replace("plan: STR", "plan: TRS")
    assert edit(text, {("x", 0, "rot"): "STR"}) == text.replace("RST", "STR")
    assert added.count("#") == plain.count("#")


@pytest.mark.parametrize(
    ("text", "path", "value", "expected"),
    [
        ("x:\n  - id: 1\n    max:\n  - id: 2\n", ("x", 0, "p"), "S", "x:\n  - id: 1\n    max:\n    p: S\n  - id: 2\n"),
        ("x: [{id: 1, max: }]\n", ("x", 0, "p"), "S", "x: [{id: 1, max: , p: S}]\n"),
        (
            "x:\n  - {id: 1, max: 16,  # was R, T,\n     p: S}\n",
            ("x", 0, "p"),
            None,
            "x:\n  - {id: 1, max: 16  # was R, T,\n     }\n",
        ),
        ("x:\n  - p: S  # why\n    id: 1\n", ("x", 0, "p"), None, "x:\n  -   # why\n    id: 1\n"),
        ("x:\n  - id: 1\n    p: S  # why\n", ("x", 0, "p"), None, "x:\n  - id: 1\n      # why\n"),
    ],
)
def test_unusual_layouts_are_edited(text: str, path: tuple[str | int, ...], value: str | None, expected: str) -> None:
    """Empty values, commas and braces in comments, comments on a value that is removed."""
    assert edit(text, {path: value}) == expected


@pytest.mark.parametrize("text", ["? x\n: {id: 1}\n", "x: {id: 1}\rz: 1\r"])
def test_a_text_that_cannot_be_edited_is_left_alone(text: str) -> None:
    """The error names the file and the line."""
    try:
        changed = edit(text, {("x", "plan"): "STR"})
    except PlugchoiceError as error:
        assert str(error) == "x.yaml:1: the layout cannot be edited without other changes; edit it by hand"  # noqa: PT017 - one of two good outcomes
    else:
        assert parse(changed).data == {**parse(text).data, "x": {"id": 1, "plan": "STR"}}


def test_thousands_of_mistakes_give_a_hundred_lines() -> None:
    """And quickly."""
    started = time.process_time()
    found = find("x: {" + "a," * 300_000 + "}")
    assert 100 <= len(found) <= 102
    assert found[-1][2] == "more than 100 mistakes, the rest of the file is not checked"
    assert time.process_time() - started < 5


def test_removing_the_first_key_of_a_list_item_keeps_the_dash() -> None:
    """In both layouts."""
    assert edit("x:\n  - a: 1\n    b: 2\n", {("x", 0, "a"): None}) == "x:\n  - b: 2\n"
    assert edit("x: [{a: 1, b: 2}]", {("x", 0, "a"): None}) == "x: [{b: 2}]"


keys = st.sampled_from(["a", "b", "c", "d"])
entries = st.lists(st.dictionaries(keys, st.integers(0, 99), min_size=1), min_size=1, max_size=5)


@given(entries, st.booleans(), st.data())
def test_any_edit_gives_the_asked_data(items: list[dict[str, int]], is_flow: bool, data: st.DataObject) -> None:
    """Random lists of mappings, written in either layout, with a comment on each line."""
    if is_flow:
        lines = [
            f"  - {{{', '.join(f'{key}: {value}' for key, value in item.items())}}}  # {n}"
            for n, item in enumerate(items)
        ]
    else:
        lines = [
            f"  {'-' if place == 0 else ' '} {key}: {value}  # {n}"
            for n, item in enumerate(items)
            for place, (key, value) in enumerate(item.items())
        ]
    text = "x:\n" + "\n".join(lines) + "\n"
    at = data.draw(st.integers(0, len(items) - 1))
    key = data.draw(keys)
    value = data.draw(st.integers(100, 199))

    changed = edit(text, {("x", at, key): str(value)})

    wanted = [dict(item) for item in items]
    wanted[at][key] = value
    assert parse(changed).data == {"x": wanted}
    assert changed.count("#") == text.count("#")
    others = [line for line in text.splitlines() if not line.endswith(f"# {at}")]
    assert [line for line in changed.splitlines() if "#" in line and not line.endswith(f"# {at}")] == others[1:]
