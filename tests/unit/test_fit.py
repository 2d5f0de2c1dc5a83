"""Reviews that are too long for a forge: what stays, what is left out, and what is said about it."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pulumi_plugchoice.review.fit import _list_blocks, _split, fit, fit_plain, format_commits, has_content
from pulumi_plugchoice.review.job_summary import MOST_BYTES, add_to_summary

SNAPSHOTS = Path(__file__).parent.parent / "fixtures" / "site-reports"
REVIEWS = sorted(file for file in SNAPSHOTS.glob("review*.md") if file.name != "review-too-long.md")
MANY = (SNAPSHOTS / "review-30-sites.md").read_text()
LIVE = (SNAPSHOTS / "review-drift-only.md").read_text()
#: A review of many files that also shows writes.
LONG = MANY + "\n" + LIVE.partition("\n\n")[2]
WHERE = "The rest is elsewhere."


@pytest.mark.parametrize("file", REVIEWS, ids=lambda file: file.stem)
def test_every_part_of_a_review_is_known(file: Path) -> None:
    """A new part needs its place in the order; and nothing gets lost by the split."""
    text = file.read_text()
    parts = list(_split(text))

    assert "\n\n".join(part.text for part in parts) == "\n\n".join(_list_blocks(text))
    assert [part.text for part in parts if part.name == "other parts"] == []
    assert {part.name for part in parts} > {"line"}


@pytest.mark.parametrize("most", [*range(2_200, len(LONG), 700), len(LONG) - 1])
def test_whole_parts_are_left_out_the_important_ones_last(most: int) -> None:
    """The result fits; each part is whole or gone; the lines that name commits and digest stay; all is counted."""
    parts = list(_split(LONG))
    short = fit(LONG, most, "characters", WHERE)
    texts = Counter(part.text for part in parts)  # two sites may have the same table
    missing = [
        part for part in {part.text: part for part in parts}.values() if short.count(part.text) < texts[part.text]
    ]
    (note,) = [line for line in short.splitlines() if line.startswith("**Left out")]

    assert len(short) <= most
    assert short.splitlines()[0] == LONG.splitlines()[0]
    assert WHERE in note
    assert not [part for part in missing if part.rank == 0]
    for line in ("Base `", "Digest of these writes: `sha256:"):
        assert f"\n{line}" in short
    gone: Counter[str] = Counter()
    for part in missing:
        gone[part.name] += texts[part.text] - short.count(part.text)
    assert {name: int(count) for name, count in re.findall(r"(\w[\w ]*) \(([0-9]+)\)", note)} == gone
    # A part that fits into what is free was not left out in favour of a less important one.
    lowest_kept = max(part.rank for part in parts if part.text in short)
    free = most - len(short)
    assert all(len(part.text) + 100 > free - 1_000 for part in missing if part.rank < lowest_kept)


def test_dangerous_changes_stay_when_tables_go() -> None:
    """And a site that lost a part says so."""
    short = fit(LONG, 4_500, "characters", WHERE)

    assert short.count("**Look at these first**") == LONG.count("**Look at these first**") == 3
    assert "| A per line" not in short
    assert "warnings as before" not in short.partition("**Left out")[2].partition("\n")[2]
    assert short.count("*Parts of this section are left out.*") >= 3


def test_writes_that_are_left_out_are_not_of_the_section_above() -> None:
    """The section about drift has lost nothing then."""
    rows = "\n| `HRB` |" * 300
    short = fit(LIVE.replace("\n\nDigest", f"{rows}\n\nDigest"), 3_000, "characters", WHERE)

    assert "table of writes (1)" in short
    assert "*Parts of this section" not in short


def test_a_text_that_fits_is_not_touched() -> None:
    """To the last character."""
    assert fit(LONG, len(LONG), "characters", WHERE) == LONG
    assert fit("ä" * 10, 10, "characters", WHERE) == "ä" * 10
    assert "Left out" in fit("ä" * 10, 10, "bytes", WHERE, measure=lambda text: len(text.encode()))


@given(st.text(alphabet="#*`-|<> \nadB:", max_size=400), st.integers(2_000, 2_200))
def test_any_text_fits(text: str, most: int) -> None:
    """Also one that is no review."""
    assert len(fit(text * 9, most, "characters", WHERE)) <= most
    assert len(fit_plain(text * 9, most, WHERE)) <= most


def test_many_small_parts_fit() -> None:
    """The lines between them count, too."""
    text = "\n\n".join(["- x"] * 5_000)
    assert 8_000 < len(fit(text, 10_000, "characters", WHERE)) <= 10_000


@given(st.text(max_size=200))
@example("`````")
def test_plain_text_cannot_leave_its_block(text: str) -> None:
    """Its fence is longer than any run of backticks."""
    fence, *lines, last, empty = fit_plain(f"{text}\n```\n~~~", 10_000, WHERE).split("\n")

    assert fence == f"{last}text"
    assert empty == ""
    assert set(last) == {"`"}
    assert not any(last in line for line in lines)


def test_what_has_nothing_to_say() -> None:
    """No site file differs, nothing has drifted, and nothing is sent."""
    nothing = LIVE.partition("### Drift")[0]
    assert not has_content(nothing)
    assert not has_content(f"{nothing}### What an update sends\n\nPlugchoice was not read: no site file changed.\n")
    assert has_content(LIVE)
    assert has_content(MANY)
    assert has_content("**Not all writes are known, or a preview fails, so there is no digest:**")
    assert has_content("### What an update sends\n\n1 write, 1 of them a restore, as Plugchoice is now:\n")


def test_the_line_about_the_commits() -> None:
    """As far as they are known."""
    url = "https://github.com/acme/depot/actions/runs/9"
    line = f"Written for head `{'a' * 12}`, base `{'b' * 12}`, [this run]({url})."
    assert format_commits("a" * 40, "b" * 40, url) == line
    assert format_commits("", "", "") == ""


def test_a_job_summary_is_added_to_and_keeps_its_size(tmp_path: Path) -> None:
    """GitHub drops a summary of more than 1 MiB as a whole."""
    file = tmp_path / "summary.md"
    file.write_text("of another command\n")
    environment = {"GITHUB_STEP_SUMMARY": str(file)}

    assert add_to_summary("Grüße\n", environment)
    assert file.read_text() == "of another command\nGrüße\n\n"
    big = "\n\n".join(["### Review: ü", *["**Look at these first**\n\n" + "ü" * 4_000] * 200])
    assert add_to_summary(big, environment)
    assert MOST_BYTES - 12_000 < file.stat().st_size <= MOST_BYTES
    assert "Left out, because at most" in file.read_text()
    assert add_to_summary(big, environment)
    assert file.stat().st_size <= MOST_BYTES
    assert not add_to_summary(big, {})
