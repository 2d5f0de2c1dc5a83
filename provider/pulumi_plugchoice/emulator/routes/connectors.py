"""One connector: the PUT, and the two readings. There is no GET of a connector."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from pulumi_plugchoice.emulator import electric, wire
from pulumi_plugchoice.emulator.call import ApiCall
from pulumi_plugchoice.emulator.inventory import Connector
from pulumi_plugchoice.emulator.validation import ONE_PHASE, THREE_PHASE, TWO_PHASE, Rule, validated

router = APIRouter()
READ = ["GET", "HEAD"]
_PATH = "/chargers/{charger}/connectors/{connector_id}"
_RULES = {
    "phase_rotation": Rule("string", required=True, choices=THREE_PHASE + TWO_PHASE + ONE_PHASE),
    "max_amperage": Rule("integer", required=True, minimum=1, maximum=1000),
}


@router.put(_PATH)
async def update_connector(charger: str, connector_id: str, call: ApiCall) -> Response:
    if call.world.switches.unknown_connector_before_validation:
        one = _find(charger, connector_id, call)
        call.charger(charger, write=True)
        values = validated(call.fields(), _RULES)
    else:
        call.charger(charger, write=True)
        values = validated(call.fields(), _RULES)
        one = _find(charger, connector_id, call)
    shown = {}
    if call.fault and call.fault.kind == "other_values":
        shown = call.fault.values
        values = shown if call.fault.store else {}
    call.world.state.edit(one, values)
    return JSONResponse({"data": {**wire.connector(one), **shown}})


@router.api_route(_PATH + "/power-usage", methods=READ)
async def show_power_usage(charger: str, connector_id: str, call: ApiCall) -> Response:
    one = _find(charger, connector_id, call)
    return JSONResponse(wire.power_usage(_reported(one, call), odd=call.world.switches.odd_readings))


@router.api_route(_PATH + "/latest-metervalue", methods=READ)
async def show_latest_metervalue(charger: str, connector_id: str, call: ApiCall) -> Response:
    one = _find(charger, connector_id, call)
    return JSONResponse(wire.latest_metervalue(one, _reported(one, call)))


def _reported(one: Connector, call: ApiCall) -> electric.Triple | None:
    return electric.reported(one, call.world.state.circuits[one.id])


def _find(charger: str, connector_id: str, call: ApiCall) -> Connector:
    """404 or 403 for the charger, then 404 for the connector."""
    found, _ = call.charger(charger)
    return found.connector(connector_id)
