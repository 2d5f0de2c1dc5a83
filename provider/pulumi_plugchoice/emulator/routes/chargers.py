"""Chargers, their setup, and their meter values."""

import math
import time

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from pulumi_plugchoice.emulator import wire
from pulumi_plugchoice.emulator.call import ApiCall
from pulumi_plugchoice.emulator.inventory import Charger
from pulumi_plugchoice.emulator.problems import InvalidError, ProblemError
from pulumi_plugchoice.emulator.validation import ONE_PHASE, THREE_PHASE, Rule, validated

router = APIRouter()
READ = ["GET", "HEAD"]
_SETUP_RULES = {
    "phases": Rule("integer", required=True, choices=("1", "3")),
    "max_current": Rule("integer", required=True, minimum=6),
    "group": Rule("integer", nullable=True),
    "net_type": Rule("string", nullable=True, choices=("IT", "TT", "TN", "unknown")),
    "phase_rotation": Rule("string", nullable=True, choices=THREE_PHASE + ONE_PHASE),
}
_METERVALUE_RULES = {"date_from": Rule("string", required=True), "date_to": Rule("string", required=True)}


@router.api_route("/chargers", methods=READ)
async def list_chargers(call: ApiCall) -> Response:
    state = call.world.state
    rows = [(one, state.charger_level(call.who, one, site)) for site, one in state.by_site()]
    seen = [row for row in rows if row[1] != "none"]
    return JSONResponse(call.page.simple(seen, lambda row: wire.charger_in_list(*row)))


@router.api_route("/chargers/{charger}", methods=READ)
async def show_charger(charger: str, call: ApiCall) -> Response:
    return JSONResponse({"data": wire.charger(*call.charger(charger))})


@router.api_route("/chargers/{charger}/metervalues", methods=READ)
async def list_metervalues(charger: str, call: ApiCall) -> Response:
    found, _ = call.charger(charger)
    validated(call.query, _METERVALUE_RULES)
    return JSONResponse(call.page.full(wire.metervalues(found), lambda row: row))


@router.post("/chargers/{charger}/setup")
async def set_up(charger: str, call: ApiCall) -> Response:
    found, _ = call.charger(charger, write=True)
    values = validated(call.fields(), _SETUP_RULES)
    rotation = values.get("phase_rotation")
    if rotation is not None and len(rotation) != values["phases"]:
        raise InvalidError({"phase_rotation": [f"The phase rotation field must be {values['phases']} characters."]})
    site = call.world.state.site_of(found)
    if values.get("group") and not (site and any(group.id == values["group"] for group in site.groups)):
        raise InvalidError({"group": ["The selected group is invalid."]})
    _pause_between_setups(found, call.world.switches.rate_window_seconds)
    call.world.state.set_up(found, values["max_current"], rotation, values.get("group"))
    return JSONResponse({"message": "The charger is being set up.", "setup_pending": True})


def _pause_between_setups(charger: Charger, pause: float) -> None:
    if charger.set_up_at is None:
        return
    left = charger.set_up_at + pause - time.monotonic()
    if left > 0:
        raise ProblemError(429, headers={"Retry-After": str(math.ceil(left))})
