"""models.py and how the client reads them: tolerant of what is new, strict in what is sent."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_plugchoice.api.client import _parse
from pulumi_plugchoice.api.models import (
    Charger,
    ChargerReference,
    Connector,
    ConnectorSettings,
    GroupMeter,
    ManagedCharger,
    ManagedGroup,
    MeterLines,
    Model,
    PowerManagement,
    PowerUsage,
    Site,
    SiteConnector,
    SiteGroup,
    User,
)
from pulumi_plugchoice.errors import InvalidResponse
from pulumi_plugchoice.runtime.live import Live
from pulumi_plugchoice.runtime.stored import make_outputs, prove_storable, read_originals
from pydantic import ValidationError

CHARGER = "5f0c3c1e-0000-4000-8000-000000000001"
# As the vendor's page chargers/get-charger shows it, after first use.
CONNECTOR: dict[str, Any] = {
    "id": 7,
    "charger_id": 3,
    "connector_id": 1,
    "status": "Faulted",
    "error": "NoError",
    "error_info": "info",
    "vendor_id": "vendor",
    "vendor_error_code": "17",
    "max_amperage": 16,
    "max_voltage": 230,
    "standard": "IEC 62196",
    "format": "Socket",
    "power_type": "AC_3_PHASE",
    "phase_rotation": "RST",
    "created_at": "2026-01-10T01:14:32.000000Z",
    "updated_at": "2026-01-11T01:14:32.000000Z",
}


def test_a_connector_has_the_sixteen_documented_fields() -> None:
    """All of them, by their own names and with their values."""
    connector = Connector.model_validate(CONNECTOR)
    assert set(Connector.model_fields) == set(CONNECTOR)
    assert len(CONNECTOR) == 16
    assert connector.model_dump() == {
        **CONNECTOR,
        "created_at": datetime(2026, 1, 10, 1, 14, 32, tzinfo=timezone.utc),
        "updated_at": datetime(2026, 1, 11, 1, 14, 32, tzinfo=timezone.utc),
    }


def test_a_new_connector_has_nulls_except_for_its_number() -> None:
    """A new charger reports no more."""
    connector = Connector.model_validate({**dict.fromkeys(CONNECTOR), "connector_id": 1})
    assert connector == Connector(connector_id=1, phase_rotation=None, max_amperage=None)
    assert (connector.phase_rotation, connector.max_amperage) == (None, None)


@pytest.mark.parametrize("rotation", ["Unknown", "NotApplicable", "rst"])
def test_a_live_rotation_may_be_one_that_the_put_refuses(rotation: str) -> None:
    """A charger may report OCPP's other values; reading must not fail."""
    assert Connector(connector_id=1, phase_rotation=rotation, max_amperage=None).phase_rotation == rotation


def test_unknown_fields_and_pincodes_are_dropped() -> None:
    """A new field breaks nobody, and a pincode never enters an object."""
    charger = Charger.model_validate(
        {
            "uuid": CHARGER,
            "pincode": "hush",
            "some_day": {"new": ["hush"]},
            "connectors": [{**CONNECTOR, "pincode": "hush"}],
        }
    )
    assert "hush" not in repr(charger) + str(charger.model_dump()) + str(vars(charger))
    assert not hasattr(charger, "pincode")
    listed = SiteConnector.model_validate({**CONNECTOR, "charger": {"uuid": CHARGER, "pincode": "hush"}})
    assert "hush" not in repr(listed) + str(listed.model_dump())


@pytest.mark.parametrize(
    ("model", "least"),
    [
        (Connector, {"connector_id": 1, "phase_rotation": None, "max_amperage": None}),
        (
            SiteConnector,
            {"connector_id": 1, "phase_rotation": None, "max_amperage": None, "charger": {"uuid": CHARGER}},
        ),
        (Charger, {"uuid": CHARGER, "connectors": ()}),
        (Site, {"uuid": CHARGER}),
        (SiteGroup, {"id": 801}),
        (User, {}),
        (PowerUsage, {}),
        (GroupMeter, {}),
    ],
)
def test_only_necessary_fields_are_required(model: type[Model], least: dict[str, Any]) -> None:
    """The smallest answer of each kind."""
    assert model.model_validate(least).model_dump(exclude_unset=True) == least
    for name in least:
        with pytest.raises(ValidationError):
            model.model_validate({key: value for key, value in least.items() if key != name})


@pytest.mark.parametrize(
    "odd",
    [
        {"created_at": "-0001-11-30T00:00:00.000000Z"},
        {"vendor_error_code": 0},
        {"vendor_id": {"a": 1}},
        {"max_voltage": 230.5},
        {"max_voltage": ""},
        {"status": ["Available"]},
    ],
)
def test_an_invalid_detail_does_not_make_a_connector_unreadable(odd: dict[str, Any]) -> None:
    """Otherwise one of them would stop the whole site."""
    connector = Connector.model_validate({"connector_id": 1, "phase_rotation": "RST", "max_amperage": 16, **odd})

    assert (connector.phase_rotation, connector.max_amperage) == ("RST", 16)
    assert getattr(connector, next(iter(odd))) is None


UNSTORABLE = ["\ud800bay", "bay\udfff", "x" * 1001, "04da6b54-80e4-46f7-96ec-b56ff0331ba9", 16, True, ["x"]]
NO_NUMBERS = [True, False, 10**400, 2**53, -(2**53), 1e308, 16.5, "sixteen", "9" * 5000]


@pytest.mark.parametrize("value", UNSTORABLE, ids=lambda value: ascii(value)[:20])
@pytest.mark.parametrize("field", ["identity", "standard", "format", "power_type", "status", "error_info"])
def test_a_detail_that_no_state_can_hold_is_dropped(field: str, value: object) -> None:
    """The engine would refuse it after the write, or take it for a value that is not known yet."""
    row = {**CONNECTOR, "charger": {"uuid": CHARGER, "identity": "HRB-001"}}
    (row["charger"] if field == "identity" else row)[field] = value
    read = SiteConnector.model_validate(row)
    assert getattr(read.charger if field == "identity" else read, field) is None


@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda value: ascii(value)[:20])
@pytest.mark.parametrize("field", ["id", "charger_id", "max_voltage"])
def test_a_number_that_no_state_can_hold_is_dropped(field: str, value: object) -> None:
    """True is no 1 V."""
    assert getattr(Connector.model_validate({**CONNECTOR, field: value}), field) is None


UUIDS = ["../../x", "", "5f0c3c1e", f"{CHARGER}/..", f"{CHARGER}\n", f" {CHARGER}", UNSTORABLE[3], None, 7, "\ud800"]


@pytest.mark.parametrize(
    ("model", "least", "field", "values"),
    [
        (Connector, CONNECTOR, "max_amperage", NO_NUMBERS),
        (Connector, CONNECTOR, "connector_id", [*NO_NUMBERS, None]),
        (Connector, CONNECTOR, "phase_rotation", UNSTORABLE),
        (Charger, {"connectors": []}, "uuid", UUIDS),
        (Charger, {"uuid": CHARGER}, "connectors", [[CONNECTOR] * 1001, None]),
        (ChargerReference, {}, "uuid", UUIDS),
        (SiteConnector, CONNECTOR, "charger", [{"uuid": uuid} for uuid in UUIDS]),
        (Site, {}, "uuid", UUIDS),
        (SiteGroup, {}, "id", [*NO_NUMBERS, None]),
        (SiteGroup, {"id": 1}, "group_id", NO_NUMBERS),
        (SiteGroup, {"id": 1}, "total_amps", NO_NUMBERS),
        (SiteGroup, {"id": 1}, "net_type", UNSTORABLE),
        (ManagedCharger, {}, "uuid", UUIDS),
        (ManagedCharger, {"uuid": CHARGER}, "groupId", NO_NUMBERS),
        (ManagedGroup, {}, "id", [*NO_NUMBERS, None]),
    ],
)
def test_a_needed_value_that_cannot_be_is_refused(
    model: type[Model], least: dict[str, Any], field: str, values: list[Any]
) -> None:
    """It would become a path, an id or a number that is written."""
    for value in values:
        with pytest.raises(InvalidResponse) as refused:
            _parse(model, {**least, field: value}, "GET", "/v3/x")
        assert str(refused.value).startswith(f"GET /v3/x: answered with an invalid {model.__name__} (in {field}")


def test_numbers_as_text_and_with_a_zero_after_the_point_are_read() -> None:
    """They are clear."""
    assert Connector.model_validate({**CONNECTOR, "max_amperage": "16", "connector_id": 1.0}).max_amperage == 16


@pytest.mark.parametrize("text", ["1_000", " 16", "16 ", "١٦", "\uff11\uff16", "1e2", "16.5", "0x10", "", "--16"])
def test_a_text_that_is_not_clearly_a_whole_number_is_refused(text: str) -> None:
    """Python's own reading takes some of them."""
    with pytest.raises(ValidationError, match="Input should be a whole number"):
        Connector.model_validate({**CONNECTOR, "max_amperage": text})


def test_true_and_numbers_are_no_times() -> None:
    """In every model with a time."""
    for value in (True, 1, 1.5):
        assert Connector.model_validate({**CONNECTOR, "created_at": value}).created_at is None
        assert PowerUsage.model_validate({"timestamp": value}).timestamp is None


@settings(max_examples=30)
@given(
    row=st.fixed_dictionaries({}, optional={name: st.just(value) for name, value in CONNECTOR.items()}), data=st.data()
)
def test_what_a_model_holds_can_be_stored(row: dict[str, Any], data: st.DataObject) -> None:
    """Any text, lone surrogates and markers too; any number."""
    text = st.text(st.characters()) | st.sampled_from(UNSTORABLE[:4])
    odd = {name: data.draw(text | st.integers() | st.floats() | st.booleans() | st.none()) for name in CONNECTOR}
    item = {**odd, **row, "charger": {"uuid": CHARGER, "identity": data.draw(text)}}
    try:
        read = _parse(SiteConnector, item, "GET", "/v3/x")
    except InvalidResponse:
        return
    live = Live(CHARGER, read.charger.identity, read)
    prove_storable("x", make_outputs({"charger": CHARGER, "connector_id": 1}, live, read_originals(live, CONNECTOR)))


def test_models_cannot_be_changed() -> None:
    """Threads share them."""
    connector = Connector(connector_id=1, phase_rotation=None, max_amperage=None)
    with pytest.raises(ValidationError):
        connector.max_amperage = 20  # type: ignore[misc]  # refused


@pytest.mark.parametrize(
    "body",
    [
        {"phase_rotation": "RST", "max_amperage": 0},
        {"phase_rotation": "RST", "max_amperage": 1001},
        {"phase_rotation": "RST", "max_amperage": "16"},
        {"phase_rotation": "RST", "max_amperage": 16.0},
        {"phase_rotation": "RST", "max_amperage": True},
        {"phase_rotation": "RST", "max_amperage": None},
        {"phase_rotation": "RST"},
        {"phase_rotation": "rst", "max_amperage": 16},
        {"phase_rotation": "Unknown", "max_amperage": 16},
        {"phase_rotation": None, "max_amperage": 16},
        {"max_amperage": 16},
        {"phase_rotation": "RST", "max_amperage": 16, "status": "Available"},
    ],
)
def test_an_invalid_body_cannot_be_made(body: dict[str, Any]) -> None:
    """Both settings, of the right type and range, and nothing else."""
    with pytest.raises(ValidationError):
        ConnectorSettings.model_validate(body)


@pytest.mark.parametrize("amperage", [1, 16, 1000])
def test_a_body_is_sent_as_it_was_given(amperage: int) -> None:
    """It has two fields."""
    body = ConnectorSettings(phase_rotation="STR", max_amperage=amperage)
    assert body.model_dump() == {"phase_rotation": "STR", "max_amperage": amperage}


@pytest.mark.parametrize(
    ("model", "item", "message"),
    [
        (
            Connector,
            {**CONNECTOR, "max_amperage": "sixteen"},
            "GET /v3/x: answered with an invalid Connector (in max_amperage: Input should be a whole number)",
        ),
        (
            Charger,
            {"uuid": CHARGER, "connectors": [{"pincode": "hush"}]},
            "GET /v3/x: answered with an invalid Charger (in connectors.0.connector_id: Field required)",
        ),
        (
            Site,
            "hush",
            "GET /v3/x: answered with an invalid Site (Input should be a valid dictionary or instance of Site)",
        ),
    ],
)
def test_an_answer_of_another_shape_names_the_field_and_not_its_value(
    model: type[Model], item: object, message: str
) -> None:
    """The value may be secret."""
    with pytest.raises(InvalidResponse) as refused:
        _parse(model, item, "GET", "/v3/x")
    assert str(refused.value) == message
    assert refused.value.__cause__ is None


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)
ALMOST_CONNECTOR = st.fixed_dictionaries(
    {}, optional={name: st.just(value) | ANY_JSON for name, value in CONNECTOR.items()}
)
ALMOST = (
    ALMOST_CONNECTOR
    | st.fixed_dictionaries(
        {},
        optional={"uuid": ANY_JSON | st.just(CHARGER), "connectors": st.lists(ALMOST_CONNECTOR, max_size=2) | ANY_JSON},
    )
    | ANY_JSON
)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("16.0", 16.0),
        (" 0.0", 0.0),
        ("  6.5 ", 6.5),
        ("0", 0.0),
        ("-19000", -19000.0),
        (16, 16.0),
        (6.5, 6.5),
        ("-", None),
        ("", None),
        (" ", None),
        ("n/a", None),
        ("6,5", None),
        ("1_000", None),
        ("١٦", None),
        ("\u00a016", None),
        ("nan", None),
        ("inf", None),
        ("1e400", None),
        (10**400, None),
        (None, None),
        (True, None),
        ([16], None),
        ({"value": 16}, None),
    ],
)
def test_a_measured_value_is_a_number_or_no_reading(written: object, read: float | None) -> None:
    """The API sends text with blanks, "-" and numbers. Anything else counts as no reading, without an error."""
    assert read == PowerUsage.model_validate({"L2": written}).L2
    lines = GroupMeter.model_validate({"latest_data": {"l2": written}}).latest_data
    assert lines is not None
    assert lines.l2 == read


def test_the_vendors_sample_of_a_power_usage_is_read() -> None:
    """An idle one-phase charger."""
    usage = PowerUsage.model_validate(
        {"timestamp": "2025-10-28T16:26:14.628Z", "L1": "0", "L2": "-", "L3": "-", "kW": "0.00"}
    )
    assert usage.timestamp == datetime(2025, 10, 28, 16, 26, 14, 628000, tzinfo=timezone.utc)
    assert (usage.L1, usage.L2, usage.L3, usage.kW) == (0, None, None, 0)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2024-04-30T14:14:10.096Z", datetime(2024, 4, 30, 14, 14, 10, 96000, tzinfo=timezone.utc)),
        ("2024-04-30T16:14:10+02:00", datetime(2024, 4, 30, 14, 14, 10, tzinfo=timezone.utc)),
        ("2024-04-30 14:14:10", datetime(2024, 4, 30, 14, 14, 10, tzinfo=timezone.utc)),
        ("-", None),
        (None, None),
        ("soon", None),
    ],
)
def test_a_time_has_its_offset_or_is_utc(written: str | None, read: datetime | None) -> None:
    """A dash means never."""
    assert PowerUsage.model_validate({"timestamp": written}).timestamp == read
    assert MeterLines.model_validate({"updated_at": written}).updated_at == read


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        # As the vendor's pages show them: with a reading, and of a meter that never gave one.
        (
            {
                "type": "ct_meter",
                "latest_data": {"l1": 4800, "l2": 2200, "l3": -19000, "updated_at": "2024-04-30T14:14:10Z"},
            },
            (4800, 2200, -19000, True),
        ),
        (
            {"latest_data": {"l1": 0, "l2": 0, "l3": 0, "updated_at": "-"}, "power": "Unable to retrieve power …"},
            (0, 0, 0, False),
        ),
        ({"latest_data": {"L1": "1", "L2": " 2", "L3": "-"}}, (1, 2, None, False)),
        ({"latest_data": []}, None),
        ({"latest_data": None}, None),
        ({"power": {"l1": 3}}, None),
    ],
)
def test_a_group_meter_is_read_tolerantly(answer: dict[str, Any], expected: tuple[float | None, ...] | None) -> None:
    """The two pages that document it differ."""
    lines = GroupMeter.model_validate(answer).latest_data
    assert expected == (lines and (lines.l1, lines.l2, lines.l3, lines.updated_at is not None))


def test_power_management_tells_groups_and_their_chargers() -> None:
    """The rest of that large answer is not read."""
    read = PowerManagement.model_validate(
        {
            "groups": [{"id": 801, "isRoot": True, "chargers": [{}], "subgroups": [{"id": 802, "subgroups": []}]}],
            "unattachedChargers": [{}],
            "allChargers": [{"id": 1, "uuid": CHARGER, "groupId": 802}, {"uuid": CHARGER, "groupId": None}],
            "realTimeData": {},
        }
    )
    assert [(group.id, [below.id for below in group.subgroups]) for group in read.groups] == [(801, [802])]
    assert [(charger.uuid, charger.group_id) for charger in read.chargers] == [(CHARGER, 802), (CHARGER, None)]
    numbers = {"groups": [{"id": 801, "subgroups": [802, "803"]}, {"id": 802}], "allChargers": []}
    read = PowerManagement.model_validate(numbers)
    assert [(group.id, [below.id for below in group.subgroups]) for group in read.groups] == [
        (801, [802, 803]),
        (802, []),
    ]
    for missing in ("groups", "allChargers"):
        with pytest.raises(ValidationError):
            PowerManagement.model_validate({"groups": [], "allChargers": []} | {missing: None})


@pytest.mark.parametrize(
    "model", [Connector, Charger, SiteConnector, SiteGroup, User, PowerUsage, GroupMeter, PowerManagement]
)
@given(item=ALMOST)
def test_any_answer_is_a_model_or_one_error(model: type[Model], item: object) -> None:
    """For every JSON: no other exception, and a message of one line."""
    try:
        parsed = _parse(model, item, "GET", "/v3/x")
    except InvalidResponse as error:
        assert str(error).splitlines() == [str(error)]  # noqa: PT017 - either outcome is right
    else:
        assert isinstance(parsed, model)
