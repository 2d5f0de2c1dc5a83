"""A preview that says "no change" has looked: what it cannot compare is a change, or an error.

The provider is the real one, over HTTP to the real emulator; the engine is `support.engine_double`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from pulumi_plugchoice.errors import InvalidConnector, PlugchoiceError
from pulumi_plugchoice.lookup import get_connector, get_site_connectors
from support.emulator import SITE, TOKEN, charger_uuid, connector, identity, seed
from support.engine_double import Engine, Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from support.emulator import Emulator

LIST: Final = f"/v3/sites/{SITE}/connectors$"
STRANGER: Final = "token-of-another-account"


def environment(emulator: Emulator, *, site: str | None = SITE, token: str = TOKEN) -> dict[str, str]:
    """Variables of the provider's process."""
    found = {"PLUGCHOICE_BASE_URL": emulator.base_url, "PLUGCHOICE_TOKEN": token, "PLUGCHOICE_DEADLINE_SECONDS": "5"}
    return found | ({"PLUGCHOICE_SITE": site} if site else {})


def declare(index: int, number: int = 1, *, by: str = "uuid", amps: int = 16, **more: Any) -> dict[str, Any]:
    """A connector as the emulator has it."""
    charger = identity(index) if by == "identity" else charger_uuid(index)
    return {"charger": charger, "connector_id": number, "phase_rotation": "RST", "max_amperage": amps, **more}


def three(**more: Any) -> dict[str, dict[str, Any]]:
    """Three chargers with one connector each."""
    return {f"bay-{index}": declare(index, **more) for index in (1, 2, 3)}


def applied(engine: Engine, program: dict[str, dict[str, Any]]) -> None:
    """Bring a stack to its program."""
    report = engine.up(program)
    assert report.went_well, report.errors
    assert engine.preview(program).changes == {}


def lines(report: Report, part: str) -> list[str]:
    """The lines with that text."""
    return [line for line in report.lines if part in line]


def leave_site(emulator: Emulator, index: int) -> None:
    """Move a charger to another site."""
    emulator.control("DELETE", f"/sites/{SITE}/chargers/{charger_uuid(index)}")


def hide(emulator: Emulator, status: int) -> None:
    """Take the access to HRB-002 from the token."""
    emulator.switch(foreign_charger_status=status)
    emulator.set_token(access={"*": "full", charger_uuid(2): "none"})


UNREADABLE: Final[dict[str, tuple[Callable[[Emulator], None], str]]] = {
    "deleted": (lambda emulator: emulator.remove(charger_uuid(2)), "answered 404"),
    "hidden": (lambda emulator: hide(emulator, 404), "answered 404"),
    "forbidden": (lambda emulator: hide(emulator, 403), "answered 403"),
    "without the number": (lambda emulator: emulator.remove_connector(charger_uuid(2), 1), "has no connector 1"),
    "with an invalid value": (
        lambda emulator: emulator.edit(charger_uuid(2), max_amperage=16.5),
        "the API's answer about this connector is invalid (in max_amperage: ",
    ),
}


@pytest.mark.parametrize("site", ["named", "default", None])
@pytest.mark.parametrize("what", UNREADABLE)
def test_a_connector_that_cannot_be_compared_is_changed(emulator: Emulator, what: str, site: str | None) -> None:
    """One line names it; its update fails with one line, and the others are updated."""
    spoil, said = UNREADABLE[what]
    more = {"site": SITE} if site == "named" else {}
    engine = Engine(environment(emulator, site=SITE if site == "default" else None))
    program = three(**more)
    applied(engine, program)
    spoil(emulator)

    preview = engine.preview(program)

    assert preview.went_well, preview.errors
    assert preview.changes == {"bay-2": "update"}
    (line,) = lines(preview, "HRB-002/1: counts as changed, because it cannot be compared: ")
    assert said in line
    assert "declared" not in line, "no drift is made up"

    update = engine.up(
        {name: {**inputs, "max_amperage": 20} for name, inputs in program.items()}, continue_on_error=True
    )
    (error,) = update.errors
    assert error.startswith("HRB-002/1: not updated, because it cannot be read: ")
    assert said in error
    assert [emulator.live(index)[1] for index in (1, 3)] == [20, 20]
    assert engine.state["bay-2"].outputs["max_amperage"] == 16


@pytest.mark.parametrize("by", ["uuid", "identity"])
@pytest.mark.parametrize("others", [True, False])
def test_a_charger_that_has_left_the_named_site_is_changed(emulator: Emulator, by: str, *, others: bool) -> None:
    """An identity is looked up on the site, so it names the site as well."""
    engine = Engine(environment(emulator))
    program = three(by=by, **({"site": SITE} if by == "uuid" else {}))
    if not others:
        program = {"bay-2": program["bay-2"]}
    applied(engine, program)
    leave_site(emulator, 2)

    preview = engine.preview(program)

    assert preview.changes == {"bay-2": "update"}
    (line,) = lines(preview, "counts as changed")
    assert f"cannot be compared: the charger answers, but site {SITE} does not list it any more" in line, "named once"
    (error,) = engine.up(program, continue_on_error=True).errors
    assert "declare the site that it is on, or take the connector out of the program" in error
    (refused,) = Engine(environment(emulator)).preview({"new": program["bay-2"]}).errors
    assert ("not found on site" if by == "identity" else "does not list it any more") in refused


def test_a_charger_that_is_not_on_the_default_site_is_read_with_a_notice(emulator: Emulator) -> None:
    """A default site only says which list to read; the drift is reported."""
    engine = Engine(environment(emulator))
    program = three()
    applied(engine, program)
    leave_site(emulator, 2)
    emulator.edit(charger_uuid(2), max_amperage=32)

    preview = engine.preview(program)

    assert preview.changes == {"bay-2": "update"}
    assert lines(preview, f"charger {charger_uuid(2)}: not on the list of site {SITE}; read separately")
    assert lines(preview, "HRB-002/1: drift: max_amperage is 32 A live, 16 A stored, 16 A declared")
    emulator.edit(charger_uuid(2), max_amperage=16)
    assert engine.preview(program).changes == {}


def test_a_charger_with_a_new_identity_and_uuid_is_changed(emulator: Emulator) -> None:
    """The one that is declared is gone; the new one has another name."""
    engine = Engine(environment(emulator))
    program = three(by="identity")
    applied(engine, program)
    replaced = seed(3)
    replaced["sites"][0]["chargers"][1] |= {"uuid": charger_uuid(22), "identity": "HRB-022"}
    emulator.reset(replaced)

    preview = engine.preview(program)

    assert preview.changes == {"bay-2": "update"}
    assert lines(preview, "using the charger recorded in the state")
    assert lines(preview, "HRB-002/1: counts as changed")


@pytest.mark.parametrize("by", ["uuid", "identity"])
def test_another_device_under_the_same_identity_is_named(emulator: Emulator, by: str) -> None:
    """It is replaced in the state; how it is wired, nobody knows."""
    engine = Engine(environment(emulator))
    applied(engine, three(by=by))
    replaced = seed(3)
    replaced["sites"][0]["chargers"][1]["uuid"] = charger_uuid(22)
    emulator.reset(replaced)
    program = three(by=by) if by == "identity" else three() | {"bay-2": declare(22)}

    preview = engine.preview(program)

    assert preview.changes == {"bay-2": "replace"}
    (line,) = lines(preview, "HRB-002/1: another device" if by == "identity" else "another device")
    assert line.endswith(
        f"another device has this identity now: charger {charger_uuid(22)}, before {charger_uuid(2)}; check how it is "
        "wired"
    )
    other = engine.preview(three(by=by) | {"bay-2": declare(3)} | {"bay-3": declare(1)} | {"bay-1": declare(22)})
    assert not [
        line for line in lines(other, "another device") if "HRB-002" not in line and charger_uuid(22) not in line
    ]


@pytest.mark.parametrize("status", [403, 404])
def test_a_token_that_sees_no_charger_is_one_error(emulator: Emulator, status: int) -> None:
    """Without a site; with one, the site answers so."""
    engine = Engine(environment(emulator, site=None))
    applied(engine, three())
    emulator.set_token(STRANGER, user="stranger", access={charger_uuid(99): "full"})
    emulator.switch(foreign_charger_status=status)
    engine.environment = environment(emulator, site=None, token=STRANGER)

    with emulator.recording() as calls:
        preview = engine.preview(three())

    (error,) = preview.errors
    assert error.startswith("HRB-001/1: cannot be read, and the token sees no charger at all: GET ")
    assert f"answered {status}" in error
    assert len(calls) == 2


def test_a_token_that_sees_other_chargers_only_is_red(emulator: Emulator) -> None:
    """Each of the stack's is changed."""
    engine = Engine(environment(emulator, site=None))
    program = {"bay-1": declare(1), "bay-2": declare(2)}
    applied(engine, program)
    emulator.set_token(STRANGER, user="stranger", access={charger_uuid(3): "full"})
    engine.environment = environment(emulator, site=None, token=STRANGER)

    preview = engine.preview(program)

    assert preview.changes == {"bay-1": "update", "bay-2": "update"}
    assert len(lines(preview, "counts as changed")) == 2


# Pages


@pytest.mark.parametrize("by", ["uuid", "identity"])
@pytest.mark.parametrize("site", ["named", "default"])
@pytest.mark.parametrize("number", [1, 2])
def test_drift_of_a_connector_whose_row_is_lost_is_reported(
    emulator: Emulator, by: str, site: str, number: int
) -> None:
    """Of a charger with another row, and of one without."""
    emulator.reset(seed(4, {2: [connector(1), connector(2)]} if number == 2 else {}))
    emulator.switch(page_size=2)
    engine = Engine(environment(emulator))
    more: dict[str, Any] = {"site": SITE} if site == "named" else {}
    program = {
        "bay-1": declare(1, **more),
        "bay-2": declare(2, number, by=by, **more),
        "bay-4": declare(4, **more),
    }
    applied(engine, program)
    emulator.edit(charger_uuid(2), number, max_amperage=32)
    emulator.fault("page", lost=[number], times=3, path=LIST)

    preview = engine.preview(program)

    assert preview.changes == {"bay-2": "update"}
    assert lines(preview, f"HRB-002/{number}: drift: max_amperage is 32 A live, 16 A stored, 16 A declared")


def test_a_row_that_comes_twice_is_read_again(emulator: Emulator) -> None:
    """Pages have moved between two requests, so another row may be missing."""
    emulator.reset(seed(5))
    emulator.switch(page_size=2)
    engine = Engine(environment(emulator))
    program = three()
    applied(engine, program)
    emulator.fault("page", page=2, doubled=[0], times=1)

    with emulator.recording() as calls:
        again = engine.preview(program)

    assert again.changes == {}
    assert len(calls) == 6
    emulator.fault("page", page=2, doubled=[0], times=None)
    (error,) = engine.preview(program).errors
    assert error == (
        f"GET /v3/sites/{SITE}/connectors: lists connector HRB-002/1 twice, in two readings; the list changes "
        "meanwhile; run again"
    )


# Rows that cannot be used


def spoiled(emulator: Emulator, **row: Any) -> None:
    """Answer the site's list with a third row that is spoiled."""
    (listed,) = [
        emulator.control("GET", "/connectors"),
    ]
    rows: list[Any] = [{**item, "charger": {"uuid": item["charger"], "identity": item["identity"]}} for item in listed]
    rows[2] = None if row.get("null") else {**rows[2], **row}
    emulator.fault("status", status=200, body={"data": rows, "links": {"next": None}}, path=LIST, times=None)


BAD_ROWS: Final[list[tuple[dict[str, Any], str]]] = [
    ({"max_amperage": 16.5}, "HRB-003/1: in max_amperage: "),
    ({"max_amperage": True}, "HRB-003/1: in max_amperage: "),
    ({"phase_rotation": 7}, "HRB-003/1: in phase_rotation: "),
    ({"connector_id": None}, "HRB-003/?: in connector_id: "),
    ({"connector_id": "one"}, "HRB-003/?: in connector_id: "),
    ({"connector_id": -1}, "HRB-003/-1: the number is below 0"),
    ({"charger": None}, "row 3 of the list: in charger: "),
    ({"charger": {"uuid": "../../x"}}, "row 3 of the list: in charger.uuid: "),
    ({"null": True}, "row 3 of the list: Input should be "),
]


@pytest.mark.parametrize(("row", "reason"), BAD_ROWS)
def test_a_bad_row_fails_where_it_is_needed(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, row: dict[str, Any], reason: str
) -> None:
    """Not the whole site: the others are compared, and a list of all names the row."""
    engine = Engine(environment(emulator))
    program = {"bay-1": declare(1, site=SITE), "bay-2": declare(2, by="identity")}
    applied(engine, program)
    emulator.edit(charger_uuid(2), max_amperage=32)
    spoiled(emulator, **row)

    preview = engine.preview(program)

    assert preview.changes == {"bay-2": "update"}
    assert lines(preview, "HRB-002/1: drift")
    for name, value in environment(emulator).items():
        monkeypatch.setenv(name, value)
    assert get_connector("HRB-002", 1).max_amperage == 32
    with pytest.raises(PlugchoiceError) as refused:
        get_site_connectors()
    assert f"answered with an invalid SiteConnector ({reason}" in str(refused.value)


def test_a_bad_row_without_its_charger_moves_nobody(emulator: Emulator) -> None:
    """It may be the row that is missed."""
    engine = Engine(environment(emulator))
    program = {"bay-3": declare(3, site=SITE)}
    applied(engine, program)
    spoiled(emulator, charger=None)
    assert engine.preview(program).changes == {}
    emulator.edit(charger_uuid(3), max_amperage=32)
    assert engine.preview(program).changes == {"bay-3": "update"}


@pytest.mark.parametrize("site", [SITE, None])
def test_a_bad_connector_of_the_same_charger_is_not_needed(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, site: str | None
) -> None:
    """A charger is read as a whole, and used by the connector."""
    emulator.reset(seed(1, {1: [connector(0, None, None), connector(1), connector(2)]}))
    engine = Engine(environment(emulator, site=site))
    program = {"bay": declare(1, 1)}
    applied(engine, program)
    emulator.edit(charger_uuid(1), 2, max_amperage=16.5)
    emulator.edit(charger_uuid(1), 1, max_amperage=20)

    assert engine.preview(program).changes == {"bay": "update"}
    assert engine.up(program).went_well
    (error,) = engine.preview(program | {"other": declare(1, 2)}).errors
    assert "HRB-001/2: the API's answer about this connector is invalid (in max_amperage: " in error
    (number,) = engine.preview(program | {"other": declare(1, 3)}).errors
    assert number == "connector_id: charger HRB-001 has no connector 3; it has 1, 2"
    for name, value in environment(emulator).items():
        monkeypatch.setenv(name, value)
    for name in (charger_uuid(1), "HRB-001"):
        assert get_connector(name, 1).max_amperage == 16
        with pytest.raises(InvalidConnector, match="in max_amperage"):
            get_connector(name, 2)


# Writes that the API will refuse


@pytest.mark.parametrize("site", [SITE, None])
def test_a_preview_names_and_counts_the_writes_that_will_be_refused(emulator: Emulator, site: str | None) -> None:
    """The API says `full: false` for the charger; a new connector and a changed one."""
    engine = Engine(environment(emulator, site=site))
    applied(engine, {"bay-1": declare(1), "bay-2": declare(2)})
    emulator.set_token(access={"*": "full", charger_uuid(2): "sensitive"})
    program = {f"bay-{index}": declare(index, amps=20) for index in (1, 2, 3)}

    preview = engine.preview(program)

    assert preview.went_well
    assert lines(preview, "will be refused") == [
        "plugchoice: HRB-002/1: the write will be refused: the token has no full access to this charger; ask the "
        "site's owner for it",
        "plugchoice: 1 of 3 writes will be refused",
    ]
    (cost,) = lines(preview, "API calls: ")
    assert ("2 reads" if site else "3 reads") in cost
    assert f"the update will need about {4 if site else 6} (" in cost
    assert not lines(engine.preview({"bay-1": declare(1), "bay-2": declare(2)}), "will be refused")
    update = engine.up(program, continue_on_error=True)
    assert len(update.errors) == 1
    assert not lines(update, "will be refused")


PERMISSIONS: Final[list[Any]] = [
    None,
    {},
    [],
    False,
    {"full": None},
    {"full": 0},
    {"full": "false"},
    {"basic": False},
    {"full": True},
]


@pytest.mark.parametrize("permissions", PERMISSIONS)
def test_only_full_false_is_believed(emulator: Emulator, permissions: Any) -> None:
    """Absence proves nothing."""
    rows = [{"uuid": charger_uuid(1), "permissions": permissions}, {"uuid": charger_uuid(1)}, None, 7]
    emulator.fault("status", status=200, body={"data": rows}, path=f"/v3/sites/{SITE}/chargers$", times=None)
    preview = Engine(environment(emulator)).preview({"bay": declare(1, amps=20)})
    assert not lines(preview, "refused")


@pytest.mark.parametrize("fault", [{"status": 403}, {"status": 404}, {"status": 500}, {"status": 200, "body": {}}])
def test_permissions_that_cannot_be_read_fail_nothing_and_are_told(emulator: Emulator, fault: dict[str, Any]) -> None:
    """A preview that did not look must not seem as one that found nothing."""
    emulator.fault("status", path=f"/v3/sites/{SITE}/chargers$", times=None, **fault)
    preview = Engine(environment(emulator) | {"PLUGCHOICE_DEADLINE_SECONDS": "2"}).preview({"bay": declare(1, amps=20)})
    assert preview.went_well
    assert preview.changes == {"bay": "create"}
    (line,) = lines(preview, "refused")
    said = (
        "plugchoice: permissions: not read, so this preview does not name writes that will be refused: GET /v3/sites/"
    )
    assert line.startswith(said)
    assert ("without `data`" if fault["status"] == 200 else f"answered {fault['status']}") in line


def test_permissions_are_read_as_far_as_needed(emulator: Emulator) -> None:
    """The first page tells them for the only charger that is to be written."""
    emulator.reset(seed(4))
    emulator.switch(page_size=2)
    engine = Engine(environment(emulator))
    with emulator.recording() as calls:
        engine.preview({"bay": declare(2, amps=20)})
    assert len(calls.of("GET", f"/v3/sites/{SITE}/chargers")) == 1
