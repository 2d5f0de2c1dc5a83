"""notices.py: lines for the user, never a thousand of them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from pulumi_plugchoice.runtime.notices import MOST_LINES, Notices

Capture = pytest.CaptureFixture[str]


def test_a_line_goes_to_stderr_under_our_name(capsys: Capture) -> None:
    """Where the engine picks it up; stdout belongs to its protocol."""
    Notices().say("HRB-001/1: adoption changes RST -> STR", kind="adopted")
    assert capsys.readouterr() == ("", "plugchoice: HRB-001/1: adoption changes RST -> STR\n")


def test_twenty_lines_of_a_kind_are_printed_and_the_rest_is_counted(capsys: Capture) -> None:
    """The count comes at the end, once."""
    notices = Notices()
    for index in range(1000):
        notices.say(f"drift {index}", kind="drift")
    printed = capsys.readouterr().err.splitlines()
    assert printed == [f"plugchoice: drift {index}" for index in range(20)]
    assert MOST_LINES == 20
    notices.close()
    notices.close()
    assert capsys.readouterr().err == "plugchoice: drift: 980 more, 1000 in total\n"


def test_each_kind_is_counted_by_itself(capsys: Capture) -> None:
    """Drift does not hide adoptions."""
    notices = Notices()
    for kind in ("drift", "adopted"):
        for index in range(21):
            notices.say(f"{kind} {index}", kind=kind)
    notices.close()
    printed = capsys.readouterr().err.splitlines()
    assert len(printed) == 42
    assert printed[-2:] == ["plugchoice: drift: 1 more, 21 in total", "plugchoice: adopted: 1 more, 21 in total"]


def test_exactly_twenty_lines_need_no_count(capsys: Capture) -> None:
    """Nothing was left out."""
    notices = Notices()
    for index in range(20):
        notices.say(f"drift {index}", kind="drift")
    capsys.readouterr()
    notices.close()
    assert capsys.readouterr().err == ""


def test_a_line_without_a_kind_is_always_printed(capsys: Capture) -> None:
    """It is about one resource and cannot be summed up."""
    notices = Notices()
    for index in range(25):
        notices.say(f"line {index}")
    notices.close()
    assert len(capsys.readouterr().err.splitlines()) == 25


def test_the_same_line_is_said_once(capsys: Capture) -> None:
    """However many resources give rise to it, in however many threads."""
    notices = Notices()
    with ThreadPoolExecutor(8) as pool:
        for _ in range(40):
            pool.submit(notices.say_once, "PLUGCHOICE_OFFLINE is on")
    notices.say_once("another")
    assert capsys.readouterr().err == "plugchoice: PLUGCHOICE_OFFLINE is on\nplugchoice: another\n"


def test_a_notice_is_one_line(capsys: Capture) -> None:
    """Control characters in an identity do not reach the terminal, and a very long line is cut."""
    notices = Notices()
    notices.say("HRB\n\x1b[2J001")
    notices.say("x" * 2000)
    first, second = capsys.readouterr().err.splitlines()
    assert first == "plugchoice: HRB \\x1b[2J001"
    assert second == "plugchoice: " + "x" * 1499 + "…"
