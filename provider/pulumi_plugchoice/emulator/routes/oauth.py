"""POST /oauth/token, at the host's root: client credentials."""

import secrets

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response

from pulumi_plugchoice.emulator.call import AnyCall

router = APIRouter()
_ONE_YEAR_SECONDS = 31_536_000


@router.post("/oauth/token")
async def issue_token(call: AnyCall) -> Response:
    call.check_limit()
    form = call.form()
    if form.get("grant_type") != "client_credentials":
        return _refuse(400, "unsupported_grant_type", "The authorization grant type is not supported.")
    inventory = call.world.inventory
    client = inventory.clients.get(form.get("client_id", ""))
    if client is None or not secrets.compare_digest(client.secret.encode(), form.get("client_secret", "").encode()):
        return _refuse(401, "invalid_client", "Client authentication failed")
    token = inventory.issue_token(client)
    return JSONResponse({"token_type": "Bearer", "expires_in": _ONE_YEAR_SECONDS, "access_token": token})


def _refuse(status: int, error: str, text: str) -> Response:
    return JSONResponse({"error": error, "error_description": text, "message": text}, status_code=status)
