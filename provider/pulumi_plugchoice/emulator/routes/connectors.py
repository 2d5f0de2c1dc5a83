"""One connector: the PUT and the power reading. The API has no GET of one connector."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from pulumi_plugchoice.emulator import shapes
from pulumi_plugchoice.emulator.call import ApiCall
from pulumi_plugchoice.emulator.currents import charger_reading
from pulumi_plugchoice.emulator.validation import ROTATIONS, Rule, validate_fields

router = APIRouter()
_PATH = "/chargers/{charger}/connectors/{connector_id}"
_RULES = {
    "phase_rotation": Rule("string", choices=ROTATIONS),
    "max_amperage": Rule("integer", minimum=1, maximum=1000),
}


@router.put(_PATH)
async def update_connector(charger: str, connector_id: str, call: ApiCall) -> Response:
    """404 for the charger or the connector, then 403, then 422."""
    one = call.charger(charger)[0].connector(connector_id)
    call.charger(charger, write=True)
    values = validate_fields(call.fields(), _RULES)
    if call.fault and call.fault.kind == "other_values":
        return JSONResponse({"data": {**shapes.connector(one), **call.fault.values}})
    call.world.inventory.edit(one, values)
    return JSONResponse({"data": shapes.connector(one)})


@router.get(_PATH + "/power-usage")
async def show_power_usage(charger: str, connector_id: str, call: ApiCall) -> Response:
    one = call.charger(charger)[0].connector(connector_id)
    reading = charger_reading(one, call.world.inventory.circuits[one.id])
    return JSONResponse(shapes.power_usage(reading, odd=call.world.switches.odd_readings))
