"""Sites, their chargers and connectors, and their load-balancing groups."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from pulumi_plugchoice.emulator import electric, wire
from pulumi_plugchoice.emulator.call import ApiCall
from pulumi_plugchoice.emulator.validation import Rule, validated

router = APIRouter()
READ = ["GET", "HEAD"]
_GROUP_RULES = {
    "total_amps": Rule("integer", minimum=1),
    "net_type": Rule("string", nullable=True, choices=("TN", "TT", "IT")),
    "method": Rule("string", choices=("boost", "solar")),
    "solar_additional_amps": Rule("integer", minimum=0),
    "solar_always_charge": Rule("boolean"),
    "solar_always_charge_amps": Rule("integer", minimum=0),
    "smart_charging_charge_on_solar_export": Rule("boolean"),
    "peak_shaving_enabled": Rule("boolean"),
    "peak_shaving_threshold": Rule("integer", nullable=True, minimum=0),
}


@router.api_route("/sites", methods=READ)
async def list_sites(call: ApiCall) -> Response:
    state = call.world.state
    team, search = call.query.get("team"), call.query.get("search", "").lower()
    rows = [(one, state.site_level(call.who, one)) for one in state.sites.values()]
    seen = [row for row in rows if row[1] != "none" and search in row[0].name.lower()]
    if team not in {None, "", state.team["uuid"]}:
        seen = []
    return JSONResponse(call.page.simple(seen, lambda row: wire.site(*row)))


@router.api_route("/sites/{site}", methods=READ)
async def show_site(site: str, call: ApiCall) -> Response:
    return JSONResponse({"data": wire.site(*call.site(site))})


@router.api_route("/sites/{site}/chargers", methods=READ)
async def list_site_chargers(site: str, call: ApiCall) -> Response:
    found, _ = call.site(site)
    state = call.world.state
    return JSONResponse(
        call.page.simple(
            call.visible(found),
            lambda one: wire.charger_of_site(one, state.charger_level(call.who, one, found)),
        )
    )


@router.api_route("/sites/{site}/connectors", methods=READ)
async def list_site_connectors(site: str, call: ApiCall) -> Response:
    found, _ = call.site(site)
    rows = [(charger, one) for charger in call.visible(found) for one in charger.connectors]
    return JSONResponse(call.page.simple(rows, lambda row: wire.connector_of_site(*row)))


@router.api_route("/sites/{site}/groups", methods=READ)
async def list_groups(site: str, call: ApiCall) -> Response:
    found, _ = call.site(site)
    return JSONResponse({"data": [wire.group(one) for one in found.groups[:25]]})


@router.put("/sites/{site}/groups/{group}")
async def update_group(site: str, group: str, call: ApiCall) -> Response:
    found, _ = call.site(site)
    one = found.group(group)
    call.site(site, write=True)
    call.world.state.edit(one, validated(call.fields(), _GROUP_RULES))
    return JSONResponse({"data": wire.group(one)})


@router.api_route("/sites/{site}/groups/{group}/meter", methods=READ)
async def show_group_meter(site: str, group: str, call: ApiCall) -> Response:
    found, _ = call.site(site)
    one, state = found.group(group), call.world.state
    meter = state.meter_of(one)
    return JSONResponse({"data": wire.group_meter(meter, electric.through(meter, state, found, one))})


@router.api_route("/sites/{site}/power-management", methods=READ)
async def show_power_management(site: str, call: ApiCall) -> Response:
    found, _ = call.site(site)
    return JSONResponse(wire.power_management(found, call.visible(found), call.world.state.meters))
