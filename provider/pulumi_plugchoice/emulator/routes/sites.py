"""Sites, their chargers and connectors, and their load-balancing groups."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from pulumi_plugchoice.emulator import shapes
from pulumi_plugchoice.emulator.call import ApiCall
from pulumi_plugchoice.emulator.currents import meter_amps

router = APIRouter()


@router.get("/sites")
async def list_sites(call: ApiCall) -> Response:
    inventory = call.world.inventory
    rows = [(one, inventory.site_level(call.caller, one)) for one in inventory.sites.values()]
    visible = [row for row in rows if row[1] != "none"]
    return JSONResponse(call.page.of(visible, lambda row: shapes.site(*row)))


@router.get("/sites/{site}")
async def show_site(site: str, call: ApiCall) -> Response:
    return JSONResponse({"data": shapes.site(*call.site(site))})


@router.get("/sites/{site}/chargers")
async def list_site_chargers(site: str, call: ApiCall) -> Response:
    place, inventory = call.site(site)[0], call.world.inventory
    return JSONResponse(
        call.page.of(
            call.visible_chargers(place),
            lambda one: shapes.charger_of_site(one, inventory.charger_level(call.caller, one, place)),
        )
    )


@router.get("/sites/{site}/connectors")
async def list_site_connectors(site: str, call: ApiCall) -> Response:
    place, _ = call.site(site)
    rows = [(charger, one) for charger in call.visible_chargers(place) for one in charger.connectors]
    return JSONResponse(call.page.of(rows, lambda row: shapes.connector_of_site(*row)))


@router.get("/sites/{site}/groups")
async def list_groups(site: str, call: ApiCall) -> Response:
    place, _ = call.site(site)
    return JSONResponse({"data": [shapes.group(one) for one in place.groups[:25]]})


@router.get("/sites/{site}/groups/{group}/meter")
async def show_group_meter(site: str, group: str, call: ApiCall) -> Response:
    place, _ = call.site(site)
    one, inventory = place.group(group), call.world.inventory
    meter = inventory.meter_of(one)
    return JSONResponse({"data": shapes.group_meter(meter, meter_amps(meter, inventory, place, one))})


@router.get("/sites/{site}/power-management")
async def show_power_management(site: str, call: ApiCall) -> Response:
    place, _ = call.site(site)
    return JSONResponse(shapes.power_management(place, call.visible_chargers(place), call.world.inventory.meters))
