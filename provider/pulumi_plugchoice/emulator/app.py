"""The application: the API behind its middleware, and the control endpoints."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from .control import PREFIX, ControlError, control_router
from .guard import Guard
from .inventory import MissingError
from .middleware import ApiMiddleware
from .problems import ProblemError, not_found
from .routes import api, host_root
from .world import World


def create_app(world: World, guard: Guard) -> ApiMiddleware:
    """An ASGI application for a world."""
    app = FastAPI(title="Plugchoice emulator", docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    app.include_router(api)
    app.include_router(host_root)
    app.include_router(control_router(world))

    @app.exception_handler(ProblemError)
    async def problem(_: Request, error: ProblemError) -> Response:
        return JSONResponse(error.body(world.switches.error_style), error.status, error.headers)

    @app.exception_handler(HTTPException)
    async def no_route(request: Request, error: HTTPException) -> Response:
        return JSONResponse(*_no_route(request, error))

    @app.exception_handler(MissingError)
    async def missing(request: Request, error: MissingError) -> Response:
        if request.url.path.startswith(PREFIX):
            return JSONResponse({"error": str(error)}, 404)
        return JSONResponse(not_found(error.model, error.key).body(world.switches.error_style), 404)

    @app.exception_handler(ControlError)
    async def control_problem(_: Request, error: ControlError) -> Response:
        return JSONResponse({"error": str(error)}, error.status)

    @app.exception_handler(RequestValidationError)
    async def control_body(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        advice = "; send a JSON object, with Content-Type: application/json" if first["loc"][0] == "body" else ""
        return JSONResponse({"error": f"{place}: {first['msg']}{advice}"}, 422)

    return ApiMiddleware(app, world, guard)


def _no_route(request: Request, error: HTTPException) -> tuple[dict[str, Any], int, dict[str, str]]:
    """Laravel's texts for an unknown path (404) and a method that a path does not take (405)."""
    path = request.url.path.strip("/")
    if error.status_code == 400:
        return {"error": f"body: {error.detail}"}, 400, {}
    if error.status_code != 405:
        return {"message": f"The route {path} could not be found."}, error.status_code, {}
    allowed = ", ".join(sorted((error.headers or {}).get("Allow", "").replace(" ", "").split(",")))
    text = f"The {request.method} method is not supported for route {path}. Supported methods: {allowed}."
    return {"message": text}, 405, {"Allow": allowed}
