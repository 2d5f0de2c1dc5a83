"""The side door: what tests and demos use to seed, edit, break and look. No token, not counted, not logged."""

from typing import Annotated, Any

from fastapi import APIRouter, Body
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError

from . import wire
from .building import meter_of, set_client, set_token, user_called
from .faults import Fault
from .inventory import Charger, Client, Connector, Group, MissingError
from .seeding import CircuitSeed, ClientSeed, MeterSeed, SeedError, TokenSeed, problem_in, seed_from
from .switches import Switches
from .world import World

PREFIX = "/_emulator"
Fields = Annotated[dict[str, Any], Body()]


class ControlError(Exception):
    """A control request that cannot be done."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def control_router(world: World) -> APIRouter:
    """All control endpoints on this world."""
    router = APIRouter(prefix=PREFIX)
    for part in (_world, _chargers, _currents, _access, _behaviour):
        part(router, world)
    router.add_api_route("", lambda: sorted({_line(route) for route in router.routes}), methods=["GET"])
    return router


def _line(route: Any) -> str:
    return f"{'/'.join(sorted(route.methods))} {route.path}"


def _world(router: APIRouter, world: World) -> None:
    @router.post("/reset")
    async def reset(body: Annotated[dict[str, Any] | None, Body()] = None) -> Response:
        _only({"seed"}, body or {})
        seed = (body or {}).get("seed")
        try:
            world.reset(None if seed is None else seed_from(seed, "seed"))
        except SeedError as error:
            raise ControlError(422, str(error)) from None
        return JSONResponse({"sites": len(world.state.sites), "chargers": len(world.state.chargers)})

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
                for site, charger in world.state.by_site()
                for one in charger.connectors
            ]
        )

    @router.patch("/chargers/{charger}")
    async def edit_charger(charger: str, fields: Fields) -> Response:
        found = world.state.charger_called(charger)
        _edit(world, found, fields)
        return JSONResponse(wire.charger(found, "full"))

    @router.delete("/chargers/{charger}")
    async def remove_charger(charger: str) -> Response:
        world.state.remove_charger(world.state.charger_called(charger))
        return Response(status_code=204)

    @router.patch("/chargers/{charger}/connectors/{number}")
    async def edit_connector(charger: str, number: int, fields: Fields) -> Response:
        found = _connector(world.state.charger_called(charger), number)
        _edit(world, found, fields)
        return JSONResponse(wire.connector(found))

    @router.delete("/chargers/{charger}/connectors/{number}")
    async def remove_connector(charger: str, number: int) -> Response:
        found = world.state.charger_called(charger)
        world.state.remove_connector(found, _connector(found, number))
        return Response(status_code=204)

    @router.delete("/sites/{site}/chargers/{charger}")
    async def leave_site(site: str, charger: str) -> Response:
        found = world.state.charger_called(charger)
        place = world.state.site_of(found)
        if place is None or place.uuid != site.lower():
            raise ControlError(404, f"charger {charger} is not on site {site}")
        world.state.leave_site(found)
        return Response(status_code=204)

    @router.patch("/sites/{site}/groups/{group}")
    async def edit_group(site: str, group: int, fields: Fields) -> Response:
        found = world.state.site(site).group(group)
        _edit(world, found, fields)
        return JSONResponse(wire.group(found))


def _currents(router: APIRouter, world: World) -> None:
    @router.patch("/chargers/{charger}/connectors/{number}/circuit")
    async def edit_circuit(charger: str, number: int, fields: Fields) -> Response:
        """A car draws `amps` on terminals L1, L2, L3; an electrician changes `wired`; the charger's own meter."""
        one = _connector(world.state.charger_called(charger), number)
        circuit, given = world.state.circuits[one.id], _parsed(CircuitSeed, fields)
        circuit.wired = given.wired or circuit.wired
        for name in given.model_fields_set & {"reports", "has_readings"}:
            setattr(circuit, name, getattr(given, name))
        if "amps" in given.model_fields_set:
            world.state.draw(one, given.amps)
        return JSONResponse({**vars(circuit), "status": one.status})

    @router.put("/sites/{site}/groups/{group}/meter")
    async def put_meter(site: str, group: int, fields: Fields) -> Response:
        one = world.state.site(site).group(group)
        number = one.meter_id or max(world.state.meters, default=0) + 1
        meter = meter_of(_parsed(MeterSeed, fields), number)
        world.state.attach_meter(one, meter)
        return JSONResponse(vars(meter))

    @router.delete("/sites/{site}/groups/{group}/meter")
    async def remove_meter(site: str, group: int) -> Response:
        world.state.detach_meter(world.state.site(site).group(group))
        return Response(status_code=204)


def _access(router: APIRouter, world: World) -> None:
    def shown(text: str) -> dict[str, Any]:
        token = world.state.tokens.get(text)
        if token is None:
            raise ControlError(404, "no such token")
        return {"user": token.user.name, "access": token.access, "revoked": token.revoked, "client": token.client_id}

    @router.get("/tokens")
    async def list_tokens() -> Response:
        return JSONResponse({text: shown(text) for text in world.state.tokens})

    @router.get("/tokens/{token}")
    async def show_token(token: str) -> Response:
        return JSONResponse(shown(token))

    @router.put("/tokens/{token}")
    async def put_token(token: str, fields: Fields) -> Response:
        given = _parsed(TokenSeed, fields)
        set_token(world.state, token, given.user, dict(given.access), revoked=given.revoked)
        return JSONResponse(shown(token))

    @router.put("/clients/{client_id}")
    async def put_client(client_id: str, fields: Fields) -> Response:
        given = _parsed(ClientSeed, fields)
        user = user_called(world.state, given.user)
        tokens = set(given.refresh_tokens)
        client = Client(given.client_secret, user, dict(given.access), given.token_lifetime_seconds, tokens)
        set_client(world.state, client_id, client)
        return JSONResponse(given.model_dump(exclude={"client_secret", "refresh_tokens"}))

    @router.post("/clients/{client_id}/revoke-tokens")
    async def revoke_tokens(client_id: str) -> Response:
        return JSONResponse({"revoked": world.state.revoke_tokens_of(client_id)})


def _behaviour(router: APIRouter, world: World) -> None:
    @router.post("/faults")
    async def add_fault(fields: Fields) -> Response:
        fault = _parsed(Fault, fields)
        world.faults.add(fault)
        return JSONResponse(fault.model_dump(mode="json"), 201)

    @router.get("/faults")
    async def list_faults() -> Response:
        return JSONResponse({"faults": world.faults.report()})

    @router.delete("/faults")
    async def clear_faults() -> Response:
        world.faults.clear()
        return Response(status_code=204)

    @router.get("/switches")
    async def show_switches() -> Response:
        return JSONResponse(world.switches.model_dump())

    @router.put("/switches")
    async def set_switches(fields: Fields) -> Response:
        world.switches = _parsed(Switches, {**world.switches.model_dump(), **fields})
        return JSONResponse(world.switches.model_dump())


def _only(known: set[str], fields: dict[str, Any]) -> None:
    unknown = sorted(set(fields) - known)
    if unknown:
        raise ControlError(422, f"unknown key {unknown[0]!r}; known here: {', '.join(sorted(known))}")


def _parsed(model: type[Any], fields: dict[str, Any]) -> Any:
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise ControlError(422, problem_in(error, model)) from None


def _edit(world: World, thing: Connector | Charger | Group, fields: dict[str, Any]) -> None:
    try:
        world.state.edit(thing, fields)
    except KeyError as error:
        name, known = error.args
        raise ControlError(422, f"unknown key {name!r}; known here: {', '.join(known)}") from None


def _connector(charger: Charger, number: int) -> Connector:
    try:
        return charger.connector(number)
    except MissingError:
        has = ", ".join(str(one.connector_id) for one in charger.connectors) or "none"
        raise ControlError(404, f"charger {charger.identity} has no connector {number}; it has: {has}") from None
