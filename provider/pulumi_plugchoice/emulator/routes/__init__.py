"""The API's routes: find the object, check the rights, answer in the API's shape."""

from fastapi import APIRouter

from . import chargers, connectors, oauth, sites

api = APIRouter(prefix="/api/v3")
for part in (sites, chargers, connectors):
    api.include_router(part.router)

host_root = oauth.router

__all__ = ["api", "host_root"]
