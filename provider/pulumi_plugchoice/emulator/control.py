"""The control endpoints, with which tests and demos reset, edit, break and look. No token, no log, no rate limit."""

from typing import Annotated, Any

from fastapi import APIRouter, Body
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from pydantic import ValidationError

from . import shapes
from .faults import Fault, TooManyFaultsError
from .inventory import Charger, Connector, Group, MissingError, Token
from .populate import build_meter
from .seed import CircuitSeed, MeterSeed, SeedError, TokenSeed, describe_error, parse_seed
from .switches import Switches
from .world import World

PREFIX = "/_emulator"
Fields = Annotated[dict[str, Any], Body()]


class ControlError(Exception):
    """Why a control request is refused."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def control_router(world: World) -> APIRouter:
    """All control endpoints of a world; `GET /_emulator` lists them."""
    router = APIRouter(prefix=PREFIX)
    for add_routes in (_world, _chargers, _currents, _behaviour):
        add_routes(router, world)
    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    lines = sorted(f"{method} {route.path}" for route in routes for method in route.methods or ())
    router.add_api_route("", lambda: lines, methods=["GET"])
    return router


def _world(router: APIRouter, world: World) -> None:
    @router.post("/reset")
    async def reset(body: Annotated[dict[str, Any] | None, Body()] = None) -> Response:
        unknown = sorted(set(body or {}) - {"seed"})
        if unknown:
            raise ControlError(422, f"{unknown[0]}: is not a known key; allowed: seed")
        seed = (body or {}).get("seed")
        try:
            world.reset(None if seed is None else parse_seed(seed, "seed"))
        except SeedError as error:
            raise ControlError(422, str(error)) from None
        return JSONResponse({"sites": len(world.inventory.sites), "chargers": len(world.inventory.chargers)})

    @router.get("/requests")
    async def show_requests() -> Response:
        return JSONResponse(world.log.report())

    @router.delete("/requests")
    async def clear_requests() -> Response:
        world.log.clear()
        return Response(status_code=204)


def _chargers(router: APIRouter, world: World) -> None:
    @router.get("/connectors")
    async def list_connectors() -> Response:
        return JSONResponse(
            [
                {
                    "site": site.uuid if site else None,
                    "charger": charger.uuid,
                    "identity": charger.identity,
                    "connector_id": one.connector_id,
                    "phase_rotation": one.phase_rotation,
                    "max_amperage": one.max_amperage,
                }
                for site, charger in world.inventory.by_site()
                for one in charger.connectors
            ]
        )

    @router.patch("/chargers/{charger}")
    async def edit_charger(charger: str, fields: Fields) -> Response:
        one = world.inventory.find_charger(charger)
        _edit(world, one, fields)
        return JSONResponse(shapes.charger(one, "full"))

    @router.delete("/chargers/{charger}")
    async def remove_charger(charger: str) -> Response:
        world.inventory.remove_charger(world.inventory.find_charger(charger))
        return Response(status_code=204)

    @router.patch("/chargers/{charger}/connectors/{number}")
    async def edit_connector(charger: str, number: int, fields: Fields) -> Response:
        one = _connector(world.inventory.find_charger(charger), number)
        _edit(world, one, fields)
        return JSONResponse(shapes.connector(one))

    @router.delete("/chargers/{charger}/connectors/{number}")
    async def remove_connector(charger: str, number: int) -> Response:
        one = world.inventory.find_charger(charger)
        world.inventory.remove_connector(one, _connector(one, number))
        return Response(status_code=204)

    @router.delete("/sites/{site}/chargers/{charger}")
    async def leave_site(site: str, charger: str) -> Response:
        one = world.inventory.find_charger(charger)
        place = world.inventory.site_of(one)
        if place is None or place.uuid != site.lower():
            raise ControlError(404, f"charger {charger} is not on site {site}")
        world.inventory.leave_site(one)
        return Response(status_code=204)

    @router.patch("/sites/{site}/groups/{group}")
    async def edit_group(site: str, group: int, fields: Fields) -> Response:
        one = world.inventory.site(site).group(group)
        _edit(world, one, fields)
        return JSONResponse(shapes.group(one))


def _currents(router: APIRouter, world: World) -> None:
    @router.patch("/chargers/{charger}/connectors/{number}/circuit")
    async def edit_circuit(charger: str, number: int, fields: Fields) -> Response:
        """Let a car draw `amps`, change how the connector is `wired`, or change what the charger reports."""
        one = _connector(world.inventory.find_charger(charger), number)
        circuit, values = world.inventory.circuits[one.id], _parse(CircuitSeed, fields)
        circuit.wired = values.wired or circuit.wired
        for name in values.model_fields_set & {"reports", "has_readings"}:
            setattr(circuit, name, getattr(values, name))
        if "amps" in values.model_fields_set:
            world.inventory.draw(one, values.amps)
        return JSONResponse({**vars(circuit), "status": one.status})

    @router.put("/sites/{site}/groups/{group}/meter")
    async def put_meter(site: str, group: int, fields: Fields) -> Response:
        one = world.inventory.site(site).group(group)
        number = one.meter_id or max(world.inventory.meters, default=0) + 1
        meter = build_meter(_parse(MeterSeed, fields), number)
        world.inventory.attach_meter(one, meter)
        return JSONResponse(vars(meter))

    @router.delete("/sites/{site}/groups/{group}/meter")
    async def remove_meter(site: str, group: int) -> Response:
        world.inventory.detach_meter(world.inventory.site(site).group(group))
        return Response(status_code=204)


def _behaviour(router: APIRouter, world: World) -> None:
    @router.put("/tokens/{token}")
    async def put_token(token: str, fields: Fields) -> Response:
        values = _parse(TokenSeed, fields)
        user = world.inventory.user(values.user)
        world.inventory.set_token(token, Token(user, dict(values.access), values.revoked))
        return JSONResponse(values.model_dump())

    @router.post("/faults")
    async def add_fault(fields: Fields) -> Response:
        fault = _parse(Fault, fields)
        try:
            world.faults.add(fault)
        except TooManyFaultsError as error:
            raise ControlError(409, str(error)) from None
        return JSONResponse(fault.model_dump(mode="json"), 201)

    @router.get("/faults")
    async def list_faults() -> Response:
        return JSONResponse({"faults": world.faults.report()})

    @router.delete("/faults")
    async def clear_faults() -> Response:
        world.faults.clear()
        return Response(status_code=204)

    @router.put("/switches")
    async def set_switches(fields: Fields) -> Response:
        world.switches = _parse(Switches, {**world.switches.model_dump(), **fields})
        return JSONResponse(world.switches.model_dump())


def _parse(model: type[Any], fields: dict[str, Any]) -> Any:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise ControlError(422, describe_error(error, model)) from None


def _edit(world: World, thing: Connector | Charger | Group, fields: dict[str, Any]) -> None:
    try:
        world.inventory.edit(thing, fields)
    except KeyError as error:
        name, known = error.args
        raise ControlError(422, f"{name}: is not a known key; allowed: {', '.join(known)}") from None


def _connector(charger: Charger, number: int) -> Connector:
    try:
        return charger.connector(number)
    except MissingError:
        has = ", ".join(str(one.connector_id) for one in charger.connectors) or "none"
        raise ControlError(404, f"charger {charger.identity} has no connector {number}; it has: {has}") from None
