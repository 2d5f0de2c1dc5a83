"""yaml_append.py and yaml_write.py: list items appended in the style of the list; nothing else changes.

`--hypothesis-profile=long` tries forty times as many layouts.
"""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_plugchoice.errors import PlugchoiceError
from pulumi_plugchoice.sitefile import yaml_append
from pulumi_plugchoice.sitefile.load import load_site
from pulumi_plugchoice.sitefile.yaml_append import NewItem, append_items, format_item
from pulumi_plugchoice.sitefile.yaml_text import BYTE_ORDER_MARK, Document, parse
from pulumi_plugchoice.sitefile.yaml_write import format_comment, format_value

IS_LONG: Final = settings.get_current_profile_name() == "long"

EXAMPLES: Final = Path(__file__).parent.parent.parent / "examples" / "site" / "sites"

A: dict[str, Any] = {"id": 8}
B: dict[str, Any] = {"id": 9, "name": "NO"}
#: A charger with two connectors, as `adopt` writes it.
NEW: dict[str, Any] = {"label": "bay 9", "identity": "009", "connectors": [{"id": 1, "managed": False}, {"id": 2}]}


def append(text: str, *items: NewItem) -> str:
    return append_items(text, items or [NewItem(("x",), A)], "x.yaml")


# The text after, with what is new between « and »; and what is appended.
LAYOUTS: dict[str, tuple[str, list[NewItem]]] = {
    # Lists with dashes.
    "flow": ("x:\n  - {id: 1}\n«  - {id: 8}\n»z: 1\n", [NewItem(("x",), A)]),
    "two items, and comments": (
        'x:\n  - {id: 1}  # c\n«  - {id: 8}\n  # why\n  - {id: 9, name: "NO"}\n»',
        [NewItem(("x",), A), NewItem(("x",), B, "why")],
    ),
    "block": ('x:\n  - id: 1\n«  # why\n  - id: 9\n    name: "NO"\n»z: 1\n', [NewItem(("x",), B, "why")]),
    "not indented": ("x:\n- id: 1\n«- id: 8\n»z: 1\n", [NewItem(("x",), A)]),
    "indented far": ("x:\n      - id: 1\n«      - id: 8\n»z: 1\n", [NewItem(("x",), A)]),
    "blanks after the dash": ('x:\n-   id: 1\n«-   id: 9\n    name: "NO"\n»z: 1\n', [NewItem(("x",), B)]),
    "blanks between dash and brace": ("x:\n  -   {id: 1}\n«  -   {id: 8}\n»", [NewItem(("x",), A)]),
    "dash on its own line": (
        'x:\n  -\n    id: 1\n  -  # two\n      id: 2\n«  -   id: 9\n      name: "NO"\n»',
        [NewItem(("x",), B)],
    ),
    "blank lines between items": (
        "x:\n  - id: 1\n\n  # two\n  - id: 2\n«\n  # why\n  - id: 8\n\n  - id: 8\n»\nz: 1\n",
        [NewItem(("x",), A, "why"), NewItem(("x",), A)],
    ),
    "items of both kinds: what fits": (
        'x:\n  - {id: 1}\n  - id: 2\n«  - {id: 8}\n  - label: bay 9\n    identity: "009"\n    connectors:\n'
        "      - {id: 1, managed: false}\n      # two\n      - {id: 2}\n»",
        [NewItem(("x",), A), NewItem(("x",), NEW, "", {1: "two"})],
    ),
    "flow, comments of the entries": (
        "x:\n  - {id: 1}\n«  # bay\n  # id 1: one\n  # id 2: two\n"
        '  - {label: bay 9, identity: "009", connectors: [{id: 1, managed: false}, {id: 2}]}\n»',
        [NewItem(("x",), NEW, "bay", {1: "two", 0: "one"})],
    ),
    "entries in brackets": (
        "x:\n  - label: a\n    connectors: [{id: 1}]\n"
        '«  - label: bay 9\n    identity: "009"\n    connectors: [{id: 1, managed: false}, {id: 2}]\n»',
        [NewItem(("x",), NEW)],
    ),
    "entries in brackets, a comment": (
        'x:\n  - label: a\n    connectors: [{id: 1}]\n«  - label: bay 9\n    identity: "009"\n    connectors:\n'
        "      # one\n      - {id: 1, managed: false}\n      - {id: 2}\n»",
        [NewItem(("x",), NEW, "", {0: "one"})],
    ),
    "entries in braces, not indented": (
        'x:\n- label: a\n  connectors:\n  -  {id: 1}\n«- label: bay 9\n  identity: "009"\n  connectors:\n'
        "  -  {id: 1, managed: false}\n  -  {id: 2}\n»",
        [NewItem(("x",), NEW)],
    ),
    "block entries": (
        'x:\n- label: a\n  connectors:\n    -  id: 1\n- label: b\n«- label: bay 9\n  identity: "009"\n  connectors:\n'
        "    # one\n    -  id: 1\n       managed: false\n    -  id: 2\n»",
        [NewItem(("x",), NEW, "", {0: "one"})],
    ),
    # What follows the last item.
    "comments of the list and of what follows": (
        "x:\n  - id: 1\n      # deep\n\n  # - id: 2\n«  - id: 8\n»\n # z\n  # still z\nz: 1\n",
        [NewItem(("x",), A)],
    ),
    "not indented: comments in its column belong to what follows": (
        "x:\n- id: 1\n  # c\n«- id: 8\n»# z\nz: 1\n",
        [NewItem(("x",), A)],
    ),
    "tabs before a comment": ("x:\n  - id: 1\n\t\t# c\n«  - id: 8\n»\t# z\nz: 1\n", [NewItem(("x",), A)]),
    "document end": ("---\nx:\n  - id: 1\n«  - id: 8\n»...\n# end\n", [NewItem(("x",), A)]),
    "no last line end": ("x:\n  - id: 1«\n  - id: 8\n  - id: 8»", [NewItem(("x",), A), NewItem(("x",), A)]),
    "no last line end, a comment": ("x:\n  - id: 1\n  # c«\n  - id: 8»", [NewItem(("x",), A)]),
    "an empty last value": ("x:\n  - id: 1\n    max:  # c\n«  - id: 8\n»z: 1\n", [NewItem(("x",), A)]),
    "an empty last item": ("x:\n  - id: 1\n  -\n«  - id: 8\n»z: 1\n", [NewItem(("x",), A)]),
    "a last value over several lines": (
        "x:\n  - id: |\n      # text\n\n«  - id: 8\n»z: 1\n",
        [NewItem(("x",), A)],
    ),
    "plain text over several lines": ("x:\n  - id: a\n      b\n«  - id: 8\n»z: 1\n", [NewItem(("x",), A)]),
    # Several lists.
    "an inner list and its outer one": (
        "x:\n  - c:\n      - id: 1\n«      - id: 8\n  - {}\n»",
        [NewItem(("x",), {}), NewItem(("x", 0, "c"), A)],
    ),
    "an inner and an outer list, no last line end": (
        "x:\n- c:\n  - id: 1«\n  - id: 8\n- id: 8\nw:\n- {id: 8}»",
        [NewItem(("w",), A), NewItem(("x",), A), NewItem(("x", 0, "c"), A)],
    ),
    "lists on lines that touch": (
        "w:\n- {id: 1}\n«- {id: 8}\n# id 8: why\n»x: [{id: 1}«, {id: 8}»]\n",
        [NewItem(("x",), A, "why"), NewItem(("w",), A)],
    ),
    # Lists in brackets on one line.
    "brackets": ("x: [{id: 1}«, {id: 8}, {id: 8}»]  # c\n", [NewItem(("x",), A), NewItem(("x",), A)]),
    "brackets, trailing comma": ("x: [ {id: 1}«, {id: 8}», ]\n", [NewItem(("x",), A)]),
    "brackets, comments": (
        'x:\n  «# id 8: one\n  # id 8: two\n  »- {label: a, c: [{id: 1}«, {id: 8}, {id: 8}»], d: "]"}  # c\n',
        [NewItem(("x", 0, "c"), A, "one"), NewItem(("x", 0, "c"), A, "two")],
    ),
    "brackets, the line begins inside of a text": (
        '«# id 8: why\n»x: {l: "a\n  # b", c: [{id: 1}«, {id: 8}»]}\n',
        [NewItem(("x", "c"), A, "why")],
    ),
    "brackets in a block": (
        "x:\n- l: a\n  «# id 8: why\n  »c: [{id: 1}«, {id: 8}»]\n",
        [NewItem(("x", 0, "c"), A, "why")],
    ),
    "brackets in brackets": (
        "{x: [{c: [{id: 1}«, {id: 8}»]}«, {id: 8}»]}",
        [NewItem(("x",), A), NewItem(("x", 0, "c"), A)],
    ),
    # Lists in brackets over several lines.
    "lines in brackets": (
        "x: [\n  {id: 1},\n  {id: 2}«,»  # c\n  # d\n«  # why\n  {id: 8},\n  {id: 8}\n»]\n",
        [NewItem(("x",), A, "why"), NewItem(("x",), A)],
    ),
    "lines in brackets, trailing comma": (
        "x:\n  [\n    {id: 1},\n    {id: 2},  # ], {\n«    {id: 8},\n    # why\n    {id: 8},\n»  ]\n",
        [NewItem(("x",), A), NewItem(("x",), A, "why")],
    ),
    "lines in brackets, the comma on a line of its own": (
        "x: [\n  {id: 1}  # c\n  ,\n«  {id: 8},\n»]\n",
        [NewItem(("x",), A)],
    ),
    "commas first": ("x: [\n    {id: 1}\n  , {id: 2}«, {id: 8}»\n  ]\n", [NewItem(("x",), A)]),
    "the bracket after the last item": (
        "x: [{id: 1},\n    {id: 2}«,\n    # why\n    {id: 8},\n    {id: 8}»]  # c\n",
        [NewItem(("x",), A, "why"), NewItem(("x",), A)],
    ),
    "a comma and the bracket after the last item": (
        "x: [{id: 1},\n    {id: 2}«,\n    {id: 8}», ]\n",
        [NewItem(("x",), A)],
    ),
    "an item over several lines": (
        "x:\n  «# id 8: why\n  »- {l: a, c: [{id: 1,\n           max: 2}«, {id: 8}»\n     ]}\n",
        [NewItem(("x", 0, "c"), A, "why")],
    ),
    # Lists that are empty or missing.
    "empty brackets": ("x: [«{id: 8}, {id: 8}»]  # c\n", [NewItem(("x",), A), NewItem(("x",), A)]),
    "empty brackets, comments": (
        "w: {x: [«\n      # why\n      {id: 8},\n      {id: 8}»], z: 1}  # c\n",
        [NewItem(("w", "x"), A, "why"), NewItem(("w", "x"), A)],
    ),
    "empty brackets, more than fits": (
        f"x: [«\n  {{id: 8}},\n  {{id: {'n' * 95}}}»]\n",
        [NewItem(("x",), A), NewItem(("x",), {"id": "n" * 95})],
    ),
    "empty brackets on several lines": (
        "x: [\n  # none\n«  # why\n  {id: 8}\n»]\n",
        [NewItem(("x",), A, "why")],
    ),
    "a key without a value": (
        "x:  # none\n  # - id: 1\n«  # why\n  - {id: 8}\n»# z\nz: 1\n",
        [NewItem(("x",), A, "why")],
    ),
    "a key without a value, lists not indented": (
        "w:\n- a\nx:\n«- {id: 8}\n»z: 1\n",
        [NewItem(("x",), A)],
    ),
    "a key without a value at the end": ("w: 1\nx:«\n  - {id: 8}»", [NewItem(("x",), A)]),
    "a key without a value in braces": ("{x: «[{id: 8}]», z: 1}", [NewItem(("x",), A)]),
    "a missing key": (
        "w:\n    - a\nz:\n    b: 1  # b\n    # c\n«x:\n    # why\n    - {id: 8}\n»# end\n",
        [NewItem(("x",), A, "why")],
    ),
    "a missing key, no last line end": ("v: 1\nw: 1«\nx:\n  - {id: 8}»", [NewItem(("x",), A)]),
    "a missing key in braces": ("«# id 8: why\n»{w: 1, z: «, x: [{id: 8}]»}\n", [NewItem(("x",), A, "why")]),
    "a missing key in an item": (
        "x:\n  - l: a\n    b: {d: 1}\n«    c:\n      - {id: 8}\n»  - l: b\n",
        [NewItem(("x", 0, "c"), A)],
    ),
}


def split(marked: str) -> tuple[str, str]:
    """The text before and after."""
    return re.sub("«.*?»", "", marked, flags=re.DOTALL), re.sub("[«»]", "", marked)


@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_items_are_appended_in_the_style_of_the_list(layout: str, line_end: str) -> None:
    """The whole text after, in each layout, with both line ends."""
    marked, items = LAYOUTS[layout]
    before, after = (text.replace("\n", line_end) for text in split(marked))
    assert append_items(before, items, "x.yaml") == after


@pytest.mark.parametrize("null", ["null", "~"])
def test_the_word_null_becomes_a_list(null: str) -> None:
    """In a block and in braces."""
    assert append(f"x: {null}  # c\n") == "x: [{id: 8}]  # c\n"
    assert append(f"{{x: {null}, z: 1}}") == "{x: [{id: 8}], z: 1}"
    long = append(f"w:\n  x: {null}  # c\n", NewItem(("w", "x"), A, "why"))
    assert long == "w:\n  x: [\n    # why\n    {id: 8}]  # c\n"


def test_an_empty_value_in_braces_gets_a_list_and_a_neighbour(parser: str) -> None:
    """The parsers differ in its place. What one of them gives, both read."""
    with_list = append("{x: , z: 1}")
    with_key = append("{w: 1, z: }")
    assert with_list == ("{x: [{id: 8}], z: 1}" if parser == "libyaml" else "{x: [{id: 8}] , z: 1}")
    assert with_key == ("{w: 1, z: , x: [{id: 8}]}" if parser == "libyaml" else "{w: 1, z: , x: [{id: 8}] }")


def test_a_byte_order_mark_stays_first() -> None:
    """Comments go after it."""
    assert append(BYTE_ORDER_MARK + "x: [{id: 1}]", NewItem(("x",), A, "why")) == (
        BYTE_ORDER_MARK + "# id 8: why\nx: [{id: 1}, {id: 8}]"
    )


def test_no_items_change_nothing() -> None:
    """Not even a text with mistakes."""
    assert append_items("x: [", [], "x.yaml") == "x: ["


MARK = "the layout cannot be edited without other changes; add"


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("x: 1\n", ("x",), f"x.yaml:1: {MARK} {{id: 8}} to x by hand"),
        ("w: 1\nx: text\n", ("x",), f"x.yaml:2: {MARK} {{id: 8}} to x by hand"),
        ("x:\n  - c: {}\n", ("x", 0, "c"), f"x.yaml:2: {MARK} {{id: 8}} to x[0].c by hand"),
        ("x:\n  - c: []\n", ("x", 7, "c"), f"x.yaml:2: {MARK} {{id: 8}} to x[7].c by hand"),
        ("- 1\n", ("x",), f"x.yaml:1: {MARK} {{id: 8}} to x by hand"),
        ("", ("x",), f"x.yaml:1: {MARK} {{id: 8}} to x by hand"),
        ("{}", ("x",), f"x.yaml:1: {MARK} {{id: 8}} to x by hand"),
        ("x: [{id: 1}]\nz: yes\n", ("x",), f"x.yaml:1: {MARK} {{id: 8}} to x by hand"),
        ("x: &a [{id: 1}]\n", ("x",), f"x.yaml:1: {MARK} {{id: 8}} to x by hand"),
        ("x: [{id: 1}", ("x",), f"x.yaml:1: {MARK} {{id: 8}} to x by hand"),
        ("x:\r- id: 1\rz: 1\r", ("x",), f"x.yaml:2: {MARK} {{id: 8}} to x by hand"),
        ("? x\nz: 1\n", ("x",), f"x.yaml:2: {MARK} {{id: 8}} to x by hand"),
        ("{x, z: 1}\n", ("x",), f"x.yaml:1: {MARK} {{id: 8}} to x by hand"),
    ],
)
def test_a_text_that_cannot_be_edited_is_refused(text: str, path: tuple[str | int, ...], message: str) -> None:
    """With the line, and what to add."""
    with pytest.raises(PlugchoiceError) as caught:
        append(text, NewItem(path, A))
    assert str(caught.value) == message


def test_an_edit_that_changes_other_data_is_refused() -> None:
    """Here the line ends of old computers would make the item a part of the text."""
    with pytest.raises(PlugchoiceError, match=r"add {} to x by hand"):
        append("x:  # c\rz: text\n", NewItem(("x",), {}))


def test_the_message_names_the_list_that_cannot_be_edited() -> None:
    """Not the first one, and the number of its items."""
    with pytest.raises(PlugchoiceError) as caught:
        append("x: []\nw: 1\n", NewItem(("x",), A), NewItem(("w",), B), NewItem(("w",), A))
    assert str(caught.value) == f'x.yaml:2: {MARK} {{id: 9, name: "NO"}} and 1 more to w by hand'


@pytest.mark.parametrize("name", ["depot", "fjord", "harbour"])
def test_the_examples_get_new_hardware(name: str, tmp_path: Path) -> None:
    """They stay valid site files, with all their lines."""
    text = (EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8")
    connector = {"connector_id": 2, "managed": False}
    charger = {"label": "bay 99", "identity": "099", "connectors": [{"connector_id": 1, "managed": False}, connector]}
    after = append(
        text,
        NewItem(("groups",), {"name": "new", **({"parent": "main"} if name == "harbour" else {})}, "a new group"),
        NewItem(("chargers",), charger, "a new charger", {1: "not set"}),
        NewItem(("chargers", 1, "connectors"), connector, "not set"),
    )
    (tmp_path / "site.yaml").write_text(after, encoding="utf-8")
    site = load_site(tmp_path / "site.yaml")
    assert site.groups[-1].name == "new"
    assert (site.chargers[-1].identity, len(site.chargers[-1].connectors)) == ("099", 2)
    assert len(site.chargers[1].connectors) == 2
    following = iter(after.splitlines())
    longer = text.splitlines().index(next(line for line in text.splitlines() if f"{site.chargers[1].label}," in line))
    assert all(line in following for number, line in enumerate(text.splitlines()) if number != longer)
    assert after.count("\n") == text.count("\n") + (10 if name == "harbour" else 7)


WORDS = [
    *("007", "1e3", "yes", "NO", "null", "~", "", "true", "True", "0x1F", "1_000", "12:30", "1.5", ".5", "2026-11-28"),
    *("12345678901234567890", "=", "<<", "- a", "-", "?", "? a", "a: b", "a:", ":a", "#x", "a #b", "a#b", "x ", " x"),
    *("a, b", "[a]", "{a", "a}", "'a'", 'a "b"', "it's", "a\\b", "@a", "`a", "*a", "&a", "!a", "%a", "|", ">", "---"),
    *("...", "AA:BB:CC", "DE*ABC*E1", "Hafen & Söhne / West (1)", "Ærø", "日本", "\U0001f50c", "a\u200bb", "a\u00a0b"),
    *("a\nb", "a\tb", "a\x85b", "\u2028", "\ufeffa", "\x7f", "\u202ea", "e\u0301", "\uffff", "y", "1.2.3", "-1", "+1"),
]


def test_the_list_that_cannot_be_edited_is_found_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """By halves: a text is parsed ten times and not once for each list."""
    parsed: list[str] = []

    def count(text: str) -> Document:
        parsed.append(text)
        return parse(text)

    monkeypatch.setattr(yaml_append, "parse", count)
    text = "".join(f"k{number}: []\n" for number in range(63)) + "k63: 1\n"
    with pytest.raises(PlugchoiceError, match=r"x.yaml:64: .* to k63 by hand"):
        append(text, *(NewItem((f"k{number}",), A) for number in range(64)))
    assert len(parsed) < 40


@pytest.mark.parametrize("comment", ["", "why"])
def test_time_is_in_proportion_to_the_file(comment: str) -> None:
    """A thousand chargers get a connector each. If each list were compared with all texts, it would take 12 s."""
    line = "  - {label: a, connectors: [{id: 1}]}\n"
    started = time.process_time()
    after = append("x:\n" + line * 1000, *(NewItem(("x", place, "connectors"), A, comment) for place in range(1000)))
    assert time.process_time() - started < 4
    assert after.count("{id: 1}, {id: 8}]}\n") == 1000


@pytest.fixture(params=["libyaml", "python"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each of the two parsers."""
    if request.param == "python":
        monkeypatch.delattr(yaml, "CSafeLoader")
    return str(request.param)


def read(text: str) -> Any:
    document = parse(text)
    assert document.findings == []
    return document.data


def check_value(word: str) -> None:
    """In a block, in braces, in brackets, and as a key."""
    value = format_value(word)
    assert read(f"a: {value}\nb:\n- {value}\n{value}: c\n") == {"a": word, "b": [word], word: "c"}
    assert read(f"{{a: {value}, b: [{value}], {value}: c}}") == {"a": word, "b": [word], word: "c"}
    assert value.isprintable()


@pytest.mark.parametrize("word", [word for word in WORDS if word not in ("a", "b")], ids=ascii)
def test_text_is_read_as_it_was(parser: str, word: str) -> None:
    """By both parsers."""
    check_value(word)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=2))
def test_any_text_is_read_as_it_was(word: str) -> None:
    """By both parsers."""
    check_value(word)
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(yaml, "CSafeLoader")
        check_value(word)


def test_text_is_plain_where_it_can_be() -> None:
    """As people write it."""
    plain = [
        "bay-1",
        "HRB-001",
        "R",
        "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7",
        "Hafen & Söhne / West (1)",
        "AA:BB",
        "1.2.3",
    ]
    assert [format_value(word) for word in plain] == plain
    assert format_value("1" * 20) == f'"{"1" * 20}"'  # a number for other programs
    assert format_value({"a": 1, "b": True, "c": 1.5, "d": [], "e": ["a b", 'c"']}) == (
        r'{a: 1, b: true, c: 1.5, d: [], e: [a b, "c\""]}'
    )
    assert format_value("a\u200b\U000e0001\nö\U0001f50c") == '"a\\u200b\\U000e0001\\nö\U0001f50c"'


def test_half_a_letter_is_refused() -> None:
    """YAML cannot hold a lone surrogate."""
    with pytest.raises(PlugchoiceError, match=r'add {id: "\\ud800"} to x by hand'):
        append("x: []", NewItem(("x",), {"id": "\ud800"}))


def test_a_comment_is_one_printable_line() -> None:
    """Whatever the name of a site says."""
    assert format_comment("# a\r\nb: 1\u2028c\x85 \u202e#", 2) == ["  # a b: 1 c \\u202e#"]
    assert format_comment(" \n", 2) == format_comment("", 2) == []


def test_items_of_a_new_file_look_as_appended_ones() -> None:
    """What fits is in braces, the rest has a line for each key."""
    long = {**NEW, "uuid": "0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7", "connectors": [{"id": 1, "rotation": "RST"}]}
    lines = [
        *format_item(NewItem((), {**NEW, "connectors": [{"id": 1}]}, "why"), 2),
        *format_item(NewItem((), long), 2),
        *format_item(NewItem((), {**long, "connectors": [{"id": 1}, {"id": 2}]}), 2),
        *format_item(NewItem((), NEW, "", {0: "", 1: "two"}), 2),
    ]
    assert lines == [
        "  # why",
        '  - {label: bay 9, identity: "009", connectors: [{id: 1}]}',
        "  - label: bay 9",
        '    identity: "009"',
        "    connectors: [{id: 1, rotation: RST}]",
        "    uuid: 0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7",
        "  - label: bay 9",
        '    identity: "009"',
        "    connectors:",
        "      - {id: 1}",
        "      - {id: 2}",
        "    uuid: 0b6c1d2e-3f40-4a51-8b62-7c8394a5b6c7",
        "  - label: bay 9",
        '    identity: "009"',
        "    connectors:",
        "      - {id: 1, managed: false}",
        "      # two",
        "      - {id: 2}",
    ]


# Random texts: lists of chargers with connectors, in layouts drawn line by line.

texts = st.sampled_from(WORDS) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
comments = st.sampled_from(["", "", "", "c", "], {", "- a: 1", "x: 'y"])


@st.composite
def flow_lists(draw: st.DrawFn, entries: list[str], column: int) -> str:
    """A list in brackets, whose lines but the first begin in `column` or further in."""
    if draw(st.booleans()):
        comma = draw(st.sampled_from(["", ",", " , "])) if entries else ""
        return f"[{', '.join(entries)}{comma}]"
    indent = "\n" + " " * (column + draw(st.integers(0, 3)))

    def end() -> str:
        comment = draw(comments)
        return f"  # {comment}{indent}" if comment else draw(st.sampled_from(["", " ", indent]))

    text = "[" + end()
    for index, entry in enumerate(entries):
        text += entry + end()
        if index < len(entries) - 1 or draw(st.booleans()):
            text += "," + end()
    return text + "]"


@st.composite
def block_lists(draw: st.DrawFn, entries: list[dict[str, str]], column: int) -> str:
    """A list with dashes in a column from 0, each entry in braces or not."""
    gap = " " * draw(st.integers(1, 3))
    spaced = draw(st.booleans())
    lines = ""
    for index, entry in enumerate(entries):
        if spaced and index:
            lines += "\n"
        if comment := draw(comments):
            lines += f"{' ' * draw(st.integers(0, column + 2))}# {comment}\n"
        start = f"{' ' * column}-{gap}"
        if draw(st.booleans()) and not any("\n" in value for value in entry.values()):
            lines += f"{start}{{{', '.join(f'{key}: {value}' for key, value in entry.items())}}}\n"
            continue
        if draw(st.booleans()):
            lines += f"{' ' * column}-\n"
            start = " " * len(start)
        for key, value in entry.items():
            comment = draw(comments) if "\n" not in value else ""
            lines += f"{start}{key}: {value}{f'  # {comment}' if comment else ''}\n"
            start = " " * len(start)
    return lines


@st.composite
def site_texts(draw: st.DrawFn) -> str:
    """A text with the lists `groups` and `chargers`, and `connectors` in each charger."""
    in_braces = draw(st.sampled_from([False, False, False, True]))
    ids = st.integers(1, 3)
    offset = draw(st.sampled_from([0, 2, 4]))
    chargers = []
    for number in range(draw(st.integers(1, 3))):
        entries = [f"{{id: {place}, max: 16}}" for place in range(draw(ids))]
        kind = "flow" if in_braces else draw(st.sampled_from(["flow", "lines", "block"]))
        if kind == "block":
            column = offset + 4 + draw(st.sampled_from([0, 2]))
            rows = [{"id": str(place), "max": draw(st.sampled_from(["16", ""]))} for place in range(draw(ids))]
            connectors = ("\n" + draw(block_lists(rows, column + 4))).rstrip("\n")
        elif kind == "lines":
            connectors = draw(flow_lists(entries, offset + 8))
        else:
            connectors = f"[{', '.join(entries)}]"
        charger = {"label": f"bay-{number}", "connectors": connectors}
        chargers.append(dict(reversed(charger.items())) if draw(st.booleans()) else charger)
    flow = [f"{{{', '.join(f'{key}: {value}' for key, value in charger.items())}}}" for charger in chargers]
    groups = draw(st.sampled_from(["", "groups:", "groups: []", "groups: [{name: main}]"]))
    if in_braces:
        parts = ["site: a", groups, f"chargers: {draw(flow_lists(flow, 1))}"]
        text = f"{{{', '.join(part.replace('groups:', 'groups: ') for part in parts if part)}}}\n"
    else:
        if any("\n" in line for line in flow) or draw(st.booleans()):
            listed = "chargers:\n" + draw(block_lists(chargers, offset))
        else:
            listed = f"chargers: {draw(flow_lists(flow, 1))}\n"
        parts = ["site: a\n", f"{groups}\n", listed, "limits: {a: 1}\n"]
        text = ""
        for part in parts[: draw(st.integers(3, 4))] if draw(st.booleans()) else [parts[0], parts[2], parts[1]]:
            comment = draw(comments)
            text += (f"# {comment}\n" if comment else "") + part
    text += draw(st.sampled_from(["", "...\n", "# end\n", "\n\n", "  # end\n"]))
    text = text if draw(st.booleans()) else text.rstrip("\n")
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


@st.composite
def new_items(draw: st.DrawFn, chargers: int) -> NewItem:
    connector = st.fixed_dictionaries({"id": st.integers(1, 9)}, optional={"name": texts, "managed": st.booleans()})
    comment = st.sampled_from(["", "", "why", "a\nb: [", "# {"])
    path = draw(
        st.sampled_from([("groups",), ("chargers",), *(("chargers", place, "connectors") for place in range(chargers))])
    )
    if path != ("chargers",):
        return NewItem(path, draw(connector), draw(comment))
    value = {"label": draw(texts), "connectors": draw(st.lists(connector, min_size=1, max_size=2))}
    return NewItem(path, value, draw(comment), {0: draw(comment)})


def check_layout(text: str, after: str) -> None:
    """Nothing is lost, and only the lines of lists in brackets get longer."""
    letters = iter(after)
    assert all(letter in letters for letter in text)
    document = parse(text)
    places = [place for path, place in document.values.items() if place.is_flow and path[-1:] in BRACKETS]
    spans = [(text.count("\n", 0, place.start), text.count("\n", 0, place.end)) for place in places]
    following = iter(after.splitlines())
    for number, line in enumerate(text.splitlines()):
        assert any(first <= number <= last for first, last in spans) or line in following
    assert after.endswith("\n") == text.endswith("\n")
    assert after.count("\r\n") == (after.count("\n") if "\r" in text else 0)


#: The last part of the path of each list; the whole text may be in braces.
BRACKETS: list[tuple[str, ...]] = [("groups",), ("chargers",), ("connectors",), ()]


@settings(max_examples=1_000 if IS_LONG else 25)
@given(st.data())
def test_any_append_gives_the_asked_data_and_keeps_every_line(data: st.DataObject) -> None:
    """With both parsers."""
    text = data.draw(site_texts())
    expected = read(text)
    items = data.draw(st.lists(new_items(len(expected["chargers"])), min_size=1, max_size=4))
    after = append(text, *items)
    for item in items:
        outer = expected
        for part in item.path[:-1]:
            outer = outer[part]
        outer[item.path[-1]] = [*(outer.get(item.path[-1]) or []), item.value]
    assert read(after) == expected
    check_layout(text, after)
    for item in items:
        for comment in (item.comment, *item.comments.values()):
            assert all(line[2:] in after for line in format_comment(comment, 0))
    with pytest.MonkeyPatch.context() as patch:
        patch.delattr(yaml, "CSafeLoader")
        assert read(after) == expected
        other = append(text, *items)
    if other != after:  # the place of an empty value in braces
        assert read(other) == expected
        check_layout(text, other)
