"""The current user, the teams, and what a team sees."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from pulumi_plugchoice.emulator import wire
from pulumi_plugchoice.emulator.call import ApiCall
from pulumi_plugchoice.emulator.inventory import MissingError

router = APIRouter()
READ = ["GET", "HEAD"]
_FILTER_OPTIONS = {
    "connection_status": ["never_seen", "offline", "online"],
    "status": ["Available", "Unavailable", "Faulted"],
}


@router.api_route("/user", methods=READ)
async def show_user(call: ApiCall) -> Response:
    return JSONResponse(wire.user(call.who.user))


@router.api_route("/teams", methods=READ)
async def list_teams(call: ApiCall) -> Response:
    return JSONResponse({"data": [call.world.state.team]})


@router.api_route("/teams/{team}/chargers", methods=READ)
async def list_team_chargers(team: str, call: ApiCall) -> Response:
    _must_be_ours(team, call)
    state = call.world.state
    rows = [(one, state.charger_level(call.who, one, site), site) for site, one in state.by_site()]
    seen = [row for row in rows if row[1] != "none"]
    return JSONResponse(call.page.flat(seen, lambda row: wire.charger_of_team(*row), _FILTER_OPTIONS))


@router.api_route("/teams/{team}/sites", methods=READ)
async def list_team_sites(team: str, call: ApiCall) -> Response:
    _must_be_ours(team, call)
    state = call.world.state
    rows = [(one, state.site_level(call.who, one)) for one in state.sites.values()]
    seen = [row for row in rows if row[1] != "none"]
    return JSONResponse(call.page.flat(seen, lambda row: wire.site(*row), {}))


def _must_be_ours(team: str, call: ApiCall) -> None:
    if team != call.world.state.team["uuid"]:
        raise MissingError("Team", team)
