"""writes.py: nothing is reported as done that the API has not confirmed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pulumi_plugchoice.api.models import Connector, ConnectorSettings
from pulumi_plugchoice.api.retry import Backoff, Deadline
from pulumi_plugchoice.electrical.settings import SETTING_NAMES, find_changes, read_settings, show
from pulumi_plugchoice.errors import (
    InvalidResponse,
    NoConnection,
    NotFound,
    NotReviewed,
    PermissionDenied,
    PlugchoiceError,
    RateLimited,
    RequestTimeout,
    ServerError,
    TransportError,
    UnknownSetting,
    ValidationFailed,
    WriteNotSettled,
)
from pulumi_plugchoice.reviewed import Reviewed, ReviewedWrite
from pulumi_plugchoice.runtime.live import Live, LiveConnectors
from pulumi_plugchoice.runtime.writes import settle
from support.fakes import Clock, FakeClient, Values

if TYPE_CHECKING:
    from collections.abc import Callable

CHARGER = "5f0c3c1e-0000-4000-8000-000000000001"
PATH = f"/v3/chargers/{CHARGER}/connectors/1"
READ = f"GET charger {CHARGER}"
BOTH = {"phase_rotation": "STR", "max_amperage": 20}


class ThreeTries(Backoff):
    """At most three, one right after the other."""

    def wait(self, retries: int, deadline: Deadline) -> float | None:
        """No time, and then the end."""
        return 0.0 if retries < 2 and super().wait(retries, deadline) is not None else None


class Run:
    """One connector, read before the write as RST, 16 A."""

    def __init__(self, values: Values = ("RST", 16), *, deadline: float = 60) -> None:
        self.client = FakeClient(
            chargers={CHARGER: {1: values}},
            identities={CHARGER: "HRB-001"},
            deadline_seconds=deadline,
            backoff=ThreeTries(),
        )
        self.live = LiveConnectors(self.client, lambda _: None, clock=Clock())
        self.found = self.live.find(CHARGER, 1, None)
        self.client.calls.clear()

    @property
    def values(self) -> Values:
        """What Plugchoice holds."""
        return self.client.chargers[CHARGER][1]

    @values.setter
    def values(self, values: Values) -> None:
        """Somebody else's edit."""
        self.client.chargers[CHARGER][1] = values

    def settle(self, **wanted: Any) -> Live:
        """The call under test."""
        return settle(self.client, self.live, self.found, wanted)

    def fails(self, **wanted: Any) -> str:
        """The error's text."""
        with pytest.raises(PlugchoiceError) as failed:
            self.settle(**wanted)
        return str(failed.value)

    def puts(self, *answers: Callable[[ConnectorSettings], Connector]) -> None:
        """Let each PUT be answered in turn; after that they work."""
        left = list(answers)

        def put(charger: str, number: int, settings: ConnectorSettings) -> Connector:
            return left.pop(0)(settings) if left else self.client.store(charger, number, settings)

        self.client.put = put

    def reads_fail(self, error: Exception, *, after: str) -> None:
        """Let each read fail from the first call on that starts with `after`."""

        def before(call: str) -> None:
            if call.startswith("GET") and self.client.of(after):
                raise error

        self.client.before = before

    def lost_after(self, settings: ConnectorSettings) -> Connector:
        """The PUT is carried out, its answer never comes."""
        self.client.store(CHARGER, 1, settings)
        raise RequestTimeout("PUT", PATH, "no answer within 30 s")

    def lost_before(self, _: ConnectorSettings) -> Connector:
        """The PUT never arrives."""
        raise TransportError("PUT", PATH, "the connection was lost (reset)")


def answers(rotation: str | None, amperage: int | None, number: int = 1) -> Callable[[ConnectorSettings], Connector]:
    """A PUT that is answered with these values, and stores nothing."""
    return lambda _: Connector(connector_id=number, phase_rotation=rotation, max_amperage=amperage)


def raises(error: Exception) -> Callable[[ConnectorSettings], Connector]:
    """A PUT that fails."""

    def put(_: ConnectorSettings) -> Connector:
        raise error

    return put


@pytest.mark.parametrize(
    "wanted", [{"phase_rotation": "RST", "max_amperage": 16}, {"phase_rotation": "RST"}, {"max_amperage": 16}, {}]
)
def test_equal_values_send_nothing(wanted: dict[str, Any]) -> None:
    """Not even a read."""
    run = Run()
    assert run.settle(**wanted) is run.found
    assert run.client.calls == []


def test_both_settings_take_one_put_and_no_read() -> None:
    """The answer is the confirmation, and the shared reading knows it."""
    run = Run()
    settled = run.settle(**BOTH)
    assert read_settings(settled.connector) == BOTH
    assert settled.name == "HRB-001/1"
    assert run.client.calls == [f"PUT {CHARGER}/1 STR 20"]
    assert read_settings(run.live.find(CHARGER, 1, None).connector) == BOTH


@pytest.mark.parametrize(
    ("wanted", "put", "after"),
    [({"phase_rotation": "STR"}, "STR 25", ("STR", 25)), ({"max_amperage": 20}, "RST 20", ("RST", 20))],
)
def test_the_unmanaged_setting_is_read_just_before_and_sent_back(
    wanted: dict[str, Any], put: str, after: Values
) -> None:
    """As it is now, not as the shared reading has it: the portal's edit of a moment ago is kept."""
    run = Run(("RST", 16))
    run.values = ("RST", 25) if "max_amperage" not in wanted else ("RST", 16)
    run.settle(**wanted)
    assert run.client.calls == [READ, f"PUT {CHARGER}/1 {put}"]
    assert run.values == after


def test_a_partial_write_is_skipped_when_the_fresh_read_has_the_value() -> None:
    """Somebody else has set it."""
    run = Run()
    run.values = ("STR", 16)
    assert run.settle(phase_rotation="STR").connector.phase_rotation == "STR"
    assert run.client.calls == [READ]


@pytest.mark.parametrize(
    ("values", "wanted", "message"),
    [
        (
            ("RST", None),
            {"phase_rotation": "STR"},
            "HRB-001/1: max_amperage is not set in Plugchoice, and every write sends both settings; declare "
            "max_amperage as well",
        ),
        (
            (None, 16),
            {"max_amperage": 20},
            "HRB-001/1: phase_rotation is not set in Plugchoice, and every write sends both settings; declare "
            "phase_rotation as well",
        ),
        (
            ("Unknown", 16),
            {"max_amperage": 20},
            "HRB-001/1: phase_rotation is Unknown in Plugchoice, a value that the API does not accept, and every write "
            "sends both settings; declare phase_rotation as well",
        ),
        (
            ("RST", 2000),
            {"phase_rotation": "STR"},
            "HRB-001/1: max_amperage is 2000 A in Plugchoice, a value that the API does not accept, and every write "
            "sends both settings; declare max_amperage as well",
        ),
    ],
)
def test_an_unmanaged_value_that_the_api_would_refuse_is_an_error(
    values: Values, wanted: dict[str, Any], message: str
) -> None:
    """The error names the setting to declare; nothing is written."""
    run = Run(values)
    with pytest.raises(UnknownSetting) as failed:
        run.settle(**wanted)
    assert str(failed.value) == message
    assert {failed.value.setting} == {"phase_rotation", "max_amperage"} - set(wanted)
    assert run.client.of("PUT") == []


def test_after_an_answer_with_other_values_the_read_decides() -> None:
    """A sample of the vendor answers nulls."""
    run = Run()

    def nulls(settings: ConnectorSettings) -> Connector:
        run.client.store(CHARGER, 1, settings)
        return Connector(connector_id=1, phase_rotation=None, max_amperage=None)

    run.puts(nulls)
    assert read_settings(run.settle(**BOTH).connector) == BOTH
    assert run.client.calls == [f"PUT {CHARGER}/1 STR 20", READ]


def test_an_answer_about_another_connector_confirms_nothing() -> None:
    """Even with the right values."""
    run = Run()
    run.puts(answers("STR", 20, number=2))
    run.settle(**BOTH)
    assert run.client.calls == [f"PUT {CHARGER}/1 STR 20", READ, f"PUT {CHARGER}/1 STR 20"]
    assert run.values == ("STR", 20)


@pytest.mark.parametrize("other", [{"id": 99}, {"charger_id": 7}])
def test_an_answer_about_another_charger_confirms_nothing(other: dict[str, int]) -> None:
    """The connector number and values are right, the database numbers are not; nothing of the answer is used."""
    run = Run()
    known = run.found.connector.model_copy(update={"id": 11, "charger_id": 1})
    run.found = Live(CHARGER, "HRB-001", known)
    run.puts(lambda _: Connector(connector_id=1, phase_rotation="STR", max_amperage=20, standard="CHAdeMO", **other))
    settled = run.settle(**BOTH)
    assert run.client.calls == [f"PUT {CHARGER}/1 STR 20", READ, f"PUT {CHARGER}/1 STR 20"]
    assert settled.connector.standard != "CHAdeMO"


@pytest.mark.parametrize("second", [PermissionDenied("PUT", PATH, 403), RateLimited("PUT", PATH, 429)])
def test_a_refusal_does_not_hide_an_earlier_write_with_an_unknown_result(second: PlugchoiceError) -> None:
    """The first one may still take effect."""
    run = Run()
    run.puts(run.lost_before, raises(second))
    with pytest.raises(WriteNotSettled) as failed:
        run.settle(**BOTH)
    assert str(failed.value) == (
        "HRB-001/1: it is not known whether the write of STR, 20 A took effect (before: RST, 16 A): an earlier write "
        f"may still take effect (PUT {PATH}: the connection was lost (reset)); the last one failed: {second}"
    )


def test_values_that_do_not_change_are_named() -> None:
    """The error comes after three tries."""
    run = Run()
    run.puts(*[answers("RST", 20)] * 3)
    run.client.before = lambda call: setattr(run, "values", ("RST", 20)) if call == READ else None
    assert run.fails(**BOTH) == (
        "HRB-001/1: the write did not take effect: phase_rotation is RST, not STR (the API answered with other "
        "values); run the same command again"
    )
    assert len(run.client.of("PUT")) == 3


def test_an_answer_lost_after_the_write_needs_no_second_put() -> None:
    """The read shows that it was carried out."""
    run = Run()
    run.puts(run.lost_after)
    assert read_settings(run.settle(**BOTH).connector) == BOTH
    assert run.client.calls == [f"PUT {CHARGER}/1 STR 20", READ]
    assert read_settings(run.live.find(CHARGER, 1, None).connector) == BOTH


def test_a_put_lost_before_the_write_is_sent_again() -> None:
    """The read shows that it was not carried out."""
    run = Run()
    run.puts(run.lost_before)
    assert read_settings(run.settle(**BOTH).connector) == BOTH
    assert run.client.calls == [f"PUT {CHARGER}/1 STR 20", READ, f"PUT {CHARGER}/1 STR 20"]


def test_a_partial_write_that_is_sent_again_reads_the_other_setting_again() -> None:
    """It may have been edited between the two."""
    run = Run()
    run.puts(run.lost_before)
    edits = iter([("RST", 16), ("RST", 16), ("RST", 32)])
    run.client.before = lambda call: setattr(run, "values", next(edits)) if call == READ else None
    run.settle(phase_rotation="STR")
    assert run.client.calls == [READ, f"PUT {CHARGER}/1 STR 16", READ, READ, f"PUT {CHARGER}/1 STR 32"]


def test_a_partial_write_reads_the_other_setting_again_after_a_429() -> None:
    """The wait may be a minute, in which somebody edits it."""
    run = Run()
    run.puts(raises(RateLimited("PUT", PATH, 429, retry_after=0.0)))
    edits = iter([("RST", 16), ("RST", 32)])
    run.client.before = lambda call: setattr(run, "values", next(edits)) if call == READ else None
    run.settle(phase_rotation="STR")
    assert run.client.calls == [READ, f"PUT {CHARGER}/1 STR 16", READ, f"PUT {CHARGER}/1 STR 32"]


@pytest.mark.parametrize(
    ("failure", "after", "prepared"),
    [
        (RateLimited("PUT", PATH, 429, retry_after=0.0), ("RST", 10), [("RST", 16), ("RST", 10)]),
        (NoConnection("PUT", PATH, "cannot connect"), ("RST", 10), [("RST", 16), ("RST", 10)]),
        # 20 A may be ours by now: what was there before stays 16 A.
        (TransportError("PUT", PATH, "lost"), ("RST", 20), [("RST", 16), ("RST", 16)]),
        (TransportError("PUT", PATH, "lost"), ("TSR", 20), [("RST", 16), ("TSR", 16)]),
        (TransportError("PUT", PATH, "lost"), ("RST", 10), [("RST", 16), ("RST", 10)]),
    ],
)
def test_adoption_sees_what_its_last_try_replaces(
    failure: PlugchoiceError, after: Values, prepared: list[Values]
) -> None:
    """Not what was there before a wait, and not what an earlier try may have written."""
    run = Run()

    def fail(_: ConnectorSettings) -> Connector:
        run.values = after
        raise failure

    run.puts(fail)
    seen: list[Values] = []

    def prepare(before: Live) -> None:
        seen.append((before.connector.phase_rotation, before.connector.max_amperage))

    settled = settle(run.client, run.live, run.found, BOTH, prepare=prepare, is_adoption=True)
    assert read_settings(settled.connector) == BOTH
    assert seen == prepared


def test_what_cannot_be_prepared_is_not_written() -> None:
    """Neither with nor without a read before."""
    run = Run()

    def refuse(_: Live) -> None:
        raise PlugchoiceError("it cannot be stored")

    for reads_first in (False, True):
        with pytest.raises(PlugchoiceError, match="cannot be stored"):
            settle(run.client, run.live, run.found, BOTH, prepare=refuse, reads_first=reads_first)
    with pytest.raises(PlugchoiceError, match="cannot be stored"):
        settle(run.client, run.live, run.found, {"max_amperage": 16}, prepare=refuse)
    assert run.client.of("PUT") == []


def test_a_write_that_was_never_sent_is_not_read_back() -> None:
    """Without a connection it had no effect."""
    run = Run()
    refused = NoConnection("PUT", PATH, "cannot connect to http://localhost:1 (Connection refused)")
    run.puts(*[raises(refused)] * 9)
    assert run.fails(**BOTH) == str(refused)
    assert run.client.calls == [f"PUT {CHARGER}/1 STR 20"] * 3


@pytest.mark.parametrize(
    "doubt",
    [
        RequestTimeout("PUT", PATH, "no answer within 30 s"),
        TransportError("PUT", PATH, "the connection was lost (reset)"),
        InvalidResponse("PUT", PATH, "answered 200 with text/html where JSON was expected"),
        ServerError("PUT", PATH, 504, "The charger did not respond in time."),
    ],
)
def test_a_write_with_an_unknown_result_is_read_back(doubt: Exception) -> None:
    """It may have been carried out."""
    run = Run()

    def carried_out(settings: ConnectorSettings) -> Connector:
        run.client.store(CHARGER, 1, settings)
        raise doubt

    run.puts(carried_out)
    assert read_settings(run.settle(**BOTH).connector) == BOTH
    assert run.client.calls == [f"PUT {CHARGER}/1 STR 20", READ]


def test_a_failed_read_after_such_a_write_is_explained() -> None:
    """No second PUT is sent: it would be a guess."""
    run = Run()
    run.puts(run.lost_after)
    run.reads_fail(ServerError("GET", f"/v3/chargers/{CHARGER}", 503), after="PUT")
    with pytest.raises(WriteNotSettled) as failed:
        run.settle(**BOTH)
    assert str(failed.value) == (
        "HRB-001/1: it is not known whether the write of STR, 20 A took effect (before: RST, 16 A): "
        f"PUT {PATH}: no answer within 30 s; reading it back failed too: GET /v3/chargers/{CHARGER}: answered 503: "
        "Plugchoice has a problem; try again later; run the same command again: it reads first and writes only "
        "what differs"
    )
    assert run.client.calls == [f"PUT {CHARGER}/1 STR 20", READ]


@pytest.mark.parametrize(
    "refusal",
    [
        ValidationFailed("PUT", PATH, "", {"max_amperage": ["The max amperage field must be at most 32."]}),
        NotFound("PUT", PATH, 404),
    ],
)
def test_a_refusal_is_raised_as_it_is(refusal: PlugchoiceError) -> None:
    """The write was not carried out, so nothing is read back or retried."""
    run = Run()
    run.puts(raises(refusal))
    assert run.fails(**BOTH) == str(refusal)
    assert run.client.calls == [f"PUT {CHARGER}/1 STR 20"]


def test_a_failed_read_before_a_partial_write_is_raised_as_it_is() -> None:
    """Nothing was sent, so nothing is unknown."""
    run = Run()
    run.reads_fail(NotFound("GET", f"/v3/chargers/{CHARGER}", 404), after="GET")
    assert run.fails(phase_rotation="STR") == (
        f"GET /v3/chargers/{CHARGER}: answered 404: it does not exist, or the token's user cannot see it; check the "
        "UUID and the token"
    )
    assert run.client.of("PUT") == []


def test_no_write_is_sent_after_the_deadline() -> None:
    """All tries share one deadline."""
    run = Run(deadline=0.5)
    run.puts(run.lost_before)
    assert run.fails(**BOTH) == (
        "HRB-001/1: the write did not take effect: phase_rotation is RST, not STR, max_amperage is 16 A, not 20 A "
        f"(PUT {PATH}: the connection was lost (reset)); run the same command again"
    )
    assert run.client.calls == [f"PUT {CHARGER}/1 STR 20", READ]


def test_messages_name_and_show_settings_in_one_way() -> None:
    """With their units."""
    assert SETTING_NAMES == ("phase_rotation", "max_amperage")
    assert [show("phase_rotation", "RST"), show("max_amperage", 16)] == ["RST", "16 A"]
    assert [show(name, None) for name in SETTING_NAMES] == ["not set", "not set"]
    assert show("phase_rotation", "") == "empty"
    assert show("phase_rotation", "R" * 30) == "R" * 30
    assert show("phase_rotation", "R" * 31) == "R" * 29 + "…"


def test_only_what_is_wanted_is_compared() -> None:
    """An unmanaged setting never differs."""
    connector = Connector(connector_id=1, phase_rotation="RST", max_amperage=None)
    assert find_changes({"max_amperage": 16, "phase_rotation": "RST"}, connector) == ["max_amperage"]
    assert find_changes({"phase_rotation": "RST"}, connector) == []
    assert find_changes({"max_amperage": 16, "phase_rotation": "STR"}, connector) == ["phase_rotation", "max_amperage"]


def test_a_read_and_its_put_go_together_and_a_read_back_by_itself() -> None:
    """Their places in the request limit are taken together, before the read; the read back has the write's deadline."""
    run = Run()
    run.settle(**BOTH)
    assert run.client.turn_sizes == [1]
    assert run.client.calls_in_turn == [f"PUT {CHARGER}/1 STR 20"]

    run = Run()
    run.puts(run.lost_after)
    run.client.read_deadlines.clear()
    run.settle(phase_rotation="STR")
    assert run.client.turn_sizes == [2]
    assert run.client.calls == [READ, f"PUT {CHARGER}/1 STR 16", READ]
    assert run.client.calls_in_turn == [READ, f"PUT {CHARGER}/1 STR 16"]
    in_turn, back = run.client.read_deadlines
    assert in_turn is None
    assert back is not None
    assert back.left() > 50


@pytest.mark.parametrize(
    ("waited", "is_adoption", "reads"), [(5.0, True, 0), (5.001, True, 1), (60.0, False, 0)], ids=str
)
def test_an_adoption_reads_again_after_a_long_wait(waited: float, is_adoption: bool, reads: int) -> None:
    """It records what it replaces. A wait of up to 5 s is none, and another write of both settings needs no read."""
    run = Run()
    run.client.waited = waited
    settle(run.client, run.live, run.found, BOTH, is_adoption=is_adoption)
    assert run.client.calls == [READ] * reads + [f"PUT {CHARGER}/1 STR 20"]


def test_values_that_are_there_already_are_prepared_too() -> None:
    """What was read is what is recorded."""
    run = Run()
    seen: list[Live] = []
    settle(run.client, run.live, run.found, {"max_amperage": 16}, prepare=seen.append)
    assert seen == [run.found]


def review(*writes: ReviewedWrite) -> Reviewed:
    """A file with these writes."""
    return Reviewed(Path("reviewed.json"), {(write.charger, write.connector_id): write for write in writes})


def test_a_reviewed_write_is_compared_with_what_is_there_now() -> None:
    """So the connector is read before, also when both settings are written; a portal edit since refuses it."""
    reviewed = review(ReviewedWrite(CHARGER, 1, ("RST", 16), ("STR", 20)))
    run = Run()
    settle(run.client, run.live, run.found, BOTH, reviewed=reviewed)
    assert run.client.calls == [READ, f"PUT {CHARGER}/1 STR 20"]

    run = Run()
    run.values = ("RST", 31)
    with pytest.raises(NotReviewed) as refused:
        settle(run.client, run.live, run.found, BOTH, reviewed=reviewed)
    assert str(refused.value) == (
        "HRB-001/1: not written, because reviewed.json has another change: RST, 16 A -> STR, 20 A was reviewed; "
        "STR, 20 A would replace RST, 31 A; review it again"
    )
    with pytest.raises(NotReviewed, match="does not have this change"):
        settle(run.client, run.live, run.found, BOTH, reviewed=review())
    assert run.client.of("PUT") == []


def test_a_restore_is_reviewed_as_such() -> None:
    """And no other write as a restore."""
    restore = review(ReviewedWrite(CHARGER, 1, ("RST", 16), "restore"))
    run = Run()
    with pytest.raises(NotReviewed, match=r"STR, 20 A would replace RST, 16 A"):
        settle(run.client, run.live, run.found, BOTH, reviewed=restore)
    settle(run.client, run.live, run.found, BOTH, reviewed=restore, is_restore=True)
    assert run.values == ("STR", 20)


@pytest.mark.parametrize(
    ("error", "is_kept"), [(ServerError("GET", PATH, 503), True), (TransportError("GET", PATH, "lost"), False)]
)
def test_the_answer_to_the_failed_read_is_the_cause(error: PlugchoiceError, is_kept: bool) -> None:
    """For callers that ask whether the API answered; no answer is no cause."""
    run = Run()
    run.puts(run.lost_after)
    run.reads_fail(error, after="PUT")
    with pytest.raises(WriteNotSettled) as failed:
        run.settle(**BOTH)
    assert failed.value.__cause__ is (error if is_kept else None)
