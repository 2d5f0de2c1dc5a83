"""A handle on an emulator process: requests to its API, to its control endpoints, and over a bare socket."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests
from pulumi_plugchoice.emulator.testing import RefusedError

if TYPE_CHECKING:
    from pulumi_plugchoice.emulator.testing import Emulator

TOKEN = "demo-token"
HIDDEN = "5f0c3c1e-0000-4000-8000-000000000027"
READ_ONLY = "5f0c3c1e-0000-4000-8000-000000000028"
ABSENT = "00000000-0000-4000-8000-000000000000"
GOOD = {"phase_rotation": "STR", "max_amperage": 20}


class Lab:
    """An emulator with the default seed, and the ids of that seed."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.base_url = emulator.base_url
        self.origin = self.base_url.removesuffix("/api")
        self.refresh_ids()

    def refresh_ids(self) -> None:
        """Learn the first site, and charger UUIDs by identity."""
        rows = self.rows()
        self.site: str = rows[0]["site"]
        self.by_identity: dict[str, str] = {row["identity"]: row["charger"] for row in rows}
        self.charger: str = rows[0]["charger"]

    # The API

    def api(
        self, method: str, path: str, *, token: str | None = TOKEN, timeout: float = 10, **more: Any
    ) -> requests.Response:
        """Ask the API as a careful client does, on a connection of its own."""
        headers = {"Accept": "application/json", **more.pop("headers", {})}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        root = self.origin if path.startswith("/oauth") else self.base_url
        return requests.request(method, root + path, headers=headers, allow_redirects=False, timeout=timeout, **more)

    def get(self, path: str, **more: Any) -> requests.Response:
        return self.api("GET", path, **more)

    def put(self, body: Any = None, *, charger: str | None = None, number: int | str = 1, **more: Any) -> Any:
        """PUT a connector: the first one of the seed unless told."""
        path = f"/v3/chargers/{charger or self.charger}/connectors/{number}"
        return self.api("PUT", path, json=GOOD if body is None else body, **more)

    def pages(self, path: str) -> list[dict[str, Any]]:
        """Every page of a list of shape A, by following `links.next`."""
        pages = [self.get(path).json()]
        while pages[-1]["links"]["next"]:
            pages.append(self.get(pages[-1]["links"]["next"].removeprefix(self.base_url)).json())
        return pages

    def live(self) -> tuple[str | None, int | None]:
        """Rotation and amperage of the first connector of the seed."""
        row = next(row for row in self.rows() if row["charger"] == self.charger)
        return row["phase_rotation"], row["max_amperage"]

    # The side door

    def control(self, method: str, path: str, body: Any = None, *, status: int | None = None) -> Any:
        """Ask a control endpoint; with `status` it has to refuse with that."""
        if status is None:
            return self.emulator.control(method, path, body)
        with pytest.raises(RefusedError) as refused:
            self.emulator.control(method, path, body)
        assert refused.value.status == status
        return refused.value.answer

    def rows(self) -> list[dict[str, Any]]:
        """The flat list of connectors."""
        return self.emulator.connectors()

    def switch(self, **switches: Any) -> None:
        self.control("PUT", "/switches", switches)

    def fault(self, kind: str, **more: Any) -> None:
        self.emulator.fault(kind, **more)

    def seed(self, seed: dict[str, Any]) -> None:
        self.emulator.reset(seed)
        self.refresh_ids()

    def log(self) -> list[dict[str, Any]]:
        """The requests so far."""
        return self.emulator.requests()

    # A bare socket

    def raw(self, method: str, path: str, body: Any = None) -> tuple[bytes, str]:
        """What comes back byte for byte, and how the connection ended: "closed" or "reset"."""
        content = json.dumps(body).encode() if body is not None else b""
        address = urlsplit(self.base_url)
        head = (
            f"{method} {address.path}{path} HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {TOKEN}\r\n"
            f"Accept: application/json\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n"
            "Connection: close\r\n\r\n"
        )
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as connection:
            connection.sendall(head.encode() + content)
            received = b""
            try:
                while part := connection.recv(65536):
                    received += part
            except ConnectionResetError:
                return received, "reset"
            return received, "closed"
