"""The API's routes, thin: find, check, shape."""

from fastapi import APIRouter

from . import account, chargers, connectors, oauth, sites

api = APIRouter(prefix="/api/v3")
for part in (account, sites, chargers, connectors):
    api.include_router(part.router)

host_root = oauth.router

__all__ = ["api", "host_root"]
