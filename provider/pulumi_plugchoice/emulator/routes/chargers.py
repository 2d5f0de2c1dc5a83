"""The current user and the chargers."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from pulumi_plugchoice.emulator import shapes
from pulumi_plugchoice.emulator.call import ApiCall

router = APIRouter()


@router.get("/user")
async def show_user(call: ApiCall) -> Response:
    return JSONResponse(shapes.user(call.caller.user))


@router.get("/chargers")
async def list_chargers(call: ApiCall) -> Response:
    inventory = call.world.inventory
    rows = [(one, inventory.charger_level(call.caller, one, site)) for site, one in inventory.by_site()]
    visible = [row for row in rows if row[1] != "none"]
    return JSONResponse(call.page.of(visible, lambda row: shapes.charger_in_list(*row)))


@router.get("/chargers/{charger}")
async def show_charger(charger: str, call: ApiCall) -> Response:
    return JSONResponse({"data": shapes.charger(*call.charger(charger))})
