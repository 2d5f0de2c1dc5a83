"""POST /oauth/token, at the host's root: client credentials and refresh tokens."""

import base64
import secrets

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from pulumi_plugchoice.emulator.call import AnyCall
from pulumi_plugchoice.emulator.inventory import Client

router = APIRouter()


@router.post("/oauth/token")
async def issue_token(request: Request, call: AnyCall) -> Response:
    call.check_limit()
    form = call.form()
    grant = form.get("grant_type")
    if grant not in {"client_credentials", "refresh_token"}:
        return _refused(400, "unsupported_grant_type", "The authorization grant type is not supported.")
    state = call.world.state
    client_id, secret = _credentials(request, form)
    client = state.clients.get(client_id)
    if client is None or not secrets.compare_digest(client.client_secret.encode(), secret.encode()):
        return _refused(401, "invalid_client", "Client authentication failed")
    answer = {"token_type": "Bearer", "expires_in": int(client.token_lifetime_seconds)}
    if grant == "client_credentials":
        return JSONResponse({**answer, "access_token": state.issue(client_id)})
    if form.get("refresh_token") not in client.refresh_tokens:
        return _refused(400, "invalid_grant", "The refresh token is invalid.")
    return JSONResponse(
        {
            **answer,
            "access_token": state.issue(client_id),
            "refresh_token": _next_refresh_token(client, form["refresh_token"]),
        }
    )


def _next_refresh_token(client: Client, used: str) -> str:
    """A refresh token works once; the answer brings the next."""
    text = f"refresh-{secrets.token_hex(20)}"
    client.refresh_tokens = (client.refresh_tokens - {used}) | {text}
    return text


def _credentials(request: Request, form: dict[str, str]) -> tuple[str, str]:
    """From the form, or from HTTP basic authentication."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "basic" and "client_id" not in form:
        try:
            client_id, _, secret = base64.b64decode(value).decode().partition(":")
        except ValueError:
            return "", ""
        return client_id, secret
    return form.get("client_id", ""), form.get("client_secret", "")


def _refused(status: int, error: str, text: str) -> Response:
    return JSONResponse({"error": error, "error_description": text, "message": text}, status_code=status)
